"""Ask the kernel for one contiguous buffer of 2^ORDER pages with GFP_KERNEL, under a name; print what it said.

sendmsg(2) copies an over-long control message into one kmalloc'd buffer. Usage: refused.py ORDER COMM
"""

from __future__ import annotations

import ctypes
import errno
import socket
import sys
from pathlib import Path


class IoVec(ctypes.Structure):
    """struct iovec."""

    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class MsgHdr(ctypes.Structure):
    """struct msghdr."""

    _fields_ = [
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_size_t),
        ("iov", ctypes.c_void_p),
        ("iov_length", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_size_t),
    ]


def main() -> None:
    """Ask once: ENOBUFS is refused, EINVAL was granted."""
    order, comm = int(sys.argv[1]), sys.argv[2].encode()
    Path("/proc/sys/net/core/optmem_max").write_text(str(64 << 20))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(15, ctypes.c_char_p(comm), 0, 0, 0)
    size = 4096 << order
    control = ctypes.create_string_buffer(size)
    data = ctypes.create_string_buffer(b"x", 1)
    iov = IoVec(ctypes.addressof(data), 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.connect(udp.getsockname())
        message = MsgHdr(None, 0, ctypes.addressof(iov), 1, ctypes.addressof(control), size, 0)
        libc.sendmsg(udp.fileno(), ctypes.byref(message), 0)
        print(errno.errorcode.get(ctypes.get_errno(), "OK"))


if __name__ == "__main__":
    main()
