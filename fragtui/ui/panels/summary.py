"""The sentences after the verdict: who was refused, which pods hang on it, what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fragtui.model.failures.failure_list import Tail
from fragtui.model.node.verdict import Severity
from fragtui.render.headline import consequence
from fragtui.text import counted, format_bytes
from fragtui.ui.clock import CLOCK
from fragtui.ui.session import Session
from fragtui.ui.widgets.incident_cells import ago

if TYPE_CHECKING:
    from fragtui.model.pods.stuck_pods import StuckPods

RECENT = 3600.0
"""Seconds for which a refusal is news at the top of the screen."""


class Remark(NamedTuple):
    """One thing to know beside the verdict: as a sentence, and in the few words that a narrow screen has room for."""

    sentence: str
    brief: str


def remarks(session: Session, tail: Tail, board: StuckPods | None) -> tuple[Remark, ...]:
    """Return what to know beside the verdict, the most telling first."""
    snapshot, judgement = session.snapshot, session.judgement
    if snapshot is None or judgement is None:
        return ()
    said: list[Remark] = []
    last = tail.last_refusal
    recent = last is not None and last.time is not None and CLOCK.now() - last.time < RECENT
    if last is not None and recent:
        size = format_bytes(snapshot.host.page_size << (last.order or 0))
        cause = f" for {last.cause}" if last.cause else ""
        who, when = last.comm or "A task", ago(last.time)
        sentence = f"{who} was refused order {last.order} ({size}){cause} {when}."
        said.append(Remark(sentence, f"order {last.order} refused to {who} {when}"))
    if board is not None and board.pods:
        refused = f", {board.refused_memory} refused memory" if board.refused_memory else ""
        stuck = f"{counted(len(board.pods), 'pod')} stuck"
        said.append(Remark(f"{stuck}{refused}.", stuck))
    if judgement.severity is not Severity.FINE:
        # Imported where it is first needed: most nodes are well at the first bars.
        from fragtui.model.remedy.forecast import forecast
        from fragtui.render.forecast_text import outlook_brief, outlook_sentence

        outlook = forecast(snapshot, judgement.order)
        said.append(Remark(outlook_sentence(outlook), outlook_brief(outlook)))
    if then := consequence(judgement):
        said.append(Remark(then, f"GFP_KERNEL {judgement.gets}"))
    return tuple(said)
