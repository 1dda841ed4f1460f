"""Remedies as the main screen offers them: which there are, what bars them, the one under way, the ones that ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from fragtui.model.forecast import Gain, forecast
from fragtui.model.recovery import Lasting, compare
from fragtui.model.session import Session
from fragtui.model.snapshot import Snapshot
from fragtui.model.target import target_blocks
from fragtui.remedies.audit import AuditLog
from fragtui.remedies.background import Background
from fragtui.remedies.catalogue import Remedy, compact_all, compact_node, drop_caches, nudge, read_catalogue
from fragtui.remedies.outcome import Outcome
from fragtui.remedies.permission import why_not
from fragtui.remedies.run import Asked
from fragtui.text import format_count, format_duration
from fragtui.ui.recovery import Treated, summary

SETTLED = 1.2
"""Seconds after the end at which the gain is taken: the kernel's counters lag by vm.stat_interval (1 s)."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The remedy that runs now and what was there before it."""

    run: Background
    before: Snapshot
    order: int
    expected: Gain


@dataclass(frozen=True, slots=True)
class Over:
    """A remedy whose end is known and whose gain is not taken yet."""

    way: UnderWay
    outcome: Outcome
    ended_at: float
    """Monotonic seconds."""


class Healing:
    """The remedies of one node; used on the screen's thread."""

    def __init__(self, session: Session, root: Path, audit: Path, barred: str | None) -> None:
        self.root = root
        self.audit = AuditLog(audit)
        self.under_way: UnderWay | None = None
        self.treated: Treated | None = None
        self.refusal: str | None = None
        """Why the last remedy that was asked for did not start."""
        self._over: Over | None = None
        self._session = session
        self._barred = barred

    def variants(self, name: str) -> tuple[Remedy, ...]:
        """Return the remedy that a key names, and the same after a sync where there is such a one."""
        if name.startswith("drop-"):
            value = int(name[-1])
            dirty = (self._session.snapshot.meminfo.get("Dirty") or 0) if self._session.snapshot else 0
            pair = (drop_caches(value, sync=False), drop_caches(value, sync=True))
            return pair[::-1] if dirty > 64 << 20 and value != 2 else pair
        if name == "compact":
            return (compact_all(),)
        if name == "nudge":
            known = read_catalogue(self.root, self._session.snapshot.host.version if self._session.snapshot else None)
            return (next((remedy for remedy in known if remedy.id == "nudge-kcompactd"), nudge(None, None)),)
        return (compact_node(self._session.chosen[0] if self._session.chosen else 0),)

    def why_not(self, name: str) -> str | None:
        """Return why that remedy can't be run here now, or None if it can."""
        if self.under_way is not None or self._over is not None:
            return "another remedy is running; x aborts it"
        return why_not(self.variants(name)[0], self.root, self._barred)

    @property
    def barred(self) -> str | None:
        """Return why no remedy at all can be run, shortly, or None."""
        if self._barred is not None:
            return self._barred
        reasons = [why_not(self.variants(name)[0], self.root) for name in ("drop-3", "compact")]
        return reasons[0] if all(reasons) else None

    def start(self, remedy: Remedy, on_end: Callable[[Outcome | str], None]) -> None:
        """Run a confirmed remedy; the baseline is set to this moment."""
        session = self._session
        if session.snapshot is None or self.under_way is not None:
            return
        order = session.order
        expected = forecast(session.snapshot, order).gain(remedy.effect)
        asked = Asked("screen", order, target_blocks(session.snapshot, order), expected)
        run = Background(remedy, self.root, self.audit, asked, on_end, self._barred)
        self.under_way = UnderWay(run, session.snapshot, order, expected)
        self.refusal = None
        session.paused = False
        session.mark(remedy.title.lower())
        run.start()

    def end(self, result: Outcome | str, now: float) -> None:
        """Take the end of the remedy under way; its gain is taken from a snapshot a moment later."""
        way, self.under_way = self.under_way, None
        if isinstance(result, str):
            self.refusal = result
        elif way is not None:
            self._over = Over(way, result, now)

    def see(self, snapshot: Snapshot) -> Treated | None:
        """Take a tick; return the treated remedy when its gain has just been taken."""
        if self._over is not None and snapshot.monotonic >= self._over.ended_at + SETTLED:
            over, self._over = self._over, None
            recovery = compare(over.way.before, snapshot, over.way.order)
            lasting = None
            if recovery.before is not None and recovery.after is not None:
                lasting = Lasting(snapshot.monotonic, recovery.before, recovery.after)
            self.treated = Treated(over.outcome, recovery, over.way.expected, lasting)
            return self.treated
        if self.treated is not None and self.treated.lasting is not None:
            blocks = target_blocks(snapshot, self.treated.recovery.order)
            if blocks is not None:
                self.treated = replace(self.treated, lasting=self.treated.lasting.see(snapshot.monotonic, blocks))
        return None

    @property
    def line(self) -> tuple[str, str] | None:
        """Return the words and the style of the line about remedies, or None where there is nothing to say."""
        if (way := self.under_way) is not None:
            doing = "aborting" if way.run.aborting else "x aborts"
            blocks = target_blocks(self._session.snapshot, way.order) if self._session.snapshot else None
            before = target_blocks(way.before, way.order)
            gain = "" if blocks is None or before is None else f"  order {way.order}: {before} → {format_count(blocks)}"
            return f"⟳ {way.run.remedy.title}: {format_duration(way.run.elapsed)}{gain}  ({doing})", "warn"
        if self._over is not None:
            return f"⟳ {self._over.outcome.explanation} Looking at what it brought…", "warn"
        if self.refusal is not None:
            return f"✗ Not run: {self.refusal}", "bad"
        if self.treated is not None:
            mark = "✓" if self.treated.outcome.result == "done" else "✗"
            return f"{mark} {summary(self.treated)}  (r: before and after)", "text"
        return None

    def close(self, seconds: float) -> None:
        """Abort what runs and wait a little for its end to be on record."""
        if self.under_way is not None:
            self.under_way.run.abort()
            self.under_way.run.join(seconds)
