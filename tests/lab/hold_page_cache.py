"""Fill memory with page cache, drop every second page, say READY and hold: what remedies heal.

Usage: hold_page_cache.py DIRECTORY LEAVE_MB. It is the first that the OOM killer takes.
"""

import os
import sys
import time
from pathlib import Path

directory, leave = sys.argv[1], int(sys.argv[2])
with open("/proc/self/oom_score_adj", "w") as score:
    score.write("1000")


def free_mb() -> int:
    with open("/proc/meminfo") as meminfo:
        return next(int(line.split()[1]) // 1024 for line in meminfo if line.startswith("MemFree:"))


files = []
for name in "ab":
    path = f"{directory}/hold-{name}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    Path(path).unlink()
    os.ftruncate(descriptor, 64 << 30)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
    files.append(descriptor)
kept, dropped = files
offset = 0
while free_mb() > leave:
    for _ in range(8192):
        os.pread(kept, 4096, offset)
        os.pread(dropped, 4096, offset)
        offset += 4096
os.posix_fadvise(dropped, 0, 0, os.POSIX_FADV_DONTNEED)
print("READY", flush=True)
time.sleep(600)
