"""Ask for rings of a pipe in a memory cgroup that is full until so many were denied; print how many were.

The kernel allocates the ring of a pipe of 1 MiB as one block of order 2 with GFP_KERNEL_ACCOUNT | __GFP_NOWARN
(fs/pipe.c, pipe_resize_ring): denied without a line at the cgroup's limit, with its OOM killer switched off.
Usage: denied_pipes.py TIMES COMM [PER_SECOND]
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import gc
import os
import resource
import sys
import time
from pathlib import Path

F_SETPIPE_SZ = 1031
SIZE = 1 << 20
PR_SET_NAME = 15
PIPES = 2500


def own_group() -> Path:
    """Return the folder of this process's memory cgroup of version 1."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    return Path("/sys/fs/cgroup/memory") / next(line.split(":")[2] for line in lines if ":memory:" in line)[1:]


def main() -> None:
    """Fill the group with rings, then ask for more; leave it before the output needs memory.

    At the limit a page fault of this process would wait for ever: all that it needs is there before.
    """
    times, comm, pace = int(sys.argv[1]), sys.argv[2].encode(), float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    group = own_group()
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NAME, ctypes.c_char_p(comm), 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * PIPES + 64,) * 2)
    (group / "memory.oom_control").write_text("1")
    ends = iter([os.pipe()[1] for _ in range(PIPES)])
    out = os.open("/sys/fs/cgroup/memory/cgroup.procs", os.O_WRONLY)
    gc.disable()
    libc.mlockall(3)
    denied, end, begun = 0, next(ends), time.monotonic()
    while denied < times:
        try:
            fcntl.fcntl(end, F_SETPIPE_SZ, SIZE)
            end = next(ends)
        except OSError as error:
            if error.errno != errno.ENOMEM:
                raise
            denied += 1
        if pace and denied:
            time.sleep(max(0.0, begun + denied / pace - time.monotonic()))
    time.sleep(0.6)  # A trace asks for the group of a task after its event.
    os.write(out, b"0")
    print(denied)


if __name__ == "__main__":
    main()
