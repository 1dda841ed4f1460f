"""The report for a ticket, written by a key while the screen goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from textual.screen import Screen

Write = Callable[[], Path]
"""Writes the report and returns where; raises OSError where it can't."""


def write_ticket(screen: Screen[None], write: Write | None) -> None:
    """Have the report written on a thread of its own (it takes some seconds), and say where it is."""
    if write is None:
        screen.notify("There is no live node to report on.", markup=False)
        return
    app = screen.app

    def work() -> None:
        try:
            told, title, severity = str(write()), "Report written", "information"
        except OSError as error:
            told, title, severity = f"{error.filename}: {error.strerror}", "No report", "error"
        app.call_later(lambda: app.notify(told, title=title, severity=severity, markup=False))  # type: ignore[arg-type]

    screen.notify("Writing the report…", timeout=3, markup=False)
    threading.Thread(target=work, name="report", daemon=True).start()
