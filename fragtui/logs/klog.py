"""Lines of the kubelet: glog text (before 1.20) and klog structured (since 1.19), one header for both."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from fragtui.logs.bounded_json import json_text, read_json
from fragtui.logs.go_quoting import quoted_end, read_value, unescape
from fragtui.logs.timestamps import latest_time
from fragtui.text import bounded_int, epoch_seconds

_HEADER = re.compile(
    r"([IWEF])(\d{2})(\d{2}) (\d{2}):(\d{2}):(\d{2})\.(\d{1,9}) +(\d+) ([^\s:\]]+):(\d+)\] ?",
)
# Only at the start of a word: a search that tries each letter of a long word takes quadratic time.
_KEY = re.compile(r"(?<![\w./\-])(?:[^\W_a-zA-Z]|[./\-])*+([A-Za-z_][\w./\-]*+)=")
_MAX_PAIRS = 64


@dataclass(frozen=True, slots=True)
class KlogLine:
    """One klog line. klog prints neither year nor time zone: the clock is the node's local time."""

    severity: str
    """``I``, ``W``, ``E`` or ``F``; some errors are written at ``I``."""
    month: int
    day: int
    second_of_day: float
    pid: int | None
    file: str
    """Go source file that wrote it, without its line: ``pod_workers.go``."""
    message: str
    """The text; only the first, quoted part of a structured line."""
    fields: dict[str, str]
    """Key and value pairs of a structured line, unescaped by one level; empty for text."""
    epoch: float | None = None
    """Epoch seconds; only a JSON line has them."""


def parse_klog(text: str) -> KlogLine | None:
    """Return the klog line that starts at the beginning of `text`, or None. Never raises.

    What was cut off at the end is absent or shortened; the rest is used.
    """
    match = _HEADER.match(text)
    if match is None:
        return None
    severity, month, day, hour, minute, second, fraction, pid, file, _ = match.groups()
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second) + int(fraction) / 10 ** len(fraction)
    body = text[match.end() :]
    message, fields = _split_structured(body) if body.startswith('"') else (body, {})
    return KlogLine(severity, int(month), int(day), seconds, bounded_int(pid), file, message, fields)


def parse_klog_json(text: str) -> KlogLine | None:
    """Return the line of a kubelet with ``--logging-format=json``, or None if the text is not one. Never raises.

    Pods are objects there (``{"name": …, "namespace": …}``) and become ``namespace/name``; other objects stay JSON.
    """
    try:
        loaded = read_json(text)
    except ValueError:
        return None
    if not isinstance(loaded, dict) or not isinstance(loaded.get("ts"), int | float) or "caller" not in loaded:
        return None
    if (epoch := epoch_seconds(loaded["ts"] / 1000)) is None:
        return None
    moment = datetime.fromtimestamp(epoch, UTC)
    second = moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
    fields = {str(key): _spelt(value) for key, value in loaded.items() if key not in ("ts", "caller", "msg", "v")}
    severity = "E" if "err" in loaded else "I"
    file = _spelt(loaded["caller"]).rpartition("/")[2].partition(":")[0]
    message = _spelt(loaded.get("msg", ""))
    return KlogLine(severity, moment.month, moment.day, second, None, file, message, fields, epoch)


def _spelt(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and isinstance(value.get("name"), str) and "ID" not in value:
        namespace = value.get("namespace")
        return f"{namespace}/{value['name']}" if isinstance(namespace, str) and namespace else value["name"]
    if isinstance(value, list):
        return f"[{' '.join(each if isinstance(each, str) else _spelt_item(each) for each in value)}]"
    return json_text(value)


def _spelt_item(value: object) -> str:
    return json_text(value) if isinstance(value, list) else _spelt(value)


def _split_structured(body: str) -> tuple[str, dict[str, str]]:
    end = quoted_end(body, 0)
    message = unescape(body[1:end])
    fields: dict[str, str] = {}
    at = end + 1
    while at < len(body) and len(fields) < _MAX_PAIRS:
        match = _KEY.search(body, at)
        if match is None:
            break
        value, at = read_value(body, match.end())
        fields.setdefault(match.group(1), value)
    return message, fields


def dated(klog: KlogLine, now: float, utc_offset: float = 0.0) -> float | None:
    """Return the moment of a klog line in epoch seconds, the latest one before `now` (plus a day) that fits its date.

    `utc_offset` is how many seconds the node's local time is ahead of UTC.
    """
    if epoch_seconds(now) is None:
        return None
    year = datetime.fromtimestamp(now, UTC).year
    return epoch_seconds(latest_time(lambda year: _time_in(year, klog, utc_offset), year, now))


def _time_in(year: int, klog: KlogLine, utc_offset: float) -> float | None:
    try:
        day = datetime(year, klog.month, klog.day, tzinfo=UTC).timestamp()
    except ValueError:
        return None
    return day + klog.second_of_day - utc_offset


def seconds_near(reference: float, second_of_day: float) -> float:
    """Return the moment nearest to `reference` (epoch seconds) whose clock shows `second_of_day`, in any time zone.

    The log format's timestamp often has whole seconds, the line's own has microseconds but no date or zone. Zones
    differ by multiples of 15 minutes, so only the offset within a quarter of an hour is taken from the line; if
    the two clocks disagree by more than 5 s, the log format's is used.
    """
    offset = (second_of_day - reference + 450) % 900 - 450
    return reference + offset if abs(offset) <= 5 else reference
