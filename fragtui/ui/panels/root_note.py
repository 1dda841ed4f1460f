"""The note of a screen that was started without root: what is missing, and the command that shows it."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.model.state.node_state import NextStep
from fragtui.render.source_text import needs_root, root_lines
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import fit
from fragtui.ui.widgets.rows import Line, LinesWidget, line

_BESIDE = 32
"""Cells of the card's label and frame, and of the words that name doctor."""


class RootNote(LinesWidget):
    """One or two lines, until they are hidden, and not while nothing is known to be missing."""

    ground = "line"

    def __init__(self, session: Session) -> None:
        super().__init__(id="root-note")
        self._session = session

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the lines."""
        return [line((" " + fit(row, width - 1), "unknown")) for row in note_rows(self._session, width)]


def note_rows(session: Session, width: int) -> tuple[str, ...]:
    """Return the note's rows on a screen of that width; none if there is nothing to say."""
    if session.as_root is None or session.root_note_hidden:
        return ()
    pods = session.pods.sources if session.pods else None
    page_types = session.snapshot.why("pagetypeinfo") if session.snapshot else None
    missing = needs_root(session.failures.state, pods, page_types, session.disabled_reason)
    in_card = _card_has(session, f"sudo {session.as_root}", width)
    return root_lines(missing, session.as_root, width - 2, session.key("unwind"), in_card=in_card)


def _card_has(session: Session, command: str, width: int) -> bool:
    """Return whether the last line of the card is this command, with doctor, and has room for both."""
    state = session.state
    if state is None or state.advice.step is not NextStep.UNBLIND:
        return False
    todo = next((item.todo for item in state.unseen if item.todo), None)
    return todo == command and len(command) + _BESIDE <= width
