"""What fragtui trusts on a shared machine, and the one way to open what it finds by itself.

fragtui mostly runs as root and looks for files, programs and processes that the user did not name. Another user may
have planted each of them. What it finds by itself gets no more trust than this:

=====================================  ==========================================================================
what                                   trusted if
=====================================  ==========================================================================
text files of a root (/proc, saved     `Trust.TEXT`: a regular file inside the root; its content is parsed, bounded
trees, release, host name)             and printed, nothing else
log files, journals                    `Trust.LOG`: also no link, file or folder on the way that everyone may write
programs (crictl, journalctl,          `Trust.OWN`: it and every folder and link on the way belong to root (or to the
systemctl), kubeconfigs, keys,         user that runs fragtui), and nobody else may write them, but
certificates, tokens, plug-ins         group root a folder: kubelet's package makes /etc/kubernetes 0775
the kubelet's command line             it runs as uid 0 in the host's PID and user namespaces, with CAP_SYS_ADMIN and
                                       no set-user-ID program (see `kubernetes.kubelet`)
settings, the site's policy            `Trust.OWN`; no remedy runs while the site's file is not trusted
the audit log, locks                   `Trust.OWN` for file and folder, and one link only (see `files.own_files`)
the service account of fragtui's pod   its folder exists: only root can make that, and the runtime mounts it. The
                                       token goes over TLS to a server of the mounted authority, to no other
credentials in saved files             never: they are used on the node itself only
sockets                                none is opened; crictl connects to the runtime of its own configuration, or to
                                       that of CONTAINER_RUNTIME_ENDPOINT
the current folder, PYTHONPATH         no module is imported from the first, nor from a folder of the second that
                                       others may write; of TEXTUAL_* only colours count (see `import_path`)
PATH, other variables                  not for what fragtui finds and runs by itself (`program_environment`); in a
                                       pod NODE_NAME is the node's name, KUBERNETES_SERVICE_HOST the API server's
=====================================  ==========================================================================

What the user names on the command line (``--kubeconfig``, ``--root``, FILE) is the user's choice and is trusted as far
as the user is. fragtui's own package and interpreter are trusted.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path

PROGRAM_FOLDERS = (
    "/usr/local/bin",
    "/usr/bin",
    "/bin",
    "/opt/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/sbin",
    "/var/lib/rancher/rke2/bin",
)
"""Folders that programs are looked up in. PATH is not used: it is the caller's, who may not be root."""
_KEPT_VARIABLES = ("CONTAINER_RUNTIME_ENDPOINT", "CRI_CONFIG_FILE")
"""The variable in which a user names crictl's runtime."""
_MAX_LINKS = 40
"""As in the kernel (MAXSYMLINKS, include/linux/namei.h)."""
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_FOLDER = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


Opener = Callable[[Path], int]
"""Returns a descriptor for reading a file. Raises OSError."""


class Trust(Enum):
    """How well a file must be protected from other users."""

    TEXT = "text"
    LOG = "log"
    OWN = "own"


class UntrustedError(PermissionError):
    """Another user may have made or changed the file; `strerror` says which part of its path and why."""


def open_inside(
    root: Path,
    path: str | Path,
    trust: Trust = Trust.TEXT,
    *,
    device: tuple[int, int] | None = None,
    folder: bool = False,
) -> int:
    """Return a descriptor for reading a regular file of the node whose ``/`` is `root`.

    With `folder` the path is that of a directory, and the descriptor (O_PATH) is for the ``dir_fd`` of other calls.

    `path` is the node's own, or one that begins with `root`. Every link on the way is resolved inside the root, as
    openat2(2) does with RESOLVE_IN_ROOT, but on kernels before 5.6 too, and each step is checked against `trust`
    on the descriptor that the next step uses, so nothing can be replaced in between. Never waits for a FIFO. A
    character device is opened only if it is the one whose (major, minor) is given. Raises OSError, `UntrustedError`
    for what `trust` forbids.
    """
    parts = _parts(str(path), root)
    folders = [os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)]
    names: list[str] = []
    links = 0
    try:
        _check(os.fstat(folders[0]), "/", trust)
        while parts:
            name = parts.pop()
            if name == "..":
                if names:
                    names.pop()
                    os.close(folders.pop())
                continue
            here = "/" + "/".join([*names, name])
            found = os.open(name, _FOLDER, dir_fd=folders[-1])
            try:
                status = os.fstat(found)
                _check(status, here, trust)
                if stat.S_ISLNK(status.st_mode):
                    links += 1
                    if links > _MAX_LINKS:
                        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), here)
                    target = os.readlink("", dir_fd=found)
                    if target.startswith("/"):
                        while len(folders) > 1:
                            os.close(folders.pop())
                        names.clear()
                    parts.extend(_split(target))
                elif parts or folder:
                    if not stat.S_ISDIR(status.st_mode):
                        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), here)
                    names.append(name)
                    folders.append(found)
                    found = -1
                else:
                    return _reopen(found, status, here, device)
            finally:
                if found >= 0:
                    os.close(found)
        if folder:
            return os.dup(folders[-1])
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    finally:
        for each in folders:
            os.close(each)


