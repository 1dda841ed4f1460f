"""When a terminal is asked, and which silence ends the session."""

import math

import pytest
from textual import events

from fragtui.ui.terminal.input import TerminalInput
from fragtui.ui.terminal.key_arrivals import KeyArrivals
from fragtui.ui.terminal.output import LOST, UNREAD
from fragtui.ui.terminal.presence import ASK_SECONDS, SILENT_SECONDS, Presence

ANSWER = "\x1b[0n"


class Watched:
    """A session whose terminal was taken at 0 s, and when it was asked."""

    def __init__(self, idle_exit: float | None = None) -> None:
        self.asked: list[float] = []
        self.now = 0.0
        self.presence = Presence(self._asked, idle_exit, 0.0)
        self.why = self.presence.check(0.0)

    def _asked(self, request: str) -> None:
        assert request == "\x1b[5n"
        self.asked.append(self.now)

    def hear(self, text: str = "", *, key: bool = False) -> None:
        self.presence.heard(self.now)
        self.presence.take(text)
        if key:
            self.presence.pressed()

    def wait(self, seconds: float) -> str | None:
        """Let so much time pass, as the input thread does; return why the session ended."""
        end = self.now + seconds
        while self.why is None and self.now < end:
            due = self.presence.due_in()
            self.now = min(end, self.now + (math.inf if due is None else due))
            self.why = self.presence.check(self.now)
        return self.why


def test_the_defaults_end_a_lost_session_within_two_minutes() -> None:
    assert (ASK_SECONDS, SILENT_SECONDS, UNREAD, LOST) == (20.0, 60.0, 60.0, 90.0)
    # The terminal may have fallen silent just after an answer; a screen then ends within 5 s.
    assert max(ASK_SECONDS + SILENT_SECONDS, LOST) + 5 <= 120


def test_a_terminal_that_never_answers_is_asked_once_and_never_ended() -> None:
    session = Watched()
    assert session.wait(1e6) is None
    session.hear("q", key=True)
    assert session.wait(1e6) is None
    assert session.asked == [0.0]
    assert session.presence.due_in() is None


def test_a_terminal_that_answers_is_asked_again_only_in_silence() -> None:
    session = Watched()
    session.hear(ANSWER)
    for _ in range(10):
        assert session.wait(15.0) is None
        session.hear("j", key=True)
    assert session.asked == [0.0]
    for _ in range(30):
        assert session.wait(20.0) is None
        session.hear(ANSWER)
    assert session.asked == [0.0, *(150.0 + 20 * n for n in range(1, 31))]


@pytest.mark.parametrize("last", ["answer", "key"])
def test_a_silence_after_an_answer_ends_the_session_a_minute_after_the_request(last: str) -> None:
    session = Watched()
    session.hear(ANSWER)
    if last == "key":
        session.wait(19.0)
        session.hear("j", key=True)
    start = session.now
    assert session.wait(79.9) is None
    assert session.wait(0.2) == "the terminal has not answered for 1m00s"
    assert session.asked == [0.0, start + 20, start + 40, start + 60]


def test_a_late_answer_is_an_answer() -> None:
    session = Watched()
    session.wait(500.0)
    session.hear(ANSWER)
    session.wait(79.0)
    session.hear(ANSWER)
    assert session.wait(79.0) is None


@pytest.mark.parametrize("idle_exit", [None, 3600.0])
def test_the_time_in_which_the_process_was_stopped_does_not_count(idle_exit: float | None) -> None:
    session = Watched(idle_exit)
    session.hear(ANSWER)
    session.wait(30.0)
    session.now += 100_000.0
    assert session.presence.check(session.now) is None
    session.hear(ANSWER)
    assert session.wait(70.0) is None


def test_idle_exit_counts_from_the_last_key_whatever_else_comes() -> None:
    session = Watched(90.0)
    session.wait(80.0)
    session.hear("j", key=True)
    session.wait(80.0)
    session.hear(ANSWER)
    assert session.wait(9.9) is None
    assert session.wait(0.2) == "no key for 1m30s (--idle-exit)"
    quiet = Watched(5.0)
    assert quiet.wait(5.0) == "no key for 5.0s (--idle-exit)"


def test_the_end_waits_for_an_answer_on_its_way_and_for_no_other() -> None:
    session = Watched()
    assert session.presence.awaits(0.1) == pytest.approx(0.2)
    assert session.presence.awaits(5.0) < 0
    session.hear(ANSWER)
    assert session.presence.awaits(0.1) < 0


@pytest.mark.parametrize("status", [ANSWER, "\x1b[3n"])
def test_an_answer_is_no_input_and_the_key_beside_it_came_alone(status: str) -> None:
    session, arrivals = Watched(), KeyArrivals()
    source = TerminalInput(arrivals, is_status=session.presence.take)
    assert source.take(status.encode(), 100.0) == []
    (key,) = source.take(b"y", 100.1)
    assert isinstance(key, events.Key) and key.key == "y"
    assert source.take(status.encode(), 100.2) == []
    press = arrivals.newest()
    assert press is not None and press.first == 100.1 and arrivals.is_alone(press)
    assert source.take(b"\x1b[1n", 100.2) == []
    assert not arrivals.is_alone(press), "an unknown report is other input"
