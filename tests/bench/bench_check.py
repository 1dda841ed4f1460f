"""CPU time of `fragtui check`, start of Python included: budget 80 ms.

Run: python tests/bench/bench_check.py [RUNS]. Where the time goes: python -X importtime -m fragtui check.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time

BUDGET = 0.080


def cpu_of(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    base = [sys.executable, "-m", "fragtui"]
    cpu_of([*base, "check"])
    middle = 0.0
    for words in (["--version"], ["check"], ["check", "--json"]):
        begun = time.perf_counter()
        taken = [cpu_of([*base, *words]) for _ in range(runs)]
        wall = (time.perf_counter() - begun) / runs
        middle = statistics.median(taken)
        print(
            f"{' '.join(words):<14} median {middle * 1000:.0f} ms CPU, most {max(taken) * 1000:.0f}, "
            f"wall {wall * 1000:.0f}"
        )
    print(f"budget {BUDGET * 1000:.0f} ms: {'kept' if middle <= BUDGET else 'BROKEN'}")
    return 0 if middle <= BUDGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
