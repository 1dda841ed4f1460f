"""What the full screen costs, side by side with htop, btop and glances in one run.

Each program runs in a pseudo terminal of 120 columns and 40 rows at one update a second: CPU to the first screen (in
turn), then CPU over the time and resident memory at its end, on the machine as it is and with 500 sleeping processes.
fragtui runs twice: on this node, and on a host made of files of which every zone changes at every tick. A Textual
program that shows one word is measured too: its cost is the least that a Textual program can have, and shows how fast
the machine is now.

Usage: python -m tests.bench.bench_screen [SECONDS]   (default 30; prints a table in Markdown)
"""

from __future__ import annotations

import compileall
import os
import random
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.host_tree import HostTree
from tests.support.places import REPOSITORY
from tests.support.terminal import Terminal, command

SLEEPERS = 500
SETTLE = 6.0
STARTS = 9
BLANK = """
from textual.app import App
from textual.widgets import Static
class Blank(App):
    def compose(self):
        yield Static("blank")
Blank().run()
"""


@dataclass(frozen=True)
class Program:
    """A program, and the word whose bytes show that its first screen is drawn."""

    name: str
    argv: list[str]
    ready: str


@dataclass(frozen=True)
class Cost:
    """CPU share of one core, resident MiB."""

    share: float
    resident: float


def write_bytecode() -> None:
    """Compile the sources as an installation does: a start without bytecode takes 100 ms and memory more."""
    compileall.compile_dir(REPOSITORY / "fragtui", quiet=1)


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads, from the scheduler's own nanoseconds."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def start_costs(programs: Sequence[Program]) -> dict[str, float]:
    """CPU seconds to the first screen by program, the median of some starts.

    They start in turn, so that the load of the machine affects all of them equally.
    """
    taken: dict[str, list[float]] = {program.name: [] for program in programs}
    for _ in range(STARTS):
        for program in programs:
            term = Terminal(program.argv, 120, 40)
            try:
                taken[program.name].append(first_screen(term, program.ready.encode()))
            finally:
                term.close()
    return {name: statistics.median(costs) for name, costs in taken.items()}


def measure(program: Program, seconds: float) -> Cost:
    """Run one program and return its cost after the start."""
    term = Terminal(program.argv, 120, 40)
    try:
        first_screen(term, program.ready.encode())
        term.pump(SETTLE)
        before, start = cpu_seconds(term.pid), time.monotonic()
        term.pump(seconds)
        share = (cpu_seconds(term.pid) - before) / (time.monotonic() - start)
        return Cost(share, psutil.Process(term.pid).memory_info().rss / (1 << 20))
    finally:
        term.close()


def first_screen(term: Terminal, word: bytes) -> float:
    """CPU seconds until a word is on the terminal, asked as its bytes arrive: to draw the screen here takes long."""
    end = time.monotonic() + 30
    while word not in term.written:
        assert select.select([term.fd], [], [], max(0.0, end - time.monotonic()))[0], f"no {word!r} within 30 s"
        term.written += os.read(term.fd, 65_536)
    return cpu_seconds(term.pid)


@contextmanager
def sleepers(count: int) -> Iterator[None]:
    """Have so many processes asleep for the time of the block."""
    asleep = [subprocess.Popen(["sleep", "3600"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in asleep:
            process.kill()
        for process in asleep:
            process.wait()


@contextmanager
def changing_host() -> Iterator[Path]:
    """Keep a host of files of which every zone changes ten times a second."""
    with tempfile.TemporaryDirectory() as directory:
        tree = HostTree.small(Path(directory))
        done = threading.Event()

        def change() -> None:
            rng = random.Random(1)
            while not done.wait(0.1):
                for zone in tree.zones:
                    zone.free_blocks = tuple(rng.randint(0, 5000) for _ in zone.free_blocks)
                tree.write()

        thread = threading.Thread(target=change)
        thread.start()
        try:
            yield tree.root
        finally:
            done.set()
            thread.join()


def main() -> None:
    """Print the table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    write_bytecode()
    with changing_host() as host:
        programs = [
            Program("fragtui", [*command(), "--read-only"], "Normal"),
            Program("fragtui, every zone changing", [*command(), "--root", str(host)], "Normal"),
            Program("a blank Textual program", [sys.executable, "-c", BLANK], "blank"),
            Program("htop", ["htop", "-d", "10"], "PID"),
            Program("btop", ["btop", "--utf-force"], "cpu"),
            Program("glances", ["glances", "-t", "1"], "CPU"),
        ]
        programs = [program for program in programs if shutil.which(program.argv[0])]
        print(f"| program | CPU to first screen | CPU at 1 Hz | CPU at 1 Hz, {SLEEPERS} more processes | resident |")
        print("|---|---|---|---|---|")
        firsts = start_costs(programs)
        for program in programs:
            idle = measure(program, seconds)
            with sleepers(SLEEPERS):
                busy = measure(program, seconds)
            print(
                f"| {program.name} | {firsts[program.name] * 1000:.0f} ms "
                f"| {idle.share * 100:.2f} % | {busy.share * 100:.2f} % "
                f"| {max(idle.resident, busy.resident):.1f} MiB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
