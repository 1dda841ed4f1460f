"""The lines under the top one: the verdict, who was denied memory, which pods are stuck, what would help."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.model.node.verdict import Severity
from fragtui.render.headline import badge, headline
from fragtui.ui.panels.summary import SummaryPart, summary_parts
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import wrap
from fragtui.ui.widgets.rows import Line, LinesWidget, line

_BADGES = {
    Severity.FINE: "badge-ok",
    Severity.WARNING: "badge-low",
    Severity.CRITICAL: "badge-bad",
    Severity.UNKNOWN: "badge-unknown",
}


class VerdictLines(LinesWidget):
    """What is wrong here, readable in five seconds."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="verdict")
        self._session = session

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the verdict's sentence after its badge, then as much of the summary as there is room for."""
        session = self._session
        if session.snapshot is None or session.judgement is None:
            return []
        state = badge(session.judgement)
        word, text = f" {state} ", headline(session.snapshot, session.judgement)
        if text.upper().startswith(f"{state}: "):
            text = text[len(state) + 2 :]
            text = text[:1].upper() + text[1:]
        # The badge takes the first words' place, then it is drawn over their blanks.
        sentences = wrap("\u00a0" * (len(word) + 1) + text, width - 1, height)
        rows = [line((word, _BADGES[session.judgement.severity]), (sentences[0][len(word) :], "strong"))]
        rows += [line((" " + sentence, "strong")) for sentence in sentences[1:]]
        room = height - len(rows)
        if room > 0 and (parts := summary_parts(session)):
            rows += [line((" " + row, "text")) for row in _summary(parts, width - 2, room)]
        return rows


def _summary(parts: Sequence[SummaryPart], width: int, room: int) -> list[str]:
    """Return the parts as whole sentences, or in brief if those need more lines than there are."""
    whole = wrap("  ".join(part.sentence for part in parts), width, room + 1)
    if len(whole) <= room:
        return whole
    return wrap(" · ".join(part.brief for part in parts), width, room)
