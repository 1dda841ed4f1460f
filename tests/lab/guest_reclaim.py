"""PID 1 of a guest (tests/support/guest.py): two cgroups of version 2 with page cache, one of which is reclaimed.

It prints one JSON object: the texts of both cgroups at each moment, and what the child of a remedy printed. Its disk is
an ext4 with a file for each. It runs on the standard library alone, and nowhere else.
"""

import __future__

import ctypes
import errno
import json
import os
import signal
import subprocess
import sys
import time

WORKER = ""
"""The source of fragtui/remedies/worker.py; the test puts it here."""
FOR_THE_WORKER = (__future__, signal)
"""The guest has the modules that this file imports."""
MOUNT = "/sys/fs/cgroup"
DISK = "/tmp"
"""Where the disk is mounted."""
MIB = 1 << 20
CULPRIT = "kubepods/burstable/pode501ca8a-ec23-11e8-b17a-0a586444015a"
OTHER = "kubepods/besteffort/pod0b2d8c6e-4d0c-4f5e-9a36-6a3f0c1d2e3f"
MS_RDONLY = 1
POWER_OFF = 0x4321FEDC
libc = ctypes.CDLL(None, use_errno=True)


def read(path: str) -> str:
    """Return the text of a file."""
    with open(path) as file:
        return file.read()


def make(path: str) -> None:
    """Make a cgroup with the memory and io controllers, and all above it."""
    here = MOUNT
    for name in path.split("/"):
        with open(f"{here}/cgroup.subtree_control", "w") as file:
            file.write("+memory +io")
        here = f"{here}/{name}"
        if not os.access(here, os.F_OK):
            os.mkdir(here)  # noqa: PTH102  # The guest has no pathlib.


def fill(path: str, name: str, megabytes: int) -> None:
    """Have a process of the cgroup read the beginning of a file."""
    child = os.fork()
    if child == 0:
        with open(f"{MOUNT}/{path}/cgroup.procs", "w") as file:
            file.write(str(os.getpid()))
        descriptor = os.open(f"{DISK}/{name}", os.O_RDONLY)
        for number in range(megabytes):
            os.pread(descriptor, MIB, number * MIB)
        os._exit(0)
    os.waitpid(child, 0)


def texts() -> dict[str, str]:
    """Return the files of both cgroups, the mount and the node."""
    found = {f"{MOUNT}/cgroup.controllers": read(f"{MOUNT}/cgroup.controllers")}
    for path in ("kubepods", CULPRIT, OTHER):
        for name in ("memory.stat", "io.stat", "memory.pressure"):
            try:
                found[f"{MOUNT}/{path}/{name}"] = read(f"{MOUNT}/{path}/{name}")
            except OSError:
                continue
    for name in ("buddyinfo", "zoneinfo", "pagetypeinfo", "meminfo", "vmstat"):
        found[f"/proc/{name}"] = read(f"/proc/{name}")
    return found


def reclaim(amount: int, inode: int = 0) -> list[dict[str, object]]:
    """Run the child of a remedy on the culprit's cgroup, and return what it printed."""
    folder = f"{MOUNT}/{CULPRIT}"
    opened = os.open(folder, os.O_PATH)
    status = os.fstat(opened)
    os.close(opened)
    step = {"do": "write", "path": f"{folder}/memory.reclaim", "text": str(amount)}
    plan = {"parent": os.getpid(), "steps": [{**step, "cgroup": [status.st_dev, inode or status.st_ino]}]}
    command = [sys.executable, "-I", "-S", "-c", WORKER, json.dumps(plan)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if not done.stdout.startswith(b"{"):
        raise RuntimeError(done.stdout.decode()[-500:])
    return [json.loads(line) for line in done.stdout.splitlines()]


def run() -> dict[str, object]:
    """Return all that was seen."""
    places = (("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("cgroup2", MOUNT), ("ext4", DISK))
    for kind, place in places:
        if libc.mount(b"/dev/nvme0n1", place.encode(), kind.encode(), MS_RDONLY * (kind == "ext4"), None):
            raise OSError(ctypes.get_errno(), place)
    for path in (CULPRIT, OTHER):
        make(path)
    fill(CULPRIT, "culprit", 150)
    fill(OTHER, "other", 30)
    time.sleep(2.5)
    seen: dict[str, object] = {"kernel": os.uname().release, "before": texts()}
    seen["refused"] = reclaim(MIB, inode=1)
    seen["reclaimed"] = reclaim(140 * MIB)
    time.sleep(2.5)
    seen["after"] = texts()
    fill(OTHER, "other", 30)
    fill(CULPRIT, "culprit", 50)
    seen["read again"] = texts()
    seen["too much"] = reclaim(1024 * MIB)
    return seen


if __name__ == "__main__":
    if os.getpid() != 1:
        sys.exit("guest_reclaim.py runs as PID 1 of a guest (tests/support/guest.py)")
    try:
        print(json.dumps(run()), flush=True)
    except BaseException as error:
        print(
            json.dumps({"end": repr(error), "errno": errno.errorcode.get(getattr(error, "errno", 0) or 0)}), flush=True
        )
    libc.sync()
    libc.reboot(POWER_OFF)
