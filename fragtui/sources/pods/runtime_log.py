"""Follows the logs of the kubelet and the container runtime on one daemon thread: journal units and files."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from fragtui.cluster.observation import PodObservation
from fragtui.model.node.source_state import AS_ROOT, SourceState
from fragtui.sources.backoff import Backoff
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.log_files import FollowedFile, readable
from fragtui.sources.files.trust import Opener, open_at_once, opener_of
from fragtui.sources.host.identity import is_live
from fragtui.sources.host.layouts import OWN_LOGS
from fragtui.sources.kernel_log.journal import (
    JOURNAL_CHECK_SECONDS,
    JournalReader,
    journal_place,
    journalctl,
    newest_record,
    why_no_journal,
)
from fragtui.sources.pods.interfaces import PodSink
from fragtui.sources.pods.line_tally import KUBELET_LOG, RUNTIME_LOG
from fragtui.sources.pods.paced_reader import PacedReader
from fragtui.sources.pods.presence import KUBELET, RUNTIME, may_have, why_none
from fragtui.sources.stop_signal import StopSignal
from fragtui.text import LINE_BYTES, counted, printable

UNITS = (
    "kubelet",
    "containerd",
    "docker",
    "crio",
    "cri-docker",
    "k3s",
    "k3s-agent",
    "rke2-server",
    "rke2-agent",
    "snap.microk8s.daemon-kubelite",
    "snap.microk8s.daemon-kubelet",
    "snap.microk8s.daemon-containerd",
)
SYSLOG_FILES = ("var/log/messages", "var/log/syslog")
OWN_FILES = OWN_LOGS
"""Logs that are not in the journal."""
_JOURNAL = Path("journal")
_PROGRAMS = {KUBELET_LOG: KUBELET, RUNTIME_LOG: RUNTIME}
SOURCE_NAME = KUBELET_LOG
LOGS = (KUBELET_LOG, RUNTIME_LOG)
LOG_CANNOT_SHOW = "pods that wait without an error"
NOTHING = "found no journal and no log of kubelet or runtime"
_USE = "use --kubelet-log FILE"
_HISTORY = "-30min"
_TAIL = 8 * 1024 * 1024
_PIECE = 64 * 1024
"""Bytes of a log's end that are parsed before the result is passed on."""
_READS_AT_ONCE = 4
"""Blocks read of one file before the other files get their turn."""
_POLL_SECONDS = (0.25, 1.0)
"""Seconds between checks for new lines: soon after the last ones, and when the log is quiet."""
_QUIET_SECONDS = 5.0
_SETTLED_SECONDS = 0.5
"""Seconds after which a log without a line is looked at more closely."""
_COUNT_SECONDS = 5.0
"""Seconds after which a new count of lines is reported."""
_FIELDS = "MESSAGE,SYSLOG_IDENTIFIER,SYSLOG_FACILITY,PRIORITY,_PID,_HOSTNAME,_TRANSPORT,_COMM"


_RUNTIME_UNITS = frozenset({"containerd", "docker", "crio", "cri-docker", "snap.microk8s.daemon-containerd"})


def unit_journal_command(root: Path, newest_of: str | None = None) -> list[str]:
    """Return the command that follows the journal of kubelet and runtime units under `root` as JSON lines.

    With `newest_of`, `KUBELET_LOG` or `RUNTIME_LOG`, it prints the newest record of these units and ends. Raises
    OSError if there is no journalctl to run.
    """
    command = [journalctl(), "--output=json", f"--output-fields={_FIELDS}", "--all", "--no-pager", "--quiet"]
    command += journal_place(root)
    if newest_of is not None:
        units = [unit for unit in UNITS if (unit in _RUNTIME_UNITS) == (newest_of == RUNTIME_LOG)]
        return [*command, "--lines=1", *(f"_SYSTEMD_UNIT={unit}.service" for unit in units)]
    return [*command, "--follow", f"--since={_HISTORY}", *(f"_SYSTEMD_UNIT={unit}.service" for unit in UNITS)]


