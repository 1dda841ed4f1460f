"""The installed command from its start to every kind of end."""

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.support.terminal import command, terminal

pytestmark = pytest.mark.slow

NULL = subprocess.DEVNULL
RESTORED = (b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?25h")
"""Alternate screen off, mouse reporting off, cursor on."""


@pytest.mark.parametrize(
    ("size", "end"),
    [((60, 20), "q"), ((80, 24), signal.SIGTERM), ((120, 40), signal.SIGHUP), ((200, 60), signal.SIGINT)],
    ids=str,
)
def test_it_shows_the_node_at_every_size_and_gives_the_terminal_back_at_every_end(
    fragmented: Path, size: tuple[int, int], end: signal.Signals | str
) -> None:
    with terminal("--root", str(fragmented), "--order", "6", columns=size[0], rows=size[1]) as term:
        term.until("FRAGMENTED")
        term.until("N0 Normal")
        if isinstance(end, signal.Signals):
            term.pump(0.5)
            term.kill(end)
        else:
            term.press(end)
        assert term.wait() == 0
        assert all(code in term.written for code in RESTORED)


def test_sighup_ignored_by_the_parent_still_ends_it_when_the_terminal_is_lost(fragmented: Path) -> None:
    argv = ["/bin/sh", "-c", 'trap "" HUP; exec "$0" "$@"', *command()]
    with terminal("--root", str(fragmented), argv=argv) as term:
        term.until("N0 Normal")
        term.hang_up()
        start = time.monotonic()
        term.wait(14.0)
        assert time.monotonic() - start < 15


def test_it_is_suspended_with_the_terminal_restored_and_continues(fragmented: Path) -> None:
    with terminal("--root", str(fragmented)) as term:
        term.until("N0 Normal")
        term.press("\x1a")
        process = psutil.Process(term.pid)
        end = time.monotonic() + 5
        while process.status() != psutil.STATUS_STOPPED:
            assert time.monotonic() < end, "it was not suspended"
            term.pump(0.05)
        term.pump(0.2)
        assert all(code in term.written for code in RESTORED)
        term.kill(signal.SIGCONT)
        term.press("?")
        term.until("Keys and signs")
        term.press("\x1b")
        term.until("N0 Normal")
        term.press("q")
        assert term.wait() == 0


def test_it_resizes_and_continues(fragmented: Path) -> None:
    with terminal("--root", str(fragmented), columns=120, rows=40) as term:
        term.until("N0 Normal")
        for columns, rows in ((60, 20), (200, 60), (80, 24)):
            term.resize(columns, rows)
            term.rest()
            term.until(lambda text: "N0 Normal" in text and "Stuck pods" in text)
        term.press("q")
        assert term.wait() == 0


def _wakes(pid: int) -> int:
    """Return how often the threads of a process have slept and woken."""
    found = [status.read_text() for status in Path(f"/proc/{pid}/task").glob("*/status")]
    return sum(int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0]) for text in found)


def test_it_sleeps_until_a_key_or_a_tick_comes(fragmented: Path) -> None:
    with terminal("--root", str(fragmented), "--interval", "60") as term:
        term.until("N0 Normal")
        term.pump(2.0)
        before = _wakes(term.pid)
        term.pump(2.0)
        # The pods' board is reviewed every 5 s; an input thread that polls would alone wake twenty times.
        assert _wakes(term.pid) - before < 7
        term.press("?")
        term.until("Keys and signs")


def test_a_pipe_in_place_of_a_file_does_not_block(fragmented: Path) -> None:
    file = fragmented / "proc/vmstat"
    file.unlink()
    os.mkfifo(file)
    with terminal("--root", str(fragmented), "--interval", "0.5") as term:
        term.until("N0 Normal")
        start = time.monotonic()
        term.press("q")
        assert term.wait() == 0
        assert time.monotonic() - start < 15


def test_the_screen_without_a_terminal_is_refused(fragmented: Path) -> None:
    done = subprocess.run(
        [*command(), "--root", str(fragmented)], check=False, capture_output=True, text=True, stdin=NULL
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "needs a terminal" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--root", "/no/such/place"], "expected a directory"),
        (["--order", "x"], "expected an order"),
        (["--interval", "0"], "expected 0.2 to 60"),
        (["--theme", "no-such-theme"], "expected one of"),
    ],
)
def test_bad_arguments_get_one_clear_line(arguments: list[str], word: str) -> None:
    done = subprocess.run([*command(), *arguments], check=False, capture_output=True, text=True, stdin=NULL)
    assert done.returncode == 2
    assert word in done.stderr.splitlines()[-1]


def test_version_prints_one_line() -> None:
    done = subprocess.run([*command(), "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("fragtui ")


@pytest.mark.parametrize(("name", "value"), [("LC_ALL", "POSIX"), ("TERM", "vt100"), ("PYTHONIOENCODING", "latin-1")])
def test_a_terminal_without_block_characters_gets_ascii(fragmented: Path, name: str, value: str) -> None:
    argv = ["env", f"{name}={value}", *command()]
    with terminal("--root", str(fragmented), "--order", "6", argv=argv) as term:
        term.until("FRAGMENTED")
        term.until("N0 Normal")
        term.until("=====")
        assert term.text.isascii(), [c for c in term.text if not c.isascii()]
        term.press("?")
        term.until("Keys and signs")
        assert term.text.isascii(), [c for c in term.text if not c.isascii()]
        term.press("q")
        term.until("N0 Normal")
        term.press("q")
        assert term.wait() == 0
