"""Events of a trace -> rows -> sums."""

from collections.abc import Iterator

import pytest

from fragtui.kernel.tracing.event_lines import TraceEvent, parse_events
from fragtui.model.tracing.trace_batch import DeniedRequests, Fragmentation, Task, TraceBatch, Waits
from fragtui.model.tracing.trace_collector import MAX_OPEN, MAX_ROWS, OTHERS, TraceCollector
from fragtui.model.tracing.trace_tally import MAX_KEYS, MAX_ROWS_KEPT, TraceTally, harm
from fragtui.render.tracing.trace_tables import stalled_words
from tests.support.traces import saved_trace

POD = "/kubepods/pod0e1fd1c8-1b2c-4d3e-8f4a-5b6c7d8e9f00/x"


def collector() -> TraceCollector:
    return TraceCollector(lambda pid, comm: POD if pid == 7 else None)


def event(name: str, at: float = 1.0, comm: str = "runc", pid: int = 7, no_page: bool = False, **fields: object
) -> TraceEvent:  # fmt: skip
    return TraceEvent(comm, pid, at, name, {key: str(value) for key, value in fields.items()}, no_page)


def denied(comm: str = "runc", order: int = 9, flags: str = "GFP_KERNEL") -> TraceEvent:
    return event("mm_page_alloc", comm=comm, no_page=True, order=order, migratetype=0, gfp_flags=flags)


def extfrag(comm: str, wanted: int, taken: int, *, order: int = 0, broken: int = 3, whole: int = 0) -> TraceEvent:
    return event(
        "mm_page_alloc_extfrag", comm=comm, alloc_order=order, fallback_order=broken, alloc_migratetype=wanted,
        fallback_migratetype=taken, fragmenting=int(broken < 9), change_ownership=whole)  # fmt: skip


def tallied(*events: TraceEvent, time: float = 1000.0) -> TraceTally:
    tally, counted = TraceTally(time - 10), collector()
    counted.take(events)
    tally.take(counted.batch(time))
    return tally


def test_denied_requests_are_counted_by_task_order_flags_and_migratetype() -> None:
    tally = tallied(*[denied()] * 3, denied(order=2), denied(flags="GFP_ATOMIC"), denied("cni"))
    assert tally.denied == 6 and dict(tally.denied_by_order) == {9: 5, 2: 1}
    most = max(tally.groups, key=lambda group: group.times)
    assert most[:5] == (Task("runc", POD), 9, "GFP_KERNEL", "Unmovable", 3) and most.last == 1000.0
    assert list(tally.marks) == [1000.0] and tally.exact and tally.running


def test_a_served_request_of_a_foreign_trace_is_not_denied() -> None:
    assert tallied(event("mm_page_alloc", order=3, migratetype=0, gfp_flags="GFP_KERNEL")).denied == 0


def test_more_tasks_than_are_remembered_leave_the_sums_exact() -> None:
    tally, counted = TraceTally(0.0), collector()
    names = [f"task-{number}" for number in range(3 * MAX_KEYS)]
    for start in range(0, len(names), 2 * MAX_ROWS):
        counted.take(denied(name) for name in names[start : start + 2 * MAX_ROWS])
        batch = counted.batch(float(start))
        assert len(batch.denied) <= MAX_ROWS + 1
        tally.take(batch)
    assert tally.denied == len(names) == sum(group.times for group in tally.groups)
    assert len(tally.groups) <= MAX_KEYS + 1
    assert next(group for group in tally.groups if group.task == OTHERS).times > MAX_KEYS


def test_who_puts_unmovable_pages_into_movable_blocks_is_first() -> None:
    mild = [extfrag("dd", 1, 0, broken=10, whole=1)] * 50
    bad = [extfrag("hog", 0, 1, order=0, broken=4), extfrag("hog", 0, 1, order=2, broken=9, whole=1)]
    tally = tallied(*mild, *bad)
    first, second = tally.fragmenters()
    assert first == Fragmentation(Task("hog", POD), "Unmovable", "Movable", 2, 1, 2, 9) and harm(first) == 2
    assert second.task.comm == "dd" and second.times == 50 and second.mixed == 0 and harm(second) == 0


def test_before_4_4_migratetypes_have_other_numbers() -> None:
    counted = TraceCollector(lambda pid, comm: None, old_migratetypes=True)
    counted.take([extfrag("x", 1, 2)])
    assert counted.batch(0.0).fragmented[0][1:3] == ("Reclaimable", "Movable")
    counted.take([extfrag("x", 77, 2)])
    assert counted.batch(0.0).fragmented[0].wanted == "unknown"


def reclaim(begin: float, end: float, order: int = 3) -> Iterator[TraceEvent]:
    yield event("mm_vmscan_direct_reclaim_begin", begin, order=order, gfp_flags="GFP_KERNEL")
    yield event("mm_vmscan_direct_reclaim_end", end, nr_reclaimed=32)


def test_waits_are_measured_from_begin_to_end_also_over_batches() -> None:
    counted = collector()
    counted.take([*reclaim(1.0, 1.25), *reclaim(2.0, 2.5)])
    assert counted.batch(0.0).waited == (Waits(Task("runc", POD), 3, "reclaim", 2, 0.75, 0.5),)
    begin, end = reclaim(3.0, 5.0)
    counted.take([begin])
    assert counted.batch(0.0).waited[0][3:] == (1, 0.0, 0.0)
    counted.take([end])
    assert counted.batch(0.0).waited[0][3:] == (0, 2.0, 2.0)


