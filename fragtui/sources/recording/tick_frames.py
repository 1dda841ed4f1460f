"""The texts of a tick as the body of a frame: whole once a segment, then the change of their numbers."""

from __future__ import annotations

from dataclasses import dataclass

from fragtui.sources.host.snapshot_builder import FileText, Tick
from fragtui.sources.recording.format import Cursor, put_bytes, put_signed, put_varint
from fragtui.sources.recording.text_delta import NumberedText

_DELTA, _WHOLE, _UNREADABLE = range(3)
_TIMED, _NAMED = 4, 8


@dataclass(slots=True)
class _Last:
    """A file as it was read last."""

    number: int
    file: FileText
    text: NumberedText | None


class TickWriter:
    """Writes the ticks of one segment; the first one carries also the files that it did not read itself."""

    def __init__(self, carried: dict[str, FileText] | None = None) -> None:
        self._carried = carried or {}
        self._files: dict[str, _Last] = {}

    @property
    def last(self) -> dict[str, FileText]:
        """Every file as it was read last, for the next segment."""
        return self._carried | {name: last.file for name, last in self._files.items()}

    def body(self, tick: Tick) -> bytes:
        """Return the body of the tick's frame."""
        files = dict(tick.files)
        if not self._files:
            files = self._carried | files
            self._carried = {}
        out = bytearray(put_varint(round(tick.time * 1e6)))
        for name, file in files.items():
            out += self._entry(name, file, tick.monotonic)
        return bytes(out)

    def _entry(self, name: str, file: FileText, monotonic: float) -> bytes:
        before = self._files.get(name)
        text = NumberedText(file.text) if file.text is not None else None
        form, data = _UNREADABLE, (file.why or "").encode("utf-8", "replace")
        if text is not None:
            delta = None
            if before is not None and before.text is not None and before.file.path == file.path:
                delta = before.text.delta_to(text)
            form, data = (_DELTA, delta) if delta is not None else (_WHOLE, text.text.encode("utf-8", "replace"))
        timed = file.at is not None and file.took is not None
        named = before is None or before.file.path != file.path
        number = before.number if before is not None else len(self._files)
        self._files[name] = _Last(number, file, text)
        out = put_varint(number) + put_varint(form | (_TIMED if timed else 0) | (_NAMED if named else 0))
        if named:
            out += put_bytes(name.encode()) + put_bytes(file.path.encode("utf-8", "replace"))
        if timed:
            out += put_signed(round(((file.at or 0.0) - monotonic) * 1e6)) + put_varint(round((file.took or 0.0) * 1e6))
        return out + put_bytes(data)


class TickReader:
    """Reads what `TickWriter` wrote, tick after tick of one segment."""

    def __init__(self) -> None:
        self._files: dict[int, tuple[str, str, NumberedText | None]] = {}

    def tick(self, body: bytes, monotonic: float) -> Tick:
        """Return the tick; raise ValueError where the body is none that follows on those before."""
        cursor = Cursor(body)
        time = cursor.varint() / 1e6
        files: dict[str, FileText] = {}
        while cursor.more:
            number, form = cursor.varint(), cursor.varint()
            name, path, text = self._files.get(number, ("", "", None))
            if form & _NAMED:
                name, path = (cursor.data().decode("utf-8", "replace") for _ in range(2))
            elif number not in self._files:
                raise ValueError("no name for a file")
            at = took = None
            if form & _TIMED:
                at, took = monotonic + cursor.signed() / 1e6, cursor.varint() / 1e6
            data, form, why = cursor.data(), form & 3, None
            if form == _DELTA:
                if text is None:
                    raise ValueError("a change of nothing")
                text = text.changed_by(data)
            elif form == _WHOLE:
                text = NumberedText(data.decode("utf-8", "replace"))
            else:
                text, why = None, data.decode("utf-8", "replace")
            self._files[number] = (name, path, text)
            files[name] = FileText(path, text.text if text is not None else None, why, at, took)
        return Tick(time, monotonic, files)


def tick_time(body: bytes) -> float:
    """Return the wall clock of a tick without reading the rest."""
    return Cursor(body).varint() / 1e6
