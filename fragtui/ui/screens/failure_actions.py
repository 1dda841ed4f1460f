"""What can be done with the listed failures: copy, save."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textual.app import App

from fragtui.model.failures.failure_list import FailureGroup
from fragtui.output_file import write_file
from fragtui.text import counted
from fragtui.ui.screens.report_action import save_aside


def copy_incident(app: App[Any], group: FailureGroup | None) -> None:
    """Copy the newest failure of a group as JSON into the terminal's clipboard."""
    if group is None:
        app.notify("No failure is listed.", markup=False)
        return
    app.copy_to_clipboard(json.dumps(group.last.to_json()))
    app.notify("Copied, if the terminal allows it (OSC 52).", markup=False)


def save_incidents(app: App[Any], rows: Sequence[FailureGroup]) -> None:
    """Save failures as JSON lines into a new file in the working directory."""
    name = f"fragtui-failures-{time.strftime('%Y%m%d-%H%M%S')}.jsonl"
    incidents = [incident for row in rows for incident in row.incidents]
    text = "".join(json.dumps(incident.to_json()) + "\n" for incident in incidents)

    def save() -> str:
        return f"{counted(len(incidents), 'failure')} in {write_file(Path.cwd() / name, text)}"

    save_aside(app, save, "Saved", "Not saved")
