"""What every screen knows besides what it shows: its keys' names and the notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fragtui.ui.keys import KEYS, key_names
from fragtui.ui.notices import NoticeLog


@dataclass(slots=True)
class ScreenState:
    """Screens set it, panels draw it."""

    notices: NoticeLog = field(default_factory=NoticeLog)
    """What fragtui reported."""
    key_names: Mapping[str, str] = field(default_factory=lambda: key_names(KEYS))
    """How the key of each command of this view is written."""
    notice_row: bool = False
    """Whether the screen has a row of its own for them."""

    def key(self, command: str) -> str:
        """Return how the key of a command is written; raises KeyError if this view has no such command."""
        return self.key_names[command]

    def hints(self, *hints: tuple[str, str]) -> tuple[tuple[str, str], ...]:
        """Return commands' keys with a word for each as texts and styles, without those that this view has not."""
        known = [(self.key_names[command], words) for command, words in hints if command in self.key_names]
        pairs = (
            ((key, "key"), (f" {words}{'' if at == len(known) else '  '}", "muted"))
            for at, (key, words) in enumerate(known, 1)
        )
        return tuple(span for pair in pairs for span in pair)

    def is_useful(self, command: str) -> bool:
        """Return whether a command does something now, as far as this state shows."""
        return True
