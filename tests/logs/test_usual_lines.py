"""Plain lines of syslog files are read without trying every other format, with the same result."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fragtui.logs.parser import LogParser
from fragtui.logs.record import LogRecord
from tests.support.examples import examples

HEADS = (
    "Jul 29 06:19:50 node kernel: ", "Jul  9 06:19:50 node-1 kernel: [ 3797.363547] ", "Jun 31 06:19:50 node kernel: ",
    "Jul 29 06:19:50 node kernel: [ 3797.363547][  T460] ", "Jul 29 06:19:50 node kernel[1]: ",
    "Jul 29 06:19:50 node kubelet[1234]: ", "Jul 29 06:19:50 node CPU: ", "Jul 29 06:19:50 kernel: ", "Jul 29 node ",
    "Jul 29 06:19:50 vmalloc kernel: ", "Jul 29 06:19:50 x kernel: a cpuset=",
)  # fmt: skip
PARTS = (
    "eth0: link is up", "Not tainted 6.1.0 #1 SMP", "#012", "#011x", "<TASK>", "(0)[1:init]", ".", "[  1.000001] ",
    "] ", "a=3D b", "&lt;x&gt;", "\\x5d", "1_4kB", "runc:[1:CHILD]: page allocation failure: order:4, mode:0x40cc0",
    "CPU: 0 PID: 8499 Comm: runc", "message repeated 3 times: [ x]", "last message repeated 2 times", " ", "ü", "\t",
    'time="2026-07-29T06:19:50Z"', "x invoked oom-killer: gfp_mask=0x1", "vmalloc", "percpu: allocation failed, size=8",
)  # fmt: skip
LINES = st.builds(
    lambda head, parts: head + "".join(parts), st.sampled_from(HEADS), st.lists(st.sampled_from(PARTS), max_size=4)
)


def read(lines: list[str], torn: bool) -> list[LogRecord]:
    """Return the records of the last line; a torn one goes the way through all formats."""
    parser = LogParser(now=1_785_400_000.0, shift=3600.0)
    for line in lines[:-1]:
        parser.feed(line.encode(), 1)
    return [replace(record, torn=False) for record in parser.feed(lines[-1].encode(), 2, torn)]


@given(LINES.filter(lambda line: not line.endswith("=")))
@examples(400)
def test_the_first_line_with_a_head_says_the_same_on_both_ways(line: str) -> None:
    assert read([line], torn=False) == read([line], torn=True)


@given(st.sampled_from(HEADS[:2]), LINES.filter(lambda line: "#" in line))
@examples(400)
def test_a_line_with_a_number_sign_says_the_same_as_without_the_line_before(head: str, line: str) -> None:
    assert read([head + "eth0: link is up", line], torn=False) == read([head + "eth0: link is up", line], torn=True)


def test_the_task_line_keeps_its_build_number_and_the_stamps_of_its_head() -> None:
    lines = ["Jul 29 06:19:50 n kernel: [ 3797.363547] a", "Jul 29 06:19:50 n kernel: [ 3797.363704] x #1 SMP"]
    record = read(lines, torn=False)[0]
    assert (record.text, record.monotonic, record.host) == ("x #1 SMP", 3797.363704, "n")
    assert record.time == read(lines[:1], torn=False)[0].time


def test_an_empty_line_that_lost_its_last_blank_takes_no_stamp_from_the_next_one() -> None:
    lines = ["Jul 29 06:19:50 node kernel:", "Jul 29 06:19:50 node kernel: [ 3797.363547] x: page allocation failure"]
    record = read(lines, torn=False)[0]
    assert (record.text, record.monotonic) == ("x: page allocation failure", 3797.363547)


def test_the_next_line_with_a_head_keeps_the_number_of_its_process() -> None:
    assert [read(["Jul 29 06:19:50 node kernel[1]: a"] * count, torn=False)[0].pid for count in (1, 2)] == [1, 1]
