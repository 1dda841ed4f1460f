"""Make the README's pictures from the recorded incident: python screenshots/make.py [DIRECTORY]."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from fragtui.player import Player, find_marks
from fragtui.remedies.catalogue import drop_caches
from fragtui.sources.recording.reader import Recording, read_recording
from fragtui.ui.dialogs.remedy_dialogs import DialogContext, RemedyDialog
from fragtui.ui.replay_app import ReplayApp

HERE = Path(__file__).parent
SIZES = ((120, 40), (80, 24))
_AUDIT = Path("/var/log/fragtui/audit.jsonl")

Show = Callable[[ReplayApp, Pilot[int]], Awaitable[None]]


async def until(pilot: Pilot[int], condition: Callable[[], bool], what: str) -> None:
    """Wait until something is on screen; give up after ten seconds."""
    end = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"screenshots: waited in vain for {what}")
        await pilot.pause(0.02)
    await pilot.pause(0.1)


async def fragmented(app: ReplayApp, pilot: Pilot[int]) -> None:
    """The main screen right after the refusal."""
    await go_to(app, pilot, find_marks(app.player.recording)[0].at + 1.2)
    await until(pilot, lambda: app.main.session.failed_order is not None, "the refusal")


async def dialog(app: ReplayApp, pilot: Pilot[int]) -> None:
    """The question before caches are dropped."""
    await fragmented(app, pilot)
    session = app.main.session
    assert session.snapshot is not None
    variants = tuple(drop_caches(3, sync=sync) for sync in (False, True))
    app.push_screen(RemedyDialog(DialogContext(session.snapshot, session.order, Path("/"), _AUDIT), variants))


async def recovery(app: ReplayApp, pilot: Pilot[int]) -> None:
    """What it brought."""
    await go_to(app, pilot, app.player.recording.ticks[-1].at)
    await until(pilot, lambda: app.player.position.at_end, "the end")
    await pilot.press("r")


async def report(app: ReplayApp, pilot: Pilot[int]) -> None:
    """The kernel's report of the refusal, explained."""
    await fragmented(app, pilot)
    await pilot.press("tab", "enter")


async def keys(app: ReplayApp, pilot: Pilot[int]) -> None:
    """All keys."""
    await pilot.press("question_mark")


PICTURES: dict[str, Show] = {
    "fragmented": fragmented,
    "dialog": dialog,
    "recovery": recovery,
    "report": report,
    "help": keys,
}


async def go_to(app: ReplayApp, pilot: Pilot[int], at: float) -> None:
    """Have the player go to a place, and the screen show it."""
    place = app.player.recording.ticks[app.player.recording.tick_at(at)]
    app.player.seek_by(at - app.player.recording.ticks[0].at)
    await until(
        pilot,
        lambda: app.main.session.snapshot is not None and app.main.session.snapshot.monotonic == place.at,
        f"the sample at {place.at - app.player.recording.ticks[0].at:.1f} s",
    )


async def picture(recording: Recording, show: Show, size: tuple[int, int]) -> str:
    """Return one picture as SVG."""
    app = ReplayApp(lambda tell, crash: Player(recording, tell, crash), theme="tokyo-night")
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.main.session.snapshot is not None, "the first sample")
        app.player.play_or_pause()
        app.player.to_end(beginning=True)
        await until(pilot, lambda: not app.player.position.playing and app.player.position.share == 0, "the beginning")
        await show(app, pilot)
        await pilot.pause(0.3)
        return app.export_screenshot(title=f"fragtui {size[0]}×{size[1]}")


def make(directory: Path, names: tuple[str, ...] = tuple(PICTURES), sizes: tuple[tuple[int, int], ...] = SIZES) -> None:
    """Write the pictures."""
    # Clocks on the pictures must not depend on who makes them.
    os.environ["TZ"] = "UTC"
    time.tzset()
    recording = read_recording(HERE / "incident.rec")
    for name in names:
        for size in sizes:
            path = directory / f"{name}-{size[0]}x{size[1]}.svg"
            path.write_text(asyncio.run(picture(recording, PICTURES[name], size)))
            print(path)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
