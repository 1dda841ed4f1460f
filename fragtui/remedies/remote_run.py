"""A remedy run by the fragtui of another node, over the user's own ssh or kubectl; the audit log is that of the node.

The remote verb aborts the remedy as soon as its standard input, which this program holds open, has a byte or ends.
That needs no terminal there, and works if this program or the link dies.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from fragtui.logs.bounded_json import read_json
from fragtui.model.remedy.effect import Effect
from fragtui.remedies.catalogue import Remedy
from fragtui.sources.files.child_errors import ChildErrors
from fragtui.sources.recording.remote_shell import LinkError, RemoteShell, start_piped
from fragtui.text import printable, shortage

SILENT_SECONDS = 60.0
"""Seconds without a line after which the command is ended: a line comes each second, but the node may be short of
memory."""
ABORT_SECONDS = 10.0
"""The same for a remedy that was aborted."""
_CLOSED_SECONDS = 5.0
"""Seconds for which a command may run after the end of its output."""
_END_SECONDS = 2.0
"""Seconds between SIGTERM and SIGKILL to a command."""
_MAX_LINE = 1 << 18
_MAX_SAID = 500
_REFUSING = (2, 3, 126, 127)
"""Exit statuses that mean that nothing ran: wrong usage, unavailable, no such program."""
_KUBECTL_STATUS = "command terminated with exit code"


class RemoteResult(Enum):
    """How a remote remedy ended, as far as is known here."""

    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"
    REFUSED = "refused"
    OLD = "old"
    """The fragtui there does not know the options."""
    LOST = "lost"
    """It began, and its end is unknown."""
    UNANSWERED = "unanswered"
    """It is unknown whether it began."""


_RESULTS = {"done": RemoteResult.DONE, "aborted": RemoteResult.ABORTED, "refused": RemoteResult.REFUSED}
"""Those of `json_line`'s field ``result``; any other is a failure."""


@dataclass(frozen=True, slots=True)
class RemoteEnd:
    """The end; `why` is a sentence or phrase from there, or of ssh or kubectl."""

    result: RemoteResult
    why: str
    before: int | None = None
    """Blocks of the target order."""
    after: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteState:
    """What is known of one run; times are monotonic seconds of this machine."""

    remedy: Remedy
    asked: float
    heard: float
    """When the last line came; at first, when it was requested."""
    id: str | None = None
    """Its id in the audit log there, once it runs."""
    aborting: bool = False
    end: RemoteEnd | None = None


def remote_words(effect: Effect, node: str, order: int) -> tuple[str, ...]:
    """Return the words with which the fragtui of a node of that name runs the remedy with this effect."""
    if effect.gentle:
        verb: tuple[str, ...] = ("compact", "--gentle")
    elif effect.compact:
        verb = ("compact",) if effect.node is None else ("compact", "--node", str(effect.node))
    else:
        verb = ("drop-caches", str(effect.page_cache + 2 * effect.slab))
    return (*verb, *(("--sync",) if effect.sync else ()), "--yes", f"--attached={node}", "--order", str(order))


