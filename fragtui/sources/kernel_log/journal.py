"""Kernel messages from the journal: a journalctl child, read without blocking and without a shell."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fragtui.sources.files.child_errors import ChildErrors
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.root_path import in_root
from fragtui.sources.files.trust import find_program, open_at_once, program_environment

NO_JOURNAL = "there is no journal"
JOURNAL_CHECK_SECONDS = 10.0
"""Seconds between two checks whether the journal's files have moved, as after ``journalctl --flush``."""
_NEWEST_SECONDS = 5.0
"""Time limit for the search for the newest record: it may be at the other end of a large journal."""
_PLACES = ("/var/log/journal", "/run/log/journal")
"""The persistent journal, and that of this boot."""
_MAX_FILES = 200
"""Files of two journals, the newest: each is an argument."""
_MAGIC = b"LPKSHHRH"
"""The first bytes of a journal file (systemd, journal-def.h): journalctl reads none if one of its files is no such."""
_CURSOR = re.compile(rb'"__CURSOR" ?: ?"([0-9A-Za-z;=]{1,500})"')
_NO_BOOT = "Data from the specified boot"
_PLACE_OPTIONS = ("--directory=", "--file=")


def journal_command(
    root: Path, *, follow: bool = False, since: str | None = None, until: str | None = None, newest: bool = False
) -> list[str]:
    """Return the command line: kernel messages as JSON lines, of the journal under `root`. Raises OSError.

    `newest` asks for the last record alone.
    """
    command = [journalctl(), "--output=json", "--all", "--no-pager", "--quiet", "_TRANSPORT=kernel"]
    command += journal_place(root)
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


def journal_place(root: Path) -> tuple[str, ...]:
    """Return the options that name the journal under a root: of the folder that holds files, or of every file of both.

    None for the running system: journalctl itself reads both of its folders.
    """
    if root == Path("/"):
        return ()
    folders = [in_root(root, place) for place in _PLACES]
    held = {folder: files for folder in folders if (files := _files(folder))}
    if len(held) < 2:
        folder = next(iter(held or [folder for folder in folders if folder.is_dir()]), folders[0])
        return (f"--directory={folder}",)
    newest = sorted((file for files in held.values() for file in files), reverse=True)[:_MAX_FILES]
    return tuple(sorted(f"--file={name}" for _, name in newest))


def _files(folder: Path) -> list[tuple[float, str]]:
    """Return the journal files in a folder of journals, each with its last change; raises no OSError."""
    found = []
    with suppress(OSError):
        for path in folder.glob("*/*.journal"):
            with suppress(OSError), os.fdopen(open_at_once(path), "rb", buffering=0) as file:
                if file.read(len(_MAGIC)) == _MAGIC:
                    found.append((os.fstat(file.fileno()).st_mtime, str(path)))
    return found


def why_no_journal(root: Path) -> str | None:
    """Return why there is no journal to read, or None if there is one and a journalctl to read it with."""
    try:
        folders = [folder for place in _PLACES if (folder := in_root(root, place)).is_dir()]
        if not folders:
            return NO_JOURNAL
        if root != Path("/") and any(_has_links(folder) for folder in folders):
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
    """A running journalctl. Raises OSError if it cannot be started.

    With `root` it is started again, behind the last record, when the journal's files under that root have moved.
    """

    def __init__(self, command: list[str], root: Path | None = None) -> None:
        self._root = root
        self._command = command
        self._cursor: str | None = None
        """That of the last record."""
        self._held = _held(root)
        self._check_at = time.monotonic() + JOURNAL_CHECK_SECONDS
        self._start(command)

    def _start(self, command: list[str]) -> None:
        self._delivers = False
        """Whether this child gave a record."""
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
        self._errors = ChildErrors(self._child.stderr)
        os.set_blocking(self._fd, False)

    def fileno(self) -> int:
        """Return the descriptor to poll, until the next reading."""
        return self._fd

    def read(self) -> bytes | None:
        """Return available bytes, empty if there are none yet, None at the end."""
        try:
            data = os.read(self._fd, 1 << 18)
        except BlockingIOError:
            self._errors.read()
            # Only without a record on its way: a line must not be cut by the end of the child.
            if self._root is not None and time.monotonic() >= self._check_at:
                return b"" if self._follow_move(self._root) else None
            return b""
        except OSError:
            return None
        if self._root is not None and (cursor := _CURSOR.match(data, data.rfind(b'"__CURSOR"'))) is not None:
            self._cursor = cursor[1].decode()
        self._delivers |= bool(data)
        return data or None

    def _follow_move(self, root: Path) -> bool:
        """Start again if the journal's files have moved; return False if that fails."""
        self._check_at = time.monotonic() + JOURNAL_CHECK_SECONDS
        try:
            if _held(root) != self._held and why_no_journal(root) is None:
                self.restart()
        except OSError:
            return False
        return True

    def restart(self) -> None:
        """Start it again, behind the last record. Raises OSError."""
        self.close()
        if not self._delivers:  # Perhaps it can't find that record.
            self._cursor = None
        command = self._command
        if self._root is not None:
            self._held = _held(self._root)
            asked = [part for part in command[1:] if not part.startswith(_PLACE_OPTIONS)]
            command = [journalctl(), *asked, *journal_place(self._root)]
        if self._cursor is not None:
            command = [part for part in command if not part.startswith(("--since=", "--lines="))]
            command += [f"--after-cursor={self._cursor}", "--lines=all"]
        self._start(command)

    @property
    def said(self) -> str:
        """The last line of its error output; empty if there is none."""
        said = self._errors.last_line
        # It follows the newest boot only, and prints this for a journal without records.
        return "it has no record of a boot" if said.startswith(_NO_BOOT) else said

    def why_ended(self) -> str:
        """Return the last line of its error output, else its exit status; for a journalctl that has ended."""
        if self.said:
            return self.said
        try:
            return f"journalctl ended with status {self._child.wait(1.0)}"
        except subprocess.TimeoutExpired:
            return "journalctl closed its output"

    def close(self) -> None:
        """End the child; does not wait for it."""
        if self._child.poll() is None:
            self._child.kill()
        if self._child.stdout is not None:
            self._child.stdout.close()
        self._errors.close()
        # Reaped here if it has ended, else by subprocess when the next child starts.
        self._child.poll()


def _held(root: Path | None) -> tuple[str, ...]:
    """Return what stays the same while a running journalctl sees every record."""
    if root is None:
        return ()
    # journalctl does not see a folder that is made while it runs.
    if root == Path("/"):
        return tuple(place for place in _PLACES if any(Path(place).glob("*/system.journal")))
    return journal_place(root)


def newest_record(command: list[str], wait: Callable[[int, float], bool]) -> str | None:
    """Run a journalctl that prints the newest record; return None if it did, else why not, empty if there is none.

    `wait` waits for a descriptor or a number of seconds, and returns False if the caller is to stop.
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
