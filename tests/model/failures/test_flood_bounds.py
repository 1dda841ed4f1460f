"""What a flood leaves in memory: every table that outside text fills has an end, and says what it let go."""

from __future__ import annotations

import io
import time

import pytest

from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.cluster.sandbox_attempts import AttemptAssembler
from fragtui.kernel.reports.collector import ReportCollector
from fragtui.kernel.reports.dump_collector import MAX_SOURCES
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.logs.parser import LogParser
from fragtui.model.failures.failure_counts import MAX_OPEN_COUNTS, FailureCounts
from fragtui.model.failures.failure_list import MAX_KEPT_INCIDENTS, FailureList
from fragtui.model.pods.pod_tracker import MAX_PODS, PodTracker
from fragtui.sources.kernel_log.incident_stream import MAX_WAITING, IncidentStream
from fragtui.sources.kernel_log.scan import scan_log
from fragtui.sources.recording.kernel_log import RecordedLog
from fragtui.sources.recording.pods import RecordedPods
from fragtui.sources.recording.reader import RecordedEvent
from tests.support.incidents import kernel_incident
from tests.support.kernel_update import brought

HEAD = "Jul  1 00:00:00 n{0} kernel: task{0}: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL|__GFP_COMP)"


def failed(number: int, at: float, error: str = "cannot allocate memory", **more: object) -> PodObservation:
    settings: dict[str, object] = {"error": error, "sandbox_id": f"{number:064x}"} | more
    return PodObservation(PodFact.FAILED, "kubelet", "worker", PodRef("shop", f"p{number}"), at, **settings)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_full_tracker_keeps_the_pods_that_were_denied_memory_and_counts_the_dropped_ones() -> None:
    tracker = PodTracker()
    for number in range(10):
        tracker.observe(failed(number, 1000.0), 1000.0)
    for number in range(10, 3 * MAX_PODS):
        tracker.observe(failed(number, 1001.0 + number / 1000, "the network plugin is not ready"), 1000.0)
    seen = tracker.snapshot(1010.0)
    assert len(seen.pods) <= MAX_PODS
    assert {f"p{number}" for number in range(10)} <= {pod.name for pod in seen.pods}
    assert f"p{3 * MAX_PODS - 1}" in {pod.name for pod in seen.pods}
    assert seen.dropped == 3 * MAX_PODS - len(seen.pods)


def test_a_pod_dropped_from_a_full_tracker_is_found_under_none_of_its_names() -> None:
    tracker = PodTracker()
    for number in range(2 * MAX_PODS):
        uid = f"{number:08x}-0000-4000-8000-000000000000"
        tracker.observe(
            PodObservation(PodFact.WAITS, "api", "", PodRef("shop", f"p{number}", uid), 1000.0 + number),
            1000.0 + number,
        )
    assert len(tracker._entries) <= MAX_PODS
    assert len(tracker._by_uid) == len(tracker._by_name) == len(tracker._entries)


@pytest.mark.slow
def test_the_list_drops_old_incidents_those_of_other_limits_first_and_counts_all() -> None:
    kept = FailureList()
    for number in range(MAX_KEPT_INCIDENTS + 100):
        kept.take(brought(kernel_incident(ReportKind.OOM, time=float(number), memory=number % 2 == 0, id=f"k{number}")))
    assert len(kept.incidents) == MAX_KEPT_INCIDENTS
    assert (kept.unlisted, kept.failures) == (100, MAX_KEPT_INCIDENTS + 100)
    assert all(kept.incident(f"k{number}") for number in range(0, 200, 2))
    assert not any(kept.incident(f"k{number}") for number in range(1, 200, 2))
    kept.clear()
    assert kept.unlisted == 0


@pytest.mark.slow
def test_an_attempt_that_everything_is_part_of_stays_small() -> None:
    assembler = AttemptAssembler()
    attempt = None
    for number in range(3000):
        attempt = assembler.add(failed(1, 1000.0, sandbox_id=f"{1:064x}", event_id=f"e{number}", count=1)) or attempt
    assert attempt is not None
    assert attempt.observations == 3000
    assert attempt.count is not None and attempt.count <= 64
    assert len(assembler._by_event) <= 1024


@pytest.mark.slow
def test_a_log_with_more_reports_than_an_update_holds_gives_the_newest_and_counts_the_others() -> None:
    stream = IncidentStream("file", None, None, now=time.time())
    text = "\n".join(HEAD.format(number) for number in range(MAX_WAITING + 500)) + "\n"
    scan_log(io.BytesIO(text.encode()), stream)
    found = stream.update("file", 3)
    assert len(found.incidents) == MAX_WAITING
    assert found.incidents[-1].comm == f"task{MAX_WAITING + 499}"
    assert found.lost_records == 503
    assert stream.update("file", 0).lost_records == 0


@pytest.mark.slow
def test_dumps_of_ever_other_hosts_leave_a_bounded_memory() -> None:
    collector, parser = ReportCollector(), LogParser(now=time.time())
    lines = (
        "Jul  1 00:00:00 n{0} kernel: task{0}: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL)",
        "Jul  1 00:00:00 n{0} kernel: CPU: 1 PID: 7 Comm: task{0} Not tainted 6.18.0 #1",
    )
    for number in range(2 * MAX_SOURCES):
        for line in lines:
            for record in parser.feed(line.format(number).encode()):
                collector.feed(record)
    dump = collector._dump
    assert len(dump._tasked) == MAX_SOURCES
    assert len(dump._owner) <= 1024


@pytest.mark.slow
def test_a_binary_field_of_many_lines_is_read_in_linear_time() -> None:
    parser = LogParser()
    parser.feed(b"__REALTIME_TIMESTAMP=1700000000000000")
    parser.feed(b"MESSAGE")
    parser.feed((1 << 20).to_bytes(8, "little"))
    began = time.process_time()
    for _ in range(1 << 18):
        parser.feed(b"")
    assert time.process_time() - began < 5


def test_failures_of_a_flood_are_counted_before_they_are_complete() -> None:
    counts = FailureCounts(0.0)
    kind = ReportKind.ALLOCATION_FAILURE
    for number in range(MAX_OPEN_COUNTS + 500):
        counts.take(brought(kernel_incident(kind, time=1.0, cause="netns", id=f"k{number}")), 1.0)
    assert counts.totals(1.0)["netns"] == 500
    assert counts.totals(10.0)["netns"] == MAX_OPEN_COUNTS + 500


def test_streams_and_logs_of_a_recording_have_an_end() -> None:
    log, pods = RecordedLog(), RecordedPods()
    for number in range(1000):
        log.update(RecordedEvent(0.0, 0.0, "L", (number, "open", "kmsg", None, None, None)))
        pods.take(RecordedEvent(0.0, 0.0, "P", ("log", number, 0.0, 0.0)))
    assert len(log._streams) == len(pods._logs) == 256
