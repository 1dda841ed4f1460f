"""Reads a node: one frozen Snapshot per call."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from fragtui.kernel.procfs.buddyinfo import parse_buddyinfo
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import needs_page_types
from fragtui.sources.files.host_files import HostFile, os_reason
from fragtui.sources.host.identity import is_live, read_host, tree_of
from fragtui.sources.host.snapshot_builder import (
    BUDDYINFO,
    MEMINFO,
    PAGETYPEINFO,
    PRESSURE,
    VMSTAT,
    ZONEINFO,
    FileText,
    SnapshotBuilder,
    Tick,
)
from fragtui.text import epoch_seconds, format_count, printable

PAGETYPEINFO_SHARE = 0.0005
"""Largest share of time for reading /proc/pagetypeinfo: it walks free lists under the zone lock, interrupts off."""
CAPPED_SINCE = (5, 4)
"""From this release on, reading stops at 100000 blocks per list and releases the lock between orders."""
WALKED_UNASKED, WALKED_ASKED = 100_000, 1_000_000
"""Most free blocks of one zone that an older kernel may walk under its lock: by schedule, and on demand."""
ZONEINFO_SHARE = 0.002
"""The same for /proc/zoneinfo, which grows with CPUs times NUMA nodes."""


class ReadBudget:
    """Keeps the measured time of reading a file under a share of all time, and reads at most once in `least` seconds.

    For /proc/pagetypeinfo the time of the read is an upper bound of the time for which a zone lock is held with
    interrupts off.
    """

    def __init__(self, share: float, least: float = 0.0) -> None:
        """`share` (0..1) is the largest share of time for reading, `least` the seconds between readings."""
        self.share = share
        self.least = least
        self._next = float("-inf")

    def due(self, now: float) -> bool:
        """Return whether the file may be read at `now` (monotonic seconds)."""
        return now >= self._next

    def took(self, now: float, seconds: float) -> None:
        """Count a reading that ended at `now` and took `seconds`; an early reading delays the next one."""
        self._next = max(now + self.least, max(now, self._next) + seconds / self.share)


class NodeReader:
    """Reads the host files under `root` into Snapshots; keeps values that are read less often than every tick.

    Used by one thread at a time. `reading` names the file that is being read now, for waiting threads.
    `on_tick`, if set, gets the raw texts of every tick.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root
        self.live = is_live(root)
        self.tree = tree = tree_of(root)
        self.host = read_host(root, tree)
        self.reading: str | None = None
        self.on_tick: Callable[[Tick], None] | None = None
        names = (BUDDYINFO, ZONEINFO, PAGETYPEINFO, MEMINFO, VMSTAT, PRESSURE)
        self._files = {
            name: HostFile(tree.root, tree.proc(name), kept=self.live, section=tree.section(name)) for name in names
        }
        self._zoneinfo_pace = ReadBudget(ZONEINFO_SHARE)
        self._page_types_pace = ReadBudget(PAGETYPEINFO_SHARE, least=10.0)
        self._page_types_read = False
        self._maker = SnapshotBuilder(self.host)

    def sample(self, *, page_types: bool | None = False) -> Snapshot:
        """Read the node now.

        `page_types` reads /proc/pagetypeinfo even before its next turn; None postpones it.

        Never raises for a file: a value that could not be read is None or empty, with its reason in `unreadable`.
        """
        wall, now = time.time() if self.live else self._saved_at(), time.monotonic()
        files = {BUDDYINFO: self._read(BUDDYINFO)}
        if self._zoneinfo_pace.due(now):
            files[ZONEINFO] = self._read_paced(ZONEINFO, self._zoneinfo_pace)
        if page_types or (page_types is not None and self._page_types_pace.due(now)):
            limit = WALKED_ASKED if page_types else WALKED_UNASKED
            if (harm := self._walk(files[BUDDYINFO].text, limit)) is None:
                files[PAGETYPEINFO] = self._read_paced(PAGETYPEINFO, self._page_types_pace)
                self._page_types_read = True
            elif not self._page_types_read:
                files[PAGETYPEINFO] = FileText(str(self._files[PAGETYPEINFO].path), None, harm)
        files |= {name: self._read(name) for name in (MEMINFO, VMSTAT, PRESSURE)}
        self.reading = None
        tick = Tick(wall, now, files)
        if self.on_tick is not None:
            self.on_tick(tick)
        return self._maker.snapshot(tick)

    def sample_for(self, order: int, *, asked: bool = False) -> Snapshot:
        """Read the node now, /proc/pagetypeinfo only if it can change what is said of requests of `order`.

        Saved files are read whole: they lock nothing. `asked`: a person waits, it is read before its turn.
        """
        if not self.live:
            return self.sample(page_types=True)
        snapshot = self.sample(page_types=None)
        return self.sample(page_types=asked) if needs_page_types(snapshot, order) else snapshot

    def close(self) -> None:
        """Close all descriptors."""
        for file in self._files.values():
            file.close()

    def _walk(self, buddyinfo: str | None, limit: int) -> str | None:
        """Return why reading /proc/pagetypeinfo now would harm the node, or None if it would not.

        Before 5.4 the kernel walks every free block of a zone with its lock held and interrupts off. Vendors backported
        the cap, which no file shows, so only newer versions are trusted.
        """
        version = self.host.version
        if not self.live or (version is not None and version.at_least(*CAPPED_SINCE)):
            return None
        zones, _ = parse_buddyinfo(buddyinfo or "")
        most = max((sum(zone.free_blocks) for zone in zones), default=0)
        if most <= limit:
            return None
        asked = ", p on the screen reads it" if most <= WALKED_ASKED else ""
        return f"not read{asked}: this kernel would walk {format_count(most)} blocks with interrupts off"

    def _saved_at(self) -> float:
        """Return when the files were saved, by their modification times: epoch seconds."""
        others = (file.path for file in self._files.values())
        for path in (self._files[BUDDYINFO].path, self.tree.kernel_log(), *others):
            with contextlib.suppress(OSError):
                if path is not None and (saved := epoch_seconds(path.stat().st_mtime)) is not None:
                    return saved
        return time.time()

    def _read(self, name: str) -> FileText:
        file = self._files[name]
        # A directory in a bundle may have any name.
        self.reading = path = printable(str(file.path), 1000)
        try:
            return FileText(path, file.read())
        except OSError as error:
            return FileText(path, None, os_reason(error))

    def _read_paced(self, name: str, pace: ReadBudget) -> FileText:
        """Read a costly file: only the read may hold a zone lock, not the parsing."""
        start = time.monotonic()
        found = self._read(name)
        end = time.monotonic()
        pace.took(end, end - start)
        return FileText(found.path, found.text, found.why, end, end - start)
