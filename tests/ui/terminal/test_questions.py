"""What the terminal answers is taken once and in time; nothing that comes instead or beside it is swallowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events

from fragtui.ui.terminal.detection import TerminalLook
from fragtui.ui.terminal.input import TerminalInput
from fragtui.ui.terminal.key_arrivals import KeyArrivals
from fragtui.ui.terminal.questions import PATIENCE, TerminalQuestions

LIGHT = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\"
NARROW, WIDE, NOT_UTF_8 = "\x1b[1;21R", "\x1b[1;22R", "\x1b[1;23R"


class Asked:
    """A terminal that was asked at 100 s, and what was learned of it."""

    def __init__(self, ground: bool = True, width: bool = True) -> None:
        self.themes: list[str] = []
        self.narrow: list[bool] = []
        look = TerminalLook(asks_ground=ground, asks_width=width)
        self.questions = TerminalQuestions(look, self.themes.append, self.narrow.append)
        self.asked = self.questions.ask(100.0)
        self.input = TerminalInput(KeyArrivals(), self.questions.take)

    def keys(self, text: str, at: float = 100.1, size: int = 4096) -> str:
        """Return the keys of what comes, read in pieces of so many bytes."""
        data = text.encode()
        came = [event for n in range(0, len(data), size) for event in self.input.take(data[n : n + size], at)]
        if self.input.in_doubt:
            came += self.input.time_out(at)
        return " ".join(event.key for event in came if isinstance(event, events.Key))


@pytest.mark.parametrize("size", [1, 2, 7, 4096])
@pytest.mark.parametrize("end", ["\x1b\\", "\x07"])
def test_answers_between_keys_are_taken_and_the_keys_stay(size: int, end: str) -> None:
    terminal = Asked()
    assert terminal.asked.count("\x1b[6n") == 1
    report = LIGHT.removesuffix("\x1b\\") + end
    assert terminal.keys(f"a{WIDE}b{report}c", size=size) == "a b c"
    assert (terminal.themes, terminal.narrow) == (["light"], [False])


def test_only_the_first_answer_counts_and_only_in_time() -> None:
    terminal = Asked()
    assert terminal.keys(NARROW + LIGHT + LIGHT.replace("ffff", "0000")) == ""
    assert (terminal.themes, terminal.narrow) == (["light"], [True])
    late = Asked()
    assert late.keys(LIGHT + "q", at=100.0 + PATIENCE + 0.1) == "q"
    assert late.themes == []


def test_the_key_f3_with_any_modifier_is_no_answer() -> None:
    questions = Asked().questions
    assert not any(questions.take(f"\x1b[1;{modifiers}R", 100.1) for modifiers in range(1, 17))


def test_a_terminal_that_does_not_know_utf_8_is_wide() -> None:
    terminal = Asked()
    terminal.keys(NOT_UTF_8)
    assert terminal.narrow == [False]


def test_nothing_is_asked_of_a_terminal_that_is_known() -> None:
    terminal = Asked(ground=False, width=False)
    assert terminal.asked == ""
    assert terminal.keys(f"{LIGHT}q") == "q"
    assert terminal.themes == []


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("\x1b]", "right_square_bracket"),
        ("\x1b]q", "right_square_bracket q"),
        ("\x1b]1q", "right_square_bracket 1 q"),
        ("\x1b]11;rgb:\x03q", "ctrl+c q"),
        ("\x1b]11;rgb:\x1bOPq", "f1 q"),
        ("\x1b]11;rgb:\rq", "enter q"),
        ("\x1b]11;" + "f" * 59 + "q", "q"),
    ],
)
def test_what_is_no_answer_is_input_as_before(text: str, keys: str) -> None:
    terminal = Asked()
    assert terminal.keys(text) == keys
    assert (terminal.themes, terminal.narrow) == ([], [])


@given(st.lists(st.sampled_from([*"\x1b]11;rgb:/f\\\x07\r[R26", LIGHT, WIDE, "\x1b]11;"]), max_size=60).map("".join))
def test_after_any_bytes_a_key_is_a_key(text: str) -> None:
    terminal = Asked()
    terminal.keys(text)
    terminal.keys("\r\r")
    assert terminal.keys("q", at=200.0) == "q"
    assert terminal.themes in ([], ["light"], ["dark"])
