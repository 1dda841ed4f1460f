"""Keys, reports and pastes come whole out of the bytes, however these were cut into reads."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.message import Message

from fragtui.ui.terminal.input import TerminalInput
from fragtui.ui.terminal.input_pieces import MAX_PASTE, PASTE_BEGINS, PASTE_ENDS, Pieces
from fragtui.ui.terminal.key_arrivals import KeyArrivals

HOSTILE = st.lists(
    st.sampled_from([*"\x1b[20~1;<Mmcy\r\x00é", PASTE_BEGINS, "\x1b[31m", "\x1b[<0;1;1M", "\x1b[201", "\x1bO"])
    | st.characters(exclude_categories=["Cs"]),
    max_size=30,
).map("".join)
CUTS = st.lists(st.tuples(st.integers(1, 8), st.booleans()), max_size=40)
"""Bytes of each read, and whether a pause follows it that makes a lone Escape the key."""


class Typed:
    """Input that is fed with reads at times of its own."""

    def __init__(self) -> None:
        self.arrivals = KeyArrivals()
        self.input = TerminalInput(self.arrivals)
        self.now = 100.0
        self.came: list[Message] = []
        self.deliberate: list[str | None] = []
        """The keys that came alone, as far as the reads before and the next one show."""

    def read(self, data: str | bytes, pause: float = 0.0) -> list[Message]:
        came = self.input.take(data.encode() if isinstance(data, str) else data, self.now)
        press = self.arrivals.newest()
        self.now += pause
        if pause and self.input.in_doubt:
            came += self.input.time_out(self.now)
        if press and self.arrivals.is_alone(press) and press.first - self.arrivals.pasted > 1:
            self.deliberate += keys(came)
        self.came += came
        return came

    def read_in_pieces(self, data: bytes, cuts: list[tuple[int, bool]], pause: float = 0.3) -> None:
        for length, paused in cuts:
            if data:
                self.read(data[:length], pause if paused else 0.0)
                data = data[length:]
        if data:
            self.read(data)


def keys(came: list[Message]) -> list[str | None]:
    return [event.character or event.key for event in came if isinstance(event, events.Key)]


def described(came: list[Message]) -> list[str]:
    return [repr(event) for event in came]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(inside=HOSTILE.filter(lambda text: PASTE_ENDS not in text), cuts=CUTS)
def test_nothing_inside_a_paste_is_a_key_or_click_however_it_is_cut(inside: str, cuts: list[tuple[int, bool]]) -> None:
    # An end that the text itself makes with the marker's first characters ends it as it ends it for the terminal.
    inside = inside[: (inside + PASTE_ENDS).index(PASTE_ENDS)]
    typed = Typed()
    typed.read_in_pieces(f"{PASTE_BEGINS}{inside}{PASTE_ENDS}".encode(), cuts)
    pasted = [event.text for event in typed.came if isinstance(event, events.Paste)]
    assert pasted == ([inside.replace("\x00", "")] if inside else [])
    # Only of the marker itself may something be handed on: its Escape, where the rest was late, and then the rest.
    others = [event for event in typed.came if not isinstance(event, events.Paste)]
    assert all(isinstance(event, events.Key) for event in others)
    assert PASTE_BEGINS[:-1].startswith("".join(str(key) for key in keys(others)))
    assert set(typed.deliberate) <= {"\x1b"}


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(text=HOSTILE, cuts=CUTS)
def test_any_text_in_any_pieces_is_taken_without_a_fault_and_a_person_is_heard_after_it(
    text: str, cuts: list[tuple[int, bool]]
) -> None:
    typed = Typed()
    typed.read_in_pieces(text.encode(), cuts)
    # An end, for a paste that the text began; a letter, for a sequence; three, for a click as X10 reports it.
    typed.read(f"{PASTE_ENDS}zzz", 2.0)
    assert keys(typed.read("q")) == ["q"]


@settings(max_examples=100, deadline=None)
@given(text=HOSTILE, cuts=st.lists(st.integers(1, 8), max_size=40))
def test_the_pieces_are_the_same_however_the_text_is_cut(text: str, cuts: list[int]) -> None:
    cut, rest = Pieces(), text
    found = []
    for length in cuts:
        found += cut.feed(rest[:length])
        rest = rest[length:]
    assert found + cut.feed(rest) == Pieces().feed(text)


@given(data=st.binary(max_size=200))
def test_bytes_that_are_no_text_are_no_fault(data: bytes) -> None:
    Typed().read(data)


@pytest.mark.parametrize(
    "sequence",
    ["\x1b[31m", "\x1b[1;31;4m", "\x1b[?25l", "\x1b[x", "\x1b[1;2;3;4y", "\x1bOz", "\x1b[" + "1;" * 40 + "y"],
)
def test_an_unknown_sequence_is_no_key(sequence: str) -> None:
    for cut in range(1, len(sequence)):
        typed = Typed()
        assert not typed.read(sequence[:cut])
        assert not typed.read(sequence[cut:])
        assert keys(typed.read("q")) == ["q"]


@pytest.mark.parametrize("sequence", ["\x1b[1114112u", "\x1b[99999999999999999u", "\x1b[1;1;99999999u"])
def test_a_code_that_is_no_character_is_no_fault(sequence: str) -> None:
    typed = Typed()
    typed.read(sequence)
    assert keys(typed.read("q")) == ["q"]


KNOWN = sorted(name for name in ANSI_SEQUENCES_KEYS if not name.endswith("$"))
REPORTS = ["\x1b[I", "\x1b[O", "\x1b[?2026;2$y", "\x1b[12;40R", "\x1b[48;40;120;800;1200t", "\x1b[<0;10;5M"]
REPORTS += ["\x1b[<35;7;8M", "\x1b[<64;1;1M", "\x1b[99;5u", "\x1b[97;;97u", "\x1b[57358u", "é", "\x1ba"]


@pytest.mark.slow
@pytest.mark.parametrize("sequence", [*KNOWN, *REPORTS])
def test_a_known_sequence_means_what_it_means_to_textual_cut_or_not(sequence: str) -> None:
    """All that Textual knows but for the five of rxvt which end with a dollar sign."""
    parser = XTermParser()
    means = list(parser.feed(sequence))
    parser._timeout_time = 0.0 if parser._timeout_time is not None else None
    means += parser.tick()
    whole, cut = Typed(), Typed()
    whole.read(sequence, 0.2)
    for byte in sequence.encode():
        cut.read(bytes([byte]))
    cut.came += cut.input.time_out(cut.now)
    assert described(whole.came) == described(cut.came) == described(means)


def test_escape_is_the_key_once_nothing_follows() -> None:
    typed = Typed()
    assert not typed.read("\x1b")
    assert typed.input.in_doubt
    assert keys(typed.input.time_out(typed.now)) == ["\x1b"]
    assert keys(typed.read("\x1b\x1b")) == ["\x1b"]


def test_a_paste_is_kept_up_to_a_length_and_its_end_is_still_found() -> None:
    typed = Typed()
    typed.read(PASTE_BEGINS)
    for _ in range(40):
        typed.read("x" * 4096)
    (paste,) = typed.read(PASTE_ENDS)
    assert isinstance(paste, events.Paste)
    assert len(paste.text) == MAX_PASTE
    assert keys(typed.read("q")) == ["q"]


@pytest.mark.parametrize("way_out", ["\x03", "\x11", "\x1b[99;5u"])
def test_a_paste_whose_end_is_lost_is_ended_by_ctrl_c_after_a_silence(way_out: str) -> None:
    typed = Typed()
    typed.read(PASTE_BEGINS + "text")
    typed.read(way_out, 3.0)
    assert not keys(typed.came), "without the silence it is text"
    typed.read(way_out)
    assert not keys(typed.came)
    assert keys(typed.read("q")) == ["q"]
    assert typed.arrivals.pasted > typed.now - 1


@pytest.mark.parametrize(
    ("before", "read", "after"),
    [
        ("", "cy", ""),
        ("x", "c", ""),
        ("", "c", "y"),
        ("\x1b[31m", "c", ""),
        ("\x1b[<64;1;1M", "c", ""),
        ("", "\x1b[<35;1;1Mc", ""),
        ("", "\x1b[Ic", ""),
        ("\x1b[", "c", ""),
    ],
)
def test_a_key_with_anything_close_by_did_not_come_alone(before: str, read: str, after: str) -> None:
    typed = Typed()
    for text in filter(None, (before, read)):
        typed.read(text, 0.14)
    press = typed.arrivals.newest()
    if after:
        typed.read(after)
    assert press is None or not typed.arrivals.is_alone(press)


@pytest.mark.parametrize("key", ["c", "A", "\r", "\x1b[99;;99u"])
def test_a_key_between_silences_came_alone_while_the_mouse_moves(key: str) -> None:
    typed = Typed()
    typed.read("x", 0.1)
    typed.read("\x1b[<35;1;1M", 0.06)
    typed.read(key, 0.05)
    press = typed.arrivals.newest()
    assert press is not None
    typed.read("\x1b[<35;2;1M", 0.11)
    typed.read("x")
    assert typed.arrivals.is_alone(press)


def test_shift_as_kitty_reports_it_is_no_other_key() -> None:
    typed = Typed()
    typed.read("\x1b[57441;2u", 0.08)
    typed.read("\x1b[71;2;71u", 0.2)
    press = typed.arrivals.newest()
    assert press is not None
    assert typed.arrivals.is_alone(press)
    typed.read("\x1b[57441;2u\x1b[71;2;71u", 0.2)
    press = typed.arrivals.newest()
    assert press is not None
    assert typed.arrivals.is_alone(press)


def test_a_key_that_waited_for_an_unknown_time_did_not_come_alone() -> None:
    typed = Typed()
    typed.input.take(b"c", typed.now, waited=True)
    assert typed.arrivals.newest() is None


def test_a_click_is_of_a_hand_only_if_the_button_stays_down_for_more_than_one_read() -> None:
    typed = Typed()
    typed.read("\x1b[<0;5;5M\x1b[<0;5;5m", 1.0)
    assert typed.arrivals.newest() is None
    typed.read("\x1b[<0;5;5M", 0.08)
    typed.read("\x1b[<0;5;5m", 0.5)
    press = typed.arrivals.newest()
    assert press is not None
    assert typed.arrivals.is_alone(press)


def test_several_different_keys_in_one_read_are_an_unmarked_paste() -> None:
    typed = Typed()
    typed.read("jjjj")
    assert typed.arrivals.pasted == -math.inf, "a key that is held down"
    typed.read("c y")
    assert typed.arrivals.pasted == typed.now