def read_inside(root: Path, path: str | Path, limit: int, trust: Trust = Trust.TEXT) -> bytes:
    """Return at most `limit` bytes of a file; see `open_inside`. Raises OSError."""
    return read_bounded(open_inside(root, path, trust), limit)


def read_bounded(descriptor: int, limit: int) -> bytes:
    """Return at most `limit` bytes of an open file, and close it. Raises OSError."""
    with open(descriptor, "rb", buffering=0) as file:
        chunks: list[bytes] = []
        left = limit
        while left > 0 and (chunk := file.read(min(left, 1 << 16))):
            chunks.append(chunk)
            left -= len(chunk)
    return b"".join(chunks)


def check_own(status: os.stat_result, path: str) -> None:
    """Raise `UntrustedError` unless the file of this status belongs to root or to us and no other user may write it."""
    _check(status, path, Trust.OWN)


def find_program(name: str, folders: tuple[str, ...] | None = None) -> str:
    """Return the absolute path of a program that only root can have installed; `folders` replace `PROGRAM_FOLDERS`.

    Raises FileNotFoundError if no folder has it, `UntrustedError` if no copy of it can be trusted.
    """
    refused: UntrustedError | None = None
    for folder in PROGRAM_FOLDERS if folders is None else folders:
        path = f"{folder}/{name}"
        try:
            descriptor = open_inside(Path("/"), path, Trust.OWN)
        except UntrustedError as error:
            refused = error
            continue
        except OSError:
            continue
        try:
            if os.fstat(descriptor).st_mode & 0o111:
                return path
        finally:
            os.close(descriptor)
    raise refused or FileNotFoundError(errno.ENOENT, f"{name} is not installed", name)


def program_environment() -> dict[str, str]:
    """Return the environment for a program from `find_program`: a fixed PATH, the C locale, nothing else."""
    kept = {name: value for name in _KEPT_VARIABLES if (value := os.environ.get(name)) is not None}
    return {"PATH": ":".join(PROGRAM_FOLDERS), "LC_ALL": "C", **kept}


def open_named(path: Path) -> int:
    """Return a descriptor for reading a file that the user named, FIFOs and devices included."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)


def open_at_once(path: Path) -> int:
    """Return the same without waiting for a FIFO's writer."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)


def open_regular(path: str) -> int:
    """Return a descriptor for reading a regular file that the user named. Raises OSError for others, unopened."""
    found = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        return _reopen(found, os.fstat(found), path, None)
    finally:
        os.close(found)


def opener_of(root: Path, *, live: bool) -> Opener:
    """Return the opener for logs below a root: a node's own by `Trust.LOG`, saved ones by `Trust.TEXT`.

    Saved files are in folders of the user, unpacked with any modes: the user named them by ``--root``.
    """
    return partial(open_inside, root, trust=Trust.LOG if live else Trust.TEXT)


def _parts(path: str, root: Path) -> list[str]:
    """Return the names of a path below the root, last first."""
    base = str(root)
    if base != "/" and (path == base or path.startswith(base + "/")):
        path = path[len(base) :]
    return _split(path)


def _split(path: str) -> list[str]:
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def _check(status: os.stat_result, path: str, trust: Trust) -> None:
    if trust is Trust.TEXT:
        return
    is_link = stat.S_ISLNK(status.st_mode)
    mode = stat.S_IMODE(status.st_mode)
    if trust is Trust.LOG:
        if is_link and status.st_uid not in (0, os.geteuid()):
            raise _untrusted(path, f"is a link of uid {status.st_uid}")
        if not is_link and mode & stat.S_IWOTH:
            raise _untrusted(path, f"can be written by everyone (mode {mode:04o})")
        return
    if status.st_uid not in (0, os.geteuid()):
        raise _untrusted(path, f"belongs to uid {status.st_uid}, not to root")
    roots_folder = stat.S_ISDIR(status.st_mode) and status.st_gid == 0
    if not is_link and mode & (stat.S_IWOTH if roots_folder else _WRITABLE_BY_OTHERS):
        raise _untrusted(path, f"can be written by others than root (mode {mode:04o})")


def _untrusted(path: str, why: str) -> UntrustedError:
    return UntrustedError(errno.EPERM, f"{path} {why}", path)


def _reopen(found: int, status: os.stat_result, path: str, device: tuple[int, int] | None) -> int:
    """Open the file of an O_PATH descriptor, if it is of the requested kind."""
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    is_device = stat.S_ISCHR(status.st_mode) and device == (os.major(status.st_rdev), os.minor(status.st_rdev))
    if not stat.S_ISREG(status.st_mode) and not is_device:
        raise OSError(errno.EINVAL, "not a regular file", path)
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    return os.open(f"/proc/self/fd/{found}", flags)
