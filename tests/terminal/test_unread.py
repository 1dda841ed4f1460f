"""A terminal that stops reading: a hung ssh, a stopped client of tmux."""

import fcntl
import os
import random
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pyte
import pytest

from fragtui.ui.terminal.output import STALLED
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.terminal import Terminal, terminal
from tests.terminal.test_signals import is_given_back

pytestmark = [pytest.mark.slow, pytest.mark.by_hand]

SECONDS = float(os.environ.get("FRAGTUI_UNREAD_SECONDS", "600"))
"""Seconds without a reader in the long test."""
SOON = 2.0
"""Seconds without a reader in the other tests, after which the terminal counts as unread."""
_SOONER = f"""
import sys
from fragtui.ui.terminal import output as terminal_output
terminal_output.UNREAD = {SOON}
from fragtui.__main__ import main
sys.exit(main())
"""
SOONER = [sys.executable, "-c", _SOONER]


class Node:
    """A node whose free blocks change."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._tree = HostTree.small(root, FRAGMENTED)
        self._random = random.Random(7)

    def change(self) -> None:
        for zone in self._tree.zones:
            zone.free_blocks = tuple(self._random.randint(0, 5000) for _ in zone.free_blocks)
        self._tree.write()

    def change_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.change()
            time.sleep(0.1)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def stop_reading(term: Terminal) -> None:
    """Read until the program has nothing more to say, then fill the terminal's queue."""
    term.until("saved files")
    term.pump(0.5)
    fill(term)


def fill(term: Terminal) -> None:
    """Fill the terminal's queue: 64 KiB in the kernel, by whole screens of some 15 KiB."""
    for number in range(8):
        rows, columns = term.screen.lines, term.screen.columns - (number + 1) % 2
        fcntl.ioctl(term.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        time.sleep(0.15)


def ends_within(term: Terminal, seconds: float) -> int:
    """Return the exit status of a process that ends although its output is not read."""
    end = time.monotonic() + seconds
    while not (ended := os.waitpid(term.pid, os.WNOHANG))[0]:
        assert time.monotonic() < end, f"still running after {seconds} s"
        time.sleep(0.01)
    term.status = os.waitstatus_to_exitcode(ended[1])
    term.pump(0.3)
    return term.status


def settle(term: Terminal) -> None:
    """Read until nothing more comes."""
    before = -1
    while before < len(term.written):
        before = len(term.written)
        term.pump(0.4)


def cells(screen: pyte.Screen) -> list[list[pyte.screens.Char]]:
    return [[screen.buffer[row][column] for column in range(screen.columns)] for row in range(screen.lines)]


def drawn_anew(term: Terminal) -> pyte.Screen:
    """Return what a new terminal shows that is drawn on from nothing."""
    before = len(term.written)
    term.kill(signal.SIGCONT)
    settle(term)
    screen = pyte.Screen(term.screen.columns, term.screen.lines)
    pyte.ByteStream(screen).feed(term.written[before:])
    return screen


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.by_hand)])
def test_a_signal_ends_the_screen_within_a_second_on_an_unread_terminal(node: Node, number: signal.Signals) -> None:
    with terminal("--root", str(node.root), "--interval", "0.2") as term:
        stop_reading(term)
        node.change_for(1.5)
        term.kill(number)
        assert ends_within(term, 1.0) == 0
        assert is_given_back(term)


def test_a_killing_signal_kills_within_a_second_on_an_unread_terminal(node: Node) -> None:
    with terminal("--root", str(node.root), "--interval", "0.2") as term:
        stop_reading(term)
        term.kill(signal.SIGQUIT)
        assert ends_within(term, 1.0) == -signal.SIGQUIT
        assert is_given_back(term)


def test_the_screen_quits_and_is_suspended_on_an_unread_terminal(node: Node) -> None:
    with terminal("--root", str(node.root), "--interval", "0.2") as term:
        stop_reading(term)
        os.write(term.fd, b"\x1a")
        end = time.monotonic() + 1.5
        while psutil.Process(term.pid).status() != psutil.STATUS_STOPPED:
            assert time.monotonic() < end, "it was not suspended"
            time.sleep(0.01)
        assert termios.tcgetattr(term.fd)[3] & termios.ICANON
        term.kill(signal.SIGCONT)
        fill(term)
        os.write(term.fd, b"q")
        assert ends_within(term, 1.5) == 0
        assert is_given_back(term)


def test_the_screen_is_whole_as_soon_as_the_terminal_reads_again(node: Node) -> None:
    with terminal("--root", str(node.root), "--interval", "60", argv=SOONER) as term:
        stop_reading(term)
        time.sleep(STALLED)
        os.write(term.fd, b"?")
        time.sleep(0.5)
        term.until("Keys and signs", 2.0)
        settle(term)
        assert cells(term.screen) == cells(drawn_anew(term))


@pytest.mark.by_hand
def test_the_screen_is_current_as_soon_as_the_terminal_reads_again(node: Node) -> None:
    with terminal("--root", str(node.root), "--interval", "60", argv=SOONER) as term:
        stop_reading(term)
        time.sleep(SOON + 0.5)
        node.change()
        term.resize(100, 30)
        os.write(term.fd, b"?")
        time.sleep(0.5)
        term.until("Keys and signs", 2.0)
        settle(term)
        assert cells(term.screen) == cells(drawn_anew(term))
        term.press("\x1b")
        settle(term)
        assert "N0 Normal" in term.text
        assert cells(term.screen) == cells(drawn_anew(term))


def _measure(term: Terminal, node: Node, seconds: float, between: Callable[[], None]) -> tuple[float, int]:
    """Return the share of a processor and the growth in bytes over so many seconds."""
    process = psutil.Process(term.pid)
    used, before = sum(process.cpu_times()[:2]), process.memory_info().rss
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        between()
        time.sleep(0.25)
    return (sum(process.cpu_times()[:2]) - used) / seconds, process.memory_info().rss - before


@pytest.mark.by_hand
def test_the_screen_sleeps_on_an_unread_terminal(node: Node) -> None:
    with terminal("--root", str(node.root), "--interval", "0.2", argv=SOONER) as term:
        stop_reading(term)
        node.change_for(SOON + 1.0)
        share, grown = _measure(term, node, 4.0, node.change)
        print(f"unread: {share * 100:.2f} % of a processor, grown by {grown >> 10} KiB")
        assert share < 0.01
        assert grown < 256 << 10


@pytest.mark.by_hand
@pytest.mark.timeout(SECONDS + 120)
def test_memory_is_flat_for_ten_minutes_on_an_unread_terminal(node: Node) -> None:
    argv = [sys.executable, "-c", _SOONER.replace(f"UNREAD = {SOON}", "LOST = 86_400")]
    with terminal("--root", str(node.root), "--interval", "0.2", argv=argv) as term:
        stop_reading(term)
        node.change_for(75)
        share, grown = _measure(term, node, SECONDS, node.change)
        print(f"{SECONDS:.0f} s unread: {share * 100:.2f} % of a processor, grown by {grown >> 10} KiB")
        assert share < 0.005
        assert grown < 512 << 10
        term.kill(signal.SIGTERM)
        assert ends_within(term, 1.0) == 0
        assert is_given_back(term)
