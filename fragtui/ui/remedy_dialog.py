"""The warning before a remedy: what is written where, what it should bring, what it costs here and now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button

from fragtui.model.expectation import expect
from fragtui.model.forecast import forecast
from fragtui.model.risk import Surroundings, risks
from fragtui.model.snapshot import Snapshot
from fragtui.remedies.catalogue import Remedy
from fragtui.ui.cells import wrap
from fragtui.ui.rows import Line, line
from fragtui.ui.sheet import Page

SETTLE = 0.4
"""Seconds in which a key that runs it is not heard: one typed ahead on a slow terminal was not meant for this."""


@dataclass(frozen=True, slots=True)
class Question:
    """A remedy to be confirmed, in the variants that a key switches between (with sync first, and without)."""

    variants: tuple[Remedy, ...]
    snapshot: Snapshot
    order: int
    root: Path
    audit: Path
    surroundings: Surroundings | None = None


class RemedyDialog(ModalScreen[Remedy | None]):
    """Asks; the answer is the remedy to run, or None. Cancel has the focus: Enter alone never runs anything."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "answer(False)", "Cancel"),
        Binding("y", "answer(True)", "Run"),
        Binding("s", "next_variant", "Sync first"),
        Binding("left,right", "app.focus_next", "Switch", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown", "scroll(8)", show=False),
        Binding("pageup", "scroll(-8)", show=False),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__(classes="dialog")
        self._question = question
        self._chosen = 0
        self._shown_at = time.monotonic()
        self._page = Page(self._lines, id="dialog-page")

    @property
    def remedy(self) -> Remedy:
        """The variant that would run."""
        return self._question.variants[self._chosen]

    def compose(self) -> ComposeResult:
        """Lay out the text and the two answers."""
        with Container(id="dialog") as frame:
            frame.border_title = Content(f" ⚠ {self.remedy.title} ")
            with VerticalScroll(id="dialog-text", can_focus=False):
                yield self._page
            with Container(id="dialog-keys"):
                yield Button(Content("Cancel (Esc)"), id="cancel")
                yield Button(Content("Run it (y)"), id="run")

    def on_mount(self) -> None:
        """Put the focus on Cancel."""
        self.query_one("#cancel").focus()
        self._shown_at = time.monotonic()

    def on_resize(self) -> None:
        """Keep the answers on the screen however long the text is: it scrolls."""
        self.query_one("#dialog-text").styles.max_height = max(3, self.size.height - 4)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Take the answer of the focused button."""
        self.action_answer(event.button.id == "run")

    def action_answer(self, run: bool) -> None:
        """Close with the answer; running needs the dialog to have stood for a moment."""
        if not run:
            self.dismiss(None)
        elif time.monotonic() - self._shown_at >= SETTLE:
            self.dismiss(self.remedy)

    def action_next_variant(self) -> None:
        """Switch sync first on or off."""
        self._chosen = (self._chosen + 1) % len(self._question.variants)
        self.query_one("#dialog").border_title = Content(f" ⚠ {self.remedy.title} ")
        self._page.rebuild()

    def action_scroll(self, lines: int) -> None:
        """Scroll the text."""
        self.query_one("#dialog-text", VerticalScroll).scroll_relative(y=lines, animate=False)

    def _lines(self, width: int) -> Sequence[Line]:
        question, remedy = self._question, self.remedy
        outlook = forecast(question.snapshot, question.order)
        expectation = expect(question.snapshot, outlook, remedy.effect)
        warnings = risks(question.snapshot, outlook, remedy.effect, question.surroundings)
        lines = [line(("It does exactly this", "title"))]
        for number, step in enumerate(remedy.steps, 1):
            lines += _paragraph(f"{number}. {step.sentence(question.root)}", width, "accent")
        lines += [line(), line(("What it should bring", "title"))]
        lines += _paragraph(expectation.headline, width, "text")
        for reason in expectation.reasons:
            lines += _paragraph(f"· {reason}", width, "dim")
        lines += [line(), line(("What it costs here, now", "title"))]
        for cost in expectation.costs:
            lines += _paragraph(f"· {cost}", width, "text")
        for risk in warnings:
            lines += _paragraph(f"⚠ {risk.sentence}", width, "bad" if risk.useless else "warn")
        lines.append(line())
        lines += _paragraph(f"On record first in {question.audit}", width, "dim")
        if len(question.variants) > 1:
            mark = "x" if remedy.sync_first else " "
            lines.append(line(("s ", "key"), (f"[{mark}] sync first: dirty pages can't be dropped", "text")))
        return lines


def _paragraph(text: str, width: int, style: str) -> list[Line]:
    rows = wrap(text, width - 2, 6)
    return [line((("  " if index == 0 else "    ") + row, style)) for index, row in enumerate(rows)]
