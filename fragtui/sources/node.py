"""Reading a node: one frozen Snapshot at each call."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from fragtui.model.snapshot import Snapshot
from fragtui.sources.host import is_live, read_host
from fragtui.sources.host_files import HostFile, reason
from fragtui.sources.node_texts import (
    BUDDYINFO,
    MEMINFO,
    PAGETYPEINFO,
    PRESSURE,
    VMSTAT,
    ZONEINFO,
    FileText,
    SnapshotMaker,
    Tick,
)
from fragtui.sources.pace import Pace
from fragtui.sources.saved_layouts import HOST
from fragtui.sources.saved_tree import SavedTree, saved_tree

PAGETYPEINFO_SHARE = 0.0005
"""Largest share of time for reading /proc/pagetypeinfo: it walks free lists under the zone lock, interrupts off."""
ZONEINFO_SHARE = 0.002
"""The same for /proc/zoneinfo, which grows with CPUs times NUMA nodes."""


class NodeReader:
    """Reads the host files under `root` into Snapshots; keeps what is read less often than every tick.

    Used by one thread at a time. `reading` names the file that is being read now, for the one who waits for it.
    `on_tick`, if set, is handed the raw texts of every tick.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root
        self.live = is_live(root)
        self.tree = tree = SavedTree(root, HOST) if self.live else saved_tree(root)
        self.host = read_host(root, tree)
        self.reading: str | None = None
        self.on_tick: Callable[[Tick], None] | None = None
        names = (BUDDYINFO, ZONEINFO, PAGETYPEINFO, MEMINFO, VMSTAT, PRESSURE)
        self._files = {name: HostFile(tree.proc(name)) for name in names}
        self._zoneinfo_pace = Pace(ZONEINFO_SHARE)
        self._page_types_pace = Pace(PAGETYPEINFO_SHARE, least=10.0)
        self._maker = SnapshotMaker(self.host)

    def sample(self, *, page_types: bool = False) -> Snapshot:
        """Read the node now; `page_types` has /proc/pagetypeinfo read even before its next turn.

        Never raises for a file: what could not be read is None or empty, with its reason in `unreadable`.
        """
        wall, now = time.time(), time.monotonic()
        files = {BUDDYINFO: self._read(BUDDYINFO)}
        if self._zoneinfo_pace.due(now):
            files[ZONEINFO] = self._read_paced(ZONEINFO, self._zoneinfo_pace)
        if page_types or self._page_types_pace.due(now):
            files[PAGETYPEINFO] = self._read_paced(PAGETYPEINFO, self._page_types_pace)
        files |= {name: self._read(name) for name in (MEMINFO, VMSTAT, PRESSURE)}
        self.reading = None
        tick = Tick(wall, now, files)
        if self.on_tick is not None:
            self.on_tick(tick)
        return self._maker.snapshot(tick)

    def close(self) -> None:
        """Give all descriptors back."""
        for file in self._files.values():
            file.close()

    def _read(self, name: str) -> FileText:
        file = self._files[name]
        self.reading = str(file.path)
        try:
            return FileText(str(file.path), file.read())
        except OSError as error:
            return FileText(str(file.path), None, reason(error))

    def _read_paced(self, name: str, pace: Pace) -> FileText:
        """Read a costly file: only the read may hold a zone lock, parsing is ours."""
        start = time.monotonic()
        found = self._read(name)
        end = time.monotonic()
        pace.took(end, end - start)
        return FileText(found.path, found.text, found.why, end, end - start)
