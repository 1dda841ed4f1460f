"""What a parser could not make sense of."""

from __future__ import annotations

from dataclasses import dataclass

from fragtui.text import printable

MAX_PROBLEMS = 100
"""Lines of a text that are named as problems: one with more is of another kind."""


@dataclass(frozen=True, slots=True)
class ParseProblem:
    """One line of a kernel text that is not what its format says; the lines around it are still used."""

    line: int
    """Counted from 1."""
    expected: str
    found: str

    def __str__(self) -> str:
        """Return the problem as the end of a message that starts with the path."""
        return f"line {self.line}: expected {self.expected}, found {printable(self.found, 60)!r}"
