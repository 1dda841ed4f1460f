"""Recording from the screen: a key begins a file with the last minutes in it, and ends it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Protocol

from textual.app import App

from fragtui.text import format_bytes

_ODD = re.compile(r"[^A-Za-z0-9.-]+")
_CLOSING_SECONDS = 0.5


class ActiveRecording(Protocol):
    """A recording that is being written."""

    @property
    def path(self) -> Path:
        """Its place."""

    @property
    def problem(self) -> str | None:
        """Why it could not be written any further, or None."""

    @property
    def written(self) -> int:
        """Bytes on file."""


class ScreenRecorder(Protocol):
    """What remembers the last minutes and writes them, and what follows, to a file."""

    @property
    def file(self) -> ActiveRecording | None:
        """The file that is written, or None."""

    def save(self, path: Path) -> ActiveRecording:
        """Begin a file; raise OSError where it can't be made."""

    def end(self, seconds: float = 5.0) -> None:
        """End the file, waiting at most so long for the disk."""


def switch_recording(app: App[int], tape: ScreenRecorder, host: str | None) -> None:
    """Begin to record where fragtui was started, or end it."""
    if tape.file is not None:
        finish_recording(app, tape)
        return
    name = _ODD.sub("-", host or "node")[:60].strip("-.") or "node"
    path = Path.cwd() / f"fragtui-{name}-{time.strftime('%Y%m%d-%H%M%S')}.rec"
    try:
        tape.save(path)
    except OSError as error:
        app.notify(f"{path}: {error.strerror}", title="Not recorded", severity="error", markup=False)
    else:
        app.notify(f"{path}, with the minutes before; R ends it", title="Recording", markup=False)


def finish_recording(app: App[int], tape: ScreenRecorder) -> None:
    """End the recording, and say how that went."""
    file = tape.file
    if file is None:
        return
    tape.end(_CLOSING_SECONDS)
    if file.problem is not None:
        app.notify(f"{file.path}: {file.problem}", title="The recording is cut", severity="error", markup=False)
    else:
        app.notify(f"{file.path}: {format_bytes(file.written)}", title="Recorded", markup=False)


def recording_notes(app: App[int], tape: ScreenRecorder | None) -> list[str]:
    """Return the word for the top line while it records; a file that can't be written is ended and told."""
    if tape is None or (file := tape.file) is None:
        return []
    if file.problem is not None:
        finish_recording(app, tape)
        return []
    return ["◉ recording"]
