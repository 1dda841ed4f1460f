"""The remedies of the audit log and longer-term settings."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.remedies.service import HistoryView
from fragtui.ui.widgets.cells import wrap
from fragtui.ui.widgets.rows import Line, line


def history_lines(recalled: HistoryView, width: int) -> Sequence[Line]:
    """Return the page: the newest remedy first, gains that do not last, then settings with their exact lines."""
    lines: list[Line] = []
    for problem in recalled.problems:
        lines += [line((row, "bad")) for row in wrap(problem, width, 2)]
    if not recalled.episodes:
        lines.append(line(("No remedy is logged.", "muted")))
    for text in reversed(recalled.episodes):
        lines += [
            line((row if index == 0 else f"    {row}", "text")) for index, row in enumerate(wrap(text, width - 4, 4))
        ]
    if recalled.repeats:
        lines += [line(), *(line((row, "warn")) for row in wrap(recalled.repeats, width, 3))]
    lines += [line(), line(("Longer-term settings (none of them is applied)", "title"))]
    if not recalled.advice:
        lines.append(line(("No setting stands out.", "muted")))
    for advice in recalled.advice:
        lines += [line((row, "text")) for row in wrap(f"· {advice.what}: {advice.why}.", width, 5)]
        if advice.line:
            lines.append(line((f"    {advice.line}", "strong")))
        if advice.risk:
            lines += [line((f"    {row}", "muted")) for row in wrap(f"cost: {advice.risk}", width - 4, 3)]
    return lines
