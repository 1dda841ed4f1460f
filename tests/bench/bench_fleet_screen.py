"""What the screen of 5,000 nodes costs, beside a Textual program that shows one word.

The nodes are made by rule and read at once: what the server and its client cost is measured by `bench_fleet`. The CPU
to the first screen is the median of some starts in turn; a reading has every node changed.

Usage: python -m tests.bench.bench_fleet_screen   (prints a table in Markdown)
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import psutil

from fragtui.model.fleet.fleet import Fleet, Points
from tests.bench.bench_screen import BLANK, Program, cpu_seconds, start_costs, write_bytecode
from tests.support.fleet_source import SyntheticFleet
from tests.support.terminal import Terminal

NODES = 5000
REFRESHES = 10
_FLEET = "from tests.bench.bench_fleet_screen import show; show()"


class Ready(SyntheticFleet):
    """The nodes are made before the screen starts, twice: at each reading every one of them has changed."""

    def __init__(self) -> None:
        super().__init__(NODES)
        fleet = SyntheticFleet.read(self)
        changed = tuple(node._replace(blocks=(node.blocks or 0.0) + 1.0) for node in fleet.nodes)
        self._fleets = [fleet, fleet._replace(nodes=changed)]

        self._points: list[dict[str, Points]] = [{}, {}]

    def read(self, *, quick: bool = False) -> Fleet:
        self._fleets.reverse()
        self._points.reverse()
        return self._fleets[0]

    def history(self, names: Sequence[str], seconds: float) -> dict[str, Points]:
        known = self._points[0]
        known |= super().history([name for name in names if name not in known], seconds)
        return {name: known[name] for name in names if name in known}


def show() -> None:
    """Show them, for the program that is measured."""
    from fragtui.ui.fleet.app import LiveWays, run_fleet
    from fragtui.ui.fleet.live_command import LiveCommand
    from fragtui.ui.fleet.view import FleetView
    from fragtui.ui.terminal.detection import detect

    source = Ready()
    print("made", flush=True)
    look = detect("dark", to_ascii=False)
    run_fleet(source, FleetView(server="bench"), LiveWays(LiveCommand, lambda _: 0), look, {})


def spent(term: Terminal, keys: str, times: int, pause: float) -> float:
    """Return the CPU seconds of a key that is pressed so many times."""
    before = cpu_seconds(term.pid)
    for _ in range(times):
        term.press(keys)
        term.drain(pause)
    return (cpu_seconds(term.pid) - before) / times


def made_cost() -> float:
    """Return the CPU seconds until the nodes are made, which the screen does not pay."""
    code = "from tests.bench.bench_fleet_screen import Ready; Ready()"
    return start_costs([Program("made", [sys.executable, "-c", f"{code}; print('made')"], "made")])["made"]


def main() -> None:
    """Print the table."""
    write_bytecode()
    blank = Program("blank", [sys.executable, "-c", BLANK], "blank")
    fleet = Program("fleet", [sys.executable, "-c", _FLEET], "worst first")
    starts = start_costs([blank, fleet])
    start = starts["fleet"] - made_cost()
    term = Terminal(fleet.argv, 200, 60)
    try:
        term.until("worst first")
        term.drain(2.0)
        idle_from, began = cpu_seconds(term.pid), time.monotonic()
        term.drain(5.0)
        idle = (cpu_seconds(term.pid) - idle_from) / (time.monotonic() - began)
        spent(term, "u", 2, 0.6)
        refresh = spent(term, "u", REFRESHES, 0.6)
        step = spent(term, "\x1b[B", 60, 0.0)
        page = spent(term, "\x1b[6~", 20, 0.3)
        resident = psutil.Process(term.pid).memory_info().rss / (1 << 20)
    finally:
        term.close()
    print(f"| screen of {NODES:,} nodes, 200x60 | |")
    print("|---|---|")
    print(
        f"| CPU to the first rows, without making them | {start * 1000:.0f} ms, {start / starts['blank']:.2f} x blank |"
    )
    print(f"| CPU between two readings | {idle * 100:.2f} % |")
    print(f"| CPU of a reading, every node changed | {refresh * 1000:.1f} ms |")
    print(f"| CPU of a row down | {step * 1000:.1f} ms |")
    print(f"| CPU of a page down, with 50 curves | {page * 1000:.1f} ms |")
    print(f"| resident, with the nodes made twice | {resident:.1f} MiB |")


if __name__ == "__main__":
    main()
