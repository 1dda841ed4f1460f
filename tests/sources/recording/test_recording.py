"""A recording reads back what was written, up to the byte at which it was cut, and never anything else."""

from __future__ import annotations

import gzip
import json
import os
import random
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.model.failures.failure_list import FailureList
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.snapshot import Host, Snapshot
from fragtui.model.node.source_state import SourceState
from fragtui.model.node.verdict import judge_node
from fragtui.player import Moment, Player
from fragtui.render.source_text import no_denials, no_stuck_pods
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.host.snapshot_builder import FileText, Tick
from fragtui.sources.recording.format import _PIECE, NotARecording, SegmentWriter, TickReader
from fragtui.sources.recording.pods import RecordedPods
from fragtui.sources.recording.reader import (
    RecordedEvent,
    RecordedReader,
    Recording,
    parse_recording,
    read_recording,
)
from fragtui.sources.recording.recorder import FLUSH_SECONDS, SEGMENT_SECONDS, Recorder
from tests.sources.pods.test_runtime_log import failure
from tests.support.host_tree import FRAGMENTED, HEALTHY, HostTree
from tests.support.pod_sink import until

HOST = Host("node-7", "6.8.0-45-generic", None, 4096)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
numbers = st.integers(0, 1 << 70).map(str) | st.from_regex(r"\A[ 0]{0,3}\d{1,5}( kB)?\Z")
texts = st.lists(st.one_of(words, numbers, st.sampled_from(["x 1", " ", "\n", "\r", "\u2028"])), max_size=12).map(
    "".join
)


@given(st.lists(st.integers(0, 10**6 - 1), min_size=1, max_size=20), st.data())
def test_counters_that_move_are_kept_as_differences(values: list[int], data: st.DataObject) -> None:
    moved = data.draw(st.lists(st.integers(0, 10**6 - 1), min_size=len(values), max_size=len(values)))
    for form in ("nr_{} {}\n", "{}: {} kB\n"):
        old, new = (
            Tick(1.7e9, at, {"vmstat": FileText("p", "".join(form.format("x", value) for value in row))})
            for at, row in ((1.0, values), (2.0, moved))
        )
        lines = gzip.decompress(SegmentWriter(HOST, old, {}).pack([old, new], end=True)).splitlines()
        change = json.loads(lines[2])[3]["vmstat"]
        assert change["changes"] == [now - was for was, now in zip(values, moved, strict=True) if was != now]
        reader = TickReader()
        assert [reader.tick(line, 1.0, 1.7e9).files for line in lines[1:3]] == [old.files, new.files]


