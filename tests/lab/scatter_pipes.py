"""Fill pipes a page at a time: unmovable pages, which take over blocks of movable ones.

Usage: scatter_pipes.py MEGABYTES COMM
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import sys
import time

PR_SET_NAME = 15
PIPE = 1 << 20
"""Bytes of a pipe."""


def main() -> None:
    """Fill them; they are emptied when the process ends."""
    megabytes, comm = int(sys.argv[1]), sys.argv[2].encode()
    ctypes.CDLL(None).prctl(PR_SET_NAME, ctypes.c_char_p(comm), 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * megabytes + 64,) * 2)
    page = bytes(4096)
    for _ in range(megabytes):
        _, end = os.pipe()
        fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, PIPE)
        for _ in range(PIPE // len(page)):
            os.write(end, page)
    time.sleep(1.0)  # On a busy machine its cgroup is read a while after its first event.


if __name__ == "__main__":
    main()
