"""Follows the kernel log on its own thread: incidents are reported from their head line on.

A source counts as read once it delivered, or proved that it can: see `SourceState.proof`.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from pathlib import Path

from fragtui.kernel.gfp.flags import GfpTable
from fragtui.logs.own_stamp import stamped_twice
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.source_state import AS_ROOT
from fragtui.sources.files.host_files import errno_words, os_reason
from fragtui.sources.files.log_files import READ_BYTES, FollowedFile, open_log, readable, rotated
from fragtui.sources.files.trust import Opener, UntrustedError, open_at_once, opener_of
from fragtui.sources.host.identity import is_live
from fragtui.sources.kernel_log.incident_stream import IncidentStream, LineSplitter, StreamCall
from fragtui.sources.kernel_log.journal import (
    NO_JOURNAL,
    JournalReader,
    journal_command,
    newest_record,
    why_no_journal,
)
from fragtui.sources.kernel_log.kmsg import boot_epoch, is_device, open_kmsg
from fragtui.sources.kernel_log.read_count import ReadCount
from fragtui.sources.kernel_log.ring import DAY, drain, ring_proof, running_gfp_table, running_release, stream_time
from fragtui.sources.kernel_log.scan import scan_log
from fragtui.text import printable, shortage

_QUIET_S = 0.3
"""Seconds without a line after which a report is complete: its lines come within milliseconds."""
_POLL_S = 0.25
_PAUSE_S = 0.1
"""Pause after an update from the ring: records that arrive meanwhile are read at once, of any number."""
_UPDATE_S = 0.25
"""Shortest time between two updates of a log that does not pause."""
_SILENT_S = 1.0
"""Seconds after which a journal without a record is asked for its newest one."""
_RETRY_S = 60.0
"""Seconds until a log that could not be read is tried again."""
_LOG_FILES = ("var/log/kern.log", "var/log/messages", "var/log/syslog")


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
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._thread = threading.Thread(target=self._run, name="kernel-log", daemon=True)

    def start(self) -> None:
        """Start the thread; the first update has the ring's incidents and comes within milliseconds."""
        self._thread.start()

    def stop(self) -> None:
        """Stop soon. Never blocks, may be called twice and before `start`."""
        self._stopped.set()
        try:
            os.write(self._wake_write, b"x")
        except OSError:
            return

    def _opener(self) -> Opener:
        """Return the opener for log files: found ones are less trusted than one that the user named."""
        return open_at_once if self._choice != "auto" else opener_of(self._root, live=is_live(self._root))

    def _emit(self, update: KernelLogUpdate) -> None:
        with self._lock:
            if not self._stopped.is_set():
                self._on_update(update)

    def _run(self) -> None:
        try:
            self._follow()
        except Exception as error:
            # An internal error: the last reading must not pass for the current state.
            self._emit(self._stream("none").update("none", 0, problem=f"its reader failed ({type(error).__name__})"))
            raise
        finally:
            self._stopped.set()
            os.close(self._wake_read)

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
        """Follow; if that is not possible, report why and try again every `_RETRY_S` seconds until stopped."""
        reported: str | None = None
        while True:
            problem = follow()
            if self._stopped.is_set():
                return
            if problem != reported:
                reported = problem
                stream = self._stream("none")
                stream.looked("", AS_ROOT if self._denied and os.geteuid() != 0 else "use --kernel-log FILE")
                self._emit(stream.update("none", 0, problem=problem))
            if not self._wait(None, _RETRY_S):
                return

    def _follow_chosen(self, path: Path) -> str | None:
        """Follow the given file or device; return why that is not possible."""
        if is_device(path):
            return self._follow_kmsg(path, Path("/"))
        self._follow_file(path, None)
        return None

    def _follow_any(self) -> str | None:
        """Follow the best source available; return why none can be read."""
        self._denied = False
        problem = self._follow_kmsg(self._root / "dev/kmsg", self._root)
        if self._stopped.is_set():
            return None
        if (why := why_no_journal(self._root)) is None:
            problem = self._follow_journal(problem)
            if self._stopped.is_set():
                return None
        found, refused = readable((self._root / name for name in _LOG_FILES), self._opener())
        self._denied |= bool(refused)
        if why not in (None, NO_JOURNAL):
            refused.insert(0, f"the journal can't be read: {why}")
        problem = "; ".join(each for each in (problem, *refused) if each) or None
        if not found:
            return problem
        self._follow_file(found[0], problem)
        return None

    def _wait(self, descriptor: int | None, seconds: float | None) -> bool:
        """Wait for input, the stop or the timeout; return False when stopped."""
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        if descriptor is not None:
            poll.register(descriptor, select.POLLIN)
        poll.poll(None if seconds is None else int(seconds * 1000))
        return not self._stopped.is_set()

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
            self._emit(stream.update(source, lost, since=time.time() - DAY))
            if (problem := self._begin_history(oldest)) is not None:
                self._emit(stream.update(source, 0, problem=problem))
            while self._wait(reader.fileno(), _QUIET_S if stream.busy else count.due_in):
                try:
                    lost, first = drain(reader, stream)
                except OSError as error:
                    return f"{path}: {errno_words(error)}"
                if first is None and not lost:
                    stream.finish()
                new_count = count.report()
                if (update := stream.update(source, lost)).matters or new_count:
                    self._emit(update)
                self._wait(None, _PAUSE_S)
        finally:
            reader.close()
        return None

    def _begin_history(self, first: bytes | None) -> str | None:
        """Read, on another thread, the records logged before the ring's first one, if that is of the last day.

        Return why that is not possible, None if it is.
        """
        stamp = stream_time(first)
        now = time.time()
        if stamp is None:
            stamp = now
        if now - stamp < DAY:
            history = threading.Thread(target=self._history, args=(stamp, now - DAY), name="log-history", daemon=True)
            try:
                history.start()
            except RuntimeError as error:
                return f"earlier records are not read: {shortage(error) or error}"
        return None

    def _history(self, before: float, since: float) -> None:
        if why_no_journal(self._root) is None:
            stream = self._stream("journal", now=before)
            try:
                reader = JournalReader(
                    journal_command(self._root, follow=False, since=f"@{since:.0f}", until=f"@{before:.0f}")
                )
            except OSError:
                return
            splitter, read_any = LineSplitter(), False
            try:
                while self._wait(reader.fileno(), 30.0):
                    if (data := reader.read()) is None:
                        break
                    read_any = read_any or bool(data)
                    for line in splitter.lines(data):
                        stream.feed_line(line)
            finally:
                reader.close()
            stream.finish()
            if read_any:
                if (update := stream.update("journal", 0, since=since, before=before)).matters:
                    self._emit(update)
                return
        for name in _LOG_FILES:
            path = self._root / name
            stream = self._stream("file", now=time.time())
            read, problem = self._read_whole((*rotated(path), path), stream, since)
            if read:
                if (update := stream.update(str(path), 0, since=since, before=before, problem=problem)).matters:
                    self._emit(update)
                return

    def _read_whole(self, paths: tuple[Path, ...], stream: IncidentStream, since: float) -> tuple[bool, str | None]:
        """Feed the log files written since then; return whether one could be read, and what failed."""
        read_any, problem = False, None
        for path in paths:
            try:
                if path.stat().st_mtime < since:
                    continue
                with open_log(path, self._opener()) as log:
                    scan_log(log, stream, self._stopped.is_set)
            except (OSError, EOFError) as error:
                stream.finish()
                why = os_reason(error) if isinstance(error, OSError) else "it is cut off"
                problem = f"{printable(str(path))}: {why}"
                continue
            read_any = True
        return read_any, problem

    def _follow_journal(self, problem: str | None) -> str | None:
        try:
            reader = JournalReader(journal_command(self._root, follow=True, since=f"@{time.time() - DAY:.0f}"))
        except OSError as error:
            return f"journalctl: {os_reason(error)}"
        stream = self._stream("journal", running_gfp_table(self._root), now=time.time())
        splitter, begun, waits, told_at = LineSplitter(), False, False, 0.0
        said: str | None = None
        count = ReadCount(stream, lambda records: f"{records:,} records of the last day")
        silent_at = time.monotonic() + _SILENT_S
        try:
            while self._wait(reader.fileno(), _QUIET_S if stream.busy or waits or not begun else count.due_in):
                if (data := reader.read()) is None:
                    self._denied = True
                    return _joined(problem, f"the journal: {reader.why_ended()}")
                for line in splitter.lines(data):
                    stream.feed_line(line)
                if not data:
                    stream.finish()
                if not begun and not stream.records:
                    if time.monotonic() < silent_at:
                        continue
                    if (why := newest_record(journal_command(self._root, newest=True), self._wait)) is not None:
                        self._denied = True
                        return _joined(problem, f"the journal: {why or 'it has no record of the kernel'}")
                    count = ReadCount(stream, lambda records: f"{records:,} records of the last day, older ones exist")
                waits = bool(data) and time.monotonic() - told_at < _UPDATE_S
                if waits:
                    continue
                told_at = time.monotonic()
                said, known = _said_of(problem, splitter), said
                new_count = count.report()
                update = stream.update("journal", 0, problem=said if said != known else None)
                if update.matters or not begun or new_count:
                    self._emit(update)
                begun = True
        finally:
            reader.close()
        return None

    def _follow_file(self, path: Path, problem: str | None) -> None:
        """Follow a file: its last day first, then appended lines, through rotation and truncation."""
        since = time.time() - DAY
        stream = self._stream("file", now=time.time())
        stream.looked("")
        if not path.exists():
            self._emit(stream.update(str(path), 0, problem=f"{path}: no such file yet"))
        elif not path.is_file():
            self._emit(stream.update(str(path), 0, problem=f"{path}: not a regular file"))
        followed = FollowedFile(path, at_end=False, opener=self._opener())
        chosen = self._choice != "auto"
        if not chosen:
            _, unread = self._read_whole(rotated(path), stream, since)
            problem = "; ".join(each for each in (problem, unread) if each) or None
        splitter, begun, dated, told_at = LineSplitter(), False, False, 0.0
        said: str | None = None
        # A system log may be without a line of the kernel.
        count = ReadCount(
            stream, lambda records: f"{records:,} lines" if records else "", None if chosen else b"kernel"
        )
        try:
            while not self._stopped.is_set():
                data = followed.read()
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
                said, known = _said_of(problem, splitter), said
                new_count = count.report()
                update = stream.update(
                    str(path), 0, since=None if chosen else since, problem=said if said != known else None
                )
                if update.matters or not begun or new_count:
                    self._emit(update)
                begun = True
                if caught_up and not self._wait(None, _POLL_S):
                    return
        finally:
            followed.close()


def _said_of(problem: str | None, splitter: LineSplitter) -> str | None:
    """Return the notice about a log: why no better one is read, and how many of its lines were cut."""
    return "; ".join(words for words in (problem, splitter.cut.words) if words) or None


def _joined(*problems: str | None) -> str:
    return "; ".join(problem for problem in problems if problem)
