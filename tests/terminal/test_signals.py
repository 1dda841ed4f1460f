"""Signals that end the process: each gives the terminal back first, and the parent sees the status of the signal."""

import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import psutil
import pytest

from tests.support.terminal import Terminal, terminal

pytestmark = pytest.mark.slow

RESET = tuple(
    f"\x1b[{code}".encode()
    for code in ("?1049l", "?25h", "?2004l", "<u", "?1004l", "?1000l", "?1003l", "?1006l", "?1015l")
)
"""Alternate screen left, cursor shown; paste, keyboard, focus and mouse reports off."""
COOKED = termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN
SOME = ("QUIT", "USR1", "ABRT")
OTHERS = ("ALRM", "XCPU", "USR2", "VTALRM", "PROF", "SYS", "TRAP", "IO", "STKFLT", "PWR", "RTMIN", "RTMAX")
BUSY = """
import sys
from fragtui.ui.screens.live import LiveScreen
def busy(screen):
    while True:
        {work}
LiveScreen.action_help = busy
from fragtui.__main__ import main
sys.exit(main())
"""
SLOW = """
import sys, time
from fragtui.ui.app import FragtuiApp
leave = FragtuiApp.on_unmount
FragtuiApp.on_unmount = lambda app: (time.sleep(1.5), leave(app))
from fragtui.__main__ import main
sys.exit(main())
"""


def is_given_back(term: Terminal) -> bool:
    """Return whether every mode was reset after it was last set, and the terminal's own settings are back."""
    after = term.written[term.written.rindex(b"\x1b[?2004h") :]
    modes = termios.tcgetattr(term.fd)
    return (
        all(code in after for code in RESET)
        and modes[3] & COOKED == COOKED
        and modes[0] & termios.ICRNL == termios.ICRNL
    )


def started(term: Terminal) -> Terminal:
    term.until("N0 Normal")
    term.pump(0.3)
    assert not termios.tcgetattr(term.fd)[3] & termios.ICANON
    return term


def _check_dies_by(fragmented: Path, name: str) -> None:
    number = getattr(signal, f"SIG{name}")
    with terminal("--root", str(fragmented)) as term:
        started(term).kill(number)
        began = time.monotonic()
        assert term.wait() == -number
        assert time.monotonic() - began < 1.5
        assert is_given_back(term)


@pytest.mark.parametrize("name", SOME)
def test_a_signal_that_kills_gives_the_terminal_back_and_is_the_status(fragmented: Path, name: str) -> None:
    _check_dies_by(fragmented, name)


@pytest.mark.by_hand
@pytest.mark.parametrize("name", OTHERS)
def test_every_other_signal_that_kills_does_too(fragmented: Path, name: str) -> None:
    _check_dies_by(fragmented, name)


def test_a_signal_that_the_parent_ignores_stays_ignored(fragmented: Path) -> None:
    argv = ["/bin/sh", "-c", 'trap "" USR1; exec "$0" -m fragtui "$@"', sys.executable]
    with terminal("--root", str(fragmented), argv=argv) as term:
        started(term).kill(signal.SIGUSR1)
        term.press("?")
        term.until("Keys and signs")


def _check_ends_by(fragmented: Path, work: str, number: signal.Signals) -> None:
    argv = [sys.executable, "-c", BUSY.format(work=work)]
    with terminal("--root", str(fragmented), argv=argv) as term:
        started(term).press("?")
        term.pump(0.5)
        term.kill(signal.SIGTERM)
        began = time.monotonic()
        assert term.wait() == -number
        assert time.monotonic() - began < 1.5
        assert is_given_back(term)


def test_sigterm_ends_it_within_a_second_although_the_main_thread_never_returns(fragmented: Path) -> None:
    _check_ends_by(fragmented, "pass", signal.SIGTERM)


@pytest.mark.by_hand
def test_sigterm_ends_it_within_a_second_although_the_main_thread_sleeps(fragmented: Path) -> None:
    _check_ends_by(fragmented, "import time; time.sleep(60)", signal.SIGTERM)


@pytest.mark.by_hand
def test_sigterm_ends_it_by_sigkill_if_the_main_thread_runs_no_handler(fragmented: Path) -> None:
    """It waits for a lock in C that it holds itself, as it would for a disk that does not answer."""
    work = "import ctypes; libc = ctypes.CDLL(None); lock = bytes(64); [libc.pthread_mutex_lock(lock) for _ in '12']"
    _check_ends_by(fragmented, work, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.by_hand)], ids=str)
def test_a_signal_while_it_leaves_does_not_cut_that_short(fragmented: Path, number: signal.Signals) -> None:
    """A remedy is aborted and its end logged then; a Ctrl-C may be typed ahead."""
    with terminal("--root", str(fragmented), argv=[sys.executable, "-c", SLOW]) as term:
        started(term).press("q")
        term.pump(0.3)
        term.kill(number)
        assert term.wait() == 0
        assert is_given_back(term)


def stopped(term: Terminal) -> None:
    end = time.monotonic() + 5
    while psutil.Process(term.pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < end, "it was not stopped"
        term.pump(0.01)


def go_on(term: Terminal) -> None:
    """Continue it, and wait until it has taken the terminal again."""
    taken = term.written.count(b"\x1b[?2004h")
    term.kill(signal.SIGCONT)
    end = time.monotonic() + 20
    while term.written.count(b"\x1b[?2004h") == taken:
        assert time.monotonic() < end, "it did not take the terminal again"
        term.pump(0.05)
    term.pump(0.5)


def test_a_stop_that_no_handler_sees_loses_no_settings(fragmented: Path) -> None:
    with terminal("--root", str(fragmented)) as term:
        started(term).kill(signal.SIGSTOP)
        stopped(term)
        go_on(term)
        term.press("?")
        term.until("Keys and signs")
        term.kill(signal.SIGTERM)
        assert term.wait() == 0
        assert is_given_back(term)


@pytest.mark.parametrize(("first", "status"), [(signal.SIGCONT, 0), (signal.SIGTERM, -signal.SIGTERM)], ids=str)
def test_suspended_it_is_ended_by_a_signal_and_so_after_it_went_on(fragmented: Path, first: int, status: int) -> None:
    with terminal("--root", str(fragmented)) as term:
        started(term).press("\x1a")
        stopped(term)
        assert is_given_back(term)
        if first == signal.SIGCONT:
            go_on(term)
            term.kill(signal.SIGTERM)
        else:
            term.kill(signal.SIGTERM)
            term.kill(signal.SIGCONT)
        assert term.wait() == status
        assert is_given_back(term)


def test_a_crash_in_c_code_prints_the_place_and_keeps_its_status(fragmented: Path) -> None:
    """No Python code runs after it, so the modes stay: `reset` gives the terminal back."""
    with terminal("--root", str(fragmented)) as term:
        started(term).kill(signal.SIGSEGV)
        assert term.wait() == -signal.SIGSEGV
        assert b"Segmentation fault" in term.written


def test_a_signal_to_a_forked_child_is_the_childs_alone() -> None:
    script = """
import os, signal, time
from fragtui.ui.terminal.signals import TerminalSignals
signals = TerminalSignals(lambda: print("leave", flush=True), lambda: print("give back", flush=True))
signals.start()
child = os.fork()
if child == 0:
    time.sleep(60)
time.sleep(0.2)
os.kill(child, signal.SIGTERM)
print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
child = os.fork()
if child == 0:
    time.sleep(60)
time.sleep(0.2)
os.kill(child, signal.SIGQUIT)
print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
time.sleep(1.5)
signals.stop()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.returncode) == ("child -15\nchild -3\n", 0), done.stderr
