"""Lines that a parser could not read."""

from __future__ import annotations

from typing import NamedTuple

from fragtui.text import printable

MAX_PROBLEMS = 100
"""Lines of one text reported as problems: a text with more has another format."""


class ParseProblem(NamedTuple):
    """One line of a kernel text that does not fit its format; the lines around it are still used."""

    line: int
    """Counted from 1."""
    expected: str
    found: str

    def __str__(self) -> str:
        """Return the problem as the end of a message that starts with the path."""
        return f"line {self.line}: expected {self.expected}, found {printable(self.found, 60)!r}"