def test_an_end_without_its_begin_is_no_wait() -> None:
    assert not tallied(event("mm_vmscan_direct_reclaim_end", nr_reclaimed=1), event("mm_compaction_end")).waits()


def test_compaction_is_a_wait_only_of_who_asked_for_a_block() -> None:
    """kcompactd and compact_memory compact without a request: no stall in vmstat either."""
    assert not tallied(event("mm_compaction_begin", 1.0), event("mm_compaction_end", 2.0)).waits()
    attempt = event("mm_compaction_try_to_compact_pages", 1.0, order=9, gfp_mask="GFP_KERNEL", priority=1)
    assert not tallied(attempt).waits()
    two_zones = [event("mm_compaction_begin", 1.1), event("mm_compaction_end", 1.2),
                 event("mm_compaction_begin", 1.3), event("mm_compaction_end", 1.6)]  # fmt: skip
    (wait,) = tallied(attempt, *two_zones).waits()
    assert wait[:4] == (Task("runc", POD), 9, "compaction", 1)
    assert wait.seconds == pytest.approx(0.5) and wait.longest == pytest.approx(0.3), "from the attempt on"
    deferred = event("mm_compaction_deferred", 1.05, order=9)
    assert not tallied(deferred).waits(), "of kcompactd"
    assert tallied(attempt, deferred, deferred).waits()[0][3:] == (1, 0.0, 0.0)
    assert tallied(attempt, deferred, *two_zones).waits()[0].times == 1
    late = [event("mm_compaction_begin", 9.1), event("mm_compaction_end", 9.2)]
    assert tallied(attempt, *late).waits() == ()


def test_begins_without_an_end_take_flat_memory() -> None:
    counted = collector()
    for pid in range(3 * MAX_OPEN):
        counted.take([event("mm_vmscan_direct_reclaim_begin", pid=pid, order=0)])
    assert len(counted._begun) == MAX_OPEN
    assert sum(row.times for row in counted.batch(0.0).waited) == 3 * MAX_OPEN


def test_the_sums_of_a_real_trace_agree_with_vmstat() -> None:
    """6.1: allocstall_movable 17, compact_stall 0; 6.12: allocstall_movable 1, compact_stall 1 (same boot)."""
    for kernel, reclaims, compactions in (("6.1", 17, 0), ("6.12", 1, 1)):
        tally = tallied(*parse_events(saved_trace(kernel))[0])
        counts = {wait.kind: wait.times for wait in tally.waits()}
        assert counts.get("reclaim", 0) == reclaims and counts.get("compaction", 0) == compactions
        assert tally.denied == 1 and tally.groups[0].order == 9


def test_what_a_remedy_stalled_is_the_waits_of_its_time() -> None:
    tally = TraceTally(0.0)
    for second, comm, seconds in ((10.0, "db", 0.2), (20.0, "db", 0.5), (25.9, "web", 0.7), (30.0, "db", 0.1)):
        tally.take(TraceBatch(second, waited=(Waits(Task(comm), 9, "compaction", 1, seconds, seconds),)))
    stalled = tally.stalled(15.0, 25.0)
    assert stalled.seconds == pytest.approx(1.2) and stalled.times == 2
    assert stalled.most is not None and stalled.most.task.comm == "web"
    assert tally.stalled(40.0, 50.0).most is None
    words = stalled_words(tally, 15.0, 25.0, 4096)
    assert words == "2 waits of other requests, 1.2s in sum; longest: web, 0.7s of compaction for 2M (order 9)"
    assert "no other request waited" in (stalled_words(tally, 40.0, 50.0, 4096) or "")
    assert stalled_words(tally, -1.0, 5.0, 4096) is None, "the trace began later"


def test_old_batches_leave_the_tables_not_the_sums() -> None:
    tally = tallied(extfrag("old", 0, 1), denied(), time=1000.0)
    tally.take(TraceBatch(2000.0, fragmented=(Fragmentation(Task("new"), "Unmovable", "Movable", 1, 1, 0, 3),)))
    assert [row.task.comm for row in tally.fragmenters()] == ["new"] and tally.denied == 1


def test_a_flood_of_tasks_is_remembered_in_flat_memory() -> None:
    tally = TraceTally(0.0)
    for second in range(400):
        rows = tuple(Fragmentation(Task(f"t{second} {n}"), "Unmovable", "Movable", 1, 0, 0, 3) for n in range(100))
        tally.take(TraceBatch(float(second), fragmented=rows))
    kept = sum(len(batch.fragmented) for batch in tally._batches)
    assert kept == MAX_ROWS_KEPT == tally._rows and tally.fragmenters()[0].task.comm.startswith("t")


def test_lost_events_end_exactness_and_the_end_has_its_reason() -> None:
    tally = tallied()
    tally.take(TraceBatch(1001.0, (DeniedRequests(Task("x"), 2, "", "", 5),), lost=7, parts=("a: b",)))
    tally.take(TraceBatch(1002.0, ended="off"))
    assert (
        not tally.exact and tally.lost == 7 and not tally.running and tally.ended == "off" and tally.parts == ("a: b",)
    )
