"""CPU time of `fragtui check`, start of Python included, as a ratio to `python -c pass`: budget 6.

The kernel's own work for /proc/pagetypeinfo is part of it: it walks all free blocks, which took from 2 to 20 ms on one
machine. What is left without it is printed too.

Run: python tests/bench/bench_check.py [RUNS]. The runs alternate, so that a busy machine slows both equally. Where the
time goes: python -X importtime -m fragtui check.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys

BUDGET = 6.0
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""With that variable every run would compile the package again."""
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "--version": ["-m", "fragtui", "--version"],
    "check": ["-m", "fragtui", "check"],
    "check --json": ["-m", "fragtui", "check", "--json"],
    "pagetypeinfo": ["-c", "open('/proc/pagetypeinfo').read()"],
}
"""The last is Python's start and the one costly file that a check reads of a live node."""


def cpu_of(command: list[str]) -> float:
    """Return the CPU seconds of a command, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=False, capture_output=True, env=ENVIRONMENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Print the medians and their ratios; return 1 if `check` is over its budget."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for words in COMMANDS.values():
        cpu_of([sys.executable, *words])
    for _ in range(runs):
        for name, words in COMMANDS.items():
            taken[name].append(cpu_of([sys.executable, *words]))
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    base = medians["python -c pass"]
    for name, median in medians.items():
        print(f"{name:<15} {median * 1000:5.0f} ms CPU  {median / base:4.1f} times")
    own = medians["check"] - (medians["pagetypeinfo"] - base)
    kept = medians["check"] <= BUDGET * base
    print(f"check without the kernel's walk for pagetypeinfo: {own * 1000:.0f} ms CPU, {own / base:.1f} times")
    print(f"budget {BUDGET:.0f} times for check: {'kept' if kept else 'BROKEN'}")
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
