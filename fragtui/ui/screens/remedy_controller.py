"""Remedies on the live screen: why they are disabled, the dialogs, the line about them, the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from textual.app import App

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import target_blocks, usable_blocks
from fragtui.model.remedy.forecast import forecast
from fragtui.model.remedy.recommendation import with_sync
from fragtui.model.remedy.risk import NodeConditions
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import (
    Remedy,
    compact_all,
    compact_node,
    drop_caches,
    numa_nodes,
    read_wake,
    reclaim_cgroup,
)
from fragtui.remedies.escalation import EscalationStep, escalation_steps
from fragtui.remedies.guard.policy import Policy
from fragtui.remedies.guard.rules import Decision, GuardAction
from fragtui.remedies.permission import disabled_because
from fragtui.remedies.service import HistoryView, RemedyService, RemedyState
from fragtui.remedies.site_policy import typed_name, unconfirmed_because
from fragtui.render.card.state_text import remedy_clause
from fragtui.text import format_count, format_duration
from fragtui.ui.dialogs.guard_dialog import GuardContext, GuardDialog
from fragtui.ui.dialogs.remedy_dialogs import DialogContext, EscalationDialog, ReclaimDialog, RemedyDialog
from fragtui.ui.dialogs.typed_name import TypedNameDialog
from fragtui.ui.pages.cgroup_page import beside_lines, cgroup_lines, cgroup_name
from fragtui.ui.pages.history_page import history_lines
from fragtui.ui.pages.recovery_page import page_title, recovery_lines, summary
from fragtui.ui.session import Session
from fragtui.ui.widgets.page import PageScreen
from fragtui.ui.widgets.rows import Line

_MAX_WAIT = 1.5
"""Seconds to wait for the cgroups before a question."""
ESCALATION_BLOCKS = 64
"""Blocks of the target order at which the escalation stops, as in the guard's policy."""
_REMEDIES = ("drop-3", "compact", "drop-1", "drop-2", "nudge")
"""The keys' remedies: if none of them can run, no remedy can."""


