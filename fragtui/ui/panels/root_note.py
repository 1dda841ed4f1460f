"""The note of a screen that was started without root: what is missing, and the command that shows it."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.render.source_text import needs_root, root_lines
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import fit
from fragtui.ui.widgets.rows import Line, LinesWidget, line


class RootNote(LinesWidget):
    """One or two lines, hidden by Esc, and while nothing is known to be missing."""

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
    return root_lines(missing, session.as_root, width - 2)
