"""Follows the kernel log on its own thread: incidents are reported from their head line on.

A source counts as read once it delivered, or proved that it can: see `SourceState.proof`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fragtui.kernel.gfp.flags import GfpTable
from fragtui.logs.own_stamp import stamped_twice
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.source_state import AS_ROOT
from fragtui.sources.backoff import Backoff
from fragtui.sources.files.host_files import errno_words, os_reason
from fragtui.sources.files.log_files import READ_BYTES, FollowedFile, readable, rotated
from fragtui.sources.files.trust import Opener, UntrustedError, open_at_once, opener_of
from fragtui.sources.host.identity import is_live
from fragtui.sources.kernel_log.earlier_records import LOG_FILES, EarlierRecords
from fragtui.sources.kernel_log.incident_stream import IncidentStream, LineSplitter, StreamCall
from fragtui.sources.kernel_log.journal import (
    JOURNAL_CHECK_SECONDS,
    NO_JOURNAL,
    JournalReader,
    journal_command,
    newest_record,
    why_no_journal,
)
from fragtui.sources.kernel_log.kmsg import boot_epoch, is_device, open_kmsg
from fragtui.sources.kernel_log.read_count import ReadCount
from fragtui.sources.kernel_log.ring import DAY, drain, ring_proof, running_gfp_table, running_release, stream_time
from fragtui.sources.stop_signal import StopSignal
from fragtui.text import shortage

_QUIET_S = 0.3
"""Seconds without a line after which a report is complete: its lines come within milliseconds."""
_POLL_S = 0.25
_PAUSE_S = 0.1
"""Pause after an update from the ring: records that arrive meanwhile are read at once, of any number."""
_UPDATE_S = 0.25
"""Shortest time between two updates of a log that does not pause."""
_SILENT_S = 0.5
"""Seconds after which a journal without a record is asked for its newest one."""
_RETRY_S = (2.0, 60.0)
"""Seconds until a log that could not be read is tried again: at first, and at most."""
_PROBE_S = (15.0, 600.0)
"""Seconds until the journal is tried while a file is read in its place: at first, and at most. A child each time."""


class KernelLog:
    """Follows the kernel log of a host and reports updates.

    `choice` is ``auto`` (/dev/kmsg, else the journal, else log files, all under `root`), ``none``, or a file.
    `on_update` is called on the thread of the log, one call at a time; it must not block. An exception in it ends the
    thread. `on_stream` returns, for each stream of records, the function that records its calls.
    """

    def __init__(
        self,
        root: Path,
        choice: str = "auto",
        on_update: Callable[[KernelLogUpdate], None] = lambda _: None,
        on_stream: Callable[[], Callable[[StreamCall], None]] | None = None,
    ) -> None:
        self._root = root
        self._choice = choice
        self._on_update = on_update
        self._on_stream = on_stream
        self._denied = False
        """Whether an existing source could not be read for lack of permission."""
        self._read_until = 0.0
        """Epoch seconds of the last records that were reported: a source that takes over begins there."""
        self._probes = Backoff(*_PROBE_S)
        self._source: str | None = None
        """That of the last update."""
        self._lock = threading.Lock()
        self._stopped = StopSignal()
        self._wait = self._stopped.wait
        self._earlier = EarlierRecords(root, self._opener, self._stream, self._emit, self._stopped)
        self._thread = threading.Thread(target=self._run, name="kernel-log", daemon=True)

    def start(self) -> None:
        """Start the thread; the first update has the ring's incidents and comes within milliseconds."""
        self._thread.start()

    def stop(self) -> None:
        """Stop soon. Never blocks, may be called twice and before `start`."""
        self._stopped.set()

    def _opener(self) -> Opener:
        """Return the opener for log files: found ones are less trusted than one that the user named."""
        return open_at_once if self._choice != "auto" else opener_of(self._root, live=is_live(self._root))

    def _emit(self, update: KernelLogUpdate) -> None:
        with self._lock:
            if not self._stopped.is_set():
                self._source = update.source
                self._on_update(update)

    def _run(self) -> None:
        try:
            with self._stopped:
                self._follow()
        except Exception as error:
            # An internal error: the last reading must not pass for the current state.
            self._emit(self._stream("none").update("none", 0, problem=f"its reader failed ({type(error).__name__})"))
            raise
        finally:
            self._stopped.set()

    def _follow(self) -> None:
        if self._choice == "none":
            self._emit(self._stream("none").update("none", 0))
            return
        if self._choice != "auto":
            path = Path(self._choice)
            self._until_possible(lambda: self._follow_chosen(path))
            return
        self._until_possible(self._follow_any)

    def _until_possible(self, follow: Callable[[], str | None]) -> None:
        """Follow; if that is not possible, report why and try again, at longer and longer intervals, until stopped."""
        reported: str | None = None
        backoff = Backoff(*_RETRY_S)
        while True:
            problem = follow()
            if self._stopped.is_set():
                return
            if self._source != "none":  # It was followed meanwhile.
                reported = None
                backoff.reset()
            if problem is None:
                continue
            if problem != reported:
                reported = problem
                stream = self._stream("none")
                stream.looked("", AS_ROOT if self._denied and os.geteuid() != 0 else "use --kernel-log FILE")
                self._emit(stream.update("none", 0, problem=problem))
            if not self._wait(None, backoff.wait()):
                return

    def _follow_chosen(self, path: Path) -> str | None:
        """Follow the given file or device; return why that is not possible."""
        if is_device(path):
            return self._follow_kmsg(path, Path("/"))
        self._follow_file(path, None)
        return None

    def _follow_any(self) -> str | None:
        """Follow the best source available; return why none can be read, None if a better one can be read now."""
        self._denied = False
        problem = self._follow_kmsg(self._root / "dev/kmsg", self._root)
        if self._stopped.is_set():
            return None
        if (why := why_no_journal(self._root)) is None:
            problem = self._follow_journal(problem)
            if self._stopped.is_set():
                return None
        found, refused = readable((self._root / name for name in LOG_FILES), self._opener())
        self._denied |= bool(refused)
        if why not in (None, NO_JOURNAL):
            refused.insert(0, f"the journal can't be read: {why}")
        problem = "; ".join(each for each in (problem, *refused) if each) or None
        if not found:
            return problem
        self._follow_file(found[0], problem)
        return None

    def _stream(
        self,
        name: str,
        running: GfpTable | None = None,
        release: str | None = None,
        *,
        boot: float | None = None,
        now: float | None = None,
    ) -> IncidentStream:
        on_call = self._on_stream() if self._on_stream is not None else None
        return IncidentStream(name, running, release, boot=boot, now=now, on_call=on_call)

    def _follow_kmsg(self, path: Path, root: Path) -> str | None:
        """Follow the device; return why that is not possible."""
        try:
            reader = open_kmsg(path, root)
        except FileNotFoundError:
            return f"{path} does not exist"
        except OSError as error:
            self._denied |= isinstance(error, PermissionError) and not isinstance(error, UntrustedError)
            return f"{path}: {errno_words(error)}"
        running, release = running_gfp_table(self._root), running_release(self._root)
        stream = self._stream("kmsg", running, release, boot=boot_epoch())
        source = str(path)
        try:
            try:
                lost, oldest = drain(reader, stream)
            except OSError as error:
                return f"{path}: {errno_words(error)}"
            count = ReadCount(stream, lambda records: ring_proof(records, oldest))
            count.report()
            self._emit(stream.update(source, lost, since=self._since))
            self._read_until = time.time()
            if (problem := self._begin_history(oldest, source)) is not None:
                self._emit(stream.update(source, 0, problem=problem))
            while self._wait(reader.fileno(), _QUIET_S if stream.busy else count.due_in):
                try:
                    lost, first = drain(reader, stream)
                except OSError as error:
                    return f"{path}: {errno_words(error)}"
                if first is None and not lost:
                    stream.finish()
                else:
                    self._read_until = time.time()
                new_count = count.report()
                if (update := stream.update(source, lost)).matters or new_count:
                    self._emit(update)
                self._wait(None, _PAUSE_S)
        finally:
            reader.close()
        return None

    @property
    def _since(self) -> float:
        """Epoch seconds after which records are reported: those of the last day that no other source reported."""
        return max(time.time() - DAY, self._read_until)

    def _begin_history(self, first: bytes | None, ring: str) -> str | None:
        """Read, on another thread, the records logged before the ring's first one, if that is of the last day.

        Return why that is not possible, None if it is.
        """
        stamp = stream_time(first)
        now = time.time()
        if stamp is None:
            stamp = now
        if now - stamp < DAY:
            span = ring, stamp, now - DAY
            try:
                threading.Thread(target=self._earlier.read, args=span, name="log-history", daemon=True).start()
            except RuntimeError as error:
                return f"earlier records are not read: {shortage(error) or error}"
        return None

    def _follow_journal(self, problem: str | None) -> str | None:
        since = self._since
        try:
            reader = JournalReader(journal_command(self._root, follow=True, since=f"@{since:.0f}"), self._root)
        except OSError as error:
            return _joined(problem, f"journalctl: {os_reason(error)}")
        stream = self._stream("journal", running_gfp_table(self._root), now=time.time())
        splitter, begun, waits, told_at = LineSplitter(), False, False, 0.0
        said: str | None = None
        count = ReadCount(stream, _of_last_day)
        silent_at = time.monotonic() + _SILENT_S
        try:
            while self._wait(
                reader.fileno(),
                _QUIET_S if stream.busy or waits or not begun else min(count.due_in or DAY, JOURNAL_CHECK_SECONDS),
            ):
                if (data := reader.read()) is None:
                    self._denied = True
                    return _joined(problem, f"the journal: {reader.why_ended()}")
                for line in splitter.lines(data):
                    stream.feed_line(line)
                if data:
                    self._read_until = time.time()
                else:
                    stream.finish()
                if not begun and not stream.records:
                    if time.monotonic() < silent_at:
                        continue
                    if (why := newest_record(journal_command(self._root, newest=True), self._wait)) is not None:
                        self._denied = True
                        return _joined(
                            problem, f"the journal: {why or reader.said or 'it has no record of the kernel'}"
                        )
                    count = ReadCount(stream, lambda records: f"{_of_last_day(records)}, older ones exist")
                waits = bool(data) and time.monotonic() - told_at < _UPDATE_S
                if waits:
                    continue
                told_at = time.monotonic()
                said, known = _said_of(problem, splitter), said
                new_count = count.report()
                update = stream.update("journal", 0, since=since, problem=(said or "") if said != known else None)
                if update.matters or not begun or new_count:
                    self._emit(update)
                begun = True
        finally:
            reader.close()
        return None

    def _follow_file(self, path: Path, problem: str | None) -> None:
        """Follow a file: its last day first, then appended lines, through rotation and truncation.

        Return when stopped, and for a file that was found when the journal can be read.
        """
        since = self._since
        stream = self._stream("file", now=time.time())
        stream.looked("")
        followed = FollowedFile(path, at_end=False, opener=self._opener())
        chosen = self._choice != "auto"
        if not chosen:
            _, unread = self._earlier.read_whole(rotated(path), stream, since)
            problem = "; ".join(each for each in (problem, unread) if each) or None
        splitter, begun, dated, told_at = LineSplitter(), False, False, 0.0
        said: str | None = None
        probe_at = time.monotonic() + self._probes.wait()
        # A system log may be without a line of the kernel.
        count = ReadCount(
            stream, lambda records: f"{records:,} lines" if records else "", None if chosen else b"kernel"
        )
        try:
            while not self._stopped.is_set():
                data = followed.read()
                if data:
                    self._read_until = time.time()
                if data and not dated:
                    dated = True
                    if (stamped := stamped_twice(data.split(b"\n"))) is not None:
                        stream.feed_numbered(stamped.encode(), 0)  # It shows year and zone of those above it too.
                for line in splitter.lines(data):
                    stream.feed_line(line)
                    count.see(line)
                caught_up = len(data) < READ_BYTES
                if not caught_up and time.monotonic() - told_at < _UPDATE_S:
                    continue
                told_at = time.monotonic()
                if not data:
                    stream.finish()
                said, known = _said_of(_joined(problem, followed.problem) or None, splitter), said
                new_count = count.report()
                if followed.denied and not stream.records:
                    stream.looked("", AS_ROOT if os.geteuid() != 0 else "")
                update = stream.update(
                    str(path), 0, since=None if chosen else since, problem=(said or "") if said != known else None
                )
                if update.matters or not begun or new_count or said != known:
                    self._emit(update)
                begun = True
                if not chosen and time.monotonic() >= probe_at:
                    if self._has_journal():
                        return
                    probe_at = time.monotonic() + self._probes.wait()
                if caught_up and not self._wait(None, _POLL_S):
                    return
        finally:
            followed.close()

    def _has_journal(self) -> bool:
        """Return whether the journal has a record of the kernel."""
        if why_no_journal(self._root) is not None:
            return False
        with suppress(OSError):
            return newest_record(journal_command(self._root, newest=True), self._wait) is None
        return False


def _of_last_day(records: int) -> str:
    return f"{records:,} record{'' if records == 1 else 's'} of the last day"


def _said_of(problem: str | None, splitter: LineSplitter) -> str | None:
    """Return the notice about a log: why no better one is read, and how many of its lines were cut."""
    return "; ".join(words for words in (problem, splitter.cut.words) if words) or None


def _joined(*problems: str | None) -> str:
    return "; ".join(problem for problem in problems if problem)
