"""The child program that does the writes: a write to compact_memory blocks for seconds.

It runs as a file under a bare interpreter (``-I -S``), so it imports only a few modules of the standard library.
Its only argument is the plan as JSON: ``{"parent": PID, "steps": [{"do": "sync"}, {"do": "write", "path": P,
"text": T, "cgroup": [DEV, INODE]}]}``, the last only for a file of a cgroup. It reports the start and end of each step
on its output, one JSON object per line, and stops at the first step that fails. The kernel kills it when its parent
dies (PR_SET_PDEATHSIG), so no remedy runs unwatched, except the page cache half of drop_caches, which the kernel
finishes in any case.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
COMM = b"fragtui-remedy"
"""The kernel logs a write to drop_caches under this name."""
NOT_A_KERNEL_FILE = "NOT_A_KERNEL_FILE"
ANOTHER_CGROUP = "another cgroup has its name now"


def filesystem_of(device: int) -> str | None:
    """Return the type of the mounted file system with that st_dev, or None if it is not mounted here.

    From /proc/self/mountinfo: the standard library does not give the f_type of statfs(2).
    """
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            fields = line.split()
            if len(fields) > 2 and fields[2] == wanted and "-" in fields:
                return fields[fields.index("-") + 1]
    return None


def open_kernel_file(path: str, cgroup: Sequence[int] | None = None) -> int:
    """Open a file of procfs or sysfs for writing; raise OSError, or ValueError for a file of another kind.

    It creates and truncates nothing and follows no link: a saved copy of a host's files must not be written, nor this
    host through a link in it. `cgroup` is the st_dev and st_ino of the directory of a cgroup's file: a cgroup that was
    made again under that name is another one.
    """
    if os.path.realpath(path) != path:
        raise ValueError("a link leads elsewhere")
    flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    if cgroup is None:
        descriptor = os.open(path, flags)
    else:
        place, _, name = path.rpartition("/")
        folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            status = os.fstat(folder)
            if [status.st_dev, status.st_ino] != list(cgroup):
                raise ValueError(ANOTHER_CGROUP)
            descriptor = os.open(name, flags, dir_fd=folder)
        finally:
            os.close(folder)
    if filesystem_of(os.fstat(descriptor).st_dev) not in (
        ("proc", "sysfs") if cgroup is None else ("cgroup", "cgroup2")
    ):
        os.close(descriptor)
        raise ValueError("not a file of this kernel but a saved copy")
    return descriptor


def _report(**line: object) -> None:
    import json  # noqa: PLC0415

    data = json.dumps(line).encode() + b"\n"
    os.write(1, data)


def _step(step: dict[str, Any]) -> str | None:
    """Do one step; return the name of the errno if it failed."""
    try:
        if step["do"] == "sync":
            os.sync()
            return None
        descriptor = open_kernel_file(step["path"], step.get("cgroup"))
        try:
            os.write(descriptor, step["text"].encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    except ValueError:
        return NOT_A_KERNEL_FILE
    return None


def main(plan_text: str) -> int:
    """Do the steps of the plan; return 0 if all are done, 1 if one failed, 2 if the parent was gone at the start."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    # Imported only now: before PR_SET_PDEATHSIG a stopped child would outlive its parent.
    import json  # noqa: PLC0415

    plan = json.loads(plan_text)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    libc.prctl(PR_SET_NAME, ctypes.c_char_p(COMM), 0, 0, 0)
    if os.getppid() != plan["parent"]:
        return 2
    for index, step in enumerate(plan["steps"]):
        _report(event="begin", step=index)
        start, used = time.monotonic(), time.process_time()
        error = _step(step)
        seconds, cpu = time.monotonic() - start, time.process_time() - used
        # memory.reclaim: less was reclaimed than asked; what was reclaimed stays so.
        partial = error == "EAGAIN" and "cgroup" in step
        error = None if partial else error
        _report(event="end", step=index, seconds=round(seconds, 6), cpu=round(cpu, 6), error=error, partial=partial)
        if error is not None:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
