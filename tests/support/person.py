"""Keys as a person presses them: one at a time, and an answer only after the question has been read."""

from __future__ import annotations

import time

from textual import events
from textual.pilot import Pilot

from fragtui.ui.dialogs.confirm import ConfirmDialog
from fragtui.ui.terminal import key_gate
from fragtui.ui.terminal.key_arrivals import ALONE
from tests.support.screen import lines_of, until

PAUSE = ALONE + 0.05


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Press keys, each alone, and see what each does."""
    for key in keys:
        await pilot.pause(PAUSE)
        await has_read(pilot)
        await pilot.press(key)
        await pilot.pause(PAUSE)
        await pilot.pause()


async def click(pilot: Pilot[int], text: str) -> None:
    """Press and release the left button over a text on the screen, as a terminal reports it."""
    await pilot.pause(PAUSE)
    await has_read(pilot)
    y, line = next((y, line) for y, line in enumerate(lines_of(pilot.app)) if text in line)
    x = line.index(text) + 1
    for kind in (events.MouseDown, events.MouseUp):
        pilot.app.post_message(kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y))
        await pilot.pause(0.06)
    await pilot.pause(PAUSE)


async def has_read(pilot: Pilot[int]) -> None:
    """Wait until an open question has been on the screen long enough."""
    screen = pilot.app.screen
    if isinstance(screen, ConfirmDialog):
        await until(pilot, lambda: screen.shown_at is not None)
        assert screen.shown_at is not None
        await pilot.pause(max(0.0, screen.shown_at + key_gate.ANSWER_DELAY_SECONDS - time.monotonic()) + 0.02)
