"""A recording reads back what was written, up to the byte at which it was cut, and never anything else."""

from __future__ import annotations

import os
import random
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.model.node.snapshot import Host, Snapshot
from fragtui.model.node.verdict import judge_node
from fragtui.model.pods.pod_update import SourceState
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.host.snapshot_builder import FileText, Tick
from fragtui.sources.recording.format import (
    HEADER,
    Cursor,
    NotARecording,
    frame_chunk,
    put_bytes,
    put_signed,
    put_varint,
)
from fragtui.sources.recording.pods import RecordedPods
from fragtui.sources.recording.reader import (
    RecordedEvent,
    RecordedReader,
    Recording,
    parse_recording,
    read_recording,
)
from fragtui.sources.recording.recorder import SEGMENT_SECONDS, Recorder
from fragtui.sources.recording.text_delta import NumberedText
from tests.sources.pods.test_runtime_log import failure
from tests.support.host_tree import FRAGMENTED, HEALTHY, HostTree

HOST = Host("node-7", "6.8.0-45-generic", None, 4096)
numbers = st.one_of(st.integers(0, 1 << 70).map(str), st.from_regex(r"\A0{0,3}\d{1,5}\Z"))
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
texts = st.lists(st.one_of(words, numbers, st.sampled_from([" ", "   ", "\n"])), max_size=12).map("".join)


@given(st.integers(-(1 << 76), (1 << 76) - 1))
def test_numbers_of_up_to_77_bits_read_back(value: int) -> None:
    assert Cursor(put_signed(value)).signed() == value
    assert Cursor(put_varint(abs(value))).varint() == abs(value)


@given(texts, texts)
def test_a_delta_makes_exactly_the_new_text(old: str, new: str) -> None:
    delta = NumberedText(old).delta_to(NumberedText(new))
    if delta is not None:
        assert NumberedText(old).changed_by(delta).text == new


@given(st.lists(st.integers(0, 10**6 - 1), min_size=1, max_size=20), st.data())
def test_counters_that_move_need_no_whole_text(values: list[int], data: st.DataObject) -> None:
    moved = data.draw(st.lists(st.integers(0, 10**6 - 1), min_size=len(values), max_size=len(values)))
    for form in ("nr_{} {}\n", "{:<3} {:>6} \n", "Node {} free {:>14}\n"):
        old, new = ("".join(form.format("x", value) for value in each) for each in (values, moved))
        delta = NumberedText(old).delta_to(NumberedText(new))
        assert delta is not None
        assert NumberedText(old).changed_by(delta).text == new


