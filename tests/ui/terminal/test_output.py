"""Output to a terminal that reads at any time: on a real pseudo terminal, and on a pipe if there is none."""

import os
import pty
import re
import threading
import time
import tracemalloc
import tty
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fragtui.ui.terminal import output as terminal_output
from fragtui.ui.terminal.output import GIVE_BACK, STALLED, TerminalOutput

FRAME = re.compile(rb"\x1b\[H(\d+) x+\x1b\[m")


@dataclass
class Reader:
    """The other end of a terminal, and what was reported about it."""

    end: int
    output: TerminalOutput
    read: threading.Event
    unread: threading.Event
    lost: list[str]

    def take(self, seconds: float = 0.3) -> bytes:
        """Return what comes until nothing has come for so long."""
        os.set_blocking(self.end, False)
        data, last = b"", time.monotonic()
        while time.monotonic() - last < seconds:
            try:
                data += os.read(self.end, 65_536)
                last = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
        return data


def _reader(end: int, descriptor: int) -> Reader:
    read, unread = threading.Event(), threading.Event()
    lost: list[str] = []
    return Reader(end, TerminalOutput(descriptor, "utf-8", read.set, unread.set, lost.append), read, unread, lost)


@pytest.fixture
def reader() -> Iterator[Reader]:
    end, descriptor = pty.openpty()
    tty.setraw(descriptor)
    found = _reader(end, descriptor)
    yield found
    found.output.close()
    os.close(end)
    os.close(descriptor)


def frame(number: int) -> str:
    return f"\x1b[H{number} {'x' * 5000}\x1b[m"


def flood(reader: Reader, frames: int = 400) -> None:
    """Write what no queue holds, and wait until the terminal counts as stalled."""
    for number in range(frames):
        reader.output.write(frame(number))
    time.sleep(STALLED + 0.1)


def test_no_write_waits_and_what_waits_is_bounded(reader: Reader) -> None:
    flood(reader)
    tracemalloc.start()
    began = time.monotonic()
    for number in range(2000):
        reader.output.write(frame(number))
    assert time.monotonic() - began < 1.0
    assert tracemalloc.get_traced_memory()[0] < 100_000
    tracemalloc.stop()


def test_what_is_read_later_is_whole_frames_in_their_order_and_nothing_cut(reader: Reader) -> None:
    flood(reader)
    for number in range(400, 800):
        reader.output.write(frame(number))
    taken = reader.take()
    assert not FRAME.sub(b"", taken)
    numbers = [int(found) for found in FRAME.findall(taken)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) <= 400
    assert reader.read.wait(1.0)
    reader.output.write(frame(9999))
    assert reader.take() == frame(9999).encode()


def test_the_last_setting_of_each_mode_survives_a_drop(reader: Reader) -> None:
    flood(reader)
    for text in ("[?2026h", "[H1 xx", "[?2026l", "[?1000h", "[>25u", "[?1000l", "[?25l", "[<u"):
        reader.output.write(f"\x1b{text}")
    assert FRAME.sub(b"", reader.take()) == b"\x1b[?2026l\x1b[?1000l\x1b[?25l\x1b[<u"


def test_it_reports_that_the_terminal_is_unread(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_output, "UNREAD", 0.5)
    for number in range(100):
        reader.output.write(frame(number))
    assert reader.unread.wait(2.0)
    assert not reader.read.is_set()
    reader.take()
    assert reader.read.wait(1.0)


def until_lost(reader: Reader) -> None:
    end = time.monotonic() + 20
    while not reader.lost and time.monotonic() < end:
        time.sleep(0.02)


def test_it_reports_once_that_the_terminal_is_lost(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_output, "UNREAD", 0.2)
    monkeypatch.setattr(terminal_output, "LOST", 2.0)
    for number in range(100):
        reader.output.write(frame(number))
    assert reader.unread.wait(20.0)
    assert reader.lost == []
    until_lost(reader)
    time.sleep(0.5)
    (why,) = reader.lost
    assert why.startswith("the terminal has read nothing for")


def test_a_terminal_that_was_closed_is_lost() -> None:
    end, descriptor = pty.openpty()
    found = _reader(end, descriptor)
    os.close(end)
    found.output.write(frame(1))
    until_lost(found)
    found.output.close("words for nobody")
    os.close(descriptor)
    assert found.lost == [""]


def test_the_last_words_follow_the_settings_of_modes() -> None:
    end, descriptor = pty.openpty()
    tty.setraw(descriptor)
    found = _reader(end, descriptor)
    found.output.write("\x1b[?1049l")
    found.output.close("last words\n")
    assert found.take(0.1) == b"\x1b[?1049llast words\n"
    for number in (end, descriptor):
        os.close(number)


def test_a_quiet_screen_does_not_count_as_unread_or_lost(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_output, "UNREAD", 0.2)
    monkeypatch.setattr(terminal_output, "LOST", 0.3)
    reader.output.write(frame(1))
    assert not reader.unread.wait(0.6)
    assert reader.lost == []


@pytest.mark.by_hand
def test_a_terminal_that_reads_slowly_gets_the_newest(reader: Reader) -> None:
    """A hundredth of what is written: it must not lag by more than the kernel's queue and a second."""
    end, shown, written = time.monotonic() + 5.0, b"", 0
    while time.monotonic() < end:
        reader.output.write(frame(written))
        written += 1
        if written % 4 == 0:
            shown += os.read(reader.end, 4096)
        time.sleep(0.005)
    reader.take()
    reader.output.write(frame(written))
    assert reader.take() == frame(written).encode()
    assert reader.read.is_set()


def test_given_back_it_ends_what_was_cut_and_resets_all(reader: Reader) -> None:
    flood(reader)
    began = time.monotonic()
    reader.output.give_back()
    assert time.monotonic() - began < 0.5
    reader.output.write(frame(1))
    assert reader.take().endswith(GIVE_BACK.encode())


def test_closed_it_has_written_the_modes(reader: Reader) -> None:
    for text in ("\x1b[?2004l", "\x1b[?1049l", "\x1b[?25h"):
        reader.output.write(text)
    reader.output.close()
    assert reader.take() == b"\x1b[?2004l\x1b[?1049l\x1b[?25h"


def test_a_terminal_that_hangs_up_ends_the_thread_and_no_caller() -> None:
    end, descriptor = pty.openpty()
    found = _reader(end, descriptor)
    os.close(end)
    for number in range(100):
        found.output.write(frame(number))
    found.output._thread.join(2.0)
    assert not found.output._thread.is_alive()
    found.output.give_back()
    found.output.close()
    os.close(descriptor)


def test_where_a_write_may_block_no_caller_does() -> None:
    """A descriptor that can't be opened again without blocking, as that of a terminal whose file is another user's."""
    end, descriptor = os.pipe()
    found = _reader(end, descriptor)
    flood(found)
    began = time.monotonic()
    found.output.write(frame(1))
    found.output.close()
    assert time.monotonic() - began < 1.0
    os.close(end)
