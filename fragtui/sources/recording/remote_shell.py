"""How a verb of fragtui is run on a remote node: the user's own ssh or kubectl exec as arguments, and as text."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fragtui.sources.files.host_files import os_reason

_SSH = (
    "-T",
    "-o",
    "BatchMode=yes",
    "-o",
    "ConnectTimeout=10",
    "-o",
    "ServerAliveInterval=5",
    "-o",
    "ServerAliveCountMax=3",
)
"""No terminal and no question, which would stand in the screen; a link without an answer ends after 15 s."""
PROGRAM_IN_POD = "/usr/local/bin/fragtui"


class LinkError(Exception):
    """Why a node can't be reached, in one line."""


class RemoteShell(Protocol):
    """Runs fragtui on one node."""

    def arguments(self, words: Sequence[str], *, stdin: bool = False) -> list[str]:
        """Return the command that runs fragtui there with these words; with `stdin` it gets ours. Raises LinkError."""

    def shown(self, words: Sequence[str]) -> str:
        """Return the command as a person types it."""

    @property
    def note(self) -> str:
        """What differs from that on some nodes; empty if nothing does."""


class RemoteNode(Protocol):
    """A remote node, and what is made to reach it."""

    @property
    def typed_command(self) -> str:
        """How a person runs fragtui there."""

    def shell(self) -> RemoteShell:
        """Return what runs fragtui there; it may ask the cluster first. Raises LinkError."""

    def exact(self, words: Sequence[str]) -> str:
        """Return all that is run for these words, word for word. Raises LinkError if this machine lacks the program."""

    def report(self) -> str | None:
        """Return the next sentence to report, None if there is none."""

    def leave(self) -> str | None:
        """Remove what was made; return what is left behind, None if nothing is."""


@dataclass(frozen=True, slots=True)
class SshNode:
    """A node and its login shell, which starts fragtui as root if `sudo -n` allows it."""

    target: tuple[str, ...]
    """ssh's words for the node: a port is an option."""
    program: str

    @property
    def typed_command(self) -> str:
        """How a person runs fragtui there."""
        return f"ssh -t {shlex.join(self.target)} sudo {self.program}"

    def shell(self) -> SshNode:
        """Return itself."""
        return self

    def exact(self, words: Sequence[str]) -> str:
        """Return ssh's command. Raises LinkError."""
        return shlex.join(("ssh", *self.arguments(words)[1:]))

    def report(self) -> None:
        """Return None: nothing is made there."""

    leave = report

    def arguments(self, words: Sequence[str], *, stdin: bool = False) -> list[str]:
        """Return ssh's arguments; its own input is always that of the program. Raises LinkError."""
        if any("\\" in word or not word.isprintable() for word in words):
            # Some login shells (fish) read a backslash between single quotes.
            raise LinkError("the node's name has a character that not every login shell passes on unchanged")
        program, run = shlex.quote(self.program), shlex.join(words)
        missing = shlex.quote(f"{self.program}: not found on this node")
        # As root it reads all sources; if sudo wants a password, as the user who logs in.
        remote = (
            f"f=$(command -v {program}) || {{ echo {missing} >&2; exit 127; }}; "
            'if [ "$(id -u)" != 0 ] && sudo -n true </dev/null 2>/dev/null; '
            f'then exec sudo -n "$f" {run}; fi; exec "$f" {run}'
        )
        # ssh joins its words with spaces, and the login shell reads them again.
        *options, name = self.target
        return [found("ssh"), *_SSH, *options, "--", name, f"exec sh -c {shlex.quote(remote)}"]

    def shown(self, words: Sequence[str]) -> str:
        """Return the command."""
        return shlex.join(("ssh", *self.target, "sudo", "-n", self.program, *words))

    @property
    def note(self) -> str:
        """When sudo is left out."""
        return "without sudo if root logs in there, or if sudo asks for a password"


@dataclass(frozen=True, slots=True)
class PodShell:
    """A container on the node that has the node's root at /host."""

    kubectl: tuple[str, ...]
    """Options that choose the cluster."""
    pod: tuple[str, ...]
    """kubectl exec's words for the container."""

    def arguments(self, words: Sequence[str], *, stdin: bool = False) -> list[str]:
        """Return kubectl's arguments. Raises LinkError."""
        return [found("kubectl"), *self._words(words, stdin=stdin)]

    def shown(self, words: Sequence[str]) -> str:
        """Return the command."""
        return shlex.join(("kubectl", *self._words(words, stdin=True)))

    @property
    def note(self) -> str:
        """Nothing."""
        return ""

    def _words(self, words: Sequence[str], *, stdin: bool) -> tuple[str, ...]:
        given = ("-i",) if stdin else ()
        return (*self.kubectl, "exec", *given, *self.pod, "--", PROGRAM_IN_POD, *words, "--root", "/host")


def found(program: str) -> str:
    """Return the path of a program of the user's own. Raises LinkError."""
    path = shutil.which(program)
    if path is None or not Path(path).is_absolute():
        raise LinkError(f"{program} is not on PATH")
    return path


def start_piped(arguments: list[str], stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start a command with unbuffered pipes. Raises LinkError.

    It has a session of its own: Ctrl-C and Ctrl-Z are for the screen, and what it starts ends with it.
    """
    try:
        return subprocess.Popen(
            arguments,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        raise LinkError(f"{arguments[0]}: {os_reason(error)}") from None
