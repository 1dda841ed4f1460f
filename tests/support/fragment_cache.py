"""Fragment this machine's free memory with page cache, print READY, and hold it until the parent ends.

Most free memory is put into the pool of huge pages first, which the caller gives back. What is left is filled by
reading two sparse files a page each in turn; then one of them is dropped, so that every second page of it is free.
Dropping caches fixes it, and compaction can: page cache is movable. The few large blocks that are left are taken by
packet rings. Usage: fragment_cache.py HOG_LEAVES_MB LEAVE_MB EAT_ORDER [pin]

With ``pin`` the cache is held in pipes, as a stalled sendfile(2) holds it, until SIGUSR1: no compaction moves it, so
large requests are refused.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import resource
import signal
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path

PAGE = mmap.PAGESIZE
HUGE_POOL = Path("/proc/sys/vm/nr_hugepages")
SOL_PACKET, PACKET_RX_RING = 263, 5


def free_mb() -> int:
    """Free memory by /proc/meminfo."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemFree:"):
            return int(line.split()[1]) // 1024
    raise SystemExit("/proc/meminfo has no MemFree")


def sparse(directory: str) -> int:
    """Return a descriptor of a nameless sparse file."""
    descriptor, name = tempfile.mkstemp(dir=directory, prefix=".fragment-")
    Path(name).unlink()
    os.ftruncate(descriptor, 64 << 30)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
    return descriptor


def large_blocks(least: int) -> list[tuple[int, int]]:
    """Return order and count of the free blocks of order `least` and above outside ZONE_DMA, the largest first."""
    rows = [line.split() for line in Path("/proc/buddyinfo").read_text().splitlines()]
    counts = {
        order: sum(int(row[4 + order]) for row in rows if row[3] != "DMA") for order in range(least, len(rows[0]) - 4)
    }
    return [(order, count) for order, count in sorted(counts.items(), reverse=True) if count]


def eat(least: int) -> list[socket.socket]:
    """Take the large free blocks with packet rings, again while some come back; return who holds them."""
    rings: list[socket.socket] = []
    for _ in range(20):
        if not (found := large_blocks(least)):
            break
        for order, count in found:
            ring = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            size = PAGE << order
            with contextlib.suppress(OSError):
                ring.setsockopt(
                    SOL_PACKET, PACKET_RX_RING, struct.pack("IIII", size, count, 2048, size // 2048 * count)
                )
                rings.append(ring)
        time.sleep(0.05)
    return rings


def pin(file: int, size: int) -> list[int]:
    """Hold the pages of the file in pipes; return the ends to read them from."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    held: list[int] = []
    offset = 0
    while offset < size:
        end, entry = os.pipe()
        held.append(end)
        room = fcntl.fcntl(entry, fcntl.F_SETPIPE_SZ, 1 << 20)
        with contextlib.suppress(BlockingIOError):
            while room > 0 and offset < size:
                moved = os.splice(file, entry, min(room, size - offset), offset_src=offset, flags=os.SPLICE_F_NONBLOCK)
                offset, room = offset + moved, room - moved
        os.close(entry)
    return held


def main() -> None:
    """Run until the parent ends."""
    hog_leaves, leave, least = (int(word) for word in sys.argv[1:4])
    pinned = sys.argv[4:] == ["pin"]
    Path("/proc/self/oom_score_adj").write_text("1000")
    if pinned:
        # Whole blocks of other files' cache could be reclaimed for a large request.
        Path("/proc/sys/vm/drop_caches").write_text("1")
    # The pool takes whole blocks: what is left would be in the pieces between other tasks' pages.
    Path("/proc/sys/vm/compact_memory").write_text("1")
    # Huge pages of the pool are not zeroed until they are used: the quickest way to have less memory.
    HUGE_POOL.write_text(str(max(0, free_mb() - hog_leaves) // 2))
    kept, dropped = sparse(tempfile.gettempdir()), sparse(tempfile.gettempdir())
    offset = 0
    most = hog_leaves << 20  # kswapd may keep more free than asked; this much has then gone round
    while free_mb() > leave and 2 * offset < most:
        for _ in range(4096):
            os.pread(kept, PAGE, offset)
            os.pread(dropped, PAGE, offset)
            offset += PAGE
    os.posix_fadvise(dropped, 0, 0, os.POSIX_FADV_DONTNEED)
    pipes = pin(kept, offset) if pinned else []

    def unpin(*_: object) -> None:
        while pipes:
            os.close(pipes.pop())

    signal.signal(signal.SIGUSR1, unpin)
    rings = eat(least)
    print("READY", len(rings), flush=True)
    while os.getppid() != 1:
        if pipes:  # kswapd may free a block after READY: while pinned, none may be free.
            rings += eat(least)
        time.sleep(0.2)


if __name__ == "__main__":
    main()
