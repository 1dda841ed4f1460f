"""Which denied requests of a trace the log lacks."""

from fragtui.kernel.reports.report import KernelReport
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident
from fragtui.model.state.not_logged import NOT_LOGGED, not_logged
from fragtui.model.tracing.trace_batch import DeniedRequests, Task, TraceBatch
from fragtui.model.tracing.trace_tally import TraceTally


def traced(*rows: tuple[str, int, str, int]) -> TraceTally:
    tally = TraceTally(100.0)
    denied = tuple(DeniedRequests(Task(comm), order, flags, "Unmovable", count) for comm, order, flags, count in rows)
    tally.take(TraceBatch(110.0, denied))
    return tally


def logged(comm: str, order: int, time: float | None = 105.0, repeated: int = 0) -> Incident:
    report = KernelReport(0, ReportKind.ALLOCATION_FAILURE, comm=comm, order=order)
    return Incident(report, id=f"{comm} {order} {time}", time=time, repeated=repeated)


def test_a_logged_request_is_not_counted_again() -> None:
    tally = traced(("runc", 9, "GFP_KERNEL", 200))
    (group,) = not_logged(tally, [logged("runc", 9, repeated=2), logged("runc", 4), logged("cni", 9)])
    assert group.count == 197 and group.last.cause == NOT_LOGGED and group.last.order == 9
    assert group.last.gfp == ("GFP_KERNEL",) and group.last.comm == "runc"


def test_a_report_from_before_the_trace_takes_nothing() -> None:
    tally = traced(("runc", 9, "GFP_KERNEL", 2))
    assert not_logged(tally, [logged("runc", 9, 99.0), logged("runc", 9, None)])[0].count == 2


def test_a_silent_request_is_never_the_logged_one() -> None:
    tally = traced(("runc", 9, "GFP_KERNEL|__GFP_NOWARN", 5), ("runc", 9, "GFP_KERNEL", 1))
    (group,) = not_logged(tally, [logged("runc", 9)])
    assert group.count == 5 and "fallback" in (group.last.explanation or "")


def test_nothing_is_left_if_all_of_them_are_logged() -> None:
    assert not_logged(traced(("runc", 9, "GFP_KERNEL", 1)), [logged("runc", 9)]) == ()


def test_requests_of_one_program_and_order_are_one_group_the_newest_first() -> None:
    tally = traced(("kworker/1:2", 2, "GFP_ATOMIC", 3), ("kworker/0:1", 2, "GFP_NOWAIT", 4))
    tally.take(TraceBatch(120.0, (DeniedRequests(Task("late"), 3, "", "Movable", 1),)))
    late, workers = not_logged(tally, [])
    assert late.last.comm == "late" and late.last.gfp is None
    assert workers.count == 7 and len(workers.incidents) == 2
