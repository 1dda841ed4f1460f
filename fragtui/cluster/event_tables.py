"""Pasted lines: ``kubectl describe`` and ``kubectl get events``, and errors without any prefix."""

from __future__ import annotations

import re

from fragtui.cluster.error_ids import container_id_in, pids_in, pod_group_in, pod_in, sandbox_id_in
from fragtui.cluster.kubelet_lines import EVENT_REASONS
from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef, docker_name_ref
from fragtui.text import bounded_int

_BOX = " \t│┃|║"
_TABLE_ROW = re.compile(
    r"^(?:(\S+)\s+)?(?:\S+\s+)?(?:Warning|Normal)\s+(\w+)\s+(?:(\S+)\s+(?:\(x(\d{1,20}) over (\S+)\)\s+)?)?(.*)$",
)
_AGE = re.compile(r"^(?:(?:\d+y)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?|<invalid>|<unknown>)$")
_FROM = re.compile(r"^(?:kubelet(?:, ?\S+)?|\S+-scheduler|\S+)\s{2,}")
_OBJECT = re.compile(r"^(?:pods?/)([a-z0-9][a-z0-9.\-]*)\s+")
_FREE_TEXT = (
    ("Failed to create pod sandbox", "event"),
    ("Failed create pod sandbox", "event"),
    ("Failed to create sandbox", "event"),
    ("unable to ensure pod container exists", "event"),
    ("Unable to mount volumes for pod", "event"),
    ("failed to create new sandbox", "text"),
    ("unable to unshare namespaces", "nsexec"),
    ("failed to unshare", "nsexec"),
    ("failed to start sandbox container", "text"),
    ("starting container process caused", "text"),
    ("OCI runtime create failed", "text"),
    ("oci runtime error", "text"),
    ("runc create failed", "text"),
    ("get final child's PID from pipe", "text"),
    ("pair interfaces:", "text"),
    ("Error response from daemon: failed to", "text"),
)


def read_event_table_line(text: str, time: float | None, line: int | None) -> tuple[PodObservation, ...]:
    """Return the failure that a line of text or of an events table reports, empty if none. Never raises."""
    text = text.strip(_BOX)
    row = _TABLE_ROW.match(text)
    if row is not None:
        before, reason, age, times, _, rest = row.groups()
        if reason not in EVENT_REASONS:
            return ()
        if age is not None and not _AGE.match(age):
            rest, age = f"{age}  {rest}", None
        named = _OBJECT.match(rest)
        namespace = before if named and before and not _AGE.match(before) else None
        message = rest[named.end() :] if named else _FROM.sub("", rest)
        pod = PodRef(namespace, named.group(1)) if named else PodRef()
        return (_failure(message, "event", pod, time, line, count=(bounded_int(times) if times else None) or 1),)
    for words, step in _FREE_TEXT:
        at = text.find(words)
        if at >= 0:
            return (_failure(text if step != "event" else text[at:], step, PodRef(), time, line, count=None),)
    return ()


def _failure(
    text: str, step: str, pod: PodRef, time: float | None, line: int | None, *, count: int | None
) -> PodObservation:
    named = docker_name_ref(text)
    inside = named[0] if named else (pod_in(text) or pod_group_in(text))
    return PodObservation(
        PodFact.FAILED,
        "event" if step == "event" else "text",
        step,
        pod.merged_with(inside) if pod.may_be(inside) or not pod else pod,
        time,
        line,
        text,
        sandbox_id=sandbox_id_in(text),
        container_id=None if named else container_id_in(text),
        count=count,
        pids=pids_in(text),
    )
