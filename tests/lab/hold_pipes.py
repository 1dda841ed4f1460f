"""Fill memory with pipe buffers, drain every second page on request, and hold: fragmentation that no remedy fixes.

Usage: hold_pipes.py LEAVE_MB. Says FULL when LEAVE_MB are free or its descriptors are used up, drains after a line
on its input, says READY. It is the first that the OOM killer takes.
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


every_second: list[int] = []
while free_mb() > leave and len(every_second) < (hard - 1000) // 4:
    for _ in range(32):
        (_, kept), (reader, drained) = pipe(), pipe()
        for _ in range(PAGES):
            os.write(kept, PAGE)
            os.write(drained, PAGE)
        every_second.append(reader)
print("FULL", flush=True)
sys.stdin.readline()
for reader in every_second:
    for _ in range(PAGES):
        os.read(reader, 4096)
print("READY", flush=True)
time.sleep(600)
