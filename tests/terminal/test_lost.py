"""A session whose terminal is gone, or whose user is: it ends, saves its recording, and leaves no child."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from fragtui.sources.recording.reader import read_recording
from tests.support.api_server import ApiServer, pod
from tests.support.terminal import Terminal, terminal
from tests.terminal.test_signals import is_given_back, stopped
from tests.terminal.test_unread import ends_within

pytestmark = pytest.mark.slow

STATUS = {b"\x1b[5n": b"\x1b[0n"}
ASK, SILENT, LOST = 0.4, 2.0, 3.0
_SOONER = f"""
import sys
from fragtui.ui.terminal import output, presence
presence.ASK_SECONDS, presence.SILENT_SECONDS = {ASK}, {SILENT}
output.UNREAD, output.LOST = 0.5, {LOST}
from fragtui.__main__ import main
sys.exit(main())
"""


@contextmanager
def session(root: Path, *arguments: str) -> Iterator[Terminal]:
    """Run fragtui with short times, in a folder for what it saves."""
    argv = ["env", "-C", str(root), sys.executable, "-c", _SOONER]
    with terminal("--root", str(root), *arguments, argv=argv) as term:
        yield term


def shown(term: Terminal) -> None:
    term.until("N0 Normal")
    term.pump(0.3)


def test_a_terminal_that_answers_no_more_ends_the_session_whole(fragmented: Path) -> None:
    server = ApiServer()
    server.pods = [pod("p0")]
    kubeconfig = server.kubeconfig(fragmented / "kubeconfig")
    with session(fragmented, "--kubeconfig", str(kubeconfig)) as term:
        term.answers = STATUS
        shown(term)
        term.until(lambda _: server.watched > 0)
        for key in "wr":
            term.press(key)
            term.pump(0.5)
        term.until("●")
        term.pump(ASK + SILENT + 0.5)
        children = psutil.Process(term.pid).children(recursive=True)
        assert children
        asked = term.written.count(b"\x1b[5n")
        assert asked >= 3
        term.answers = {}
        began = time.monotonic()
        assert term.wait(30.0) == 0
        assert time.monotonic() - began > SILENT
        assert is_given_back(term)
        assert b"fragtui ended: the terminal has not answered" in term.written[term.written.rindex(b"\x1b[?1049l") :]
    server.close()
    assert not psutil.wait_procs(children, timeout=20.0)[1]
    (saved,) = fragmented.glob("*.rec")
    assert not read_recording(saved).damaged


@pytest.mark.by_hand
def test_a_terminal_that_never_answers_is_asked_once_and_stays(fragmented: Path) -> None:
    with session(fragmented) as term:
        shown(term)
        term.pump(2 * (ASK + SILENT))
        assert term.written.count(b"\x1b[5n") == 1
        term.press("?")
        term.until("Keys and signs")


@pytest.mark.by_hand
def test_a_stopped_session_goes_on_after_a_longer_silence(fragmented: Path) -> None:
    with session(fragmented) as term:
        term.answers = STATUS
        shown(term)
        term.kill(signal.SIGSTOP)
        stopped(term)
        time.sleep(3 * (ASK + SILENT))
        term.kill(signal.SIGCONT)
        term.pump(2 * (ASK + SILENT))
        term.press("?")
        term.until("Keys and signs")


@pytest.mark.by_hand
def test_an_unread_terminal_that_never_answered_ends_the_session(fragmented: Path) -> None:
    with session(fragmented, "--interval", "0.2") as term:
        shown(term)
        end = time.monotonic() + 30
        rows = 0
        while not os.waitid(os.P_PID, term.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            assert time.monotonic() < end, "it still runs"
            term.resize(120, 30 + rows % 10)  # It draws a whole screen for each.
            rows += 1
            time.sleep(0.1)
        assert ends_within(term, 0.0) == 0
        assert is_given_back(term)


@pytest.mark.by_hand
def test_idle_exit_ends_it_after_the_last_key_and_says_so(fragmented: Path) -> None:
    with session(fragmented, "--idle-exit", "2s") as term:
        shown(term)
        for _ in range(4):
            term.press("j")
            term.pump(0.8)
        began = time.monotonic()
        assert term.wait(30.0) == 0
        assert time.monotonic() - began > 1.0
        assert b"fragtui ended: no key for 2.0s (--idle-exit)\r\n" in term.written
        assert is_given_back(term)


def test_an_answer_that_is_late_at_the_end_does_not_reach_the_shell(fragmented: Path) -> None:
    """The user quits between request and answer."""
    with session(fragmented) as term:
        term.answers = STATUS
        shown(term)
        term.answers = {}
        asked = term.written.count(b"\x1b[5n")
        while term.written.count(b"\x1b[5n") == asked:
            term.pump(0.02)
        os.write(term.fd, b"q")
        time.sleep(0.1)
        os.write(term.fd, STATUS[b"\x1b[5n"])
        assert term.wait() == 0
        assert b"^[" not in term.written[term.written.rindex(b"\x1b[?1049l") :], "the terminal echoed it"
