"""The full screen over a recording: every key of the timeline, and the same verdicts as live."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.remedy.audit_entry import format_entry
from fragtui.model.remedy.remedy_history import EndEntry, IntentEntry, Result
from fragtui.player import SPEEDS, Player, find_marks
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.host.snapshot_builder import SnapshotBuilder, Tick
from fragtui.sources.kernel_log.incident_stream import IncidentStream
from fragtui.sources.recording.reader import Recording, read_recording
from fragtui.sources.recording.recorder import Recorder
from fragtui.ui.clock import CLOCK
from fragtui.ui.keys import KEYS, REPLAY_KEYS, UNUSED
from fragtui.ui.messages import TerminalRead, TerminalUnread
from fragtui.ui.replay_app import ReplayApp
from fragtui.ui.session import Session
from tests.support.host_tree import FRAGMENTED, HEALTHY, HostTree
from tests.support.screen import SIZES, lines_of, text_of, until

BEGAN = 1_700_000_000.0
TICKS = 300
REFUSED, REMEDY = 100, 150
FRAGMENTED_FROM, RECOVERED_FROM = 80, 152
LINE = (
    b"%s node-7 kernel: [ 1234.5] %s: page allocation failure: order:%d, "
    b"mode:0x40dc0(GFP_KERNEL|__GFP_COMP|__GFP_ZERO), nodemask=(null)"
)


class Made:
    """A recording of 300 s with a refusal and a remedy in it, and what was seen live."""

    def __init__(self, path: Path) -> None:
        tree = HostTree.small(path / "host")
        reader = NodeReader(path / "host")
        texts: list[Tick] = []
        reader.on_tick = texts.append
        self.path = path / "x.rec"
        self.audit = path / "audit.jsonl"
        self.audit.write_text("")
        recorder = Recorder(reader.host, audit=self.audit)
        maker = SnapshotBuilder(reader.host)
        self.live: list[Snapshot] = []
        self.verdicts: list[object] = []
        session = Session()
        stream: IncidentStream | None = None
        for index in range(TICKS):
            blocks = FRAGMENTED if FRAGMENTED_FROM <= index < RECOVERED_FROM else HEALTHY
            tree.zones[1].free_blocks = tree.zones[2].free_blocks = (blocks[0] + index, *blocks[1:])
            tree.write()
            self._remedy(index)
            reader.sample(page_types=index % 30 == 0)
            tick = texts[-1]._replace(time=BEGAN + index, monotonic=5000.0 + index)
            recorder.take_tick(tick)
            snapshot = maker.snapshot(tick)
            session.accept(snapshot)
            self.live.append(snapshot)
            self.verdicts.append(session.judgement)
            if stream is None:
                stream = IncidentStream("file", None, None, now=BEGAN, on_call=self._recorded(recorder, 0))
                stream.update("kern.log", 0)
            if index in (REFUSED, REFUSED + 60):
                # Events are stamped by the clock: here by the tick before them.
                stream._on_call = self._recorded(recorder, index)
                stamp = time.strftime("%b %d %H:%M:%S", time.localtime(BEGAN + index)).encode()
                stream.feed_line(LINE % (stamp, b"runc:[1:CHILD]", 6))
                stream.finish()
                for incident in stream.update("kern.log", 0).incidents:
                    session.note_failed_order(incident.order or 0)
        recorder.save(self.path)
        recorder.end()
        self.recording = read_recording(self.path)

    def _recorded(self, recorder: Recorder, index: int):  # type: ignore[no-untyped-def]
        def take(call: Sequence[object]) -> None:
            plain = [word.decode("latin-1") if isinstance(word, bytes) else word for word in call]
            with recorder._lock:
                recorder._event("L", [0, *plain], 5000.5 + index)

        return take

    def _remedy(self, index: int) -> None:
        intent = IntentEntry("a1", BEGAN + REMEDY - 0.5, "drop-caches-3", ("writes",), ("/proc/sys/vm/drop_caches",),
                        "screen", 1, 0, order=6, blocks=0)  # fmt: skip
        ended = EndEntry("a1", BEGAN + REMEDY + 0.5, Result.DONE, 1.0, cpu=0.2)
        for at, entry in ((REMEDY, intent), (REMEDY + 1, ended)):
            if index == at:
                with self.audit.open("ab") as log:
                    log.write(format_entry(entry))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("made"))


def app_of(recording: Recording, order: int | None = None) -> ReplayApp:
    return ReplayApp(lambda deliver, crash: Player(recording, deliver, crash), order)


@asynccontextmanager
async def replaying(made: Made, size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[ReplayApp, Pilot[int]]]:
    app = app_of(made.recording)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.main.session.snapshot is not None)
        if app.player.position.playing:
            await pilot.press("space")
        await until(pilot, lambda: "paused" in text_of(app))
        await pilot.press("0")
        await until(pilot, lambda: place(app) == 0)
        yield app, pilot


def place(app: ReplayApp) -> float:
    snapshot = app.main.session.snapshot
    assert snapshot is not None
    return round(snapshot.time - BEGAN, 3)


async def go(app: ReplayApp, pilot: Pilot[int], key: str, to: float) -> None:
    await pilot.press(key)
    await until(pilot, lambda: place(app) == to)


@pytest.mark.slow
@pytest.mark.by_hand
async def test_the_same_verdicts_at_the_same_ticks_as_live(made: Made) -> None:
    async with replaying(made) as (app, pilot):
        for index in range(TICKS):
            if index:
                await pilot.press("full_stop")
                await until(pilot, lambda index=index: place(app) == index)  # type: ignore[misc]
            assert app.main.session.judgement == made.verdicts[index], f"at tick {index}"
    kinds = {str(verdict.kernel) for verdict in made.verdicts}  # type: ignore[attr-defined]
    assert len(kinds) > 1, "the test needs verdicts that change"


@pytest.mark.slow
async def test_a_place_looks_the_same_however_it_was_reached(made: Made) -> None:
    async with replaying(made) as (app, pilot):
        for _ in range(3):
            await pilot.press("shift+right")
        await until(pilot, lambda: place(app) == 224)
        await go(app, pilot, "full_stop", 225)
        await pilot.pause()
        forward = text_of(app)
        await go(app, pilot, "dollar_sign", TICKS - 1)
        await go(app, pilot, "shift+left", 224)
        await pilot.press("comma")
        await go(app, pilot, "comma", 223)
        await go(app, pilot, "full_stop", 224)
        await go(app, pilot, "full_stop", 225)
        await pilot.pause()
        assert app.main.session.judgement == made.verdicts[225]
        assert text_of(app) == forward
        await go(app, pilot, "0", 0)
        for _ in SPEEDS[1:]:
            await pilot.press("plus")
        await pilot.press("space")
        await until(pilot, lambda: place(app) > 160)
        await pilot.press("space")
        await until(pilot, lambda: "‖ paused" in text_of(app))
        stopped = int(place(app))
        await go(app, pilot, "full_stop", stopped + 1)
        await pilot.pause()
        played = text_of(app)
        await go(app, pilot, "comma", stopped)
        await go(app, pilot, "full_stop", stopped + 1)
        await pilot.pause()
        assert text_of(app) == played, "what was played looks as what was jumped to"


@pytest.mark.slow
async def test_every_key_of_the_timeline(made: Made) -> None:
    async with replaying(made) as (app, pilot):
        for key, to in (("full_stop", 1), ("full_stop", 2), ("comma", 1), ("right", 15), ("right", 30), ("left", 15),
                        ("shift+right", 90), ("shift+left", 15), ("shift+left", 0), ("comma", 0), ("dollar_sign", 299),
                        ("right", 299), ("full_stop", 299), ("0", 0)):  # fmt: skip
            await go(app, pilot, key, to)
        for shown in SPEEDS[1:]:
            await pilot.press("plus")
            await until(pilot, lambda shown=shown: f"x{shown}" in text_of(app))  # type: ignore[misc]
        await pilot.press("plus")
        await pilot.press("minus")
        await until(pilot, lambda: "x16" in text_of(app))
        await pilot.press("space")
        await until(pilot, lambda: place(app) > 10)
        assert "▶ replay " in text_of(app)
        await pilot.press("space")
        await until(pilot, lambda: "‖ paused" in text_of(app))
        stopped = place(app)
        await pilot.pause(0.3)
        assert place(app) == stopped


@pytest.mark.slow
async def test_jumping_from_incident_to_remedy_and_back(made: Made) -> None:
    assert [mark.at - 5000 for mark in find_marks(made.recording)] == pytest.approx([100.5, 150, 160.5])
    async with replaying(made) as (app, pilot):
        assert "256K (order 6)" not in text_of(app)
        await go(app, pilot, "greater_than_sign", 100)
        await until(pilot, lambda: "256K (order 6)" in text_of(app))
        assert app.main.session.order == 6, "the target order follows the failure"
        assert "FRAGMENTED" in text_of(app)
        await go(app, pilot, "greater_than_sign", 150)
        await until(pilot, lambda: "Drop page cache and slab is running" in text_of(app))
        await go(app, pilot, "greater_than_sign", 160)
        await until(pilot, lambda: "✓ Blocks of 256K (order 6): 0 → " in text_of(app))
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: "No incident and no remedy after" in text_of(app))
        assert place(app) == 160
        await go(app, pilot, "less_than_sign", 150)
        await go(app, pilot, "less_than_sign", 100)
        await go(app, pilot, "0", 0)
        await until(pilot, lambda: "256K (order 6)" not in text_of(app))
        assert app.main.session.order == 3


@pytest.mark.slow
async def test_the_result_of_a_remedy_is_shown_after_a_jump_too(made: Made) -> None:
    async with replaying(made) as (app, pilot):
        await pilot.press("r")
        await until(pilot, lambda: "No remedy has ended by this moment" in text_of(app))
        for reach in ("dollar_sign", "0"):
            await pilot.press(reach)
            if reach == "0":
                await until(pilot, lambda: place(app) == 0)
                for _ in range(4):
                    await pilot.press("shift+right")
            await until(pilot, lambda: place(app) >= 200)
            await pilot.press("r")
            await until(pilot, lambda: "Before and after: Drop page cache and slab" in text_of(app))
            text = text_of(app)
            assert "✓ IT WORKED  256K blocks went from 0 to" in text
            assert "in 1.0 s" in text
            await pilot.press("escape")
        await pilot.press("H")
        await until(pilot, lambda: "Remedies until this moment" in text_of(app))
        assert "drop-caches-3" in text_of(app)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])
async def test_the_top_line_shows_the_position_at_every_size(made: Made, size: tuple[int, int]) -> None:
    async with replaying(made, size) as (app, pilot):
        await pilot.press("plus", "space")
        await until(pilot, lambda: "▶ replay " in lines_of(app)[0])
        assert "x4" in lines_of(app)[0]


@pytest.mark.slow
async def test_remedies_are_disabled_and_live_keys_are_gone(made: Made) -> None:
    async with replaying(made) as (app, pilot):
        for key in ("1", "2", "3", "c", "N", "K", "l", "A"):
            app.notices.notices.clear()
            await pilot.press(key)
            await until(pilot, lambda: "replaying a recording" in text_of(app))
            assert len(app.screen_stack) == 1
        own = {key.action for key in REPLAY_KEYS}
        assert own.isdisjoint(key.action for key in UNUSED)
        await pilot.press("p", "x")
        assert place(app) == 0
        await pilot.press("question_mark")
        await pilot.pause()
        page = app.screen.query_one("#page")
        shown = " ".join(text for row in page._lines for text, _ in row.spans)  # type: ignore[attr-defined]
        for each in REPLAY_KEYS:
            assert each.help.split()[0] in shown
        assert "Replay" in shown
        assert next(each.help for each in KEYS if each.action == "page_types") not in shown


@pytest.mark.slow
async def test_it_plays_to_its_end_and_begins_again(made: Made) -> None:
    async with replaying(made) as (app, pilot):
        await pilot.press("plus", "plus", "plus", "dollar_sign", "left", "space")
        await until(pilot, lambda: "■ end" in text_of(app))
        assert place(app) == TICKS - 1
        await pilot.press("space")
        await until(pilot, lambda: 0 < place(app) < 200)


def test_a_recording_that_is_cut_plays_up_to_the_cut(made: Made, tmp_path: Path) -> None:
    data = made.path.read_bytes()
    cut = tmp_path / "cut.rec"
    cut.write_bytes(data[: len(data) * 2 // 3])
    found = read_recording(cut)
    assert found.damaged
    assert 0 < len(found.ticks) < TICKS
    assert json.dumps(found.host)


async def test_ages_are_counted_from_the_moment_shown(made: Made) -> None:
    async with replaying(made) as (app, pilot):
        await go(app, pilot, "greater_than_sign", 100)
        await go(app, pilot, "right", 115)
        await until(pilot, lambda: "asked for 256K 15 s ago" in text_of(app))
    assert abs(CLOCK.now() - time.time()) < 1


@pytest.mark.slow
async def test_the_timeline_shows_place_length_incidents_and_remedies(made: Made) -> None:
    async with replaying(made) as (app, pilot):
        await go(app, pilot, "greater_than_sign", 100)
        row = next(row for row in lines_of(app) if " of 4:59 " in row)
        assert row.startswith(" 1:4"), "a third of five minutes"
        bar = row.split(" of 4:59 ")[1].split("  ")[0]
        cursor = bar.index("●")
        assert abs(cursor / len(bar) - 100.5 / 299) < 0.05
        assert bar.count("▼") == 1, "the remedy"
        assert abs(bar.index("▼") / len(bar) - 150 / 299) < 0.05
        await pilot.press("dollar_sign")
        await until(pilot, lambda: " 4:59 of 4:59 " in text_of(app))
        assert next(row for row in lines_of(app) if " of 4:59 " in row).count("✗") >= 1


@pytest.mark.slow
async def test_a_replay_waits_for_its_viewer(made: Made) -> None:
    async with replaying(made) as (app, pilot):
        app.post_message(TerminalUnread())
        await until(pilot, lambda: app.player.resting)
        app.player.play_or_pause()
        place = app.player.position.share
        await asyncio.sleep(1.5)
        assert app.player.position.share == place
        app.post_message(TerminalRead())
        await until(pilot, lambda: app.player.position.share > place)


@pytest.mark.slow
async def test_while_the_node_recovers_the_card_has_the_cost_of_the_remedy(made: Made) -> None:
    async with replaying(made) as (app, pilot):
        await pilot.press("less_than_sign")
        assert "cost: " not in text_of(app), "nothing has run yet"
        for _ in range(11):
            await pilot.press("right")
        await until(pilot, lambda: place(app) == 164)
        await until(pilot, lambda: "RECOVERING" in text_of(app))
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await pilot.pause()
            border = [row for row in lines_of(app) if "cost: 1.0 s, no process waited, " in row]
            assert bool(border) is (size[0] >= 100), size
            assert all(" read from disk since, 0.2 s of CPU " in row and "r before/after" in row for row in border)