class RemoteRun:
    """One run; `on_change` is called on its thread, with a traceback after an internal error."""

    def __init__(
        self, remedy: Remedy, node: str, order: int, shell: RemoteShell, on_change: Callable[[RemoteState | str], None]
    ) -> None:
        """Start it; `node` is the name that the snapshots have, and the fragtui there checks."""
        now = time.monotonic()
        self.state = RemoteState(remedy, now, now)
        self._on_change = on_change
        self._answer: dict[str, Any] | None = None
        self._lock = threading.Lock()
        self._abort_at: float | None = None
        self._child: subprocess.Popen[bytes] | None = None
        words = remote_words(remedy.effect, node, order)
        self._thread = threading.Thread(target=self._run, args=(shell, words), name="remote remedy", daemon=True)
        on_change(self.state)  # Before the thread: its newer states must not be replaced by this one.
        try:
            self._thread.start()
        except RuntimeError as error:
            self._change(end=RemoteEnd(RemoteResult.REFUSED, shortage(error) or str(error)))

    def abort(self) -> None:
        """Ask the remote end to abort it; the command is ended after `ABORT_SECONDS` without a line."""
        with self._lock:
            if self._abort_at is None and self.state.end is None:
                self._abort_at = time.monotonic()
                if self._child is not None and self._child.stdin is not None:
                    # A byte too: not every protocol of kubectl exec passes on the end.
                    with suppress(OSError, ValueError):
                        os.write(self._child.stdin.fileno(), b"\n")
                    self._child.stdin.close()

    def close(self, seconds: float) -> None:
        """Abort it, wait at most so long for its end, then end the command."""
        if self.state.end is not None:
            return
        self.abort()
        self._thread.join(seconds)
        if self._thread.is_alive() and self._child is not None:
            self._signal(self._child, signal.SIGTERM)

    def _run(self, shell: RemoteShell, words: tuple[str, ...]) -> None:
        try:
            child = self._start(shell, words)
            if child is None:
                self._change(end=RemoteEnd(RemoteResult.ABORTED, "aborted before it was requested"))
                return
        except LinkError as error:
            why = str(error)
            self._change(end=RemoteEnd(RemoteResult.REFUSED, why))
            return
        except Exception:
            self._on_change(traceback.format_exc())
            self._change(end=RemoteEnd(RemoteResult.REFUSED, "internal error"))
            return
        assert child.stderr is not None
        try:
            errors = ChildErrors(child.stderr)
            status = self._end(child, _CLOSED_SECONDS if self._read_lines(child, errors) else 0.0)
            self._change(end=self._end_of(status, errors.lines))
        except Exception:
            self._end(child, 0.0)
            self._on_change(traceback.format_exc())
            self._change(end=RemoteEnd(RemoteResult.LOST, "internal error"))
        finally:
            with self._lock:
                for pipe in (child.stdin, child.stdout, child.stderr):
                    if pipe is not None:
                        pipe.close()

    def _start(self, shell: RemoteShell, words: tuple[str, ...]) -> subprocess.Popen[bytes] | None:
        """Start the command, unless it was aborted. Raises LinkError."""
        with self._lock:
            if self._abort_at is None:
                self._child = start_piped(shell.arguments(words, stdin=True), subprocess.PIPE)
            return self._child

    def _read_lines(self, child: subprocess.Popen[bytes], errors: ChildErrors) -> bool:
        """Take lines until the output ends; return False if it did not in time."""
        assert child.stdout is not None
        poll, waiting = select.poll(), b""
        poll.register(child.stdout, select.POLLIN)
        while True:
            if poll.poll(500):
                if not (data := os.read(child.stdout.fileno(), 1 << 16)):
                    return True
                *lines, waiting = (waiting + data).split(b"\n")
                waiting = waiting[-_MAX_LINE:]
                for line in lines:
                    self._take(line)
            errors.read()  # The command must not wait for room there.
            now, aborted = time.monotonic(), self._abort_at
            if aborted is not None and not self.state.aborting:
                self._change(aborting=True)
            # An aborted drop of caches may go on in the kernel for long, and the remote end says so each second.
            quiet = now - max(self.state.heard, aborted or 0.0)
            if quiet > (SILENT_SECONDS if aborted is None else ABORT_SECONDS):
                return False

    def _take(self, line: bytes) -> None:
        """Take a line: the progress, or the result."""
        try:
            fields = read_json(line[:_MAX_LINE])
        except ValueError:
            return  # A greeting of the login shell.
        if not isinstance(fields, dict) or "result" not in fields:
            return
        if fields["result"] is not None:
            self._answer = fields
        elif isinstance(name := fields.get("id"), str):
            self._change(id=printable(name), heard=time.monotonic())

    def _end_of(self, status: int | None, errors: tuple[str, ...]) -> RemoteEnd:
        said = next((line for line in reversed(errors) if line and not line.startswith(_KUBECTL_STATUS)), "")
        if (answer := self._answer) is not None:
            why = answer.get("explanation")
            blocks = answer.get("blocks")
            counts = [blocks.get(when) if isinstance(blocks, dict) else None for when in ("before", "after")]
            before, after = (count if type(count) is int and count >= 0 else None for count in counts)
            result = _RESULTS.get(str(answer["result"]), RemoteResult.FAILED)
            return RemoteEnd(result, printable(str(why or said), _MAX_SAID), before, after)
        if self.state.id is not None:
            return RemoteEnd(RemoteResult.LOST, said)
        if status == 2 and "--attached" in said:
            return RemoteEnd(RemoteResult.OLD, said)
        if status in _REFUSING:
            return RemoteEnd(RemoteResult.REFUSED, said or f"the command ended with status {status}")
        return RemoteEnd(RemoteResult.UNANSWERED, said)

    def _change(self, **fields: Any) -> None:
        self.state = replace(self.state, **fields)
        self._on_change(self.state)

    @classmethod
    def _end(cls, child: subprocess.Popen[bytes], seconds: float) -> int | None:
        """Return the status of the command, which is ended if it still runs after so many seconds."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(subprocess.TimeoutExpired):
                return child.wait(seconds)
            cls._signal(child, number)
            seconds = _END_SECONDS
        return child.poll()

    @staticmethod
    def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
        if child.poll() is None:  # Once it is reaped, its number may be that of another group.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, number)
