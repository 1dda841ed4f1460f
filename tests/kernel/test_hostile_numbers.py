"""Numbers that no kernel prints, in the kernel's own forms: unknown, and never a larger number than memory holds."""

from __future__ import annotations

import time

from fragtui.kernel.gfp.flags import parse_print_fmt
from fragtui.kernel.procfs.buddyinfo import parse_buddyinfo
from fragtui.kernel.procfs.pagetypeinfo import parse_pagetypeinfo
from fragtui.kernel.reports.dump_lines import parse_buddy_line
from fragtui.kernel.reports.head_lines import parse_failure_head
from fragtui.kernel.reports.report import KernelReport, StackFrame
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.from_report import incident_of
from fragtui.model.failures.refusal import _nodes
from fragtui.sources.kernel_log.kmsg import sequence_of
from fragtui.sources.kernel_log.last_failed_order import newest_order
from fragtui.sources.kernel_log.ring import stream_time

DIGITS = "9" * 5000


def test_an_order_that_no_kernel_has_is_unknown() -> None:
    for order in ("64", "9999"):
        head = parse_failure_head(f"x: page allocation failure: order:{order}, mode:0xcc0(GFP_KERNEL)")
        assert head is not None and head.request.order is None
    head = parse_failure_head("x: page allocation failure: order:10, mode:0xcc0(GFP_KERNEL)")
    assert head is not None and head.request.order == 10


def test_a_veth_failure_of_a_negative_order_has_no_size() -> None:
    stack = tuple(StackFrame(name) for name in ("__kmalloc", "veth_alloc_queues", "veth_newlink", "rtnl_newlink"))
    incident = incident_of(KernelReport(1, ReportKind.ALLOCATION_FAILURE, comm="runc", order=-1, stack=stack))
    assert incident.cause == "veth" and incident.explanation


def test_check_takes_no_order_from_the_ring_that_no_kernel_has() -> None:
    record = b"4,1,5,-;x: page allocation failure: order:%s, mode:0xcc0"
    assert newest_order((record % b"99999999999999999999",), 0) is None
    assert newest_order((record % b"4",), 0) == 4


def test_a_row_of_a_thousand_orders_is_a_problem_and_no_zone() -> None:
    zones, problems = parse_buddyinfo("Node 0, zone   Normal" + "      1" * 1000 + "\n")
    assert not zones and problems
    info, wrong = parse_pagetypeinfo("Node    0, zone   Normal, type    Movable" + "      1" * 1000 + "\n")
    assert not info.free and wrong
    sizes = " ".join(f"1*{4 << order}kB (U)" for order in range(70))
    assert parse_buddy_line(f"Normal: {sizes} = 4kB") is None


def test_shifts_upon_shifts_stay_within_64_bits() -> None:
    began = time.thread_time()
    table = parse_print_fmt("{(unsigned long)1" + "<<63" * 200 + ', "__GFP_HIGH"}')
    assert table is not None and table.bits["__GFP_HIGH"] in range(1 << 64)
    for longer in (1000, 30_000):
        assert parse_print_fmt("{(unsigned long)1" + "<<63" * longer + ', "__GFP_HIGH"}') is None
    assert time.thread_time() - began < 0.5


def test_a_list_of_nodes_names_those_that_a_kernel_can_have() -> None:
    assert _nodes("0-1,3") == frozenset({0, 1, 3})
    assert _nodes("3-0") is None
    for text in ("²", "0-²", "0-99999", DIGITS, "0-", "٣"):
        assert _nodes(text) in (None, frozenset({0}))
    began = time.thread_time()
    _nodes(",".join(["0-1023"] * 2300))
    assert time.thread_time() - began < 0.5


def test_a_record_with_numbers_of_5000_digits_has_no_sequence_and_no_stamp() -> None:
    record = f"4,{DIGITS},{DIGITS},-;x".encode()
    assert sequence_of(record) is None and stream_time(record) is None
    assert stream_time(b"4,1,99999999999999999999,-;x") is None


def test_a_text_of_another_kind_gives_at_most_a_hundred_problems() -> None:
    text = "0\n" * 30_000
    assert len(parse_buddyinfo(text)[1]) == len(parse_pagetypeinfo(text)[1]) == 100
