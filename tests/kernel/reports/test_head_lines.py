"""Head lines of every era."""

from __future__ import annotations

import pytest

from fragtui.kernel.reports.collector import ReportCollector
from fragtui.kernel.reports.head_lines import (
    parse_cpuset_line,
    parse_drop_caches_line,
    parse_failure_head,
    parse_slab_head,
)
from fragtui.kernel.reports.report import KernelReport
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.logs.record import LogRecord

KERNEL = ("GFP_KERNEL", "__GFP_COMP")


@pytest.mark.parametrize(
    ("text", "comm", "order", "mode", "names"),
    [
        ("mysqld: page allocation failure. order:4, mode:0x10c0d0", "mysqld", 4, 0x10C0D0, None),
        ("runc:[1:CHILD]: page allocation failure: order:6, mode:0x10c0d0", "runc:[1:CHILD]", 6, 0x10C0D0, None),
        (
            "Web Content: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL|__GFP_COMP)",
            "Web Content",
            4,
            0x40CC0,
            KERNEL,
        ),
        ("a) b(: page allocation failure: order:0, mode:0x0(), nodemask=(null)", "a) b(", 0, 0, ()),
        ("forwarded <4>node kernel: [1.5] b] : page allocation failure. order:4, mode:0x20", "b] ", 4, 0x20, None),
        ("page allocation failure: order:0 0000000000000000", None, 0, None, None),
        ("__alloc_pages: 3-order allocation failed (gfp=0x1d2/0)", None, 3, 0x1D2, None),
    ],
)
def test_each_head_line_gives_its_request(
    text: str, comm: str | None, order: int, mode: int | None, names: tuple[str, ...] | None
) -> None:
    head = parse_failure_head(text)
    assert head is not None
    assert head.kind is ReportKind.ALLOCATION_FAILURE
    assert (head.comm, head.request.order, head.request.mode, head.request.names) == (comm, order, mode, names)


def test_modern_head_has_nodemask_and_cpuset() -> None:
    head = parse_failure_head(
        "x: page allocation failure: order:5, mode:0x40dc0(GFP_KERNEL), nodemask=0,2-3,cpuset=a,b,mems_allowed=0-3"
    )
    assert head is not None
    assert (head.request.nodemask, head.request.cpuset, head.request.mems_allowed) == ("0,2-3", "a,b", "0-3")


def test_stall_and_vmalloc_lines_are_heads() -> None:
    stall = parse_failure_head("p: page allocation stalls for 190508ms, order:0, mode:0x24200ca(GFP_HIGHUSER_MOVABLE)")
    assert stall is not None
    assert (stall.kind, stall.stalled_ms, stall.comm) == (ReportKind.STALL, 190508, "p")
    for text, what in (
        ("insmod: vmalloc error: size 16384, vm_struct allocation failed, mode:0xcc0(GFP_KERNEL)", "16384 bytes"),
        ("x: vmalloc: allocation failure: 4096 bytes, mode:0x14000c0(GFP_KERNEL)", "4096 bytes"),
        ("vmalloc: allocation failure, allocated 12 of 99 bytes", "12 of 99 bytes"),
        ("vmap allocation for size 8192 failed: use vmalloc=<size> to increase size", "8192 bytes"),
    ):
        head = parse_failure_head(text)
        assert head is not None
        assert head.kind is ReportKind.VMALLOC_FAILURE
        assert head.vmalloc is not None
        assert what in head.vmalloc


def test_slab_heads_of_three_eras() -> None:
    for text in (
        "SLUB: Unable to allocate memory on node -1 (gfp=0x20)",
        "SLUB: Unable to allocate memory on node -1, gfp=0x20(GFP_ATOMIC)",
        "SLUB: Unable to allocate memory on CPU 3 (of node 0) on node -1, gfp=0x20(GFP_ATOMIC)",
        "SLAB: Unable to allocate memory on node 0 (gfp=0x20)",
    ):
        head = parse_slab_head(text)
        assert head is not None
        assert head.request.mode == 0x20


def test_a_cpuset_line_and_a_drop_caches_line_are_parsed() -> None:
    assert parse_cpuset_line("fc_vmm cpuset=x mems_allowed=0") == ("fc_vmm", "x", "0")
    assert parse_cpuset_line("rsyslogd cpuset=") == ("rsyslogd", None, None)
    assert parse_drop_caches_line("bash (1234): drop_caches: 3") == ("bash", 1234, 3)
    assert parse_drop_caches_line("runc:[1:CHILD] (7): drop_caches: 1") == ("runc:[1:CHILD]", 7, 1)
    assert parse_drop_caches_line("a (b) (9): drop_caches: 2") == ("a (b)", 9, 2)
    for text in ("bash (1234): drop_caches: ", "bash (1234): drop_caches: 3 x", "drop_caches: 3"):
        assert parse_drop_caches_line(text) is None


@pytest.mark.parametrize(
    "text", ["", "page allocation", "HugeTLB: allocating 8 of page size 2 MiB failed.", "vmallocinfo"]
)
def test_other_lines_are_no_head(text: str) -> None:
    assert parse_failure_head(text) is None


def test_reports_back_to_back_keep_their_own_zones() -> None:
    collector = ReportCollector()
    found: list[KernelReport] = []
    for number in range(1, 40):
        for text in (
            f"t{number}: page allocation failure: order:3, mode:0x20",
            f"CPU: 0 PID: {number} Comm: t{number} Not tainted 3.10.0 #1",
            "Call Trace:",
            *([f" asks_{number}+0x1/0x2"] * 8),
            "Mem-Info:",
            f"Node 0 Normal free:{number}kB min:1kB low:2kB high:3kB",
            f"Node 0 Normal: {number}*4kB (U) = {number * 4}kB",
            *(["1 pages reserved"] if number % 2 else []),  # Every second one has lost its end.
        ):
            found += collector.feed(LogRecord(text))
    found += collector.finish()
    assert [report.comm for report in found] == [f"t{number}" for number in range(1, 40)]
    for number, report in enumerate(found, 1):
        assert report.pid == number
        assert {frame.symbol for frame in report.stack} == {f"asks_{number}"}
        assert [zone.free_blocks for zone in report.zones] == [(number,)]


def read(*texts: str) -> tuple[KernelReport, ...]:
    collector = ReportCollector()
    return (*[report for text in texts for report in collector.feed(LogRecord(text))], *collector.finish())


@pytest.mark.parametrize(
    "rest", ["mode:0xcc0(GFP_KERNEL),", " mode:0xcc0(GFP_KERNEL), nodemask=(null)", ", mode:0xcc0"]
)
def test_a_head_line_wrapped_before_its_mode(rest: str) -> None:
    (report,) = read("x: page allocation failure: order:2,", rest, "nodemask=(null)")
    assert (report.order, report.mode) == (2, 0xCC0)
    assert report.names == (("GFP_KERNEL",) if "(" in rest else None)


def test_a_dump_of_the_stack_itself_before_its_trace() -> None:
    """As xtensa and MIPS print it."""
    (report,) = read(
        "x: page allocation failure: order:2, mode:0xcc0(GFP_KERNEL)",
        "CPU: 0 PID: 29 Comm: x Not tainted 6.8.0 #1",
        "Stack:",
        "> 00000100 00000000 3dbfbc00 423b8f69",
        "Stack : 00000000 00000000 00000000 00000000 805b7ad2 0000003e 00000000 00000000",
        "        ...",
        "Call Trace:",
        "[<8001a9d8>] show_stack+0x58/0x100",
    )
    assert [frame.symbol for frame in report.stack] == ["show_stack"]
