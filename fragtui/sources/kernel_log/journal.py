"""Kernel messages from the journal: a journalctl child, read without blocking and without a shell."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.root_path import in_root
from fragtui.sources.files.trust import find_program, program_environment
from fragtui.text import printable

NO_JOURNAL = "there is no journal"
_NEWEST_SECONDS = 5.0
"""Time limit for the search for the newest record: it may be at the other end of a large journal."""


def journal_command(
    root: Path, *, follow: bool = False, since: str | None = None, until: str | None = None, newest: bool = False
) -> list[str]:
    """Return the command line: kernel messages as JSON lines, of the journal under `root`. Raises OSError.

    `newest` asks for the last record alone.
    """
    command = [journalctl(), "--output=json", "--all", "--no-pager", "--quiet", "_TRANSPORT=kernel"]
    if root != Path("/"):
        command.append(f"--directory={journal_directory(root)}")
    if since is not None:
        command.append(f"--since={since}")
    if until is not None:
        command.append(f"--until={until}")
    if newest:
        command.append("--lines=1")
    if follow:
        command += ["--follow", "--lines=all"]
    return command


def journalctl() -> str:
    """Return the path of journalctl. Raises OSError if it is not installed or not root's own."""
    return find_program("journalctl")


def journal_directory(root: Path) -> Path:
    """Return the journal's folder under a root: the persistent one, or that of this boot if only that holds files."""
    persistent, volatile = in_root(root, "/var/log/journal"), in_root(root, "/run/log/journal")
    if not persistent.is_dir() or (volatile.is_dir() and not any(persistent.glob("*/*.journal*"))):
        return volatile
    return persistent


def why_no_journal(root: Path) -> str | None:
    """Return why there is no journal to read, or None if there is one and a journalctl to read it with."""
    try:
        if not any(in_root(root, place).is_dir() for place in ("/var/log/journal", "/run/log/journal")):
            return NO_JOURNAL
        if root != Path("/") and _has_links(journal_directory(root)):
            return "it holds links, which journalctl would follow out of the tree"
        journalctl()
    except FileNotFoundError:
        return "journalctl is not installed"
    except OSError as error:
        return os_reason(error)
    return None


def _has_links(directory: Path) -> bool:
    """Return whether a folder of journals, or one in it, holds a link."""
    return any(path.is_symlink() for pattern in ("*", "*/*") for path in directory.glob(pattern))


class JournalReader:
    """A running journalctl. Raises OSError if it cannot be started."""

    def __init__(self, command: list[str]) -> None:
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=program_environment(),
            cwd="/",
            bufsize=0,
        )
        assert self._child.stdout is not None and self._child.stderr is not None
        self._fd = self._child.stdout.fileno()
        self._errors = self._child.stderr
        self._said = b""
        """The end of its error output."""
        for descriptor in (self._fd, self._errors.fileno()):
            os.set_blocking(descriptor, False)

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._fd

    def read(self) -> bytes | None:
        """Return available bytes, empty if there are none yet, None at the end."""
        try:
            data = os.read(self._fd, 1 << 18)
        except BlockingIOError:
            self._read_errors()
            return b""
        except OSError:
            return None
        return data or None

    def why_ended(self) -> str:
        """Return the last line of its error output, else its exit status; for a journalctl that has ended."""
        self._read_errors()
        if last := self._said.decode("utf-8", "replace").strip().rpartition("\n")[2]:
            return printable(last, 200)
        try:
            return f"journalctl ended with status {self._child.wait(1.0)}"
        except subprocess.TimeoutExpired:
            return "journalctl closed its output"

    def _read_errors(self) -> None:
        """Take what it wrote to its error output: it must not wait for room there."""
        with suppress(OSError):
            while data := os.read(self._errors.fileno(), 4096):
                self._said = (self._said + data)[-4096:]

    def close(self) -> None:
        """End the child; does not wait for it."""
        if self._child.poll() is None:
            self._child.kill()
        if self._child.stdout is not None:
            self._child.stdout.close()
        self._errors.close()
        # Reaped here if it has ended, else by subprocess when the next child starts.
        self._child.poll()


def newest_record(command: list[str], wait: Callable[[int, float], bool]) -> str | None:
    """Run a journalctl that prints the newest record; return None if it did, else why not, empty if there is none.

    `wait` waits for a descriptor or for so many seconds, and returns False if the caller is to stop.
    """
    try:
        reader = JournalReader(command)
    except OSError as error:
        return f"journalctl: {os_reason(error)}"
    end = time.monotonic() + _NEWEST_SECONDS
    try:
        while (left := end - time.monotonic()) > 0 and wait(reader.fileno(), left):
            if data := reader.read():
                return None
            if data is None:
                why = reader.why_ended()
                return "" if why.endswith("status 0") else why
        return f"journalctl did not answer in {_NEWEST_SECONDS:.0f} s"
    finally:
        reader.close()
