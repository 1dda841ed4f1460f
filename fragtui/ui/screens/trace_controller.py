"""The trace of the live screen: the question before it, its reader, what it brings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fragtui.model.tracing.trace_batch import TraceBatch
from fragtui.model.tracing.trace_tally import TraceTally
from fragtui.ui.dialogs.trace_dialog import TraceDialog
from fragtui.ui.messages import Crashed, TraceRead
from fragtui.ui.pages.trace_page import TracePage
from fragtui.ui.session import Session
from fragtui.ui.terminal.key_gate import key_gate_of
from fragtui.ui.wiring import BackgroundReader, TracePlan, Tracing

if TYPE_CHECKING:
    from fragtui.ui.screens.dashboard_screen import DashboardScreen

_TITLE = "No trace"


class TraceController:
    """Starts and ends the trace of one screen; used on the screen's thread."""

    def __init__(self, screen: DashboardScreen, tracing: Tracing | None) -> None:
        self._screen = screen
        self._session = screen.session
        self._tracing = tracing
        self._reader: BackgroundReader | None = None

    @property
    def running(self) -> bool:
        """Whether the trace is on, or about to be."""
        return self._reader is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """The word for the top line while it is on."""
        return ("◉ trace",) if self.running else ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What quitting would end."""
        on = "A trace of the kernel is on. Quitting switches it off and removes its directory."
        return (on,) if self.running else ()

    def open(self) -> None:
        """Show the trace; if there is none, ask whether to start one."""
        if self.running or self._session.trace is not None:
            self._screen.app.push_screen(TracePage(self._session, self._switch))
        else:
            key_gate_of(self._screen).then(self._ask)

    def _switch(self) -> None:
        if self.running:
            self.stop()
        else:
            key_gate_of(self._screen).then(self._ask)

    def _ask(self) -> None:
        """Ask whether to start a trace, or say why none can be started."""
        plan = (
            "a trace needs the live node" if self._tracing is None else self._tracing.forbidden or self._tracing.plan()
        )
        if isinstance(plan, TracePlan):
            self._screen.app.push_screen(TraceDialog(plan), self._begin)
        else:
            self._screen.notify(plan, title=_TITLE, severity="warning", markup=False)

    def start(self) -> None:
        """Start the trace that an option asked for, or say why it can't be started."""
        if self._tracing is None or self.running:
            return
        if (why := self._tracing.forbidden) is not None:
            self._screen.notify(why, title=_TITLE, severity="warning", markup=False)
            return
        mail = self._screen.mail
        self._reader = self._tracing.reader(
            lambda batch: mail.put(TraceRead(batch)), lambda traceback: mail.put(Crashed(traceback))
        )
        self._reader.start()

    def stop(self) -> None:
        """Switch the trace off; its last batch says when it has ended."""
        if self._reader is not None:
            self._reader.stop()

    def take(self, batches: Iterable[TraceBatch]) -> None:
        """Take what the trace brought."""
        for batch in batches:
            take_batch(self._session, batch)
            if batch.ended is not None:
                self._reader = None
            if batch.ended:
                self._screen.notify(batch.ended, title=_TITLE, severity="warning", markup=False)
        self._screen.show()

    def _begin(self, answer: TracePlan | None) -> None:
        if answer is None:
            return
        self.start()
        self._screen.app.push_screen(TracePage(self._session, self._switch))


def take_batch(session: Session, batch: TraceBatch) -> None:
    """Add a batch to the session's trace, and mark the moments of denied requests on the timeline."""
    if session.trace is None or not session.trace.running:
        session.trace = TraceTally(batch.time)
    session.trace.take(batch)
    if batch.denied:
        session.note_refusal(batch.time)
