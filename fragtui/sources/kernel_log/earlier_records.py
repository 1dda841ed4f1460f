"""Kernel records that are older than the ring, from the journal, else from log files and their rotated generations."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.log_files import open_log, rotated
from fragtui.sources.files.trust import Opener
from fragtui.sources.kernel_log.incident_stream import IncidentStream, LineSplitter
from fragtui.sources.kernel_log.journal import JournalReader, journal_command, why_no_journal
from fragtui.sources.kernel_log.scan import scan_log
from fragtui.sources.stop_signal import StopSignal
from fragtui.text import printable

LOG_FILES = ("var/log/kern.log", "var/log/messages", "var/log/syslog")


class EarlierRecords:
    """Reads what was logged before the follower of the kernel log began."""

    def __init__(
        self,
        root: Path,
        opener: Callable[[], Opener],
        new_stream: Callable[..., IncidentStream],
        emit: Callable[[KernelLogUpdate], None],
        stopped: StopSignal,
    ) -> None:
        """`stopped` is the follower's."""
        self._root = root
        self._opener = opener
        self._new_stream = new_stream
        self._emit = emit
        self._stopped = stopped

    def read(self, ring: str, before: float, since: float) -> None:
        """Report the records between these epoch seconds as those of the ring, which stays the source."""
        with self._stopped:
            self._read(ring, before, since)

    def _read(self, ring: str, before: float, since: float) -> None:
        problem: str | None = None
        if why_no_journal(self._root) is None:
            stream = self._new_stream("journal", now=before)
            splitter, read_any = LineSplitter(), False
            try:
                reader = JournalReader(
                    journal_command(self._root, follow=False, since=f"@{since:.0f}", until=f"@{before:.0f}")
                )
            except OSError as error:
                problem = f"earlier records are not read: journalctl: {os_reason(error)}"
            else:
                try:
                    while self._stopped.wait(reader.fileno(), 30.0):
                        if (data := reader.read()) is None:
                            break
                        read_any = read_any or bool(data)
                        for line in splitter.lines(data):
                            stream.feed_line(line)
                    if reader.said:
                        problem = f"earlier records are not {'all ' if read_any else ''}read: {reader.said}"
                finally:
                    reader.close()
                stream.finish()
            if read_any:
                if (update := stream.update(ring, 0, since=since, before=before, problem=problem)).matters:
                    self._emit(update)
                return
        for name in LOG_FILES:
            path = self._root / name
            stream = self._new_stream("file", now=time.time())
            read, unread = self.read_whole((*rotated(path), path), stream, since)
            if read:
                if (update := stream.update(ring, 0, since=since, before=before, problem=unread)).matters:
                    self._emit(update)
                return
        if problem is not None:
            self._emit(self._new_stream("journal").update(ring, 0, problem=problem))

    def read_whole(self, paths: tuple[Path, ...], stream: IncidentStream, since: float) -> tuple[bool, str | None]:
        """Feed the log files written since then; return whether one could be read, and what failed."""
        read_any, problem = False, None
        for path in paths:
            try:
                if path.stat().st_mtime < since:
                    continue
                with open_log(path, self._opener()) as log:
                    scan_log(log, stream, self._stopped.is_set)
            except (OSError, EOFError) as error:
                why = os_reason(error) if isinstance(error, OSError) else "it is cut off"
                problem = f"{printable(str(path))}: {why}"
                continue
            read_any = True
        return read_any, problem
