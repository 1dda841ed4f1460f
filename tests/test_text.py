import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.text import format_bytes, format_count, format_duration, parse_duration, printable

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


@given(st.integers(0, 999_999_999), st.sampled_from([("", 1), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)]))
def test_a_duration_is_read_in_its_unit(count: int, unit: tuple[str, int]) -> None:
    letter, seconds = unit
    assert parse_duration(f"{count}{letter}") == count * seconds
    assert parse_duration(f"{count}.5000{letter}") == (count + 0.5) * seconds


@given(st.text() | st.text("0123456789.smhd -"))
def test_any_text_is_a_duration_or_none(text: str) -> None:
    seconds = parse_duration(text)
    assert seconds is None or 0 <= seconds < 1e14


@pytest.mark.parametrize("text", ["", "m", "-1s", "1e3", "1.s", ".5h", "1h30m", "١h", "9" * 400, "nan", "inf"])
def test_what_is_no_duration(text: str) -> None:
    assert parse_duration(text) is None
