"""The fleet at a glance: how many nodes are in each state, and what can't be known."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.render.fleet.words import SOURCES, state_word, unknown_lines
from fragtui.ui.fleet.states import TONES, counts_of
from fragtui.ui.fleet.view import FleetView
from fragtui.ui.widgets.cells import cells_of, fit, wrap
from fragtui.ui.widgets.framed import FramedPanel, Framing, Spans
from fragtui.ui.widgets.paint import Depth
from fragtui.ui.widgets.rows import Line, LinesWidget, Span, bar_tones, line

MAX_COUNT_ROWS, MAX_NOTE_ROWS = 2, 4
_SHADES = {"badge-bad": "█", "badge-low": "▒", "badge-recovering": "▒", "badge-unknown": "░", "good": "▄"}
"""The cells of the bar without colour."""


class SummaryPanel(FramedPanel):
    """A badge with a count for each state, the shares as a bar, and what is unknown of every node, with the reason."""

    def __init__(self, view: FleetView) -> None:
        super().__init__(id="summary")
        self._view = view
        self._counts: list[tuple[str, str, int]] = []
        self._counted: object = None

    @property
    def border(self) -> str:
        """The border has the colour of the worst state."""
        counts = self._states()
        return "border" if self._view.lost or not counts or counts[0][1] == "good" else TONES[counts[0][1]]

    def framing(self, width: int) -> Framing:
        """Return the question that the states answer, of how many nodes, and who judged."""
        view, fleet = self._view, self._view.fleet
        if fleet is None:
            return Framing((("Fleet", "title"),))
        title: Spans = ((f"Can a {view.size} block be allocated?", "title"),)
        count: Spans = ((f"{len(fleet.nodes):,} node{'s' * (len(fleet.nodes) != 1)}", "muted"),)
        if not self.framed:
            return Framing(title, count)
        return Framing(title, count, ((f"order {fleet.order}, judged {SOURCES[fleet.counting]}", "muted"),))

    def rows(self, width: int) -> int:
        """Return how many lines the panel takes at that width."""
        inner = width - 2 * self.inset
        return 1 + self.framed + len(self._count_rows(inner)) + 1 + len(self._notes(inner))

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the counts, the bar and the notes."""
        fleet = self._view.fleet
        if fleet is None:
            words = "no answer from the server yet" if self._view.lost else "asking the server for the first time"
            return [line((words, "muted"))]
        notes = [line((row, "unknown")) for row in self._notes(width)]
        return [*self._count_rows(width), self._bar(width), *notes]

    def _states(self) -> list[tuple[str, str, int]]:
        fleet = self._view.fleet
        if fleet is not self._counted:
            self._counts, self._counted = counts_of(fleet.nodes if fleet else ()), fleet
        return self._counts

    def _count_rows(self, width: int) -> list[Line]:
        """Return the badges in one row, or two; what has no room there is counted."""
        lost = self._view.lost
        rows: list[list[Span]] = [[]]
        used = 0
        states = self._states()
        for at, (key, role, count) in enumerate(states):
            word = f"{count:,} {state_word(key)}"
            badge: Span = (f"✓ {word}", "good") if role == "good" else (f" {word} ", role)
            cells = cells_of(badge[0]) + 2 * bool(used)
            if used + cells > width and used:
                if len(rows) == MAX_COUNT_ROWS:
                    rows[-1].append((f"  +{sum(count for *_, count in states[at:]):,}", "muted"))
                    break
                rows.append([])
                used, cells = 0, cells - 2
            rows[-1] += [("  " * bool(used), "text"), (badge[0], "muted") if lost else badge]
            used += cells
        return [line(*row) for row in rows if row] or [line(("no node", "unknown"))]

    def _bar(self, width: int) -> Line:
        """Return the share of each state; one with a single node shows."""
        states = self._states()
        total = sum(count for *_, count in states)
        if not total or width < len(states):
            return line()
        cells = [max(1, count * width // total) for *_, count in states]
        cells[cells.index(max(cells))] += width - sum(cells)
        plain, tones = LinesWidget.paint.depth is Depth.NONE, bar_tones()
        spans: list[Span] = []
        for (_, role, _), length in zip(states, cells, strict=True):
            style = "muted" if self._view.lost else "bar" if role == "good" else TONES[role]
            spans.append(((_SHADES[role] if plain else tones.kept) * length, style))
        return line(*spans)

    def _notes(self, width: int) -> list[str]:
        """Return what is unknown of every node and why, each column once, and what is not as it seems."""
        fleet = self._view.fleet
        if fleet is None:
            return []
        notes = list(unknown_lines(fleet))
        if (no_trends := self._view.state.no_trends) is not None:
            notes.append(f"curves unknown: {no_trends}")
        rows: list[str] = []
        for note in notes:
            # Short notes share a row.
            if rows and cells_of(rows[-1]) + cells_of(note) + 3 <= width:
                rows[-1] = f"{rows[-1]} · {note}"
            else:
                rows += wrap(note, width, 2)
        if (left := len(rows) - MAX_NOTE_ROWS) > 0:
            more = f" (+{left})"
            rows = [*rows[: MAX_NOTE_ROWS - 1], fit(rows[MAX_NOTE_ROWS - 1], width - len(more)).rstrip() + more]
        return rows
