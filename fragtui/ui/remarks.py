"""The sentences after the verdict: who was refused, which pods hang on it, what would help."""

from __future__ import annotations

from fragtui.model.headline import consequence
from fragtui.model.pods import StuckPods
from fragtui.model.session import Session
from fragtui.model.tail import Tail
from fragtui.model.verdict import Severity
from fragtui.text import counted, format_bytes
from fragtui.ui.clock import CLOCK
from fragtui.ui.incident_words import ago

RECENT = 3600.0
"""Seconds for which a refusal is news at the top of the screen."""


def remarks(session: Session, tail: Tail, board: StuckPods) -> tuple[str, ...]:
    """Return the sentences, the most telling first."""
    snapshot, judgement = session.snapshot, session.judgement
    if snapshot is None or judgement is None:
        return ()
    said: list[str] = []
    last = tail.last_refusal
    recent = last is not None and last.time is not None and CLOCK.now() - last.time < RECENT
    if last is not None and recent:
        size = format_bytes(snapshot.host.page_size << (last.order or 0))
        cause = f" for {last.cause}" if last.cause else ""
        said.append(f"{last.comm or 'A task'} was refused order {last.order} ({size}){cause} {ago(last.time)}.")
    if board.pods:
        refused = f", {board.refused_memory} refused memory" if board.refused_memory else ""
        said.append(f"{counted(len(board.pods), 'pod')} stuck{refused}.")
    if judgement.severity is not Severity.FINE:
        # Imported where it is first needed: most nodes are well at the first bars.
        from fragtui.model.expectation import outlook_sentence
        from fragtui.model.forecast import forecast

        said.append(outlook_sentence(forecast(snapshot, judgement.order)))
    if then := consequence(judgement):
        said.append(then)
    return tuple(said)
