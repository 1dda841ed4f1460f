"""Hostile texts of kubelet, runtimes, crictl and the API: at most the text itself is lost."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.cluster.api_objects import read_event, read_event_line, read_pod
from fragtui.cluster.crictl_json import read_sandboxes
from fragtui.cluster.error_ids import pod_in
from fragtui.cluster.event_tables import read_lone_row, read_table_row, table_of
from fragtui.cluster.line_reader import read_line
from fragtui.logs.embedded import embedded_in
from fragtui.logs.klog import dated, parse_klog, parse_klog_json
from fragtui.logs.logfmt import parse_logfmt
from fragtui.logs.own_stamp import own_time
from fragtui.logs.record import LogRecord
from fragtui.sources.pods.saved_objects import read_objects

DIGITS = "9" * 5000
EVENT = {
    "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "web"},
    "reason": "FailedCreatePodSandBox",
    "message": "cannot allocate memory",
    "metadata": {"uid": "u"},
}


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def test_a_klog_line_with_a_pid_of_5000_digits_is_read_without_it() -> None:
    klog = parse_klog(f'E1124 05:14:59.185341   {DIGITS} kuberuntime_sandbox.go:70] "Failed" pod="shop/web"')
    assert klog is not None and klog.pid is None and klog.fields == {"pod": "shop/web"}


@pytest.mark.parametrize("ts", ["1e300", "-1e12", DIGITS, "NaN", "253402300800000"])
def test_a_klog_line_of_a_moment_that_no_calendar_shows_is_none(ts: str) -> None:
    assert parse_klog_json(f'{{"ts": {ts}, "caller": "a.go:1", "msg": "x"}}') is None


def test_no_clock_past_every_calendar_dates_a_klog_line() -> None:
    klog = parse_klog("E1124 05:14:59.185341 1 a.go:70] x")
    assert klog is not None and dated(klog, 1e18) is None


@pytest.mark.parametrize("depth", [300, 900, 960, 980])
def test_values_nested_deep_are_spelt_or_left_out(depth: int) -> None:
    text = "[" * depth + "]" * depth
    parse_klog_json(f'{{"ts": 1.7e12, "caller": {text}, "msg": {text}, "pods": {text}, "x": {{"name": {text}}}}}')
    parse_logfmt(f'{{"msg": {text}, "level": {text}}}')


def test_what_was_quoted_in_a_line_is_safe_to_show() -> None:
    line = r'E1124 05:14:59.1 1 a.go:7] "Failed to create sandbox for pod" err="\x1b[31m\u202e" podUID="a\x0cb"'
    (observation,) = read_line(LogRecord(line))
    assert observation.error.isprintable() and (observation.pod.uid or "").isprintable()


@pytest.mark.parametrize("created", ["9" * 5000, "²", "-1", 1 << 200, 1e300, [], {}, None])
def test_a_sandbox_made_when_no_calendar_shows_has_no_time(created: object) -> None:
    item = {"metadata": {"name": "web", "namespace": "shop"}, "createdAt": created, "state": []}
    (observation,) = read_sandboxes(json.dumps({"items": [item]})) or ()
    assert not observation.time


@pytest.mark.parametrize(
    "thing", [{}, [], {"a": {}}, 7, True, nested(900)], ids=["{}", "[]", "inner", "number", "true", "deep"]
)
@pytest.mark.parametrize("field", ["reason", "message", "count", "metadata"])
def test_an_event_with_an_object_where_a_text_belongs_is_read_without_it(field: str, thing: object) -> None:
    observation = read_event({**EVENT, field: thing})
    assert observation is None or (observation.pod.name == "web" and isinstance(observation.error, str))


@pytest.mark.parametrize(
    "thing", [{}, [], {"a": {}}, 7, True, nested(900)], ids=["{}", "[]", "inner", "number", "true", "deep"]
)
@pytest.mark.parametrize("field", ["reason", "message"])
def test_a_pod_with_an_object_where_a_reason_belongs_is_read_without_it(field: str, thing: object) -> None:
    waiting = {"reason": "CreateContainerError", "message": "x", field: thing}
    containers = [{"name": "c", "image": thing, "state": {"waiting": waiting}}]
    conditions = [{"type": "PodReadyToStartContainers", "status": "True"}]
    pod = {"metadata": {"name": "web"}, "status": {"containerStatuses": containers, "conditions": conditions}}
    observation = read_pod(pod)
    assert observation is not None and observation.pod.name == "web"


HEADERS = (
    "NAMESPACE   LAST SEEN   TYPE   REASON   OBJECT   SUBOBJECT   SOURCE   MESSAGE   FIRST SEEN   COUNT   NAME",
    "LASTSEEN   FIRSTSEEN   COUNT   NAME   KIND   SUBOBJECT   TYPE   REASON   SOURCE   MESSAGE",
    "  Type     Reason  Age  From  Message",
)
PIECES = (
    "a ",
    "a  ",
    " ",
    "1m ",
    "1y1d1h",
    "(x1 over ",
    "a_",
    "k8s_a_",
    "Warning Failed ",
    "kubelet, a ",
    '"',
    '{"ts":',
)
STARTS = ("", "shop 1m Warning Failed pod/a ", "Warning Failed 1m kubelet ", "1m 1m 3 a Pod Warning Failed ")


@pytest.mark.parametrize("piece", PIECES)
def test_a_row_of_16_kib_takes_no_more_than_linear_time(piece: str) -> None:
    text = piece * (16_000 // len(piece))
    begun = time.process_time()
    for start in STARTS:
        read_lone_row(start + text, None, None)
        embedded_in(start + text)
        pod_in(start + text)
        for header in HEADERS:
            row = table_of(header)
            assert row is not None
            read_table_row(row, start + text, None, None)
    assert time.process_time() - begun < 2.0


@given(st.text(alphabet=st.sampled_from('aE0206 09:17.[]{}"=\\,/|_-\t(x'), max_size=200))
def test_no_text_makes_a_table_or_a_line_inside_a_line_fail(text: str) -> None:
    table_of(text)
    own_time(text)
    for header in HEADERS:
        row = table_of(header)
        assert row is not None
        read_table_row(row, text, None, None)
    assert embedded_in(text) is None or len(embedded_in(text) or ()) == 2


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_of_saved_objects_fail(data: bytes) -> None:
    for head in (b"", b"apiVersion: v1\nkind: List\nitems:\n- ", b'{"apiVersion": "v1", "kind": "List", "items": ['):
        observations, why = read_objects(io.BytesIO(head + data))
        assert not observations or why is None
    read_event_line(b'{"involvedObject": ' + data, 1)
