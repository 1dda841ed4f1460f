"""Packing the ticks and events of one segment of a recording."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from fragtui.sources.host.snapshot_builder import FileText, Tick
from fragtui.sources.recording.format import Deflater, put_bytes, put_signed
from fragtui.sources.recording.tick_frames import TickWriter

RecordedEvent = tuple[str, float, list[object]]
"""A frame that is no tick: its kind, monotonic seconds, its facts."""


class SegmentWriter:
    """Packs what belongs to the segment that began at `begun` (monotonic seconds).

    `carried` are the files as they were read last before it: it needs no segment before it.
    """

    def __init__(self, begun: float, carried: Mapping[str, FileText]) -> None:
        self._begun = begun
        self._ticks = TickWriter(dict(carried))
        self._deflater = Deflater()

    @property
    def last(self) -> Mapping[str, FileText]:
        """Every file as it was read last, for the next segment."""
        return self._ticks.last

    def chunk(self, told: Iterable[Tick | RecordedEvent]) -> bytes:
        """Return the next chunk."""
        frames = bytearray()
        for each in told:
            if isinstance(each, Tick):
                frames += self._frame("T", each.monotonic, self._ticks.body(each))
            else:
                kind, at, facts = each
                frames += self._frame(kind, at, json.dumps(facts, separators=(",", ":")).encode())
        return self._deflater.chunk(bytes(frames))

    def _frame(self, kind: str, at: float, body: bytes) -> bytes:
        return kind.encode() + put_bytes(put_signed(round((at - self._begun) * 1e6)) + body)
