"""Make the README's pictures from the recorded incident: python -m screenshots.make [DIRECTORY].

Those of a fleet are of nodes that are made by rule.
`incident.svg` is animated: a request is denied, caches are dropped, blocks come back. Each line of the screen is drawn
once and shown while it is on screen. A viewer without animation shows the denial.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from textual.pilot import Pilot

from fragtui.player import Player, find_marks
from fragtui.remedies.catalogue import drop_caches
from fragtui.sources.recording.reader import Recording, read_recording
from fragtui.ui.dialogs.remedy_dialogs import DialogContext, RemedyDialog
from fragtui.ui.fleet.app import FleetApp, LiveWays
from fragtui.ui.fleet.live_command import LiveCommand
from fragtui.ui.fleet.view import FleetView
from fragtui.ui.replay_app import ReplayApp
from fragtui.ui.terminal.svg import cells, document, draw, placed
from fragtui.ui.widgets.textual_private import screen_lines
from tests.support.fleet_source import SyntheticFleet

HERE = Path(__file__).parent
SIZES = ((120, 40), (80, 24))
FILM_SIZE = (100, 30)
FLEET = {"fleet": ((80, 24), (120, 40), (200, 60)), "fleet-node": ((120, 40),)}
"""The pictures of a fleet, and their sizes."""
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
    app.player.seek_by(place.at - app.player.recording.ticks[0].at - app.player.position.share * app.player.length)
    await until(
        pilot,
        lambda: app.main.session.snapshot is not None and app.main.session.snapshot.monotonic == place.at,
        f"the sample at {place.at - app.player.recording.ticks[0].at:.1f} s",
    )


async def at_beginning(app: ReplayApp, pilot: Pilot[int]) -> None:
    """Pause at the first sample."""
    await until(pilot, lambda: app.main.session.snapshot is not None, "the first sample")
    app.player.play_or_pause()
    app.player.to_end(beginning=True)
    await until(pilot, lambda: not app.player.position.playing and app.player.position.share == 0, "the beginning")


async def picture(recording: Recording, show: Show, size: tuple[int, int]) -> str:
    """Return one picture as SVG."""
    app = ReplayApp(lambda tell, crash: Player(recording, tell, crash))
    async with app.run_test(size=size, notifications=True) as pilot:
        await at_beginning(app, pilot)
        await show(app, pilot)
        await pilot.pause(0.3)
        return app.export_screenshot(title=f"fragtui {size[0]}×{size[1]}")


class Frame(NamedTuple):
    """What is on screen for some seconds: the shapes of each line."""

    seconds: float
    lines: tuple[str, ...]


async def film(recording: Recording, size: tuple[int, int]) -> tuple[list[Frame], str]:
    """Return the incident in frames, from before the denial to what a drop gained, and the ground's colour."""
    app = ReplayApp(lambda tell, crash: Player(recording, tell, crash))
    frames = []

    def keep(seconds: float) -> None:
        colours = app.theme_variables
        colour, ground = colours["foreground"], colours["background"]
        lines = (draw(list(cells(line, colour, ground)), ground) for line in screen_lines(app))
        frames.append(Frame(seconds, tuple(lines)))

    async with app.run_test(size=size, notifications=False) as pilot:
        await at_beginning(app, pilot)
        marks = [mark.at for mark in find_marks(recording)]
        ticks = [tick.at for tick in recording.ticks]
        await go_to(app, pilot, max(at for at in ticks if at < marks[0]))
        keep(2)
        await fragmented(app, pilot)
        keep(4)
        await dialog(app, pilot)
        await pilot.pause(0.5)
        keep(4)
        app.pop_screen()
        for at in (at for at in ticks if at >= marks[1]):
            await go_to(app, pilot, at)
            keep(1)
        keep(2)
        await pilot.press("r")
        await pilot.pause(0.5)
        keep(6)
    return frames, app.theme_variables["background"]


def animation(frames: list[Frame], columns: int, ground: str, still: int) -> str:
    """Return the frames as one animated picture; a viewer without animation shows the frame `still`."""
    length = sum(frame.seconds for frame in frames)
    starts = [sum(frame.seconds for frame in frames[:number]) / length * 100 for number in range(len(frames))]
    rules: dict[tuple[int, ...], str] = {}
    body = []
    for row in range(len(frames[0].lines)):
        for shapes in dict.fromkeys(frame.lines[row] for frame in frames):
            shown = tuple(number for number, frame in enumerate(frames) if frame.lines[row] == shapes)
            if len(shown) == len(frames):
                body.append(placed(shapes, row))
                continue
            name = rules.setdefault(shown, f"k{len(rules)}")
            seen = "visible" if still in shown else "hidden"
            body.append(f'<g class="{name}" visibility="{seen}">{placed(shapes, row)}</g>\n')
    css = "".join(
        f".{name}{{animation:{name} {length:g}s step-end infinite}}@keyframes {name}{{"
        + "".join(
            f"{start:.3f}%{{visibility:{'visible' if number in shown else 'hidden'}}}"
            for number, start in enumerate(starts)
        )
        + "}"
        for shown, name in rules.items()
    )
    return document("".join(body), columns, len(frames[0].lines), "fragtui", ground, css)


async def fleet_picture(name: str, size: tuple[int, int]) -> str:
    """Return a picture of 5,000 nodes, or of the worst of them, as SVG."""
    view = FleetView(server="https://prometheus.example:9090", match='cluster="eu"')
    app = FleetApp(SyntheticFleet(5000), view, LiveWays(LiveCommand, lambda _: 0))
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: view.fleet is not None, "the fleet")
        if name == "fleet-node":
            await pilot.press("down", "enter")
            await until(pilot, lambda: view.state.node is not None and len(view.state.node.series) > 9, "its history")
        elif size[0] >= 100:
            await until(pilot, lambda: bool(view.state.trends), "the curves")
        await pilot.pause(0.3)
        return app.export_screenshot(title=f"fragtui fleet {size[0]}×{size[1]}")


def make_fleet(directory: Path, names: tuple[str, ...] = tuple(FLEET)) -> None:
    """Write the pictures of a fleet."""
    use_utc()
    for name in names:
        for size in FLEET[name]:
            path = directory / f"{name}-{size[0]}x{size[1]}.svg"
            path.write_text(asyncio.run(fleet_picture(name, size)))
            print(path)


def use_utc() -> None:
    """Keep clocks on the pictures from depending on who makes them."""
    os.environ["TZ"] = "UTC"
    time.tzset()


def make(directory: Path, names: tuple[str, ...] = tuple(PICTURES), sizes: tuple[tuple[int, int], ...] = SIZES) -> None:
    """Write the pictures."""
    use_utc()
    recording = read_recording(HERE / "incident.rec")
    for name in names:
        for size in sizes:
            path = directory / f"{name}-{size[0]}x{size[1]}.svg"
            path.write_text(asyncio.run(picture(recording, PICTURES[name], size)))
            print(path)


def make_film(directory: Path) -> None:
    """Write the animated picture."""
    use_utc()
    frames, ground = asyncio.run(film(read_recording(HERE / "incident.rec"), FILM_SIZE))
    path = directory / "incident.svg"
    path.write_text(animation(frames, FILM_SIZE[0], ground, still=1))
    print(path)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    make(target)
    make_film(target)
    make_fleet(target)
