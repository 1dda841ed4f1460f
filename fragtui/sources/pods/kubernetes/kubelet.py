"""The node's kubelet: a process that only root can have started, its arguments, the node in its certificate."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fragtui.text import printable

KUBELET_NAMES = frozenset(
    {"kubelet", "kubelite", "k3s", "k3s-agent", "k3s-server", "rke2", "hyperkube", "kubelet.real"}
)
_SYSTEM_NODE = b"system:node:"
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([^-]*+)-----END CERTIFICATE-----")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LIMIT = 1 << 18
_CAP_SYS_ADMIN = 21
"""include/uapi/linux/capability.h. A kubelet mounts volumes, so it has it."""
_SET_USER_ID = 0o4000


@dataclass(frozen=True, slots=True)
class Arguments:
    """What fragtui uses of a kubelet's command line; None if it is left to a file or the default."""

    kubeconfig: str | None
    hostname_override: str | None


@dataclass(frozen=True, slots=True)
class Kubelet:
    """A process that is the node's kubelet."""

    arguments: Arguments
    root: Path | None
    """Its root as an open descriptor, valid until `running_kubelet` is left. None without permission."""
    folder: str
    """Its working directory, which relative paths in its arguments refer to."""
    here: bool
    """Whether it sees the same files as fragtui, and fragtui can run its programs."""


@contextmanager
def running_kubelet(root: Path, refused: list[str] | None = None) -> Iterator[Kubelet | None]:
    """Yield the kubelet that runs under `root`/proc, None if there is none.

    A process counts only if root alone can have started it, see `_doubt`. The reasons why other processes with a
    kubelet's name don't count are added to `refused`.
    """
    with ExitStack() as held:
        kubelet = None
        with suppress(OSError):
            kubelet = _find(root, held, [] if refused is None else refused)
        yield kubelet


def read_arguments(arguments: list[str]) -> Arguments:
    """Return the options in a kubelet's argument vector (``--name value`` and ``--name=value``, one dash or two)."""
    values: dict[str, str] = {}
    for at, argument in enumerate(arguments):
        name, equals, value = argument.lstrip("-").partition("=")
        if not argument.startswith("-") or name not in ("kubeconfig", "hostname-override"):
            continue
        if equals:
            values[name] = value
        elif at + 1 < len(arguments):
            values[name] = arguments[at + 1]
    return Arguments(values.get("kubeconfig") or None, values.get("hostname-override") or None)


def node_of_certificate(pem: bytes) -> str | None:
    """Return the node that a kubelet's client certificate is for (``CN=system:node:NAME``), None if it names none."""
    for match in _PEM.finditer(pem):
        try:
            der = base64.b64decode(match.group(1))
        except ValueError:
            continue
        at = der.find(_SYSTEM_NODE)
        if at > 0:
            # DER writes the length of the name in the byte before it (names are far shorter than 128 bytes).
            length = der[at - 1]
            return printable(der[at + len(_SYSTEM_NODE) : at + length].decode("ascii", "replace"))
    return None


def _find(root: Path, held: ExitStack, refused: list[str]) -> Kubelet | None:
    proc = os.open(root / "proc", _FOLDER)
    held.callback(os.close, proc)
    if not _is_procfs(proc):
        return None
    user_namespace = b""
    with suppress(OSError):
        first = os.open("1", _FOLDER, dir_fd=proc)
        held.callback(os.close, first)
        user_namespace = _read(first, "uid_map")
    for pid in sorted((name for name in os.listdir(proc) if name.isdigit()), key=int):  # noqa: PTH208
        with ExitStack() as kept, suppress(OSError):
            # From here on everything is read below this descriptor, which never refers to another process.
            process = os.open(pid, _FOLDER, dir_fd=proc)
            kept.callback(os.close, process)
            comm = _read(process, "comm").decode("utf-8", "replace").strip()
            if comm not in KUBELET_NAMES:
                continue
            doubt = _doubt(process, user_namespace)
            if doubt is not None:
                refused.append(f"a process named {comm} (pid {pid}) {doubt} and was not trusted")
                continue
            # Not before: the kernel reads this from the process's memory, which can block the reader for ever.
            arguments = [os.fsdecode(each) for each in _read(process, "cmdline").split(b"\0")]
            if "kubelet" not in arguments[0] and not any("kubeconfig" in each for each in arguments):
                continue
            kubelet = Kubelet(read_arguments(arguments), None, "/", False)
            with suppress(PermissionError):
                its_root = os.open("root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=process)
                kept.callback(os.close, its_root)
                here, folder = _is_here(process, its_root), os.readlink("cwd", dir_fd=process)
                kubelet = Kubelet(kubelet.arguments, Path(f"/proc/self/fd/{its_root}"), folder, here)
            held.push(kept.pop_all())
            return kubelet
    return None


def _is_procfs(folder: int) -> bool:
    """Return whether a folder is in a mounted procfs: in a copied tree anyone may have written it."""
    number = os.fstat(folder).st_dev
    device = f"{os.major(number)}:{os.minor(number)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        return any(line.split()[2] == device and " - proc " in line for line in mounts)


def _doubt(process: int, user_namespace: bytes) -> str | None:
    """Return why a user other than root may have started a process or chosen its arguments, None if none can.

    uid 0 alone proves little: a container has one, it can make a user namespace in which it has all capabilities, and
    a set-user-ID program gets it while its arguments come from its caller. All of this can be read without the
    right to trace PID 1, unlike ``ns/``. ``NSpid`` (since Linux 4.1) has an entry for each PID namespace from that of
    this procfs on; another ``uid_map`` is another user namespace, and only root can make one with PID 1's map.
    """
    text = _read(process, "status").decode("utf-8", "replace")
    status = {name: value.split() for name, _, value in (line.partition(":") for line in text.splitlines())}
    others = [uid for uid in status.get("Uid", ["?"]) if uid != "0"]
    if others:
        return f"runs as uid {others[0]}"
    if len(status.get("NSpid", [])) != 1:
        return "runs in its own PID namespace"
    if not user_namespace or _read(process, "uid_map") != user_namespace:
        return "runs in its own user namespace"
    if not int(status.get("CapEff", ["0"])[0], 16) >> _CAP_SYS_ADMIN & 1:
        return "has no CAP_SYS_ADMIN, which a kubelet needs,"
    with suppress(PermissionError):  # Without permission to look at it, its files can't be read either.
        if os.stat("exe", dir_fd=process).st_mode & _SET_USER_ID:
            return "runs a set-user-ID program"
    return None


def _is_here(process: int, its_root: int) -> bool:
    """Return whether a process has the same root and mounts as this one."""
    mounts = os.stat("ns/mnt", dir_fd=process)
    return os.path.samestat(mounts, Path("/proc/self/ns/mnt").stat()) and os.path.samestat(
        os.fstat(its_root), Path("/").stat()
    )


def _read(process: int, name: str) -> bytes:
    with open(os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=process), "rb", buffering=0) as file:
        return file.read(_LIMIT)