class RemedyController:
    """The remedies of one node on one screen; used on the screen's thread."""

    def __init__(
        self,
        app: App[Any],
        session: Session,
        root: Path,
        audit: AuditLog,
        disabled_reason: str | None,
        on_change: Callable[[RemedyState | str], None],
        read_conditions: Callable[[Path], NodeConditions],
        read_cgroups: Callable[[], bool],
    ) -> None:
        session.remedies = RemedyState()
        self._read_cgroups = read_cgroups
        self._waiting: Callable[[], None] | None = None
        """What to do once the cgroups are read."""
        self._read_conditions = read_conditions
        self._app = app
        self._session = session
        self._root = root
        self._audit = audit.path
        self._disabled_reason = disabled_reason
        self._previous: Snapshot | None = None
        self._before: Snapshot | None = None
        self._decision: Decision | None = None
        self._guard_used = False
        self._guard_trusted = False
        """Whether the guard was on for real, so that the node's name was typed."""
        self.service = RemedyService(root, audit, disabled_reason, on_change)
        self.service.start()

    @property
    def state(self) -> RemedyState:
        """The session's state of the remedies."""
        return self._session.remedies or RemedyState()

    @property
    def disabled_reason(self) -> str | None:
        """Return why no remedy at all can be run, or None if one can."""
        if self._disabled_reason is not None:
            return self._disabled_reason
        reasons = [disabled_because(self._variants(name)[0], self._root) for name in _REMEDIES]
        return reasons[0] if all(reasons) else None

    def see(self, snapshot: Snapshot, interval: float) -> None:
        """Take a tick; the next one is expected after `interval` seconds."""
        if self._previous is None or snapshot.monotonic - self._previous.monotonic >= 1.0:
            self._previous = self._session.snapshot
        self.service.see(snapshot, interval)

    def take(self, state: RemedyState) -> bool:
        """Take an update of the service; return whether it has a result that has not been shown."""
        before, self._session.remedies = self.state.remedy_result, state
        decision = state.decision
        is_dry = state.guard is not None and state.guard.dry_run
        if is_dry and decision is not None and decision is not self._decision and decision.action is GuardAction.RUN:
            self._app.notify(f"It would run now: {decision.why}.", title="Guard, dry run", markup=False)
        self._decision = decision
        new = self._session.remedy_result = state.remedy_result
        return new is not None and (before is None or before.outcome is not new.outcome)

    def ask(self, name: str) -> None:
        """Ask whether to run the remedy that a key names."""
        variants = self._variants(name)
        if (setting := self._setting(variants[0])) is None:
            return
        holders = None
        if variants[0].effect.page_cache and (self._read_cgroups() or self._session.cgroups is not None):
            holders = partial(beside_lines, self._session)
        self._app.push_screen(RemedyDialog(setting, variants, holders), lambda remedy: self._run(remedy, setting))

    def show_cgroups(self) -> None:
        """Show who holds the page cache; the page changes once it is read."""
        self._read_cgroups()
        self._app.push_screen(PageScreen("Page cache by cgroup", partial(cgroup_lines, self._session), every=1.0))

    def cgroups_read(self) -> None:
        """Go on with what waits for the cgroups."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and len(self._app.screen_stack) == 1:
            waiting()
        elif isinstance(self._app.screen, RemedyDialog):
            self._app.screen.changed()

    def ask_reclaim(self) -> None:
        """Ask whether to reclaim one cgroup, once they are read."""
        self._after_cgroups(self._ask_reclaim)

    def _ask_reclaim(self) -> None:
        remedies = self._reclaims()
        if not remedies:
            found = self._session.cgroups
            self._say((found.why if found else None) or "the page cache of no cgroup could be read")
        elif (setting := self._setting(remedies[0][0])) is not None:
            dialog = ReclaimDialog(setting, remedies, partial(beside_lines, self._session))
            self._app.push_screen(dialog, lambda remedy: self._run(remedy, setting))

    def _reclaims(self) -> tuple[tuple[Remedy, Remedy], ...]:
        """Return the remedies for each cgroup that was read, the largest first; if much is dirty, with a sync first."""
        found, snapshot = self._session.cgroups, self._session.snapshot
        if found is None or snapshot is None:
            return ()
        view = forecast(snapshot, self._session.order)
        missing = max(1, ESCALATION_BLOCKS - (usable_blocks(snapshot, self._session.order) or 0))
        remedies = []
        for cgroup in found.cgroups:
            name, amount = cgroup_name(cgroup, self._session.pods), view.least_reclaim(cgroup.clean, missing)
            plain, synced = (reclaim_cgroup(cgroup, name, amount, sync=sync) for sync in (False, True))
            if plain.disabled_reason is not None:
                continue
            much = (cgroup.dirty or 0) >= cgroup.clean // 4
            remedies.append((synced, plain) if much else (plain, synced))
        return tuple(remedies)

    def _after_cgroups(self, then: Callable[[], None]) -> None:
        """Call `then` once the cgroups are read, at once if they just were, in any case after `_MAX_WAIT`."""
        if not self._read_cgroups():
            then()
            return
        self._waiting = then
        self._app.set_timer(_MAX_WAIT, lambda: self.cgroups_read() if self._waiting is then else None)

    def ask_escalation(self) -> None:
        """Ask whether to run remedies step by step, once the cgroups are read."""
        self._after_cgroups(self._ask_escalation)

    def _ask_escalation(self) -> None:
        more = {EscalationStep.WAKE: self._variants("nudge")[0]}
        if reclaims := self._reclaims():
            more[EscalationStep.RECLAIM] = min(reclaims[0], key=lambda remedy: remedy.sync_first)
        remedies = escalation_steps(EscalationStep, numa_nodes(self._root), more)
        if (setting := self._setting(compact_all())) is None:
            return
        reasons = {remedy.id: disabled_because(remedy, self._root) for remedy in remedies}
        left_out = tuple(f"{name}: {why}" for name, why in reasons.items() if why is not None)
        remedies = tuple(remedy for remedy in remedies if reasons[remedy.id] is None)

        def climb(chosen: tuple[Remedy, ...] | None) -> None:
            if chosen:
                self._confirm(lambda typed: begin(chosen, typed))

        def begin(chosen: tuple[Remedy, ...], typed: str | None) -> None:
            self._mark("step by step", remedy_clause(None, own=True))
            self.service.escalate(chosen, setting.snapshot, setting.order, ESCALATION_BLOCKS, typed)

        self._app.push_screen(EscalationDialog(setting, remedies, ESCALATION_BLOCKS, left_out), climb)

    def switch_guard(self) -> None:
        """Switch the guard off, or ask whether to switch it on for the target order."""
        if self.state.guard is not None:
            self.service.guard(None)
            return
        if (why := self._disabled_reason or unconfirmed_because(self._root, None)) is not None:
            self._say(why)
            return
        if self._session.snapshot is None:
            self._say("the node has not been sampled yet")
            return
        host = self._session.snapshot.host
        context = GuardContext(
            name=host.name or "yes",
            page_size=host.page_size,
            audit=self._audit,
            used=self._guard_used,
            trusted=self._guard_trusted,
            switch_key=self._session.key("guard"),
            abort_key=self._session.key("abort"),
        )

        def switch(answer: Policy | None) -> None:
            if answer is not None:
                self._guard_used = True
                self._guard_trusted |= not answer.dry_run
                self.service.guard(answer)

        self._app.push_screen(GuardDialog(Policy(order=self._session.order), context), switch)

    def abort(self) -> None:
        """Abort the running remedy."""
        if self.state.running is not None or self._guard_runs:
            self.service.abort()

    def show_recovery(self) -> None:
        """Show the result of the last remedy."""
        if (remedy_result := self.state.remedy_result) is None:
            key = self._session.key("history")
            self._app.notify(f"No remedy has run here yet; {key} shows logged ones.", markup=False)
            return

        def lines(width: int) -> Sequence[Line]:
            return recovery_lines(self.state.remedy_result or remedy_result, self._session, width)

        self._app.push_screen(PageScreen(page_title(remedy_result), lines, every=1.0))

    def show_history(self, on_loaded: Callable[[HistoryView], None]) -> None:
        """Read the logged remedies, with advice for this node; `on_loaded` is called on another thread."""
        if self._session.snapshot is not None:
            self.service.load_history(self._session.snapshot, self._session.order, on_loaded)

    def open_history(self, recalled: HistoryView) -> None:
        """Show the logged remedies."""
        self._app.push_screen(PageScreen("Logged remedies", lambda width: history_lines(recalled, width)))

    @property
    def guard_words(self) -> str | None:
        """Return the state of the guard in two or three words, None while it is off."""
        if self.state.guard is None:
            return None
        decision = self.state.decision
        word = "guard (dry run)" if self.state.guard.dry_run else "guard"
        if decision is None:
            return f"{word} on"
        wait = "" if decision.wait is None else f" {format_duration(decision.wait)}"
        return f"{word} {decision.action}{wait}"

    @property
    def line(self) -> tuple[str, str] | None:
        """Return the text and the style of the line about remedies, or None if there is none."""
        state = self.state
        if state.running is not None:
            doing = "aborting" if state.aborting else self._aborts
            return (
                f"⟳ {state.running}: {format_duration(time.monotonic() - state.started)}{self._gain()}  ({doing})",
                "warn",
            )
        if state.settling:
            return f"⟳ Done; measuring the result…{self._gain()}", "warn"
        if state.refused is not None:
            return f"✗ Not run: {state.refused}", "bad"
        if state.remedy_result is not None:
            mark = "✓" if state.remedy_result.outcome.result == "done" else "✗"
            return f"{mark} {summary(state.remedy_result)}  ({self._session.key('recovery')}: before and after)", "text"
        if state.guard is not None and state.decision is not None:
            dry = " (dry run)" if state.guard.dry_run else ""
            return f"◉ Guard{dry}: {state.decision.why}{f'  ({self._aborts})' if self._guard_runs else ''}", "key"
        if state.past:
            return f"! {state.past[0]}", "warn"
        return None

    def close(self, seconds: float) -> None:
        """Abort the running remedy and wait a little for its end to be logged."""
        self.service.close(seconds)

    @property
    def _aborts(self) -> str:
        return f"{self._session.key('abort')} aborts"

    @property
    def _guard_runs(self) -> bool:
        return self.state.decision is not None and self.state.decision.action is GuardAction.RUNNING

    def _variants(self, name: str) -> tuple[Remedy, ...]:
        """Return the remedy that a key names, and its variant with a sync if there is one."""
        return remedy_variants(self._session, name, partial(read_wake, self._root))

    def _setting(self, remedy: Remedy) -> DialogContext | None:
        """Return the node for the remedy; if it can't run, show the reason and return None."""
        why = (
            f"another remedy is running; {self._aborts} it"
            if self.state.busy
            else disabled_because(remedy, self._root, self._disabled_reason)
        )
        if why is not None:
            self._say(why)
        if why is not None or self._session.snapshot is None:
            return None
        return DialogContext(
            self._session.snapshot,
            self._session.order,
            self._root,
            self._audit,
            self._read_conditions(self._root),
            self._previous,
            self._session.thresholds,
        )

    def _run(self, remedy: Remedy | None, setting: DialogContext) -> None:
        if remedy is None:
            return

        def begin(typed: str | None) -> None:
            self._mark(remedy.title.lower(), remedy_clause(remedy.effect, own=True))
            self.service.run(remedy, self._session.snapshot or setting.snapshot, setting.order, typed)

        self._confirm(begin)

    def _confirm(self, begin: Callable[[str | None], None]) -> None:
        """Call `begin`, after the node's name was typed if the site's policy asks for it."""
        if (name := typed_name(self._root)) is None:
            begin(None)
        else:
            self._app.push_screen(TypedNameDialog(name), lambda typed: None if typed is None else begin(typed))

    def _mark(self, what: str, did: str) -> None:
        self._session.paused = False
        self._session.mark(what)
        self._session.note_remedy(time.time(), what, did)
        self._before = self._session.snapshot

    def _gain(self) -> str:
        before, now, order = self._before, self._session.snapshot, self._session.order
        if before is None or now is None:
            return ""
        then, there = target_blocks(before, order), target_blocks(now, order)
        return "" if then is None or there is None else f"  order {order}: {format_count(then)} → {format_count(there)}"

    def _say(self, why: str) -> None:
        self._app.notify(why, title="Can't be run", severity="warning", markup=False)


def remedy_variants(session: Session, name: str, wake: Callable[[], Remedy]) -> tuple[Remedy, ...]:
    """Return the remedy that a key names, and its variant with a sync if there is one, first the one to prefer.

    `wake` returns the remedy that wakes kcompactd.
    """
    if name == "nudge":
        return (wake(),)
    if name.startswith("drop-"):
        value = int(name[-1])
        plain, synced = (drop_caches(value, sync=sync) for sync in (False, True))
    elif name == "compact":
        plain, synced = (compact_all(sync=sync) for sync in (False, True))
    else:
        node = session.chosen[0] if session.chosen else 0
        plain, synced = (compact_node(node, sync=sync) for sync in (False, True))
    prefers_sync = session.snapshot is not None and with_sync(session.snapshot, plain.effect).sync
    return (synced, plain) if prefers_sync else (plain, synced)
