"""One log record -> observations of pod starts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from fragtui.cluster.event_tables import read_lone_row
from fragtui.cluster.free_text import read_free_text
from fragtui.cluster.kubelet_lines import read_kubelet_line
from fragtui.cluster.needles import is_about_a_pod
from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.cluster.runtime_lines import read_runtime_line
from fragtui.logs.embedded import embedded_in
from fragtui.logs.klog import KlogLine, parse_klog, parse_klog_json
from fragtui.logs.logfmt import parse_logfmt
from fragtui.logs.record import LogRecord
from fragtui.logs.timestamps import ISO, iso_time, rfc3339_time
from fragtui.text import LINE_BYTES, printable

_LINE = re.compile(r'[IWEF]\d{4} \d\d:\d\d:|time="\d{4}-|level=[a-z]+ msg=')
_MAX_DEPTH = 3
"""Lines inside lines that are read."""
_MAX_STAMP = 100
"""Characters in which the stamp of what stands before a line is looked for."""


def read_line(record: LogRecord, date: Callable[[KlogLine], float | None] | None = None) -> tuple[PodObservation, ...]:
    """Return the record's observations of pod starts, empty if it has none. Never raises.

    Kubelet (glog, klog), containerd, dockerd and CRI-O (logfmt, JSON), tables of events, and bare error texts
    are distinguished by their form, not by the program's name, which varies. `date` gives the time of a klog line
    without a timestamp of its log format.
    """
    text = record.text.lstrip()
    if record.from_kernel or not is_about_a_pod(text):
        return ()
    return tuple(map(_shown_safely, _read(text, record, date)))


def _shown_safely(observation: PodObservation) -> PodObservation:
    """Return an observation whose texts are safe to show: quoted text in the line may contain any character."""
    pod, error = observation.pod, printable(observation.error, LINE_BYTES)
    safe = PodRef(*(None if each is None else printable(each) for each in (pod.namespace, pod.name, pod.uid)))
    return observation if safe == pod and error == observation.error else replace(observation, pod=safe, error=error)


def _read(
    text: str, record: LogRecord, date: Callable[[KlogLine], float | None] | None, depth: int = 0
) -> tuple[PodObservation, ...]:
    klog = parse_klog_json(text) if text.startswith("{") else parse_klog(text)
    if klog is not None:
        time = klog.epoch if record.time is None else record.time
        if time is None and date is not None:
            time = date(klog)
        return read_kubelet_line(klog, time, record.line)
    fields = parse_logfmt(text)
    if fields is not None:
        message = fields["msg"].lstrip() if "msg" in fields else ""
        if depth < _MAX_DEPTH and _LINE.match(message):  # k0s prints what its components write.
            return _read(message, _timed(record, rfc3339_time(fields.get("time", ""))), date, depth + 1)
        return read_runtime_line(fields, record.program, record.time, record.line)
    inside = embedded_in(text) if depth < _MAX_DEPTH else None
    if inside is not None:
        stamp = ISO.search(inside[0][:_MAX_STAMP])
        return _read(inside[1], _timed(record, iso_time(stamp[0]) if stamp else None), date, depth + 1)
    row = read_lone_row(text, record.time, record.line)
    return read_free_text(text, record.time, record.line) if row is None else row


def _timed(record: LogRecord, time: float | None) -> LogRecord:
    return record if time is None or record.time is not None else replace(record, time=time)
