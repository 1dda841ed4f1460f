"""A trace in a recording: the same sums in the replay, and no crash from a damaged one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.model.tracing.trace_batch import DeniedRequests, Fragmentation, Task, TraceBatch, Waits
from fragtui.model.tracing.trace_tally import TraceTally
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.recording.pods import RecordedPods
from fragtui.sources.recording.reader import RecordedEvent, read_recording
from fragtui.sources.recording.recorder import Recorder
from fragtui.sources.recording.trace import recorded_trace, trace_facts

BATCH = TraceBatch(
    1_700_000_000.5,
    (DeniedRequests(Task("runc", "/kubepods/x"), 9, "GFP_KERNEL|__GFP_NOWARN", "Unmovable", 200),),
    (Fragmentation(Task("hog"), "Unmovable", "Movable", 5, 2, 0, 10),),
    (Waits(Task("db"), None, "compaction", 3, 0.25, 0.125),),
    lost=4,
    parts=("waits: no event",),
)


def event(facts: list[Any]) -> RecordedEvent:
    return RecordedEvent(1.0, 2.0, "P", tuple(facts))


@pytest.mark.parametrize("batch", [BATCH, TraceBatch(1.0), TraceBatch(2.0, ended=""), TraceBatch(2.0, ended="why")])
def test_a_batch_comes_back_as_it_was(batch: TraceBatch) -> None:
    assert recorded_trace(event(trace_facts(batch))) == batch


def test_a_recording_brings_the_sums_back(root: Path, tmp_path: Path) -> None:
    reader = NodeReader(root)
    recorder = Recorder(reader.host)
    reader.on_tick = recorder.take_tick
    reader.sample()
    recorder.trace(BATCH)
    recorder.save(tmp_path / "x.rec")
    recorder.trace(BATCH)
    recorder.end()
    tally = TraceTally(0.0)
    for recorded in read_recording(tmp_path / "x.rec").events:
        if (batch := recorded_trace(recorded)) is not None:
            tally.take(batch)
    assert tally.denied == 400 and tally.lost == 8 and tally.waits()[0].seconds == 0.5


def test_a_version_without_traces_ignores_it() -> None:
    pods = RecordedPods()
    pods.take(event(trace_facts(BATCH)))
    assert not pods.update(2.0).stuck.pods


def test_other_events_and_invalid_batches_are_none() -> None:
    assert recorded_trace(event(["all"])) is None
    assert recorded_trace(RecordedEvent(1.0, 2.0, "L", tuple(trace_facts(BATCH)))) is None
    for place in range(1, 8):
        facts = trace_facts(BATCH)
        facts[place] = {"x": 1}
        assert recorded_trace(event(facts)) is None


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=9))


@given(st.lists(VALUES, max_size=8))
def test_no_facts_raise_and_texts_are_safe(facts: list[Any]) -> None:
    batch = recorded_trace(event(["trace", *facts]))
    if batch is not None:
        assert all(row.task.comm.isprintable() for row in batch.denied)


def test_a_hostile_recording_moves_no_cursor() -> None:
    hostile = TraceBatch(1.0, (DeniedRequests(Task("\x1b[2J", "\u202e"), 9, "\n", "\x07", 1),), ended="\x1b]0;x\x07")
    batch = recorded_trace(event(trace_facts(hostile)))
    assert batch is not None and batch.ended is not None and batch.ended.isprintable()
    row = batch.denied[0]
    assert all(text.isprintable() for text in (row.task.comm, row.task.cgroup or "", row.flags, row.migratetype))
