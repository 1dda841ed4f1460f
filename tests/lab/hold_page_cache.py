"""Fill memory with page cache, drop every second page of it at random, print READY and wait. Remedies fix that.

Usage: hold_page_cache.py DIRECTORY LEAVE_MB. It is the first that the OOM killer takes. Which page stays is drawn:
were it every second one exactly, compaction, whose free scanner goes in strides of a power of two, would see no free
page at all.
"""

import os
import random
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
offsets = [0, 0]
drawn = random.Random(1)
most = (free_mb() - leave) << 20  # kswapd may keep more free than asked; this much has then gone round
while free_mb() > leave and sum(offsets) < most:
    for bit in f"{drawn.getrandbits(16384):016384b}":
        which = bit == "1"
        os.pread(files[which], 4096, offsets[which])
        offsets[which] += 4096
os.posix_fadvise(files[1], 0, 0, os.POSIX_FADV_DONTNEED)
print("READY", flush=True)
time.sleep(600)
