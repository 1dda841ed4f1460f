"""Recording from the screen: a file that begins with the last minutes, until it is ended."""

from __future__ import annotations

from pathlib import Path

from textual.app import App

from fragtui.text import format_bytes
from fragtui.ui.wiring import ScreenRecorder

_CLOSING_SECONDS = 0.5


def shown_path(path: Path) -> str:
    """Return the file's name and its folder, whose end a narrow screen cuts off."""
    return f"{path.name} in {path.parent}"


def start_recording(app: App[int], recorder: ScreenRecorder, path: Path, keys: str) -> None:
    """Start a recording; `keys` are those that end it."""
    try:
        recorder.save(path)
    except OSError as error:
        app.notify(f"{path}: {error.strerror}", title="Not recorded", severity="error", markup=False)
    else:
        app.notify(f"{path.name}, with the minutes before; {keys} ends it", title="Recording", markup=False)


def finish_recording(app: App[int], recorder: ScreenRecorder) -> None:
    """End the recording, and report the result."""
    file = recorder.file
    if file is None:
        return
    recorder.end(_CLOSING_SECONDS)
    if file.problem is not None:
        app.notify(f"{file.path}: {file.problem}", title="The recording is cut", severity="error", markup=False)
    else:
        app.notify(f"{format_bytes(file.written)} in {shown_path(file.path)}", title="Recorded", markup=False)


def recording_notes(app: App[int], recorder: ScreenRecorder | None) -> list[str]:
    """Return the word for the top line while it records; a file that can't be written is ended and reported."""
    if recorder is None or (file := recorder.file) is None:
        return []
    if file.problem is not None:
        finish_recording(app, recorder)
        return []
    return ["◉ recording"]
