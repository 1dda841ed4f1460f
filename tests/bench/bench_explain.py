"""`fragtui explain` on a large syslog with a thousand incidents, beside `grep -c`: seconds and resident memory.

Run: python tests/bench/bench_explain.py [MEGABYTES]. Budget: at most three times grep.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPORT = Path(__file__).parents[1] / "kernel" / "samples" / "kmsg-6.18-lab-1.txt"
EXPLAIN = "import argparse; from fragtui.commands import explain as m; p = argparse.ArgumentParser(); m.configure(p);"
EXPLAIN += " raise SystemExit(m.run(p.parse_args()))"
PROGRAMS = (
    "kubelet[1234]: I0608 11:04:34.865705    9632 manager.go:456] Image registry/app is running",
    "systemd[1]: Started Session 3242 of user root.",
    "kernel: [12345.678901] IPv6: ADDRCONF(NETDEV_UP): veth123abc: link is not ready",
    "sshd[881]: Accepted publickey for root from 10.0.0.1 port 4242 ssh2",
)


def write_log(path: Path, megabytes: int, incidents: int) -> None:
    lines = [
        f"Jul {i % 28 + 1:2d} 10:{i // 60 % 60:02d}:{i % 60:02d} node {PROGRAMS[i % 4]} {i}\n" for i in range(20000)
    ]
    stamp = "Jul  1 00:45:31 node kernel: "
    report = "".join(stamp + line.strip() + "\n" for line in REPORT.read_text().splitlines()).encode()
    filler = "".join(lines).encode()
    share = max(1, (megabytes << 20) // incidents - len(report))
    with path.open("wb") as log:
        for index in range(incidents):
            start = filler.index(b"\n", index * 7919 % (len(filler) // 2)) + 1
            chunk = (filler[start:] + filler * (share // len(filler) + 1))[:share]
            log.write(chunk[: chunk.rindex(b"\n") + 1])
            log.write(report)


def timed(command: list[str]) -> tuple[float, str]:
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - begun, done.stdout


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "messages"
        write_log(log, megabytes, 1000)
        grep = min(timed(["grep", "-c", "page allocation", str(log)])[0] for _ in range(3))
        runs = [timed([sys.executable, "-c", EXPLAIN, "--json", str(log)]) for _ in range(3)]
        took = min(seconds for seconds, _ in runs)
        found = runs[0][1].count("\n")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(
            f"{megabytes} MiB, {found} incidents: explain {took:.2f} s, grep -c {grep:.2f} s, {took / grep:.1f} times"
        )
        print(f"largest child {peak:.0f} MiB resident")


if __name__ == "__main__":
    main()
