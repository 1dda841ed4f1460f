"""All that fragtui reported, the newest first."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.ui.notices import NoticeLog
from fragtui.ui.widgets.cells import wrap
from fragtui.ui.widgets.incident_cells import time_of_day
from fragtui.ui.widgets.rows import Line, line


def notice_lines(log: NoticeLog, width: int) -> Sequence[Line]:
    """Return the page."""
    lines: list[Line] = []
    for notice in reversed(log.notices):
        times = f" ×{notice.count}" if notice.count > 1 else ""
        for index, row in enumerate(wrap(notice.text + times, width - 10, 8)):
            lines.append(line((f"{time_of_day(notice.time) if index == 0 else '':<10}", "muted"), (row, notice.style)))
    return lines or [line(("No messages yet.", "muted"))]
