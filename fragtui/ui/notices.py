"""What fragtui reports besides its panels: the newest in one line, the last ones on a page."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Literal

MAX_NOTICES = 200
"""Notices remembered; older ones are forgotten."""
FRESH_SECONDS = 10.0
"""How long a notice is over the top line of a screen that has no row for it."""

NoticeSeverity = Literal["information", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One report, in one line."""

    time: float
    """When it came last, epoch seconds."""
    text: str
    severity: NoticeSeverity
    ends: float
    """Until when it is fresh, monotonic seconds."""
    count: int = 1
    """How often it came in a row."""

    @property
    def style(self) -> str:
        """The style of its line."""
        return {"information": "text", "warning": "warn", "error": "bad"}[self.severity]


class NoticeLog:
    """The last notices, the newest last."""

    def __init__(self) -> None:
        self.notices: deque[Notice] = deque(maxlen=MAX_NOTICES)

    def add(self, text: str, severity: NoticeSeverity, seconds: float | None = None) -> None:
        """Add a notice, which is fresh for `seconds`; a repeated one is counted."""
        ends = time.monotonic() + (FRESH_SECONDS if seconds is None else seconds)
        notice = Notice(time.time(), text, severity, ends)
        if self.notices and (last := self.notices[-1]).text == text:
            self.notices.pop()
            notice = replace(notice, count=last.count + 1)
        self.notices.append(notice)

    @property
    def newest(self) -> Notice | None:
        """The newest notice, None before the first."""
        return self.notices[-1] if self.notices else None

    @property
    def fresh(self) -> Notice | None:
        """The newest notice if it has just come."""
        newest = self.newest
        return newest if newest is not None and time.monotonic() < newest.ends else None
