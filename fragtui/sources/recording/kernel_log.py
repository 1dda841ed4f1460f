"""The kernel log of a recording: the recorded calls of its streams are made again."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.sources.kernel_log.incident_stream import IncidentStream
from fragtui.sources.recording.reader import RecordedEvent
from fragtui.text import epoch_seconds, printable

_MAX_STREAMS = 256
"""Streams kept of one recording, the newest: the follower opens one each time it finds its log again."""


class RecordedLog:
    """Makes the updates from the events of kind ``L``, the same as when they were recorded."""

    def __init__(self) -> None:
        self._streams: dict[int, IncidentStream] = {}

    def update(self, event: RecordedEvent) -> KernelLogUpdate | None:
        """Take an event; return the update it completes, or None. Invalid events complete none."""
        try:
            number, name, *arguments = event.facts
            return self._call(_whole(number), name, arguments)
        except (ValueError, TypeError, IndexError):
            return None

    def _call(self, number: int, name: object, arguments: Sequence[object]) -> KernelLogUpdate | None:
        if name == "open":
            source, release, boot, now = arguments
            if number not in self._streams:
                if len(self._streams) >= _MAX_STREAMS:
                    del self._streams[next(iter(self._streams))]
                self._streams[number] = IncidentStream(
                    _text(source) or "", None, _text(release), boot=epoch_seconds(_number(boot)), now=_number(now)
                )
            return None
        if (stream := self._streams.get(number)) is None:
            return None
        if name == "kmsg":
            stream.feed_near_kmsg(_raw(arguments[0]))
        elif name == "line":
            stream.feed_numbered(_raw(arguments[2]), _whole(arguments[0]), bool(arguments[1]))
        elif name == "skip":
            stream.skip()
        elif name == "finish":
            stream.finish()
        elif name == "looked":
            proof, remedy = arguments
            stream.looked(_text(proof) or "", _text(remedy) or "")
        elif name == "news":
            source, lost, since, before, problem = arguments
            return stream.update(
                _text(source) or "", _whole(lost), since=_number(since), before=_number(before), problem=_text(problem)
            )
        return None


def _raw(value: object) -> bytes:
    if not isinstance(value, str):
        raise TypeError("a raw line")
    return value.encode("latin-1")


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError("a text")
    return None if value is None else printable(value)


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("a whole number")
    return value


def _number(value: object) -> float | None:
    if value is not None and not isinstance(value, int | float):
        raise TypeError("a number")
    return None if value is None else float(value)  # `read_json` allows only numbers that a float can hold.
