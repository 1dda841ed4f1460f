"""Ask for huge pages, and print how many were asked for and how many denied: 4K pages came instead.

Usage: ask_huge_pages.py BURSTS PAGES: so many at once, every 3 seconds, after a line on its input. Each page is kept.
With `never` in transparent_hugepage/defrag the kernel takes a free block for each, or none: it neither reclaims nor
compacts for it.
"""

import ctypes
import mmap
import sys
import time
from pathlib import Path

HUGE = 2 << 20
PAUSE = 3.0
bursts, pages = int(sys.argv[1]), int(sys.argv[2])
Path("/proc/self/oom_score_adj").write_text("900")
areas: list[mmap.mmap] = []


def huge_kib() -> int:
    """Return what of this process's memory is in huge pages."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages:"))


denied = 0
sys.stdin.readline()
begun, before = time.monotonic(), huge_kib()
for burst in range(bursts):
    for _ in range(pages):
        area = mmap.mmap(-1, 2 * HUGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        areas.append(area)
        area.madvise(mmap.MADV_HUGEPAGE)
        first = ctypes.addressof(ctypes.c_char.from_buffer(area))
        area[-first % HUGE] = 1
        now = huge_kib()
        denied += now == before
        before = now
    time.sleep(max(0.0, begun + (burst + 1) * PAUSE - time.monotonic()))
print(bursts * pages, denied, flush=True)
