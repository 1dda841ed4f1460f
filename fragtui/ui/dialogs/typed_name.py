"""The question for the node's name, which a site's policy asks before each remedy."""

from __future__ import annotations

import time

from textual.widgets import Input

from fragtui.ui.dialogs.prompt import PromptDialog
from fragtui.ui.terminal.key_gate import key_gate_of


class TypedNameDialog(PromptDialog):
    """Asks; the answer is the name once it was typed as it is, None for Escape. A pasted one is not taken."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The site's policy asks for the node's name: type {name}", "")
        self._name_wanted = name
        self._asked_at = time.monotonic()
        self.shown_at: float | None = None
        """When the question was on the screen, monotonic seconds; None until then."""

    def on_mount(self) -> None:
        """Note when the question has been drawn."""
        self.call_after_refresh(lambda: key_gate_of(self).once_seen(self._note_shown))

    def _note_shown(self) -> None:
        self.shown_at = time.monotonic()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with the right name if Enter was pressed on purpose; else go on asking."""
        event.prevent_default()
        if event.value.strip() != self._name_wanted:
            self.notify(f"That is not {self._name_wanted}.", severity="warning", markup=False)
            return
        key_gate_of(self).then(lambda: self.dismiss(self._name_wanted), asked=self._asked_at, shown=self.shown_at)
