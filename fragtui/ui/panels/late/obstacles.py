"""What stands in the way of a block: what the chosen zone's memory is used for, and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.obstacles import Obstacles, obstacles
from fragtui.render.numbers import short_bytes, span_words
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import bar_cells, fit, fit_right, wrap
from fragtui.ui.widgets.framed import Framing
from fragtui.ui.widgets.rows import Line, bar_tones, line

_NAME, _SIZE, _SHARE, _BAR = 18, 8, 7, 18
_WITH_BAR = 96
_REFRESH_SECONDS = 5.0
"""Seconds after which the numbers are taken again: they change slowly, and nobody compares them from tick to tick."""


_FILE, _PROCESS, _KERNEL, _PERCPU = "file cache", "process memory", "kernel, drivers", "per-CPU lists"
_OF_ZONEINFO = (_FILE, _PROCESS, _KERNEL, _PERCPU)


class _Part(NamedTuple):
    """A row: a part of the zone's memory."""

    name: str
    pages: int | None
    style: str
    what: str
    """What can be done about it."""


class ObstaclesView:
    """A row for each part of the zone, then its pageblocks by migratetype."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: Obstacles | None = None
        self._found_of: tuple[object, ...] = ()
        self._lines: Sequence[Line] = ()
        self._lines_of: tuple[object, ...] = ()

    def framing(self, width: int) -> Framing:
        """Return the title, the zone, and how old the migratetypes are."""
        session = self._session
        zone, snapshot = session.zone, session.snapshot
        if zone is None or snapshot is None:
            return Framing((("What stands in the way", "title"),))
        size = short_bytes(snapshot.host.page_size << session.order)
        reading = snapshot.page_types
        age = "" if reading is None else span_words(max(0.0, snapshot.monotonic - reading.at))
        return Framing(
            (("What stands in the way", "title"), (f" of {size} in N{zone.node} {zone.name}", "muted")),
            ((f"migratetypes {age} old", "muted"),) if age else (),
            (),
            () if session.recording else session.hints(("page-types", "read again")),
        )

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the rows, the same ones until the numbers are taken again."""
        session = self._session
        zone, snapshot = session.zone, session.snapshot
        if zone is None or snapshot is None:
            return [line(("? unknown: no zone can be shown", "unknown"))] if snapshot else []
        moment = int(snapshot.monotonic // _REFRESH_SECONDS)
        made_of = (zone.key, session.order, moment, snapshot.page_types and snapshot.page_types.at)
        if self._found is None or made_of != self._found_of:
            self._found, self._found_of = obstacles(snapshot, zone, session.order), made_of
        if self._lines_of != (self._found, snapshot.unreadable, width, height):
            self._lines = list(_lines(snapshot, self._found, session.order, width))[:height]
            self._lines_of = (self._found, snapshot.unreadable, width, height)
        return self._lines


def _lines(snapshot: Snapshot, found: Obstacles, order: int, width: int) -> Iterator[Line]:
    size = snapshot.host.page_size
    if found.managed is None:
        why = snapshot.why("zoneinfo") or "it does not have this zone's pages"
        yield line((fit(f"? shares unknown: /proc/zoneinfo: {why}", width), "unknown"))
    else:
        yield line((fit("memory of the zone", _NAME + _SIZE) + fit_right("share", _SHARE), "muted"))
    for part in _parts(found, size, order):
        share = None if part.pages is None or not found.managed else part.pages / found.managed
        spans = [(fit(part.name, _NAME), "text")]
        spans.append((fit_right("?" if part.pages is None else short_bytes(part.pages * size), _SIZE), "strong"))
        spans.append((fit_right(_percent(share), _SHARE), "text"))
        if width >= _WITH_BAR:
            bar = bar_tones().kept * bar_cells(share or 0.0, _BAR)
            spans.append(("  " + fit(bar, _BAR), part.style))
        unknown = part.pages is None
        what = "unknown: zoneinfo does not show it" if unknown and part.name in _OF_ZONEINFO else part.what
        yield line(*spans, ("  ", "text"), (what, "unknown" if unknown else "muted"))
    yield from _pageblocks(snapshot, found, width)


def _parts(found: Obstacles, size: int, order: int) -> Iterator[_Part]:
    clean = ""
    if found.clean is not None:
        clean = f"; {short_bytes(found.clean * size) if found.clean else 'none'} is clean and not mapped"
    yield _Part(_FILE, found.file, "bar", f"can be dropped{clean}")
    held = ((found.pinned, "pinned"), (found.locked, "locked"))
    yield _Part(_PROCESS, found.other, "bar", f"compaction can move it{_on_node(held, size)}")
    pool = ((found.pool, "huge page pool"),)
    yield _Part(_KERNEL, found.rest, "warn", f"stays{_on_node(pool, size)}")
    block = short_bytes(size << order)
    between = found.between_unmovable
    where = "" if between is None or not found.small else f", {between * 100:.0f} % of it between unmovable pages"
    yield _Part(f"free, below {block}", found.small, "bar", f"in pieces{where}")
    if found.percpu is None or found.percpu:
        yield _Part(_PERCPU, found.percpu, "bar", "free, merges when drained")
    if found.foreign is None or found.foreign:
        what = "free, for atomic requests and CMA only" if found.foreign else "free, for atomic and CMA: unknown"
        yield _Part("HighAtomic, CMA", found.foreign, "warn", what)


def _on_node(counts: Sequence[tuple[int | None, str]], size: int) -> str:
    """Return what of it is only known for the whole node."""
    words = [f"{short_bytes(pages * size)} {word}" for pages, word in counts if pages]
    return f"; on the node {', '.join(words)}" if words else ""


def _pageblocks(snapshot: Snapshot, found: Obstacles, width: int) -> Iterator[Line]:
    """Yield the migratetypes of the pageblocks, or why they are unknown."""
    blocks = found.pageblocks
    if blocks is None:
        why = snapshot.why("pagetypeinfo") or "not read yet"
        yield from (
            line((row, "unknown")) for row in wrap(f"? pageblocks unknown: /proc/pagetypeinfo: {why}", width, 2)
        )
        return
    total = sum(count for _, count in blocks.counts)
    shares = ", ".join(f"{_percent(count / total)} {name}" for name, count in blocks.counts)
    size = short_bytes(blocks.pages * snapshot.host.page_size)
    yield from (line((row, "text")) for row in wrap(f"{total:,} pageblocks of {size}: {shares}", width, 2))


def _percent(share: float | None) -> str:
    if share is None:
        return "?"
    return f"{share * 100:.0f} %" if share >= 0.01 or not share else "<1 %"
