"""`fragtui explain` on a large syslog with a thousand incidents, beside `grep -c` of the same file, turn by turn.

Run: python tests/bench/bench_explain.py [MEGABYTES [ROUNDS]]. Budget: at most six times grep by the clock.
Each round runs grep under C.UTF-8, explain, and grep under C; a ratio compares explain with the mean of the two beside
it. Processor time (all processes together) says what the machine did; the clock also says what else ran on it.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.places import GENUINE

INCIDENTS = 1000
"""In a log of 1 GiB; a smaller one has as many a byte."""
PROGRAMS = (
    "kubelet[1234]: I0608 11:04:34.865705    9632 manager.go:456] Image registry/app is running",
    "systemd[1]: Started Session 3242 of user root.",
    "kernel: [12345.678901] IPv6: ADDRCONF(NETDEV_UP): veth123abc: link is not ready",
    "sshd[881]: Accepted publickey for root from 10.0.0.1 port 4242 ssh2",
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds by the clock and of processors, and the largest resident size of one process in MiB."""

    clock: float
    cpu: float
    resident: float
    lines: int


def write_log(path: Path, megabytes: int, incidents: int) -> None:
    """Write a syslog of that size; no two of its reports have the same stamps, pids and counts."""
    lines = [
        f"Jul {i % 28 + 1:2d} 10:{i // 60 % 60:02d}:{i % 60:02d} node {PROGRAMS[i % 4]} {i}\n" for i in range(20000)
    ]
    filler = "".join(lines).encode()
    text = GENUINE.read_text()
    share = max(1, (megabytes << 20) // incidents - 100 * len(text) // 80)
    with path.open("wb") as log:
        for index in range(incidents):
            start = filler.index(b"\n", index * 7919 % (len(filler) // 2)) + 1
            chunk = (filler[start:] + filler * (share // len(filler) + 1))[:share]
            log.write(chunk[: chunk.rindex(b"\n") + 1])
            stamp = f"Jul  1 00:{index // 60 % 60:02d}:{index % 60:02d} node kernel: "
            report = re.sub(r"(?<=\[ )3797(?=\.)", str(3797 + index), text)
            report = report.replace("8499", str(8499 + index)).replace("free:8407724", f"free:{8407724 + index}")
            report = report.replace("1934738*", f"{1934738 + index}*")
            log.write("".join(stamp + line.strip() + "\n" for line in report.splitlines()).encode())


def run(command: Sequence[str], locale: str) -> Cost:
    """Run a command to its end."""
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"LC_ALL": locale}) as process:
        assert process.stdout is not None
        lines = sum(1 for _ in process.stdout)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed")
    return Cost(time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, lines)


def spread(values: Sequence[float]) -> str:
    """Return the median and the range of some numbers."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Write the log, measure, and print what was measured."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    incidents = max(1, INCIDENTS * megabytes // 1024)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "messages"
        # Elsewhere: what this process ever held would count as resident in those it starts.
        writer = multiprocessing.Process(target=write_log, args=(log, megabytes, incidents))
        writer.start()
        writer.join()
        grep = ["grep", "-c", "page allocation", str(log)]
        explain = [sys.executable, "-m", "fragtui", "explain", "--json", str(log)]
        run(grep, "C")  # The file is in memory, Python's modules are compiled.
        environ = os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        run([*explain[:-1], os.devnull], "C.UTF-8")
        del environ
        turns = [(run(grep, "C.UTF-8"), run(explain, "C.UTF-8"), run(grep, "C")) for _ in range(rounds)]
    found = turns[0][1].lines
    print(f"{megabytes} MiB, {found} incidents, {rounds} rounds on {os.cpu_count()} processors; median (range)")
    for name, place in (("grep -c, C.UTF-8", 0), ("explain", 1), ("grep -c, C", 2)):
        costs = [turn[place] for turn in turns]
        print(f"{name:17} {spread([c.clock for c in costs])} s, of processors {spread([c.cpu for c in costs])} s")
    clock = [2 * said.clock / (utf8.clock + plain.clock) for utf8, said, plain in turns]
    cpu = [2 * said.cpu / (utf8.cpu + plain.cpu) for utf8, said, plain in turns]
    print(f"explain's largest process: {max(said.resident for _, said, _ in turns):.0f} MiB resident")
    print(f"explain takes {spread(clock)} times grep by the clock, {spread(cpu)} times its processor time")


if __name__ == "__main__":
    main()
