"""Fill pipes a page at a time: unmovable pages, which take over blocks of movable ones.

Usage: scatter_pipes.py MEGABYTES COMM
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys

PR_SET_NAME = 15
PAGES_OF_A_PIPE = 16


def main() -> None:
    """Fill, hold for half a second."""
    pages, comm = int(sys.argv[1]) << 8, sys.argv[2].encode()
    ctypes.CDLL(None).prctl(PR_SET_NAME, ctypes.c_char_p(comm), 0, 0, 0)
    pipes = pages // PAGES_OF_A_PIPE
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * pipes + 64,) * 2)
    for _ in range(pipes):
        _, end = os.pipe()
        for _ in range(PAGES_OF_A_PIPE):
            os.write(end, bytes(4096))
    os.pipe()


if __name__ == "__main__":
    main()
