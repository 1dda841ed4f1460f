"""Run a remedy: log the intent, then start a child process that writes, and poll it without ever waiting."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import platform
import pwd
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from fragtui.model.remedy.forecast import Gain
from fragtui.model.remedy.remedy_history import EndEntry, IntentEntry, Result
from fragtui.remedies import worker
from fragtui.remedies.audit.log import AuditError, AuditLog
from fragtui.remedies.catalogue import Action, Remedy, RemedyStep
from fragtui.remedies.lock import LockBusy, NodeLock, lock_directories
from fragtui.remedies.outcome import Outcome, StepDone, describe_outcome
from fragtui.remedies.permission import disabled_because
from fragtui.remedies.site_policy import unconfirmed_because
from fragtui.sources.files.host_files import read_text
from fragtui.sources.files.own_files import file_problem
from fragtui.sources.host.identity import boot_id, node_name
from fragtui.text import printable

_STEP_DONE = ("step", "seconds", "cpu", "error", "partial")
ABORT_GRACE_SECONDS = 1.0
"""Seconds between SIGTERM and SIGKILL."""


class RunRefused(Exception):
    """The remedy was not started, and nothing was written; the message says why."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Who requested a remedy, and the state of the node then; it is written into the audit log."""

    by: str
    """screen, remote screen, command, guard or gate."""
    order: int | None = None
    blocks: int | None = None
    """Blocks of that order before."""
    expected: Gain | None = None
    run: str | None = None
    """Id of the run of an escalation that it is a step of; None for a single remedy."""
    typed: str | None = None
    """What the user typed to confirm it, if the site's policy asks for the node's name; None if nothing."""


class RemedyRun:
    """One remedy that runs. Made by `start`; then `poll` until it returns the outcome.

    The kernel kills the child when the thread that started it ends (PR_SET_PDEATHSIG is per thread), so start it on a
    thread that outlives it. Use it from one thread at a time.
    """

    def __init__(self, remedy: Remedy, intent: IntentEntry, audit: AuditLog, lock: NodeLock) -> None:
        self.remedy = remedy
        self.id = intent.id
        self.started = time.monotonic()
        self.outcome: Outcome | None = None
        self.aborting = False
        self.step = 0
        """Index of the step that runs."""
        self._audit = audit
        self._lock = lock
        self._done: list[StepDone] = []
        self._text = b""
        self._other_output = ""
        self._kill_at: float | None = None
        self._process = _spawn(remedy, intent, lock)

    @classmethod
    def start(
        cls, remedy: Remedy, root: Path, audit: AuditLog, request: RunRequest, disabled_reason: str | None = None
    ) -> RemedyRun:
        """Log the intent and start the child; raise RunRefused if any of that fails.

        `disabled_reason` is the caller's own reason against every write, as for `disabled_because`.
        """
        if (reason := disabled_because(remedy, root, disabled_reason)) is not None:
            raise RunRefused(reason)
        if (reason := unconfirmed_because(root, request.typed)) is not None:
            raise RunRefused(reason)
        intent = _intent(remedy, root, request)
        try:
            holder = f"{remedy.id} by pid {os.getpid()}"
            lock = NodeLock.take("remedy", lock_directories(root, audit.path), holder)
        except LockBusy as busy:
            raise RunRefused(f"another remedy is running: {busy}") from busy
        except OSError as error:
            raise RunRefused(f"no lock can be taken: {file_problem(error, error.filename)}") from error
        with contextlib.ExitStack() as undo:
            undo.callback(lock.release)
            try:
                audit.append(intent)
            except AuditError as error:
                raise RunRefused(f"the audit log can't be written: {error}") from error
            try:
                running = cls(remedy, intent, audit, lock)
            except BaseException as error:
                reason = f"no child could be started: {_error_text(error)}"
                with contextlib.suppress(AuditError):
                    audit.append(EndEntry(intent.id, time.time(), Result.DIED, 0.0, error=reason))
                if isinstance(error, OSError | MemoryError | RuntimeError | subprocess.SubprocessError):
                    raise RunRefused(reason) from error
                raise
            undo.pop_all()
        return running

    @property
    def elapsed(self) -> float:
        """Seconds since the start, up to the end."""
        return self.outcome.seconds if self.outcome else time.monotonic() - self.started

    def abort(self) -> None:
        """Ask the child to end: SIGTERM now, SIGKILL from `poll` after `ABORT_GRACE_SECONDS`.

        Either ends compaction; the page cache half of drop_caches runs in the kernel to its end.
        """
        if self.outcome is None and not self.aborting:
            self.aborting = True
            self._kill_at = time.monotonic() + ABORT_GRACE_SECONDS
            self._process.terminate()

    def poll(self) -> Outcome | None:
        """Return the outcome once the child has ended, else None; never waits."""
        if self.outcome is not None:
            return self.outcome
        self._read_child()
        if self._process.poll() is None:
            if self._kill_at is not None and time.monotonic() >= self._kill_at:
                self._process.kill()
                self._kill_at = None
            return None
        self._read_child()
        self.outcome = self._finish()
        return self.outcome

    def wait(self, seconds: float) -> Outcome | None:
        """Poll for at most `seconds`."""
        end = time.monotonic() + seconds
        while (outcome := self.poll()) is None and time.monotonic() < end:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(min(0.05, max(0.0, end - time.monotonic())))
        return outcome

    def _read_child(self) -> None:
        """Read what the child has reported since the last call."""
        assert self._process.stdout is not None
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._process.stdout.fileno(), 65_536):
                self._text += chunk
        *lines, self._text = self._text.split(b"\n")
        for line in lines:
            try:
                report = json.loads(line)
                if report["event"] == "begin":
                    self.step = int(report["step"])
                else:
                    self._done.append(StepDone(*(report[name] for name in _STEP_DONE)))
            except (ValueError, KeyError, TypeError):
                self._other_output = printable(line.decode("utf-8", "replace"))

    def _finish(self) -> Outcome:
        seconds = time.monotonic() - self.started
        status = self._process.returncode
        failed = bool(self._done) and self._done[-1].error is not None
        if status == 0 and len(self._done) == len(self.remedy.steps):
            result = Result.DONE
        elif self.aborting and (status < 0 or (failed and self._done[-1].error == "EINTR")):
            result = Result.ABORTED
        else:
            result = Result.FAILED if failed else Result.DIED
        how = (
            f"signal {-status}"
            if status < 0
            else f"status {status}{': ' + self._other_output if self._other_output else ''}"
        )
        steps = tuple(self._done)
        ended = EndEntry(
            id=self.id,
            time=time.time(),
            result=result,
            seconds=round(seconds, 3),
            cpu=round(sum(step.cpu for step in steps), 3) if steps else None,
            step=None if result is Result.DONE else self.step,
            error=_error_of(result, steps, how),
        )
        outcome = Outcome(
            self.remedy, self.id, result, seconds, steps, describe_outcome(self.remedy, result, seconds, steps, how)
        )
        try:
            self._audit.append(ended)
        except AuditError as error:
            outcome = replace(outcome, audit_problem=str(error))
        finally:
            self._lock.release()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return outcome


