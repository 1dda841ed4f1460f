from hypothesis import given
from hypothesis import strategies as st

from fragtui.text import format_bytes, format_count, format_duration, printable

HOSTILE = [
    "runc:[1:CHILD]",
    "[/red]",
    "x[/b]",
    "a\x1b]0;x\x07",
    "\x9b31m",
    "a\tb\n",
    "\u202egnp",
    "中文",
    "",
    "é" * 300,
]


@given(st.text() | st.sampled_from(HOSTILE))
def test_nothing_that_moves_a_cursor_stays(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable() or shown == ""
    assert len(shown) <= 10 * 300


@given(st.text().filter(str.isprintable))
def test_what_prints_stays_as_it_is(text: str) -> None:
    assert printable(text, limit=10**6) == text


def test_control_characters_show_as_escapes() -> None:
    assert printable("a\x1b[31m\u202eb\n") == "a\\x1b[31m\\u202eb\\n"
    assert len(printable("x" * 400)) == 300


def test_sizes() -> None:
    assert [format_bytes(n) for n in (0, 512, 4096, 1536, 12 << 20, 150 << 30, -4096, 1023 << 10)] == [
        "0B", "512B", "4K", "1.50K", "12M", "150G", "-4K", "1.00M"
    ]  # fmt: skip


@given(st.integers(0, 1 << 62))
def test_sizes_stay_short(size: int) -> None:
    assert len(format_bytes(size)) <= 5
    assert len(format_count(size)) <= 6


def test_durations() -> None:
    assert [format_duration(s) for s in (0.44, 12, 185, 7800, 400_000, -3)] == [
        "0.4s", "12s", "3m05s", "2h10m", "4d", "-3.0s"
    ]  # fmt: skip
