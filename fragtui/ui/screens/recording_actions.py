"""Recording from the screen: a key starts a file that begins with the last minutes, and ends it."""

from __future__ import annotations

import re
import time
from pathlib import Path

from textual.app import App

from fragtui.text import format_bytes
from fragtui.ui.wiring import ScreenRecorder

_ODD = re.compile(r"[^A-Za-z0-9.-]+")
_CLOSING_SECONDS = 0.5


def switch_recording(app: App[int], recorder: ScreenRecorder, host: str | None) -> None:
    """Start a recording in the working directory, or end it."""
    if recorder.file is not None:
        finish_recording(app, recorder)
        return
    name = _ODD.sub("-", host or "node")[:60].strip("-.") or "node"
    path = Path.cwd() / f"fragtui-{name}-{time.strftime('%Y%m%d-%H%M%S')}.rec"
    try:
        recorder.save(path)
    except OSError as error:
        app.notify(f"{path}: {error.strerror}", title="Not recorded", severity="error", markup=False)
    else:
        app.notify(f"{path}, with the minutes before; R ends it", title="Recording", markup=False)


def finish_recording(app: App[int], recorder: ScreenRecorder) -> None:
    """End the recording, and report the result."""
    file = recorder.file
    if file is None:
        return
    recorder.end(_CLOSING_SECONDS)
    if file.problem is not None:
        app.notify(f"{file.path}: {file.problem}", title="The recording is cut", severity="error", markup=False)
    else:
        app.notify(f"{file.path}: {format_bytes(file.written)}", title="Recorded", markup=False)


def recording_notes(app: App[int], recorder: ScreenRecorder | None) -> list[str]:
    """Return the word for the top line while it records; a file that can't be written is ended and reported."""
    if recorder is None or (file := recorder.file) is None:
        return []
    if file.problem is not None:
        finish_recording(app, recorder)
        return []
    return ["◉ recording"]
