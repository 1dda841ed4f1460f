"""A remedy run by the fragtui of another node, over the user's own ssh or kubectl; the audit log is that of the node.

The far verb gets our end of its standard input as a leash: it aborts the remedy when that ends, or has a byte. This
works without a terminal there, and also if this program or the link dies.
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
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.recording.far_shell import FarShell, LinkError
from fragtui.text import printable

SILENT_SECONDS = 60.0
"""Seconds without a line after which the command is ended: a line comes each second, but the node may be short of
memory."""
ABORT_SECONDS = 10.0
"""The same for a remedy that was aborted."""
_MAX_LINE = 1 << 18
_MAX_SAID = 500
_REFUSING = (2, 3, 126, 127)
"""Exit statuses with which nothing ran: wrong usage, not possible there, no such program."""
_KUBECTL_STATUS = "command terminated with exit code"


class FarResult(Enum):
    """How a remedy elsewhere ended, as far as is known here."""

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


_RESULTS = {"done": FarResult.DONE, "aborted": FarResult.ABORTED, "refused": FarResult.REFUSED}
"""Those of `json_line`'s field ``result``; any other is a failure."""


@dataclass(frozen=True, slots=True)
class FarEnd:
    """The end; `why` is a sentence or phrase from there, or of ssh or kubectl."""

    result: FarResult
    why: str
    before: int | None = None
    """Blocks of the target order."""
    after: int | None = None


@dataclass(frozen=True, slots=True)
class FarState:
    """What is known of one run; times are monotonic seconds of this machine."""

    remedy: Remedy
    asked: float
    heard: float
    """When the last line came; at first, when it was asked for."""
    id: str | None = None
    """Its id in the audit log there, once it runs."""
    aborting: bool = False
    end: FarEnd | None = None


def far_words(effect: Effect, node: str, order: int) -> tuple[str, ...]:
    """Return the words with which the fragtui of a node of that name runs the remedy with this effect."""
    if effect.gentle:
        verb: tuple[str, ...] = ("compact", "--gentle")
    elif effect.compact:
        verb = ("compact",) if effect.node is None else ("compact", "--node", str(effect.node))
    else:
        verb = ("drop-caches", str(effect.page_cache + 2 * effect.slab))
    return (*verb, *(("--sync",) if effect.sync else ()), "--yes", f"--attached={node}", "--order", str(order))


class FarRun:
    """One run; `on_change` is called on its thread, with a traceback after an internal error."""

    def __init__(
        self, remedy: Remedy, node: str, order: int, shell: FarShell, on_change: Callable[[FarState | str], None]
    ) -> None:
        """Start it; `node` is the name that the snapshots have, and the fragtui there checks."""
        now = time.monotonic()
        self.state = FarState(remedy, now, now)
        self._on_change = on_change
        self._answer: dict[str, Any] | None = None
        self._lock = threading.Lock()
        self._abort_at: float | None = None
        self._child: subprocess.Popen[bytes] | None = None
        try:
            arguments = shell.arguments(far_words(remedy.effect, node, order), stdin=True)
            # A session of its own: see CommandLink.
            self._child = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except (LinkError, OSError) as error:
            why = str(error) if isinstance(error, LinkError) else os_reason(error)
            self.state = replace(self.state, end=FarEnd(FarResult.REFUSED, why))
            return
        self._thread = threading.Thread(target=self._run, args=(self._child,), name="far remedy", daemon=True)
        self._thread.start()

    def abort(self) -> None:
        """Ask the far end to abort it; its end comes as any other, or the command is ended after a while."""
        with self._lock:
            if self._abort_at is None and self.state.end is None and self._child is not None and self._child.stdin:
                self._abort_at = time.monotonic()
                # A byte too: not every protocol of kubectl exec passes on the end.
                with suppress(OSError):
                    os.write(self._child.stdin.fileno(), b"\n")
                self._child.stdin.close()

    def close(self, seconds: float) -> None:
        """Abort it, wait at most so long for its end, then end the command."""
        if self._child is None or self.state.end is not None:
            return
        self.abort()
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._end_command(self._child)

    def _run(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None and child.stderr is not None
        try:
            errors = ChildErrors(child.stderr)
            status = None
            if self._read_lines(child, errors):
                with suppress(subprocess.TimeoutExpired):
                    status = child.wait(5.0)
            else:
                self._end_command(child)
            self._change(end=self._end_of(status, errors.lines))
        except Exception:
            self._end_command(child)
            self._on_change(traceback.format_exc())
            self._change(end=FarEnd(FarResult.LOST, "internal error"))
        finally:
            with self._lock:
                for pipe in (child.stdin, child.stdout, child.stderr):
                    if pipe is not None:
                        pipe.close()

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
            # An aborted drop of caches may go on in the kernel for long, and the far end says so each second.
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

    def _end_of(self, status: int | None, errors: tuple[str, ...]) -> FarEnd:
        said = next((line for line in reversed(errors) if line and not line.startswith(_KUBECTL_STATUS)), "")
        if (answer := self._answer) is not None:
            why = answer.get("explanation")
            blocks = answer.get("blocks")
            counts = [blocks.get(when) if isinstance(blocks, dict) else None for when in ("before", "after")]
            before, after = (count if isinstance(count, int) else None for count in counts)
            result = _RESULTS.get(str(answer["result"]), FarResult.FAILED)
            return FarEnd(result, printable(str(why or said), _MAX_SAID), before, after)
        if self.state.id is not None:
            return FarEnd(FarResult.LOST, said)
        if status == 2 and "--attached" in said:
            return FarEnd(FarResult.OLD, said)
        if status in _REFUSING:
            return FarEnd(FarResult.REFUSED, said or f"the command ended with status {status}")
        return FarEnd(FarResult.UNANSWERED, said)

    def _change(self, **fields: Any) -> None:
        self.state = replace(self.state, **fields)
        self._on_change(self.state)

    @staticmethod
    def _end_command(child: subprocess.Popen[bytes]) -> None:
        if child.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGTERM)