ticks = st.lists(
    st.dictionaries(
        st.sampled_from(["buddyinfo", "zoneinfo", "vmstat", "pressure/memory"]), st.one_of(st.none(), texts), max_size=4
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(ticks, st.floats(0.2, 100))
def test_every_text_reads_back_through_any_number_of_segments(
    tmp_path_factory: pytest.TempPathFactory, written: list[dict[str, str | None]], step: float
) -> None:
    recorder = Recorder(HOST)
    path = tmp_path_factory.mktemp("rec") / "x.rec"
    for index, files in enumerate(written):
        texts = {
            name: FileText(f"/proc/{name}", text, None if text is not None else "not there")
            for name, text in files.items()
        }
        recorder.take_tick(Tick(1e9 + index * step, 5.0 + index * step, texts))
    recorder.save(path)
    recorder.end()
    recording = read_recording(path)
    assert not recording.damaged
    reader = RecordedReader(recording)
    known: dict[str, str | None] = {}
    for files in written:
        tick = reader._read()
        known |= files
        for name, text in files.items():
            assert tick.files[name].text == text
        # What a segment carries over is the text that was read last.
        assert all(file.text == known[name] for name, file in tick.files.items())


def recorded(tmp_path: Path, count: int = 12, step: float = 20.0) -> tuple[Path, list[Snapshot]]:
    """Record a host that goes through fragmentation and back; return the file and the snapshots as live."""
    tree = HostTree.small(tmp_path / "host")
    reader = NodeReader(tmp_path / "host")
    recorder = Recorder(reader.host)
    path = tmp_path / "node.rec"
    caught: list[Tick] = []
    reader.on_tick = caught.append
    live: list[Snapshot] = []
    maker = NodeReader(tmp_path / "host")._maker
    for index in range(count):
        tree.zones[2].free_blocks = FRAGMENTED if 3 <= index < 8 else HEALTHY
        tree.zones[1].free_blocks = tree.zones[2].free_blocks
        tree.write()
        reader.sample(page_types=index % 4 == 0)
        tick = replace(caught[-1], time=1.7e9 + index * step, monotonic=100.0 + index * step)
        if index == 5:
            tick = replace(tick, files={**tick.files, "vmstat": FileText("/proc/vmstat", None, "not there")})
        recorder.take_tick(tick)
        live.append(maker.snapshot(tick))
    recorder.save(path)
    recorder.end()
    return path, live


def verdicts(snapshots: list[Snapshot]) -> list[object]:
    return [[judge_node(snapshot, order) for order in (3, 4, 9)] for snapshot in snapshots]


def test_the_same_verdicts_at_the_same_ticks_also_when_sought(tmp_path: Path) -> None:
    path, live = recorded(tmp_path)
    recording = read_recording(path)
    assert len({tick.segment for tick in recording.ticks}) == 2, "the test needs more than one segment"
    reader = RecordedReader(recording)
    replayed = [reader.sample() for _ in recording.ticks]
    assert verdicts(replayed) == verdicts(live)
    assert [s.time for s in replayed] == pytest.approx([s.time for s in live])
    assert [s.unreadable for s in replayed] == [s.unreadable for s in live]
    assert [s.vmstat for s in replayed] == [s.vmstat for s in live]
    assert live[5].why("vmstat") == "not there"
    assert live[3] != live[9]
    for place in (9, 2, 11, 0, 7, 6):
        reader.seek(place)
        found = reader.sample()
        assert judge_node(found, 4) == judge_node(live[place], 4)
        assert found.zone_infos == live[place].zone_infos
        assert (found.page_types is None) == (live[place].page_types is None)


def test_a_file_cut_at_any_byte_reads_up_to_the_cut(tmp_path: Path) -> None:
    path, _ = recorded(tmp_path)
    data = path.read_bytes()
    whole = parse_recording(data)
    counts = []
    for cut in range(len(data) + 1):
        try:
            found = parse_recording(data[:cut])
        except NotARecording:
            counts.append(0)
            continue
        counts.append(len(found.ticks))
        assert found.ticks == whole.ticks[: len(found.ticks)]
        assert found.events == whole.events[: len(found.events)]
    assert counts == sorted(counts)
    assert counts[-1] == len(whole.ticks)
    assert counts[len(data) // 2] > 0
    # Cut by less than a flush, a recording loses no more than that flush.
    assert counts[-2] < len(whole.ticks)
    assert not whole.damaged


def test_a_damaged_byte_costs_what_follows_and_is_never_taken_for_data(tmp_path: Path) -> None:
    path, _ = recorded(tmp_path)
    data = path.read_bytes()
    whole = parse_recording(data)
    chance = random.Random(7)
    starts = [len(HEADER)]
    while starts[-1] < len(data):
        starts.append(starts[-1] + 8 + (int.from_bytes(data[starts[-1] : starts[-1] + 4], "little") & 0x7FFFFFFF))
    flips = [(chance.randrange(len(HEADER), len(data)), chance.randrange(8)) for _ in range(400)]
    # The highest bit of every length: what begins a segment.
    for place, bit in (*flips, *((start + 3, 7) for start in starts[:-1])):
        damaged = bytearray(data)
        damaged[place] ^= 1 << bit
        try:
            found = parse_recording(bytes(damaged))
        except NotARecording:
            continue
        assert found.ticks == whole.ticks[: len(found.ticks)]
        assert found.damaged


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read_never_a_crash(data: bytes) -> None:
    for text in (data, HEADER + data, HEADER + frame_chunk(True, data), HEADER + frame_chunk(True, deflated(data))):
        try:
            found = parse_recording(text)
        except NotARecording:
            continue
        assert isinstance(found, Recording)


def deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no recording"),
        (b"\x7fELF", "no recording"),
        (b"fragtui recording two\n", "no recording"),
        (b"fragtui recording 2\n", "version 2, this fragtui reads 1"),
        (b"fragtui recording 99\nxyz", "version 99"),
        (HEADER, "cut too early"),
    ],
)
def test_what_is_no_recording_of_this_version_gets_one_line(data: bytes, why: str) -> None:
    with pytest.raises(NotARecording, match=why) as caught:
        parse_recording(data)
    assert "\n" not in str(caught.value)


def begun(*frames: bytes) -> bytes:
    """Return the text of a chunk: a segment's beginning and these frames."""
    beginning = b'[0,1785000000,{"page_size":4096,"name":"n","release":"6.8.0","page_size_assumed":false}]'
    return framed("S", beginning) + b"".join(frames)


def framed(kind: str, body: bytes) -> bytes:
    return kind.encode() + put_bytes(put_signed(0) + body)


def test_a_recording_that_unpacks_to_far_more_than_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fragtui.sources.recording.reader._MOST_MEMORY", 4 << 20)
    tick = framed("T", put_varint(1_785_000_000_000_000))
    assert parse_recording(HEADER + frame_chunk(True, deflated(begun(tick)))).ticks
    for text in (
        begun(tick * 20_000),  # More objects than bytes.
        begun(tick, framed("L", b"[" + b"[]," * 50_000 + b"0]")),
        begun(tick, framed("T", put_varint(1_785_000_000_000_000) + bytes(5 << 20))),
    ):
        with pytest.raises(NotARecording, match=r"needs more than .* of memory"):
            parse_recording(HEADER + frame_chunk(True, deflated(text)))


@pytest.mark.timeout(20)
def test_only_a_regular_file_of_a_sound_size_is_replayed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with (tmp_path / "sparse").open("wb") as file:
        file.write(HEADER)
        file.truncate(10 << 30)
    for path in (Path("/dev/zero"), Path("/dev/null"), tmp_path / "fifo"):
        with pytest.raises(NotARecording, match="is not a regular file"):
            read_recording(path)
    with pytest.raises(NotARecording, match="has 10G, at most 256 MiB are replayed"):
        read_recording(tmp_path / "sparse")


def test_the_ring_forgets_the_oldest_and_stays_whole(tmp_path: Path) -> None:
    recorder = Recorder(HOST, kept=60_000)
    chance = random.Random(1)
    stream = recorder.log_stream()
    stream(("open", "kmsg", None, None, None))
    for second in range(3000):
        text = "".join(f"Node 0, zone {chance.randrange(9)} {chance.randrange(10**6):>8}\n" for _ in range(12))
        recorder.take_tick(Tick(1e9 + second, float(second), {"buddyinfo": FileText("/proc/buddyinfo", text)}))
    assert recorder.remembered < 60_000 + 60_000
    recorder.save(tmp_path / "x.rec")
    recorder.end()
    found = read_recording(tmp_path / "x.rec")
    assert found.ticks[-1].at == 2999
    assert found.ticks[0].at > 100
    assert found.ticks[-1].at - found.ticks[0].at >= SEGMENT_SECONDS - 1
    assert next(event.facts[1] for event in found.events) == "open", "the stream is told again in each segment"


def told(tmp_path: Path, tell: Callable[[Recorder], None]) -> tuple[RecordedEvent, ...]:
    recorder = Recorder(HOST)
    tick = Tick(time.time(), time.monotonic(), {"buddyinfo": FileText("/proc/buddyinfo", "")})
    recorder.take_tick(tick)
    tell(recorder)
    recorder.save(tmp_path / "x.rec")
    recorder.end()
    return read_recording(tmp_path / "x.rec").events


def test_pods_are_told_again_from_raw_lines_and_from_what_the_api_saw(tmp_path: Path) -> None:
    seen = PodObservation(
        PodFact.FAILED, "api", pod=PodRef("shop", "db-\x1b0", None), error="no memory", time=time.time()
    )

    def tell(recorder: Recorder) -> None:
        recorder.learnt(PodRef("shop", "web-1", "11111111-2222-3333-4444-555555555555"))
        recorder.log()([failure("web-1", 1).encode().strip()])
        recorder.seen((seen,))
        recorder.state(SourceState("API", "live", ""))

    pods = RecordedPods()
    for event in told(tmp_path, tell):
        pods.take(event)
    news = pods.news(time.time() + 60)
    names = {str(pod.ref) for pod in news.board.pods}
    assert "shop/web-1" in names
    assert r"shop/db-\x1b0" in names, "a recording may come from anywhere: its words are made printable"
    assert news.sources == (SourceState("API", "live", ""),)


@given(st.lists(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=4)))
def test_events_without_sense_tell_nothing(facts: list[object]) -> None:
    from fragtui.sources.recording.kernel_log import RecordedLog

    for kind in ("log", "lines", "seen", "learnt", "all", "state", 3):
        RecordedPods().take(RecordedEvent(0.0, 0.0, "P", (kind, *facts)))
    for call in ("open", "kmsg", "line", "news"):
        log = RecordedLog()
        log.news(RecordedEvent(0.0, 0.0, "L", (0, "open", "kmsg", None, None, None)))
        log.news(RecordedEvent(0.0, 0.0, "L", (0, call, *facts)))
