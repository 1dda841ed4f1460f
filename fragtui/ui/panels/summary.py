"""The sentences after the verdict: who was denied memory, which pods are stuck, what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fragtui.model.failures.failure_list import FailureList
from fragtui.model.node.verdict import Severity
from fragtui.render.headline import consequence
from fragtui.render.incident_text import denial_words
from fragtui.text import counted
from fragtui.ui.clock import CLOCK
from fragtui.ui.session import Session
from fragtui.ui.widgets.incident_cells import time_ago

if TYPE_CHECKING:
    from fragtui.model.pods.stuck_pods import StuckPods

RECENT = 3600.0
"""Seconds for which a refusal is news at the top of the screen."""


class SummaryPart(NamedTuple):
    """One thing to know beside the verdict: as a sentence, and in the few words that a narrow screen has room for."""

    sentence: str
    brief: str


def summary_parts(session: Session, tail: FailureList, board: StuckPods | None) -> tuple[SummaryPart, ...]:
    """Return what to know beside the verdict, the most telling first."""
    snapshot, judgement = session.snapshot, session.judgement
    if snapshot is None or judgement is None:
        return ()
    said: list[SummaryPart] = []
    last = tail.last_denied
    recent = last is not None and last.time is not None and CLOCK.now() - last.time < RECENT
    if last is not None and recent:
        denied, when = denial_words(last, snapshot.host.page_size), time_ago(last.time)
        cause = f" for {last.cause}" if last.cause else ""
        said.append(SummaryPart(f"{denied}{cause} {when}.", f"{denied} {when}"))
    if board is not None and board.pods:
        refused = f", {board.denied_memory} denied memory" if board.denied_memory else ""
        stuck = f"{counted(len(board.pods), 'pod')} stuck"
        said.append(SummaryPart(f"{stuck}{refused}.", stuck))
    if judgement.severity is not Severity.FINE:
        # Imported where it is first needed: most nodes are well at the first bars.
        from fragtui.model.remedy.forecast import forecast
        from fragtui.render.forecast_text import outlook_brief, outlook_sentence

        outlook = forecast(snapshot, judgement.order)
        said.append(SummaryPart(outlook_sentence(outlook), outlook_brief(outlook)))
    if then := consequence(judgement):
        said.append(SummaryPart(then, f"GFP_KERNEL {judgement.gets}"))
    return tuple(said)
