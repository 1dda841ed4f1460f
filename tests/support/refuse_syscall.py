"""Run a program to which the kernel denies memory for one system call: a seccomp filter answers it with ENOMEM.

`clone` is refused for processes only, since a Go program ends without its threads.
Usage: refuse_syscall.py mount|unshare|clone PROGRAM ARG...
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

NUMBERS = {
    "x86_64": {"mount": 165, "unshare": 272, "clone": 56},
    "aarch64": {"mount": 40, "unshare": 97, "clone": 220},
}
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER, _FIRST_ARGUMENT = 0, 16  # Offsets in struct seccomp_data; both machines are little-endian.
_ALLOW, _ENOMEM = 0x7FFF0000, 0x00050000 | errno.ENOMEM
_CLONE_THREAD = 0x10000
_SET_SECCOMP, _MODE_FILTER = 22, 2


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def main() -> None:
    """Set the filter and become the program."""
    name = sys.argv[1]
    steps = [
        (_LOAD, 0, 0, _NUMBER),
        (_EQUAL, 0, 3, NUMBERS[platform.machine()][name]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 1, 0, _CLONE_THREAD if name == "clone" else 0),
        (_RETURN, 0, 0, _ENOMEM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = Program(len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0):
        sys.exit(f"no seccomp filter: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