def _error_of(result: Result, steps: tuple[StepDone, ...], how: str) -> str | None:
    """Return the errno's name of the last step, or how the child died."""
    if steps and (steps[-1].error is not None or steps[-1].partial):
        return steps[-1].error or "EAGAIN"
    return how if result is Result.DIED else None


def _spawn(remedy: Remedy, intent: IntentEntry, lock: NodeLock) -> subprocess.Popen[bytes]:
    steps = [
        {"do": "sync"} if step.action is Action.SYNC else _write(step, path)
        for step, path in zip(remedy.steps, intent.paths, strict=True)
    ]
    plan = json.dumps({"parent": os.getpid(), "steps": steps})
    # Its own process group: Ctrl-C in the terminal goes to fragtui alone, which then aborts the remedy.
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", *_program(), plan],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        process_group=0,
        pass_fds=lock.descriptors,
    )
    try:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def _write(step: RemedyStep, path: str) -> dict[str, object]:
    cgroup = {} if step.cgroup is None else {"cgroup": step.cgroup}
    return {"do": "write", "path": path, "text": step.text, **cgroup}


def _error_text(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _program() -> list[str]:
    """Return the child's program as arguments: its file, or its text if fragtui runs from a zip archive."""
    file = Path(worker.__file__)
    return [str(file)] if file.is_file() else ["-c", inspect.getsource(worker)]


def _intent(remedy: Remedy, root: Path, request: RunRequest) -> IntentEntry:
    uid = os.getuid()
    login: str | None = None
    with contextlib.suppress(KeyError):
        login = printable(os.environ.get("SUDO_USER") or pwd.getpwuid(uid).pw_name)
    name = os.urandom(6).hex()
    return IntentEntry(
        id=name,
        time=time.time(),
        remedy=remedy.id,
        steps=tuple(step.sentence(root) for step in remedy.steps),
        paths=tuple("" if step.action is Action.SYNC else str(step.target(root)) for step in remedy.steps),
        by=request.by,
        pid=os.getpid(),
        uid=uid,
        login=login,
        host=node_name(root) or platform.node(),
        kernel=read_text(root, "proc/sys/kernel/osrelease"),
        boot=boot_id(root),
        order=request.order,
        blocks=request.blocks,
        expected_blocks=request.expected.blocks if request.expected else None,
        expected_bytes=request.expected.bytes if request.expected else None,
        boottime=round(time.clock_gettime(time.CLOCK_BOOTTIME), 3),
        run=request.run or name,
    )
