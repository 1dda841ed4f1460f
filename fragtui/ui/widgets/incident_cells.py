"""When something happened, for the cells of a row."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from fragtui.render.numbers import ago_words
from fragtui.ui.clock import CLOCK

if TYPE_CHECKING:
    from fragtui.ui.notices import Notice
    from fragtui.ui.widgets.rows import Span

_DAY = 86_400.0


def clock_time(at: float | None) -> str:
    """Return the local time of day, with the date where it is not of the last day; ``?`` if unknown."""
    if at is None:
        return "time ?"
    moment = datetime.fromtimestamp(at).astimezone()
    recent = abs(CLOCK.now() - at) < _DAY / 2
    return moment.strftime("%H:%M:%S" if recent else "%b %d %H:%M")


def time_of_day(at: float) -> str:
    """Return the local time of day."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")


def notice_spans(notice: Notice) -> tuple[Span, ...]:
    """Return the time and the text of a notice."""
    times = f" ×{notice.count}" if notice.count > 1 else ""
    return ((f" {time_of_day(notice.time)}  ", "muted"), (notice.text + times, notice.style))


def time_ago(at: float | None) -> str:
    """Return the age of a moment as text."""
    return ago_words(None if at is None else CLOCK.now() - at)
