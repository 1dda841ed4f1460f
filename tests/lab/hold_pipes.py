"""Fill memory with pipe buffers, drain every second page, say READY and hold: what no remedy heals.

Usage: hold_pipes.py LEAVE_MB. It is the first that the OOM killer takes.
"""

import fcntl
import os
import resource
import sys
import time

leave = int(sys.argv[1])
with open("/proc/self/oom_score_adj", "w") as score:
    score.write("1000")
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
PAGES = 256
PAGE = b"x" * 4096


def free_mb() -> int:
    with open("/proc/meminfo") as meminfo:
        return next(int(line.split()[1]) // 1024 for line in meminfo if line.startswith("MemFree:"))


def pipe() -> tuple[int, int]:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PAGES * 4096)
    return reader, writer


pairs: list[tuple[int, int]] = []
while free_mb() > leave and len(pairs) < (hard - 1000) // 4:
    for _ in range(32):
        (_, kept), (reader, drained) = pipe(), pipe()
        for _ in range(PAGES):
            os.write(kept, PAGE)
            os.write(drained, PAGE)
        pairs.append((reader, drained))
for reader, _ in pairs:
    for _ in range(PAGES):
        os.read(reader, 4096)
print("READY", flush=True)
time.sleep(600)
