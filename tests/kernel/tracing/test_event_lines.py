"""Lines of a trace: hostile names of tasks, torn ends, lost events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.tracing.event_lines import MAX_LINE, is_trace, lost_events, parse_events
from tests.support.traces import KERNELS, saved_trace

TEXT = "page=0000000000000000 pfn=0x0 order=9 migratetype=1 gfp_flags=GFP_USER|__GFP_NOWARN"


def event(comm: bytes = b"init", pid: int = 1, text: str = TEXT, name: str = "mm_page_alloc") -> bytes:
    """Return the line as kernel/trace/trace_output.c prints it; a name has at most 15 bytes."""
    return comm.rjust(16) + f"-{pid:<7d} [000] .....     3.770693: {name}: {text}\n".encode()


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_saved_trace_gives_its_events(kernel: str) -> None:
    data = saved_trace(kernel)
    events, read = parse_events(data)
    assert read == len(data) and is_trace(data)
    lines = [line for line in data.decode().splitlines() if not line.startswith("#") and line]
    assert len(events) == len(lines) > 10
    denied = [event for event in events if event.no_page]
    assert denied and all(event.name == "mm_page_alloc" for event in denied)
    assert "NOWARN" in denied[0].fields["gfp_flags"] and denied[0].fields["order"] in ("2", "9")


@pytest.mark.parametrize(
    "comm",
    [b"runc:[1:CHILD]", b"a-1 [0] b: c=", b"a\nb-12345678\n", b"-1 [000] .....", b" x", b"mm_page_alloc: ",
     b"\xff\xfe", b"\x1b[2J"],
)  # fmt: skip
def test_a_name_of_a_task_can_neither_hide_nor_forge_an_event(comm: bytes) -> None:
    events, read = parse_events(event(comm, 77) + event(b"after"))
    assert [(found.pid, found.fields["order"]) for found in events] == [(77, "9"), (1, "9")]
    assert events[0].comm.isprintable() and events[1].comm == "after"
    assert read == len(event(comm, 77) + event(b"after"))


@given(st.binary(max_size=15).filter(lambda comm: b"\0" not in comm), st.integers(0, 4_194_304))
def test_no_name_changes_what_is_counted(comm: bytes, pid: int) -> None:
    events, _ = parse_events(event(b"before") + event(comm, pid) + event(b"after"))
    assert [found.pid for found in events] == [1, pid, 1]


def test_a_line_in_two_pieces_is_read_once() -> None:
    data = event(b"one") + event(b"a\nb") + event(b"three")
    for cut in range(len(data)):
        events, read = parse_events(data[:cut])
        more, _ = parse_events(data[read:])
        assert [found.comm for found in (*events, *more)] == ["one", r"a\nb", "three"]


def test_a_line_without_an_end_is_not_kept_for_ever() -> None:
    data = b"x" * (3 * MAX_LINE)
    assert parse_events(data) == ([], 2 * MAX_LINE)


def test_lost_events_are_counted_as_the_kernel_says() -> None:
    data = event() + b"CPU:1 [LOST 123 EVENTS]\n" + event(b"CPU:0 [LOST 9 E") + b"CPU:0 [LOST EVENTS]\n"
    assert lost_events(data) == 124
    assert len(parse_events(data)[0]) == 2


def test_pages_are_no_fields_and_a_served_request_has_a_page() -> None:
    served = event(text=TEXT.replace("pfn=0x0", "pfn=0x4000"))
    (found,), _ = parse_events(served)
    assert not found.no_page and found.fields == {
        "order": "9",
        "migratetype": "1",
        "gfp_flags": "GFP_USER|__GFP_NOWARN",
    }


@given(st.binary(max_size=2000))
def test_no_bytes_raise(data: bytes) -> None:
    _, read = parse_events(data)
    assert len(data) - MAX_LINE <= read <= len(data)
    assert lost_events(data) >= 0
