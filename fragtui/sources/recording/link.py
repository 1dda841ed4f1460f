"""Ways to the stream of a remote node: a descriptor, and the user's own ssh or kubectl as a child process."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from fragtui.sources.files.child_errors import ChildErrors
from fragtui.sources.recording.kube_node import KubeNode
from fragtui.sources.recording.remote_shell import RemoteNode, RemoteShell, SshNode, start_piped

_STREAM = ("record", "--stream", "-q", "-")
_PIECE = 1 << 16
_SSH_NODE = re.compile(
    r"(?:[A-Za-z0-9._-]{1,64}@)?(?:[A-Za-z0-9][A-Za-z0-9._-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?"
)
_KUBE_NODE = re.compile(r"(?:[A-Za-z0-9@:/_.-]{1,253}/)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


class BadHost(ValueError):
    """A host that can't be reached by any scheme: what was expected."""


class PipeLink:
    """A stream on an open descriptor, such as standard input; it can't be opened again."""

    again = False
    node = shell = None
    no_remedies = "the node of a stream is remote: run fragtui there"

    def __init__(self, descriptor: int, name: str) -> None:
        self.name = name
        self._descriptor = descriptor

    def open(self) -> None:
        """Do nothing: it is open."""

    def read(self, seconds: float) -> bytes | None:
        """Return bytes, empty if none came in so many seconds, None at the end."""
        return _read(self._descriptor, seconds)

    def why_ended(self) -> str:
        """Return how it ended."""
        return "its writer has ended"

    def end(self) -> None:
        """Leave it open: it is the caller's."""

    close = end


class CommandLink:
    """A stream on the standard output of a command, which is started again after each end."""

    again = True
    no_remedies = None

    def __init__(self, name: str, node: RemoteNode, words: Sequence[str] = _STREAM) -> None:
        """`words` are those with which fragtui writes a stream to its standard output."""
        self.name = name
        self.node = node
        self.shell: RemoteShell | None = None
        """Runs other verbs where the stream comes from; None before the first."""
        self._words = words
        self._child: subprocess.Popen[bytes] | None = None
        self._errors: ChildErrors | None = None

    def shown(self) -> str:
        """Return what `open` runs, as text. Raises LinkError if this machine lacks the program."""
        return self.node.exact(self._words)

    def open(self) -> None:
        """Start the command. Raises LinkError."""
        self.close()
        shell = self.node.shell()
        self._child = start_piped(shell.arguments(self._words))
        self.shell = shell
        assert self._child.stderr is not None
        self._errors = ChildErrors(self._child.stderr)

    def read(self, seconds: float) -> bytes | None:
        """Return bytes, empty if none came in so many seconds, None at the end."""
        if self._child is None or self._child.stdout is None or self._errors is None:
            return None
        self._errors.read()  # The command must not wait for room there.
        return _read(self._child.stdout.fileno(), seconds)

    def why_ended(self) -> str:
        """Return the last line of its error output, else how it ended."""
        if self._errors is not None and (last := self._errors.last_line):
            return last
        with suppress(subprocess.TimeoutExpired):
            if self._child is not None:
                return f"the command ended with status {self._child.wait(1.0)}"
        return "the command closed its output"

    def end(self) -> None:
        """End the command and what it started; for any thread, does not wait."""
        child = self._child
        # Once it is reaped, its number may be that of another group.
        if child is not None and child.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGTERM)

    def close(self) -> None:
        """End the command and close its pipes; only for the thread that reads them."""
        self.end()
        child, self._child = self._child, None
        if child is None:
            return
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
        child.poll()  # Reaped here if it has ended, else by subprocess when the next one starts.


def link_of(host: str, program: str = "fragtui", interval: float = 1.0, image: str | None = None) -> CommandLink:
    """Return the link to ``ssh://[USER@]NODE[:PORT]`` or ``kube://[CONTEXT/]NODE``. Raises BadHost.

    `program` is fragtui on a node reached by ssh. In a cluster it runs in fragtui's pod on the node, else in a debug
    pod of the `image`, if one is given.
    """
    scheme, _, address = host.partition("://")
    words = (*_STREAM, "--interval", f"{interval:g}")
    if scheme == "ssh" and _SSH_NODE.fullmatch(address):
        return CommandLink(host, SshNode(_target(address), program), words)
    if scheme == "kube" and _KUBE_NODE.fullmatch(address):
        context, _, node = address.rpartition("/")
        return CommandLink(host, KubeNode(context, node, image), words)
    raise BadHost("expected ssh://[USER@]NODE[:PORT] or kube://[CONTEXT/]NODE")


def _target(address: str) -> tuple[str, ...]:
    """Return ssh's words for an address: a port is an option."""
    name, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or (":" in name and not name.endswith("]")):
        name, port = address, ""
    user, at, host = name.rpartition("@")
    name = f"{user}{at}{host.strip('[]')}"
    return ("-p", port, name) if port else (name,)


def _read(descriptor: int, seconds: float) -> bytes | None:
    poll = select.poll()  # select(2) knows no descriptor above 1,023.
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(seconds * 1000):
        return b""
    return os.read(descriptor, _PIECE) or None
