"""A recording read while it is written: in pieces of any size, damaged anywhere, never a wrong sample."""

from __future__ import annotations

import gzip
import zlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui import __version__
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.host.snapshot_builder import Tick
from fragtui.sources.recording.format import MARK, NotARecording
from fragtui.sources.recording.reader import RecordedEvent
from fragtui.sources.recording.recorder import Recorder
from fragtui.sources.recording.stream import StreamDecoder, Streamed, StreamStart
from tests.support.examples import examples
from tests.support.host_tree import HostTree

TICKS = 250
"""Three segments."""


class Pipe:
    """What a recorder writes."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def append(self, data: bytes) -> None:
        self.pieces.append(data)


@cache
def written() -> tuple[bytes, ...]:
    """Return a stream in the pieces in which it is written: a sample a second, an audit line every tenth."""
    with TemporaryDirectory() as folder:
        tree = HostTree.small(Path(folder))
        reader = NodeReader(Path(folder))
        ticks: list[Tick] = []
        reader.on_tick = ticks.append
        recorder, pipe = Recorder(reader.host, kept=0, flush_seconds=0.0), Pipe()
        recorder.write_to(pipe)  # type: ignore[arg-type]
        for index in range(TICKS):
            if index % 50 == 0:
                tree.zones[1].free_blocks = (index, *tree.zones[1].free_blocks[1:])
                tree.write()
                reader.sample()
            recorder.take_tick(ticks[-1]._replace(time=1_700_000_000.0 + index, monotonic=5000.0 + index))
            if index % 10 == 0:
                recorder._event("R", [f"line {index}"], 5000.0 + index)
    return tuple(pipe.pieces)


def decoded(*pieces: bytes) -> list[Streamed]:
    decoder = StreamDecoder()
    return [item for piece in pieces for item in decoder.feed(piece)]


@cache
def whole() -> list[Streamed]:
    return decoded(*written())


def test_every_sample_is_there_as_soon_as_it_is_written() -> None:
    decoder, seen = StreamDecoder(), 0
    for piece in written():
        seen += sum(isinstance(item, Tick) for item in decoder.feed(piece))
        assert seen >= 1
    start, *rest = whole()
    assert isinstance(start, StreamStart) and start.host.name == "node-7" and start.version == __version__
    assert [tick.monotonic for tick in rest if isinstance(tick, Tick)] == [5000.0 + index for index in range(TICKS)]
    assert [event.facts for event in rest if isinstance(event, RecordedEvent)][:2] == [("line 0",), ("line 10",)]
    assert decoder.damaged == 0


@given(st.lists(st.integers(1, 4000), max_size=40))
@examples(30)
def test_the_sizes_of_the_pieces_do_not_matter(sizes: list[int]) -> None:
    data, pieces = b"".join(written()), []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    assert decoded(*pieces, data) == whole()


@given(st.data())
@examples(40)
def test_damage_costs_samples_and_makes_none_up(data: st.DataObject) -> None:
    stream = bytearray(b"".join(written()))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(stream) - 1))
        end = place + data.draw(st.integers(0, 200))
        stream[place:end] = data.draw(st.binary(max_size=200))
    try:
        items = decoded(bytes(stream))
    except NotARecording:
        return
    assert all(item in whole() for item in items)


def test_after_damage_the_next_segment_is_read() -> None:
    stream = bytearray(b"".join(written()))
    stream[len(written()[0]) + 40] ^= 0xFF
    decoder = StreamDecoder()
    ticks = [item for item in decoder.feed(bytes(stream)) if isinstance(item, Tick)]
    assert decoder.damaged == 1
    assert [tick.monotonic for tick in ticks[-130:]] == [5000.0 + index for index in range(120, TICKS)]


def test_what_the_remote_shell_prints_first_is_left_out() -> None:
    decoder = StreamDecoder()
    items = [item for piece in (b"Welcome to node-7\n", *written()) for item in decoder.feed(piece)]
    assert items == whole() and decoder.noise == b"Welcome to node-7\n"


def newer() -> bytes:
    line = MARK + b'99,1.0,2.0,{"name":"x"}]\n'
    return gzip.compress(line + b'["C",%d]\n' % zlib.crc32(line))


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        (b"bash: fragtui: command not found\n" * 4000, "not a stream of fragtui record"),
        (newer(), "version 99"),
    ],
    ids=["a shell", "newer"],
)
def test_another_kind_of_stream_is_named(stream: bytes, why: str) -> None:
    with pytest.raises(NotARecording, match=why):
        decoded(stream)


def test_a_bomb_is_skipped_within_bounds() -> None:
    bomb = gzip.compress(MARK + b"x" * (80 << 20))
    assert decoded(bomb, *written()) == whole()
