"""Boots a kernel under qemu with one Python program as its PID 1, and returns what it prints on the console."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

QEMU = "qemu-system-x86_64"
KERNELS = os.environ.get("FRAGTUI_GUEST_KERNELS", "/boot/vmlinuz-*")
"""Kernels for x86-64 in one folder, the last part a pattern. They need no module: serial console, sockets built in."""


def kernels() -> list[Path]:
    """Return the kernels that can be booted here; empty without qemu."""
    if shutil.which(QEMU) is None:
        return []
    folder, _, pattern = KERNELS.rpartition("/")
    return [path for path in sorted(Path(folder or ".").glob(pattern)) if os.access(path, os.R_OK)]


def boot(
    kernel: Path,
    program: Path,
    folder: Path,
    *,
    megabytes: int = 384,
    seconds: float = 900,
    disk: Path | None = None,
    variable: str = "",
) -> str:
    """Run the program in a guest until it powers off, and return its console; raises TimeoutExpired.

    `disk` is the image of /dev/nvme0n1, `variable` one more of the program's environment: ``NAME=value``. The kernel is
    emulated, so that no rights are needed: Python in it is about 100 times slower.
    """
    initramfs = folder / "initramfs.gz"
    initramfs.write_bytes(gzip.compress(_archive(_files_of(program)), 1))
    command = [QEMU, "-accel", "tcg", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    command += ["-m", str(megabytes), "-smp", "1", "-kernel", str(kernel), "-initrd", str(initramfs)]
    # What the kernel does not know becomes PID 1's environment: Python has no random numbers yet.
    parameters = f"console=ttyS0 panic=-1 loglevel=0 rdinit=/init PYTHONHASHSEED=0 {variable}"
    command += ["-append", parameters, "-serial", "stdio"]
    if disk is not None:
        command += ["-drive", f"file={disk},format=raw,if=none,id=disk", "-device", "nvme,drive=disk,serial=1"]
    done = subprocess.run(command, capture_output=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL)
    return done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace")


def _files_of(program: Path) -> dict[str, bytes]:
    """Return the files of the guest by their paths: Python, the modules that the program imports, and its libraries."""
    source = program.read_text()
    names = re.findall(r"^import (\w+)$", source, re.MULTILINE)
    code = (
        f"import {', '.join(names)}, encodings.utf_8, encodings.ascii, encodings.latin_1, sys\n"
        "for module in list(sys.modules.values()):\n"
        "    print(getattr(module, '__file__', None) or '')\n"
    )
    python = os.path.realpath(sys.executable)
    listed = subprocess.run([python, "-IS", "-c", code], capture_output=True, text=True, check=True).stdout
    paths = {path for path in listed.splitlines() if path.startswith("/")} | {python}
    # Python finds its standard library by this file.
    paths.add(os.__file__)
    for path in [path for path in paths if not path.endswith(".py")]:
        linked = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        paths |= set(re.findall(r"(/\S+) \(0x", linked))
    files = {path: Path(path).read_bytes() for path in paths}
    return files | {"/init": f"#!{python} -S\n{source}".encode()}


def _archive(files: dict[str, bytes]) -> bytes:
    """Return the files as a cpio archive of the kernel's format (Documentation/driver-api/early-userspace)."""
    folders = {str(parent) for path in files for parent in Path(path).parents} | {"/proc", "/sys", "/dev", "/tmp"}
    entries = [_entry(path.lstrip("/"), stat.S_IFDIR | 0o755) for path in sorted(folders - {"/"})]
    entries.append(_entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)))
    entries += [_entry(path.lstrip("/"), stat.S_IFREG | 0o755, data) for path, data in sorted(files.items())]
    return b"".join([*entries, _entry("TRAILER!!!", 0)])


def _entry(path: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    name = path.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
