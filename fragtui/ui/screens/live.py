"""The live screen: a dashboard updated by the readers of this node, with keys for remedies."""

from __future__ import annotations

import asyncio
import gc
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from fragtui.model.node.verdict import State
from fragtui.sampler import MAX_INTERVAL, MIN_INTERVAL, RESTING_INTERVAL, Ticker
from fragtui.text import printable
from fragtui.ui.keys import KEYS, bindings
from fragtui.ui.messages import (
    CgroupsRead,
    ConsumersRead,
    Crashed,
    HistoryLoaded,
    KernelLogUpdated,
    PodsUpdated,
    RemediesUpdated,
    Sampled,
    TraceRead,
)
from fragtui.ui.panels.status_line import state_spans
from fragtui.ui.screens.dashboard_screen import DashboardScreen
from fragtui.ui.screens.recording_actions import recording_notes
from fragtui.ui.session import drop_words
from fragtui.ui.terminal.key_gate import key_gate_of
from fragtui.ui.widgets.resilient import surviving_errors
from fragtui.ui.wiring import AppDependencies, BackgroundReaders, CgroupsReader, ConsumerReader, ScreenRecorder

if TYPE_CHECKING:  # It takes 60 ms of CPU, and no remedy is needed for the first bars.
    from fragtui.remedies.service import HistoryView, RemedyState
    from fragtui.ui.screens.remedy_controller import RemedyController
    from fragtui.ui.screens.trace_controller import TraceController

