"""Fill free memory with page cache, print READY, and go on at so many MiB a second until killed.

It reads two sparse files a page each in turn. The pages of one are read twice, so that the kernel reclaims those of the
other: what it frees is between pages in use. Usage: flood_page_cache.py DIRECTORY LEAVE_MB MIB_PER_SECOND
"""

import os
import sys
import time
from pathlib import Path

PAGE, PAGES = 4096, 1024
leave, rate = int(sys.argv[2]), int(sys.argv[3])


def free_mb() -> int:
    """Free memory by /proc/meminfo."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith("MemFree:"))


once, twice = (os.open(sys.argv[1], os.O_TMPFILE | os.O_RDWR) for _ in "ab")
for descriptor in (once, twice):
    os.ftruncate(descriptor, 1 << 40)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
offset = 0
begun: float | None = None
paced_from = 0
while True:
    for _ in range(PAGES):
        os.pread(once, PAGE, offset)
        os.pread(twice, PAGE, offset)
        os.pread(twice, PAGE, offset)
        offset += PAGE
    if begun is None and free_mb() < leave:
        begun, paced_from = time.monotonic(), offset
        print("READY", flush=True)
    if begun is not None:
        time.sleep(max(0.0, begun + (2 * (offset - paced_from) >> 20) / rate - time.monotonic()))
