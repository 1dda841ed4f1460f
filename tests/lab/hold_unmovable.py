"""Leave this machine no free block of order 10, nor pages to make one: print READY, and wait until killed.

Most free memory goes into the pool of huge pages, which the caller resets. What is left is filled with pipe buffers, a
page each of two pipes in turn, and one pipe of each pair is drained: nothing moves the other's pages. What large blocks
are left after that go into the pool too.
"""

import fcntl
import os
import resource
import sys
import time
from pathlib import Path

POOL = Path("/proc/sys/vm/nr_hugepages")
PAGE = b"x" * os.sysconf("SC_PAGE_SIZE")
SLOTS = 256
LEFT_MB, DRAINED_FROM_MB = 2500, 400


def free_mb() -> int:
    """Free memory by /proc/meminfo."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("MemFree:"))


def pipe() -> tuple[int, int]:
    """Return a pipe that holds SLOTS pages."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, SLOTS * len(PAGE))
    return reader, writer


Path("/proc/self/oom_score_adj").write_text("1000")
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
Path("/proc/sys/vm/drop_caches").write_text("1")
POOL.write_text(str(max(0, free_mb() - LEFT_MB) // 2))
drained: list[int] = []
while free_mb() > DRAINED_FROM_MB and len(drained) < (hard - 200) // 4:
    (_, kept), (reader, emptied) = pipe(), pipe()
    for _ in range(SLOTS):
        os.write(kept, PAGE)
        os.write(emptied, PAGE)
    drained.append(reader)
for reader in drained:
    for _ in range(SLOTS):
        os.read(reader, len(PAGE))
POOL.write_text("100000")
print("READY", flush=True)
sys.stdout.close()
time.sleep(600)