_AFTER_BARS = 0.1
"""Seconds after the first bars at which the other readers start: earlier, they would delay the bars' output."""
_LATE_SECONDS = 1.2
"""Seconds that a change which is not urgent waits for a sample, to be drawn with it."""
_URGENT_SECONDS = 1.0
"""Seconds between two that are drawn at once."""
_FOREIGN_NOTICE_SECONDS = 10.0
_INTERVALS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class LiveScreen(DashboardScreen):
    """The whole state of the node on one screen, now."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    def __init__(self, sampler: Ticker, dependencies: AppDependencies, readers: BackgroundReaders) -> None:
        super().__init__(dependencies.order, dependencies.thresholds, dependencies.keymap)
        self.session.as_root = dependencies.as_root
        self.session.saved = not dependencies.live
        self.remedies: RemedyController | None = None
        """The remedies; None until the first bars are on screen."""
        self._sampler = sampler
        self._dependencies = dependencies
        self._readers = readers
        self._heartbeat_timer: asyncio.TimerHandle | None = None
        self._late_draw: asyncio.TimerHandle | None = None
        self._urgent_at = -math.inf
        self._started = False
        self._consumers: ConsumerReader | None = None
        self._trace: TraceController | None = None
        self._cgroups: CgroupsReader | None = None

    def on_mount(self) -> None:
        """Start the timer for missing updates."""
        self._beat_in(1.0)
        if self.early is not None:
            self._start_readers()

    def on_unmount(self) -> None:
        """Stop the timers."""
        for timer in (self._heartbeat_timer, self._late_draw):
            if timer is not None:
                timer.cancel()

    def close(self) -> None:
        """Abort a remedy that runs, and end the trace."""
        if self._trace is not None:
            self._trace.stop()
        if self.remedies is not None:
            self.remedies.close(2.0)

    def rest(self, unread: bool) -> None:
        """Draw nothing while the terminal is not read, and sample as seldom as other users of the samples allow."""
        if unread != self.unread:
            self._sampler.resting = unread and not self._needs_samples
            self._sampler.tick_now()
        super().rest(unread)

    def show(self, *, sampled: bool = False) -> None:
        """Redraw the panels that changed; while the terminal is not read, only set the sampling interval."""
        if self._late_draw is not None:
            self._late_draw.cancel()
            self._late_draw = None
            sampled = False
        if self.unread:
            self._sampler.resting = not self._needs_samples
        super().show(sampled=sampled)

    @property
    def recorder(self) -> ScreenRecorder | None:
        """What records."""
        return self._dependencies.recorder

    @property
    def write_report(self) -> Callable[[Path], object] | None:
        """Writes the report for a ticket into a file."""
        return self._dependencies.write_report

    @property
    def _needs_samples(self) -> bool:
        recorder, remedies = self._dependencies.recorder, self.session.remedies
        recording = recorder is not None and recorder.file is not None
        return recording or (remedies is not None and (remedies.busy or remedies.guard is not None))

    @surviving_errors
    def on_sampled(self, message: Sampled) -> None:
        """Take a snapshot."""
        changes, is_first = self.session.memory_changes, self.session.snapshot is None
        newest = changes[-1] if changes else None
        accepted = message.snapshot is not self.session.snapshot and self.session.accept(message.snapshot)
        if changes and changes[-1] is not newest:
            self.notify(changes[-1][1], title="Hotplug or balloon", markup=False)
        # Not before: a snapshot that can't be taken must leave the screen stale.
        self._latest = time.monotonic()
        self._beat_in(self._sampler.interval + 1.0)
        if accepted:
            self.show(sampled=not is_first)
            self._look_for_consumers()
        if self.remedies is not None:
            self.remedies.see(message.snapshot, self._sampler.interval)
        self._start_readers()

    def _start_readers(self) -> None:
        """Start the readers of logs and pods once the first bars, or the reason for their absence, are drawn."""
        if not self._started:
            self._started = True
            self.call_after_refresh(self.set_timer, _AFTER_BARS, self._start_rest)

    @surviving_errors
    def _start_rest(self) -> None:
        if not gc.isenabled():  # Off for the start: what exists now stays, and no collection looks at it again.
            gc.freeze()
            gc.enable()
        self._sampler.tick_now()
        self._ready_remedies()
        self._readers.start()
        if (tracing := self._dependencies.tracing) is not None and tracing.at_start:
            self._ready_trace().start()

    @surviving_errors
    def on_kernel_log_updated(self, message: KernelLogUpdated) -> None:
        """Take an update of the kernel log."""
        update = message.update
        self.session.add_kernel_log(update)
        for drop in update.external_drops:
            if drop.time is not None and time.time() - drop.time < _FOREIGN_NOTICE_SECONDS:
                self.notify(drop_words(drop), title="Another tool dropped caches", markup=False)
        self.show()

    def _look_for_consumers(self) -> None:
        """Have the largest processes read, if they are shown: while the node is out of memory."""
        state = self.session.state
        if self.unread or state is None or state.state is not State.OUT_OF_MEMORY or not self._started:
            return
        if self._consumers is None and self._dependencies.consumers is not None:
            self._consumers = self._dependencies.consumers(
                lambda consumers: self.mail.put(ConsumersRead(consumers)),
                lambda traceback: self.mail.put(Crashed(traceback)),
            )
        if self._consumers is not None:
            self._consumers.look()

    @surviving_errors
    def on_consumers_read(self, message: ConsumersRead) -> None:
        """Take a reading of the largest processes."""
        self.session.consumers = message.consumers
        self.show()

    def _read_cgroups(self) -> bool:
        """Have the memory of cgroups read; return whether a reading runs."""
        if self._cgroups is None and self._dependencies.cgroups is not None:
            self._cgroups = self._dependencies.cgroups(
                lambda cgroups: self.mail.put(CgroupsRead(cgroups)),
                lambda traceback: self.mail.put(Crashed(traceback)),
            )
        return self._cgroups is not None and self._cgroups.look()

    @surviving_errors
    def on_cgroups_read(self, message: CgroupsRead) -> None:
        """Take a reading of the cgroups."""
        self.session.cgroups = message.cgroups
        if self.remedies is not None:
            self.remedies.cgroups_read()

    @surviving_errors
    def on_pods_updated(self, message: PodsUpdated) -> None:
        """Take an update of the pods; one of times and counts is drawn with the next sample.

        22 stuck pods fail again, and are read, several times a second.
        """
        before, self.session.pods = self.session.pods, message.update
        urgent = before is None or not message.update.resembles(before)
        if urgent and (now := time.monotonic()) - self._urgent_at >= _URGENT_SECONDS:
            self._urgent_at = now
            self.show()
        elif self._late_draw is None:
            self._late_draw = asyncio.get_running_loop().call_later(_LATE_SECONDS, self.call_next, self._show_late)

    @surviving_errors
    def _show_late(self) -> None:
        self.show()

    @surviving_errors
    def on_trace_read(self, message: TraceRead) -> None:
        """Take what the trace brought."""
        self._ready_trace().take(message.batches)

    def _ready_trace(self) -> TraceController:
        if self._trace is None:
            from fragtui.ui.screens.trace_controller import TraceController  # noqa: PLC0415  # Seldom: 5 ms of CPU.

            self._trace = TraceController(self, self._dependencies.tracing)
        return self._trace

    def action_trace(self) -> None:
        """Show the trace; if there is none, ask whether to start one."""
        self._ready_trace().open()

    def _beat_in(self, seconds: float) -> None:
        """Schedule `_heartbeat`; the next snapshot postpones it. A Textual timer is a task that always wakes."""
        if self._heartbeat_timer is not None:
            self._heartbeat_timer.cancel()
        self._heartbeat_timer = asyncio.get_running_loop().call_later(seconds, self.call_next, self._heartbeat)

    @surviving_errors
    def _heartbeat(self) -> None:
        """Show for how long there was no snapshot."""
        self._beat_in(1.0 if not self.unread else RESTING_INTERVAL + 1.0)
        self.update_status()
        self.dashboard.show_lines()
        self._start_readers()

    def update_status(self) -> None:
        """Set the session's status and its line about remedies."""
        notes = recording_notes(self.app, self._dependencies.recorder)
        if self.session.disabled_reason:
            notes.append("◌ no remedies")
        notes += self._trace.notes if self._trace is not None else ()
        if self.remedies is not None:
            if (guard := self.remedies.guard_words) is not None:
                notes.append(f"◉ {guard}")
            self.session.remedy_line = self.remedies.line
        age = time.monotonic() - self._latest
        self.session.status = state_spans(self.session, self._sampler.interval, self._sampler.stuck(), age, notes)

    def _ready_remedies(self) -> RemedyController:
        """Return the remedies; they start with the first key that needs them, or soon after the first bars."""
        if self.remedies is None:
            # The first bars don't need the remedies, whose imports take 40 ms of CPU.
            from fragtui.remedies.audit.log import AuditLog  # noqa: PLC0415
            from fragtui.remedies.audit.path import audit_path  # noqa: PLC0415
            from fragtui.ui.screens.remedy_controller import RemedyController  # noqa: PLC0415

            dependencies = self._dependencies
            audit = AuditLog(audit_path(dependencies.audit, dependencies.root))
            self.remedies = RemedyController(
                self.app,
                self.session,
                dependencies.root,
                audit,
                dependencies.disabled_reason,
                self._report_remedies,
                dependencies.read_conditions,
                self._read_cgroups,
            )
            self.session.disabled_reason = self.remedies.disabled_reason
            self.dashboard.show_keys()
            self.show()
        return self.remedies

    def _report_remedies(self, state: RemedyState | str) -> None:
        self.mail.put(Crashed(state) if isinstance(state, str) else RemediesUpdated(state))

    def _report_history(self, history: HistoryView) -> None:
        self.mail.put(HistoryLoaded(history))

    @surviving_errors
    def on_history_loaded(self, message: HistoryLoaded) -> None:
        """Open the page once the audit log has been read, unless another screen was opened meanwhile.

        Each screen draws those below it, so too many pages end in a RecursionError.
        """
        if self.remedies is not None and self.is_active:
            self.remedies.open_history(message.recalled)

    @surviving_errors
    def on_remedies_updated(self, message: RemediesUpdated) -> None:
        """Take an update of the remedies."""
        if self.remedies is None:
            return
        is_new = self.remedies.take(message.state)
        state = message.state
        if state.busy != self._sampler.hurried:
            self._sampler.hurried = state.busy
            self._sampler.tick_now(page_types=state.settling)
        if is_new and state.remedy_result is not None:
            self.dashboard.show_keys()
            if (pods := self._readers.pods) is not None:
                pods.remedy_ran(state.remedy_result.outcome.remedy.title)
            self._sampler.tick_now(page_types=True)
            if self.is_active:
                self.remedies.show_recovery()
        self.show()

    def action_remedy(self, name: str) -> None:
        """Ask whether to run a remedy."""
        key_gate_of(self).then(lambda: self._ready_remedies().ask(name))

    def action_escalate(self) -> None:
        """Ask whether to run remedies step by step."""
        key_gate_of(self).then(lambda: self._ready_remedies().ask_escalation())

    def action_reclaim(self) -> None:
        """Ask whether to reclaim one cgroup."""
        key_gate_of(self).then(lambda: self._ready_remedies().ask_reclaim())

    def action_page_cache(self) -> None:
        """Show who holds the page cache."""
        self._ready_remedies().show_cgroups()

    def action_guard(self) -> None:
        """Switch the guard on or off."""
        key_gate_of(self).then(lambda: self._ready_remedies().switch_guard())

    def action_abort(self) -> None:
        """Abort the running remedy."""
        if self.remedies is not None:
            self.remedies.abort()

    def action_recovery(self) -> None:
        """Show the result of the last remedy."""
        self._ready_remedies().show_recovery()

    def action_history(self) -> None:
        """Show the logged remedies."""
        self._ready_remedies().show_history(self._report_history)

    def action_pause(self) -> None:
        """Pause the screen or continue it, with a sample at once."""
        self._sampler.tick_now()
        super().action_pause()

    @property
    def running(self) -> tuple[str, ...]:
        """A sentence for each thing that runs and would end with fragtui."""
        remedies, recorder = self.session.remedies, self._dependencies.recorder
        sentences = []
        if remedies is not None and remedies.running is not None:
            sentences.append(f"A remedy is running ({remedies.running}). Quitting aborts it; its end is logged.")
        if remedies is not None and remedies.guard is not None:
            sentences.append("The guard is on. It works only while fragtui runs; quitting switches it off.")
        if recorder is not None and recorder.file is not None:
            sentences.append(f"A recording is being written to {printable(str(recorder.file.path))}. Quitting ends it.")
        sentences += self._trace.sentences if self._trace is not None else ()
        return tuple(sentences)

    def action_page_types(self) -> None:
        """Read /proc/pagetypeinfo at once."""
        self._sampler.tick_now(page_types=True)

    def action_interval(self, step: int) -> None:
        """Choose the next longer or shorter interval."""
        now = self._sampler.interval
        if step > 0:
            wanted = next((value for value in _INTERVALS if value > now), MAX_INTERVAL)
        else:
            wanted = next((value for value in reversed(_INTERVALS) if value < now), MIN_INTERVAL)
        self._sampler.interval = wanted
        self._sampler.tick_now()
        self.show()