class RuntimeLog:
    """Reports the observations in the logs of kubelet and runtime, from half an hour ago on."""

    name = SOURCE_NAME

    def __init__(
        self,
        root: Path,
        sink: PodSink,
        choice: str = "auto",
        on_log: Callable[[], Callable[[Sequence[bytes]], None]] | None = None,
    ) -> None:
        """`choice` is ``auto``, ``none``, or files separated by commas; `on_log` returns a receiver of log lines."""
        self._root = root
        self._sink = sink
        self._choice = choice
        self._on_log = on_log
        self._refused: list[str] = []
        """Why existing logs are not read."""
        self._names: list[str] = []
        """The logs that are followed."""
        self._readers: list[PacedReader] = []
        """The journal's, if it is followed, and those of the files."""
        self._journal_problem: str | None = None
        """Why the journal gives nothing now, None while it may."""
        self._settled = False
        """Whether a log without a line was looked at more closely."""
        self._why_silent: dict[str, tuple[str, str]] = {}
        """For a log without a line its state and why."""
        self._reported: dict[str, tuple[float, SourceState]] = {}
        self._say_in: float | None = None
        """Seconds until a new count is to be reported; None if there is none."""
        self._stopping = StopSignal()

    def start(self) -> None:
        """Start on a daemon thread."""
        threading.Thread(target=self._read, name="fragtui-kubelet-log", daemon=True).start()

    def stop(self) -> None:
        """Stop soon; never waits."""
        self._stopping.set()

    def _read(self) -> None:
        try:
            with self._stopping:
                self._run()
        except Exception as error:
            # An internal error: the last reading must not pass for the current state.
            for name in LOGS:
                self._sink.state(name, "absent", f"its reader failed ({type(error).__name__})")
            raise

    def _run(self) -> None:
        if self._choice == "none":
            for name in LOGS:
                self._sink.state(name, "off", "switched off by --kubelet-log none")
            return
        opener = open_at_once if self._choice != "auto" else opener_of(self._root, live=is_live(self._root))
        while not self._stopping.is_set():
            found, self._refused = self._readable(opener)
            self._follow_found(found, opener)

    def _readable(self, opener: Opener) -> tuple[tuple[Path, ...], list[str]]:
        """Return the logs that can be read now, the journal as `_JOURNAL`, and why others that exist can't."""
        journal = self._choice == "auto" and why_no_journal(self._root) is None
        files, refused = readable(self._wanted(journal), opener)
        return (*((_JOURNAL,) if journal else ()), *files), refused

    def _follow_found(self, found: tuple[Path, ...], opener: Opener) -> None:
        """Follow these logs until stopped, or until there is another one."""
        files = [path for path in found if path != _JOURNAL]
        followed = [(FollowedFile(path, opener=opener), self._reader(self._writer(path)), path) for path in files]
        self._names = [str(path) for path in found]
        journal_reader = self._reader(None)
        self._readers = [journal_reader, *(reader for _, reader, _ in followed)]
        self._settled, self._why_silent, self._journal_problem = False, {}, None
        self._say()
        for _, reader, path in followed:
            for piece in _tail(path, opener):
                self._report(reader.read(piece, whole=True))
                if self._stopping.is_set():
                    break
        self._say()

        def is_new() -> bool:
            more, self._refused = self._readable(opener)
            return not set(more) <= set(found) or self._came()

        self._follow(followed, journal_reader if _JOURNAL in found else None, is_new)

    def _came(self) -> bool:
        """Return whether a program that was not on this host may be on it now."""
        return any(
            self._why_silent.get(name, ("", ""))[0] == "nothing" and may_have(self._root, program)
            for name, program in _PROGRAMS.items()
        )

    def _reader(self, writer: str | None) -> PacedReader:
        return PacedReader(on_lines=self._on_log() if self._on_log is not None else None, writer=writer)

    def _writer(self, path: Path) -> str | None:
        """Return who writes the lines of a file that name no program."""
        if self._choice == "auto" and path in [self._root / name for name in SYSLOG_FILES]:
            return None
        return RUNTIME_LOG if path.name.startswith(("containerd", "docker", "crio")) else KUBELET_LOG

    def _wanted(self, journal: bool) -> list[Path]:
        if self._choice != "auto":
            return [path for name in self._choice.split(",") if (path := Path(name)).is_file()]
        return [self._root / name for name in (OWN_FILES if journal else (*SYSLOG_FILES, *OWN_FILES))]

    def _why_no_line(self, name: str, journal: JournalReader | None) -> tuple[str, str]:
        """Return the state of a log that gave no line, and why; empty for a log that can be read."""
        given = () if self._choice == "auto" else self._choice.split(",")
        if not given and (none := why_none(self._root, _PROGRAMS[name])) is not None:
            return "nothing", none
        for path in given:
            try:
                Path(path).stat()
            except OSError as error:
                return "absent", f"{printable(path)}: {os_reason(error)}"
        if self._refused:
            return "refused", f"not read: {'; '.join(self._refused)}"
        if self._journal_problem is not None:
            return "waiting", f"the journal: {self._journal_problem}"
        if journal is not None:
            try:
                why = newest_record(unit_journal_command(self._root, name), self._stopping.wait)
            except OSError as error:
                why = os_reason(error)
            units = "the kubelet's unit" if name == KUBELET_LOG else "a runtime's unit"
            if why == "":
                why = journal.said or f"it has no record of {units}"
            return ("", "") if why is None else ("absent", f"the journal: {why}")
        if (self._root / "var/log/journal").is_dir() and (why := why_no_journal(self._root)) is not None:
            return "absent", f"the journal can't be read: {why}"
        if self._names:
            return "waiting", f"no line of it yet in {', '.join(self._names)}"
        return "absent", NOTHING

    def _follow(
        self,
        followed: list[tuple[FollowedFile, PacedReader, Path]],
        journal: PacedReader | None,
        is_new: Callable[[], bool],
    ) -> None:
        backoff = Backoff(1.0, 60.0)
        child: JournalReader | None = None
        ended: JournalReader | None = None
        now = quiet_since = time.monotonic()
        retry_at = 0.0
        settle_at: float | None = now + (_SETTLED_SECONDS if followed or journal else 0.0)
        look_at = now + JOURNAL_CHECK_SECONDS
        more = False
        while not self._stopping.is_set():
            if journal is not None and child is None and time.monotonic() >= retry_at:
                child, retry_at = self._start_journal(backoff, ended)
                settle_at = time.monotonic() + _SETTLED_SECONDS
            now = time.monotonic()
            if now >= look_at:
                look_at = now + JOURNAL_CHECK_SECONDS
                if is_new():
                    break
            files_due = _POLL_SECONDS[now - quiet_since > _QUIET_SECONDS] if followed else None
            files_due = 0.0 if more else files_due
            retry_due = max(0.0, retry_at - now) if journal is not None and child is None else None
            settle_due = None if settle_at is None else max(0.0, settle_at - now)
            times = (files_due, retry_due, settle_due, look_at - now, self._say_in)
            soonest = min(time for time in times if time is not None)
            self._stopping.wait(None if child is None else child.fileno(), soonest)
            more = False
            for file, reader, _ in followed:
                reads = 0
                while reads < _READS_AT_ONCE and not self._stopping.is_set() and (data := file.read()):
                    reads += 1
                    quiet_since = time.monotonic()
                    self._report(reader.read(data))
                more |= reads == _READS_AT_ONCE
            if child is not None and journal is not None:
                read_data = child.read()
                if read_data is None:
                    self._journal_problem = child.why_ended()
                    child.close()
                    ended, child, retry_at = child, None, time.monotonic() + backoff.wait()
                    settle_at = 0.0
                elif read_data:
                    backoff.reset()
                    self._journal_problem = None
                    self._report(journal.read(read_data))
            if settle_at is not None and time.monotonic() >= settle_at:
                settle_at = None
                if child is not None:  # It has lived for a while.
                    self._journal_problem = None
                self._settle(child)
            self._say()
        if child is not None:
            child.close()
        for file, _, _ in followed:
            file.close()

    def _start_journal(self, backoff: Backoff, ended: JournalReader | None) -> tuple[JournalReader | None, float]:
        """Start journalctl, or the one that has ended again; return it, or when to try again."""
        try:
            if ended is not None:
                ended.restart()
                return ended, 0.0
            return JournalReader(unit_journal_command(self._root), self._root), 0.0
        except OSError as error:
            self._journal_problem = f"journalctl: {os_reason(error)}"
            return None, time.monotonic() + backoff.wait()

    def _settle(self, journal: JournalReader | None) -> None:
        """Find out why a log has no line so far."""
        self._settled = True
        for name in LOGS:
            if not self._lines_of(name):
                self._why_silent[name] = self._why_no_line(name, journal)

    def _report(self, observations: tuple[PodObservation, ...]) -> None:
        if observations:
            self._sink.observations(observations)

    def _lines_of(self, name: str) -> int:
        """Return the lines of a log that were delivered; none of a journal that gives nothing now."""
        readers = self._readers[1:] if self._journal_problem is not None else self._readers
        return sum(reader.tally.counts[name] for reader in readers)

    def _say(self) -> None:
        """Report the states that changed, a new count of lines alone only now and then."""
        now = time.monotonic()
        self._say_in = None
        for name in LOGS:
            state = self._state(name)
            at, before = self._reported.get(name, (0.0, None))
            if state == before:
                continue
            alike = before is not None and replace(before, proof=state.proof) == state
            if alike and now - at < _COUNT_SECONDS:
                self._say_in = _COUNT_SECONDS
                continue
            self._reported[name] = now, state
            self._sink.state(state.name, state.state, state.cannot_tell, state.proof, state.remedy)

    def _state(self, name: str) -> SourceState:
        left_out, unread, cut = (
            sum(counts) for counts in zip(*(reader.not_read for reader in self._readers), (0, 0, 0), strict=False)
        )
        not_read = [f"not read: {why}" for why in self._refused]
        not_read += [f"{left_out} lines of a flood were not read"] if left_out else []
        not_read += [unread_words(unread)] if unread else []
        not_read += [f"{counted(cut, 'line')} cut at {LINE_BYTES >> 10} KiB"] if cut else []
        reads = f" (reads {', '.join(self._names)})"
        shows = "; ".join([LOG_CANNOT_SHOW, *not_read]) + reads if name == KUBELET_LOG else ""
        if lines := self._lines_of(name):
            return SourceState(name, "live", shows, f"{lines:,} lines")
        if not self._settled:
            return SourceState(name, "connecting", "; ".join(not_read))
        state, why = self._why_silent.get(name, ("", ""))
        if not state:
            return SourceState(name, "live", shows, "no line in the last half hour, older ones exist")
        as_root = os.geteuid() != 0 and state in ("refused", "waiting", "absent")
        needs_root = as_root and (bool(self._refused) or str(_JOURNAL) in self._names)
        remedy = "" if state == "nothing" else AS_ROOT if needs_root else _USE
        return SourceState(name, state, why, remedy=remedy)


def unread_words(lines: int) -> str:
    """Return the notice that this number of lines could not be read."""
    return f"{counted(lines, 'line')} could not be read"


def _tail(path: Path, opener: Opener) -> Iterator[bytes]:
    """Yield the end of a log from a line's start, at most 8 MiB, in pieces; nothing if it can't be read."""
    try:
        with os.fdopen(opener(path), "rb", buffering=0) as log:
            size = os.fstat(log.fileno()).st_size
            start = log.seek(max(0, size - _TAIL))
            left, cut = size - start, start > 0
            while left > 0 and (piece := log.read(min(left, _PIECE))):
                left -= len(piece)
                if cut:
                    _, newline, piece = piece.partition(b"\n")
                    cut = not newline
                yield piece
    except OSError:
        return
