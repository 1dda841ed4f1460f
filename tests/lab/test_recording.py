"""A real incident on file: the same verdicts at the same ticks, the refusal, the remedy, the recovery."""

from __future__ import annotations

from pathlib import Path

from fragtui.model.node.verdict import judge_node
from fragtui.model.node.watermark import Verdict
from fragtui.player import find_marks
from fragtui.remedies.replay import ReplayedRemedies
from fragtui.sources.recording.kernel_log import RecordedLog
from fragtui.sources.recording.reader import RecordedReader, read_recording
from tests.support.lab import lab, long
from tests.support.lab_incident import COMM, ORDER, record_incident

pytestmark = [
    *lab,
    long,
]


def test_an_incident_replays_to_the_same_verdicts_at_the_same_ticks(tmp_path: Path) -> None:
    made = record_incident(tmp_path / "incident.rec")
    recording = read_recording(tmp_path / "incident.rec")
    assert not recording.damaged
    assert (tmp_path / "incident.rec").stat().st_size < 300_000
    assert recording.host.name == "node-7"
    reader = RecordedReader(recording)
    replayed = [reader.sample() for _ in recording.ticks]
    live = {snapshot.monotonic: snapshot for snapshot in made.live}
    assert len(replayed) >= len(live) - 1
    kinds = set()
    for snapshot in replayed:
        then = min(live.values(), key=lambda each: abs(each.monotonic - snapshot.monotonic))
        if abs(then.monotonic - snapshot.monotonic) > 0.001:
            continue  # the tick that was running when the recording ended
        for order in (3, 6, ORDER):
            verdict = judge_node(snapshot, order)
            assert verdict == judge_node(then, order)
        kinds.add(judge_node(snapshot, ORDER).kernel)
        assert snapshot.zones == then.zones
    assert {Verdict.FRAGMENTED, Verdict.AVAILABLE} <= kinds, "the test needs fragmentation and its end"
    log = RecordedLog()
    updates = [update for event in recording.events if event.kind == "L" and (update := log.update(event)) is not None]
    found = [incident for each in updates for incident in each.incidents]
    assert [incident.id for incident in found] == [incident.id for incident in made.incidents]
    assert all((incident.comm, incident.order) == (COMM, ORDER) for incident in found)
    remedies = ReplayedRemedies()
    remedied = [event for event in recording.events if event.kind == "R"]
    for snapshot in replayed:
        while remedied and remedied[0].at <= snapshot.monotonic:
            remedies.take(str(remedied.pop(0).facts[0]))
        remedies.see(snapshot)
    assert remedies.remedy_result is not None
    assert remedies.remedy_result.outcome.remedy.id == "drop-caches-3"
    assert (remedies.remedy_result.recovery.gained or 0) > 100
    assert len(find_marks(recording)) >= 1 + bool(made.incidents)
