"""Files that keys write while the screen continues: a disk that does not respond blocks only their thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.app import App
from textual.screen import Screen

from fragtui.text import printable, shortage

Write = Callable[[], Path]
"""Writes the report and returns its path; raises OSError."""


def save_report(screen: Screen[None], write: Write | None) -> None:
    """Write the report on another thread, which takes some seconds, and show its path."""
    if write is None:
        screen.notify("There is no live node to report on.", markup=False)
        return
    screen.notify("Writing the report…", timeout=3, markup=False)
    save_aside(screen.app, lambda: str(write()), "Report written", "No report")


def save_aside(app: App[Any], save: Callable[[], str], done: str, failed: str) -> None:
    """Call `save` on a separate thread, then notify what it returns under the title `done`.

    If it raises, the file and the reason are notified under the title `failed`.
    """

    def work() -> None:
        try:
            text, title, severity = save(), done, "information"
        except Exception as error:
            text, title, severity = _reason(error), failed, "error"
        app.call_later(lambda: app.notify(text, title=title, severity=severity, markup=False))  # type: ignore[arg-type]

    try:
        threading.Thread(target=work, name="save", daemon=True).start()
    except RuntimeError as error:
        app.notify(_reason(error), title=failed, severity="error", markup=False)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return shortage(error) or printable(f"{type(error).__name__}: {error}")