ticks = st.lists(
    st.dictionaries(
        st.sampled_from(["buddyinfo", "zoneinfo", "vmstat", "pressure/memory"]), st.one_of(st.none(), texts), max_size=4
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.slow
@settings(deadline=None)
@given(ticks, st.floats(0.2, 100))
def test_every_text_reads_back_through_any_number_of_segments(
    tmp_path_factory: pytest.TempPathFactory, written: list[dict[str, str | None]], step: float
) -> None:
    recorder = Recorder(HOST)
    path = tmp_path_factory.mktemp("rec") / "x.rec"
    for index, files in enumerate(written):
        texts = {
            name: FileText(f"/proc/{name}", text, None if text is not None else "no such file or directory")
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
        # A segment repeats the text that was read last.
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
        tick = caught[-1]._replace(time=1.7e9 + index * step, monotonic=100.0 + index * step)
        if index == 5:
            tick = tick._replace(
                files={**tick.files, "vmstat": FileText("/proc/vmstat", None, "no such file or directory")}
            )
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
    assert live[5].why("vmstat") == "no such file or directory"
    assert live[3] != live[9]
    for place in (9, 2, 11, 0, 7, 6):
        reader.seek(place)
        found = reader.sample()
        assert judge_node(found, 4) == judge_node(live[place], 4)
        assert found.zone_infos == live[place].zone_infos
        assert (found.page_types is None) == (live[place].page_types is None)


def texts_of(recording: Recording) -> list[Tick]:
    reader = RecordedReader(recording)
    return [reader._read() for _ in recording.ticks]


@pytest.mark.slow
def test_a_file_cut_at_any_byte_reads_up_to_the_cut(tmp_path: Path) -> None:
    path, _ = recorded(tmp_path)
    data = path.read_bytes()
    whole = parse_recording(data)
    whole_texts = texts_of(whole)
    counts = []
    for cut in range(len(data) + 1):
        try:
            found = parse_recording(data[:cut])
        except NotARecording as problem:
            assert "cut too early" in str(problem)
            counts.append(0)
            continue
        if counts[-1] != len(found.ticks) or cut % 100 == 0:
            assert texts_of(found) == whole_texts[: len(found.ticks)]
        counts.append(len(found.ticks))
        assert found.ticks == whole.ticks[: len(found.ticks)]
        assert found.events == whole.events[: len(found.events)]
        # At the end of a segment nothing shows whether another followed.
        assert found.damaged or cut in {len(data), *(tick.start for tick in whole.ticks)}
    assert counts == sorted(counts)
    assert counts[-1] == len(whole.ticks)
    assert counts[len(data) // 2] > 0
    assert not whole.damaged


def test_a_cut_costs_at_most_the_last_flush(tmp_path: Path) -> None:
    path, _ = recorded(tmp_path, step=FLUSH_SECONDS / 2)
    data = path.read_bytes()
    begin = data.index(b"\x00\x00\xff\xff")  # The end of a flush.
    counts = {len(found.ticks) if (found := readable(data[:cut])) else 0 for cut in range(begin, len(data) + 1)}
    assert counts == {3, 5, 7, 9, 11, 12}, "two ticks more with each flush, and the first with the first two"


def readable(data: bytes) -> Recording | None:
    try:
        return parse_recording(data)
    except NotARecording:
        return None


@pytest.mark.slow
def test_a_damaged_byte_loses_the_rest_and_is_never_read_as_data(tmp_path: Path) -> None:
    path, _ = recorded(tmp_path)
    data = path.read_bytes()
    whole = parse_recording(data)
    whole_texts = texts_of(whole)
    chance = random.Random(7)
    starts = {tick.start for tick in whole.ticks}
    flips = [(chance.randrange(len(data)), chance.randrange(8)) for _ in range(400)]
    heads = [(start + byte, bit) for start in starts for byte in range(12) for bit in range(8)]
    missed: list[int] = []
    for place, bit in (*flips, *heads):
        damaged = bytearray(data)
        damaged[place] ^= 1 << bit
        if (found := readable(bytes(damaged))) is None:
            continue
        assert found.ticks == whole.ticks[: len(found.ticks)]
        assert texts_of(found) == whole_texts[: len(found.ticks)]
        # Some bits have no effect: gzip's time and system (bytes 3 to 9) and the padding of a flush's last byte.
        assert found.damaged or len(found.ticks) == len(whole.ticks)
        if not found.damaged:
            missed.append(min(place - start for start in starts if start <= place))
    assert sum(not 3 <= place < 10 for place in missed) < 10


def test_damage_in_a_late_flush_leaves_those_before_it(tmp_path: Path) -> None:
    path, _ = recorded(tmp_path, step=FLUSH_SECONDS)
    data = bytearray(path.read_bytes())
    before = parse_recording(bytes(data[: -20 - _PIECE]))
    assert len(before.ticks) >= 8
    data[-20] ^= 0xFF
    found = parse_recording(bytes(data))
    assert found.damaged
    assert found.ticks[: len(before.ticks)] == before.ticks


def test_it_is_gzip_of_json_lines(tmp_path: Path) -> None:
    path, _ = recorded(tmp_path)
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert [line[:2] for line in lines if len(line) == 5] == [["fragtui recording", 2]] * 2
    assert sum(line[0] == "T" for line in lines) == 12
    assert {line[0] for line in lines} == {"fragtui recording", "T", "C"}


def lines_of(*lines: object, host: Host = HOST) -> bytes:
    """Return a recording of one segment and one flush, with these lines after its first."""
    return packed(b"".join(map(line_of, (beginning(host), *lines))))


def line_of(line: object) -> bytes:
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def beginning(host: Host = HOST) -> list[object]:
    facts = {"page_size": host.page_size, "name": host.name, "release": host.release, "page_size_assumed": False}
    return ["fragtui recording", 2, 0.0, 1785e6, facts]


def packed(text: bytes, crc: int | None = None) -> bytes:
    """Return text as a segment of one flush."""
    check = zlib.crc32(text) if crc is None else crc
    return gzip.compress(text + b'["C",%d]\n' % check, 1, mtime=0)


TICK = ["T", 1.5, 1785000000.5, {}]


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read_never_a_crash(data: bytes) -> None:
    begun = line_of(beginning())
    for text in (data, b"\x1f\x8b\x08" + data, gzip.compress(data, 1), packed(data), packed(begun + data)):
        try:
            found = parse_recording(text)
        except NotARecording:
            continue
        assert isinstance(found, Recording)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cut too early"),
        (b"\x7fELF", "not a recording"),
        (b"fragtui recording 1\nxyz", "a recording of an older fragtui; record again"),
        (gzip.compress(b"hello", mtime=0), "not a recording"),
        (gzip.compress(b'["fragtui recording",two,{}]\n', mtime=0), "not a recording"),
        (gzip.compress(b'["fragtui recording",3,{}]\n', mtime=0), "version 3, this fragtui reads version 2"),
        (gzip.compress(b'["fragtui recording",99]\nxyz', mtime=0), "not a recording"),
        (gzip.compress(b'["fragtui recording",99,', mtime=0), "cut too early"),
        (lines_of(TICK)[:40], "cut too early"),
        (lines_of(), "cut too early"),
    ],
)
def test_what_is_no_recording_of_this_version_gets_one_line(data: bytes, why: str) -> None:
    with pytest.raises(NotARecording, match=why) as caught:
        parse_recording(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "lines",
    [
        ([*TICK[:2], "soon", {}],),
        (["T", 1, 1785000000, {}],),
        (["T", 1.5, 99999999999.5, {}],),
        (["X", 1.5, []],),
        (["L", 1.5, {}],),
        (["L", 1e300, []],),
        (["L", None, []],),
        (["R", 1.5, [1]],),
        (beginning(),),
        (["C"],),
        ([],),
        ({},),
    ],
)
def test_a_line_without_sense_ends_what_is_read(lines: tuple[object, ...]) -> None:
    found = parse_recording(lines_of(TICK) + lines_of(TICK, *lines))
    assert len(found.ticks) == 1
    assert found.damaged
    assert len(parse_recording(lines_of(TICK) + lines_of(TICK, ["L", 2.5, []])).ticks) == 2


@pytest.mark.parametrize("page_size", [0, -1, 1 << 30, "4096", None, 1.5])
def test_a_host_without_sense_is_no_recording(page_size: object) -> None:
    with pytest.raises(NotARecording, match="cut too early"):
        parse_recording(lines_of(TICK, host=Host("n", None, None, page_size)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "files",
    [
        {"vmstat": {"lines": [0], "changes": ["x"]}},
        {"meminfo": {"lines": [2], "changes": ["x"]}},
        {"meminfo": {"lines": [1, 1], "changes": ["x", "x"]}},
        {"meminfo": {"lines": [-1], "changes": ["x"]}},
        {"meminfo": {"lines": [1.5], "changes": ["x"]}},
        {"meminfo": {"lines": [10**19], "changes": ["x"]}},
        {"meminfo": {"lines": [0, 1], "changes": ["x"]}},
        {"meminfo": {"lines": [0], "changes": [None]}},
        {"meminfo": {"lines": [0], "changes": [1.5]}},
        {"meminfo": {"lines": [0], "changes": [1]}},
        {"meminfo": {"lines": [0]}},
        {"meminfo": {"lines": {}, "changes": {}}},
        {"meminfo": {"path": "p", "text": 3}},
        {"meminfo": {"path": "p"}},
        {"meminfo": []},
        {str(number): {"path": "p", "text": ""} for number in range(50)},
    ],
)
def test_a_tick_that_does_not_follow_is_a_value_error(files: dict[str, object]) -> None:
    first = ["T", 1.5, 1785000000.5, {"meminfo": {"path": "/proc/meminfo", "text": "a\nb"}}]
    reader = RecordedReader(parse_recording(lines_of(first, ["T", 2.5, 1785000001.5, files])))
    assert reader._read().files["meminfo"].text == "a\nb"
    with pytest.raises(ValueError, match=r"not a|a change of|too much|zip"):
        reader._read()


def test_a_text_with_half_a_character_is_made_whole(tmp_path: Path) -> None:
    text = {"path": "\ud800", "text": "a\ud800"}
    tick = RecordedReader(parse_recording(lines_of(["T", 1.5, 1785000000.5, {"meminfo": text}])))._read()
    assert tick.files["meminfo"] == FileText("?", "a?")


@pytest.mark.slow
def test_a_recording_that_unpacks_to_far_more_than_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fragtui.sources.recording.reader._MAX_MEMORY", 4 << 20)
    monkeypatch.setattr("fragtui.sources.recording.reader._MAX_TEXT", 16 << 20)
    assert parse_recording(lines_of(TICK)).ticks
    whole = ["T", 1.5, 1785000000.5, {"meminfo": {"path": "p", "text": "x" * (1 << 20)}}]
    for data in (
        lines_of(*[TICK] * 20_000),  # More objects than bytes.
        lines_of(TICK, ["L", 1.5, [[]] * 50_000]),
        lines_of(TICK, ["T", 1.5, 1785000000.5, {"meminfo": [[]] * 50_000}]),
        lines_of(TICK, ["T", 1.5, 1785000000.5, {"meminfo": {"path": "p", "text": "x" * (5 << 20)}}]),
        b"".join([lines_of(whole)] * 20),
    ):
        with pytest.raises(NotARecording, match=r"needs more than .* of memory"):
            parse_recording(data)


@pytest.mark.slow
@pytest.mark.timeout(30)
@pytest.mark.parametrize(("piece", "size"), [(b" ", 1 << 28), (b"\n", 1 << 26), (b" " * 1000 + b"\n", 1 << 28)])
def test_a_flush_without_end_is_cut_off_before_it_takes_memory(piece: bytes, size: int) -> None:
    """A line of 256 MiB, 64 million lines, and 256 MiB of lines, in a few hundred KiB."""
    stream = zlib.compressobj(1, zlib.DEFLATED, 31)
    block = piece * ((1 << 20) // len(piece))
    begun = stream.compress(line_of(beginning()) + line_of(TICK))
    data = b"".join([begun, *(stream.compress(block) for _ in range(size >> 20)), stream.flush()])
    tracemalloc.start()
    try:
        with pytest.raises(NotARecording):
            parse_recording(data)
        found = parse_recording(lines_of(TICK) + data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found.ticks) == 1
    assert found.damaged
    assert peak < 140 << 20


@pytest.mark.timeout(20)
def test_only_a_regular_file_of_a_sound_size_is_replayed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(10 << 30)
    for path in (Path("/dev/zero"), Path("/dev/null"), tmp_path / "fifo"):
        with pytest.raises(NotARecording, match="not a regular file"):
            read_recording(path)
    with pytest.raises(NotARecording, match="10G, at most 256 MiB are replayed"):
        read_recording(tmp_path / "sparse")


@pytest.mark.slow
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
    assert next(event.facts[1] for event in found.events) == "open", "each segment repeats the stream"


def events_of(tmp_path: Path, record: Callable[[Recorder], None]) -> tuple[RecordedEvent, ...]:
    recorder = Recorder(HOST)
    tick = Tick(time.time(), time.monotonic(), {"buddyinfo": FileText("/proc/buddyinfo", "")})
    recorder.take_tick(tick)
    record(recorder)
    recorder.save(tmp_path / "x.rec")
    recorder.end()
    return read_recording(tmp_path / "x.rec").events


def test_pods_are_replayed_from_raw_lines_and_from_observations_of_the_api(tmp_path: Path) -> None:
    seen = PodObservation(
        PodFact.FAILED, "api", pod=PodRef("shop", "db-\x1b0", None), error="no memory", time=time.time()
    )

    def record(recorder: Recorder) -> None:
        recorder.learnt(PodRef("shop", "web-1", "11111111-2222-3333-4444-555555555555"))
        recorder.log()([failure("web-1", 1).encode().strip()])
        recorder.observations((seen,))
        recorder.state(SourceState("API", "live", ""))

    pods = RecordedPods()
    for event in events_of(tmp_path, record):
        pods.take(event)
    update = pods.update(time.time() + 60)
    names = {str(pod.ref) for pod in update.stuck.pods}
    assert "shop/web-1" in names
    assert r"shop/db-\x1b0" in names, "a recording may come from anywhere: its words are made printable"
    assert update.sources == (SourceState("API", "live", ""),)


@given(st.lists(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=4)))
def test_invalid_events_are_ignored(facts: list[object]) -> None:
    from fragtui.sources.recording.kernel_log import RecordedLog

    for kind in ("log", "lines", "seen", "learnt", "all", "state", 3):
        RecordedPods().take(RecordedEvent(0.0, 0.0, "P", (kind, *facts)))
    for call in ("open", "kmsg", "line", "news"):
        log = RecordedLog()
        log.update(RecordedEvent(0.0, 0.0, "L", (0, "open", "kmsg", None, None, None)))
        log.update(RecordedEvent(0.0, 0.0, "L", (0, call, *facts)))


def test_a_recording_without_logs_says_so_instead_of_reading_for_ever(tmp_path: Path) -> None:
    path, _ = recorded(tmp_path)
    moments: list[Moment] = []
    player = Player(read_recording(path), moments.append, pytest.fail)
    player.start()
    assert until(lambda: bool(moments))
    player.stop()
    failures = FailureList()
    for step in moments[0].steps:
        if isinstance(step, KernelLogUpdate):
            failures.take(step)
    assert no_denials(failures.state).text == "? unknown: no kernel log in the recording"
    assert moments[0].pods is not None
    assert no_stuck_pods(moments[0].pods.sources).text == "? unknown: no kubelet log in the recording"
