"""What can be saved from the screen, and into which files of the working directory.

A file is written while the screen continues: a disk that does not respond blocks only its thread.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from textual.app import App

from fragtui.json_line import json_line
from fragtui.output_file import PUBLIC, write_file
from fragtui.text import counted, printable, shortage
from fragtui.ui.dialogs.save_menu import SaveMenu, SaveOption
from fragtui.ui.keys import Key
from fragtui.ui.screens.dashboard_screen import DashboardScreen
from fragtui.ui.screens.recording_actions import finish_recording, shown_path, start_recording

_ODD = re.compile(r"[^A-Za-z0-9.-]+")
_SUFFIXES = {"save-report": "md", "save-picture": "svg", "save-failures": "jsonl", "record": "rec"}
"""Endings of files by command; their names differ in nothing else."""


def ask_what_to_save(screen: DashboardScreen) -> None:
    """Open the menu, and save what is chosen."""

    def save(option: SaveOption | None) -> None:
        if option is not None and option.save is not None:
            option.save()

    try:
        folder = str(Path.cwd())
    except OSError as error:
        folder = f"the working directory ({error.strerror})"
    screen.app.push_screen(SaveMenu(tuple(save_options(screen)), printable(folder)), save)


def save_options(screen: DashboardScreen) -> Iterator[SaveOption]:
    """Yield what can be saved, in the order of the menu."""
    snapshot, stamp = screen.session.snapshot, time.strftime("%Y%m%d-%H%M%S")
    host = _ODD.sub("-", (snapshot and snapshot.host.name) or "node")[:60].strip("-.") or "node"
    options = {
        "save-report": _report,
        "save-picture": _picture,
        "save-failures": _failures,
        "record": _recording,
    }
    for key in screen.save_keys:
        yield options[key.command](screen, key, f"fragtui-{host}-{stamp}.{_SUFFIXES[key.command]}")


def _report(screen: DashboardScreen, key: Key, name: str) -> SaveOption:
    if (write := screen.write_report) is None:
        return SaveOption(key, key.help, "there is no live node to report on", None)

    def write_it() -> str:
        write(path := _here(name))
        return shown_path(path)

    def save() -> None:
        screen.notify("Writing the report…", timeout=3, markup=False)
        _save_aside(screen.app, write_it, "Report written", "No report")

    return SaveOption(key, key.help, name, save)


def _picture(screen: DashboardScreen, key: Key, name: str) -> SaveOption:
    def take() -> None:
        picture = screen.app.export_screenshot()
        _save_aside(screen.app, lambda: shown_path(write_file(_here(name), picture, PUBLIC)), "Saved", "Not saved")

    def save() -> None:
        screen.call_after_refresh(take)  # Once the menu is gone.

    return SaveOption(key, key.help, name, save)


def _failures(screen: DashboardScreen, key: Key, name: str) -> SaveOption:
    incidents = [incident for row in screen.session.failures.rows for incident in row.incidents]
    if not incidents:
        return SaveOption(key, key.help, "no failure is listed", None)
    count = counted(len(incidents), "failure")

    def write() -> str:
        text = "".join(json_line(incident.to_json()) + "\n" for incident in incidents)
        return f"{count} in {shown_path(write_file(_here(name), text))}"

    save = partial(_save_aside, screen.app, write, "Saved", "Not saved")
    return SaveOption(key, f"The {count} listed, as JSON lines", name, save)


def _recording(screen: DashboardScreen, key: Key, name: str) -> SaveOption:
    what = "A recording, with the minutes before"
    if (recorder := screen.recorder) is None:
        return SaveOption(key, what, "a recording is replayed, there is nothing to record", None)

    def switch() -> None:
        if recorder.file is not None:
            finish_recording(screen.app, recorder)
        else:
            start_recording(screen.app, recorder, _here(name), f"{screen.session.key('save')} {key.shown}")
        screen.show()

    if recorder.file is not None:
        return SaveOption(key, "End the recording", printable(str(recorder.file.path)), switch)
    return SaveOption(key, what, name, switch)


def _here(name: str) -> Path:
    """Return the path of a file in the working directory, or its bare name if that is gone: writing it says why."""
    try:
        return Path.cwd() / name
    except OSError:
        return Path(name)


def _save_aside(app: App[Any], save: Callable[[], str], done: str, failed: str) -> None:
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
        return printable(f"{error.strerror}: {error.filename}")  # A line that is cut must keep the reason.
    return shortage(error) or printable(f"{type(error).__name__}: {error}")
