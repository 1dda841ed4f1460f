"""The sentences after the verdict: who was denied memory, which pods are stuck, what would help."""

from __future__ import annotations

from typing import NamedTuple

from fragtui.model.node.verdict import Severity
from fragtui.render.headline import consequence
from fragtui.render.incident_text import denial_words
from fragtui.text import counted
from fragtui.ui.clock import CLOCK
from fragtui.ui.session import Session
from fragtui.ui.widgets.incident_cells import time_ago

RECENT = 3600.0
"""Seconds for which a refusal is news at the top of the screen."""


class SummaryPart(NamedTuple):
    """One thing to know beside the verdict: as a sentence, and in the few words that a narrow screen has room for."""

    sentence: str
    brief: str


def summary_parts(session: Session) -> tuple[SummaryPart, ...]:
    """Return what to know beside the verdict, the most important first."""
    snapshot, judgement = session.snapshot, session.judgement
    if snapshot is None or judgement is None:
        return ()
    parts: list[SummaryPart] = []
    last = session.failures.last_denied
    pods = session.pods.stuck if session.pods else None
    recent = last is not None and last.time is not None and CLOCK.now() - last.time < RECENT
    if last is not None and recent:
        denied, when = denial_words(last, snapshot.host.page_size), time_ago(last.time)
        cause = f" for {last.cause}" if last.cause else ""
        parts.append(SummaryPart(f"{denied}{cause} {when}.", f"{denied} {when}"))
    if pods is not None and pods.pods:
        refused = f", {pods.denied_memory} denied memory" if pods.denied_memory else ""
        stuck = f"{counted(len(pods.pods), 'pod')} stuck"
        parts.append(SummaryPart(f"{stuck}{refused}.", stuck))
    if judgement.severity is not Severity.FINE:
        # They take 13 ms of CPU, and the first bars of most nodes don't need them.
        from fragtui.model.remedy.forecast import forecast  # noqa: PLC0415
        from fragtui.render.forecast_text import outlook_brief, outlook_sentence  # noqa: PLC0415

        outlook = forecast(snapshot, judgement.order)
        parts.append(SummaryPart(outlook_sentence(outlook), outlook_brief(outlook)))
    if then := consequence(judgement):
        parts.append(SummaryPart(then, f"GFP_KERNEL {judgement.gets}"))
    return tuple(parts)
