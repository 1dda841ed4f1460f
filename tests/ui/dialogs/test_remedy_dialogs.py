import time
from pathlib import Path

import pytest
from textual import events

from fragtui.model.remedy.remedy_history import IntentEntry
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import Remedy, compact_all, drop_caches
from fragtui.remedies.guard.policy import Policy
from fragtui.sources.host.reader import NodeReader
from fragtui.ui.app import FragtuiApp
from fragtui.ui.dialogs.guard_dialog import GuardDialog
from fragtui.ui.dialogs.remedy_dialogs import DialogContext, RemedyDialog
from fragtui.ui.keys import KEYS, write_keys
from tests.support.host_tree import HostTree
from tests.support.person import PAUSE, click, press
from tests.support.screen import SIZES, make_app, running, text_of, until, words_of

sizes = pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])


def ask(app: FragtuiApp, root: Path, answers: list[Remedy | None], *variants: Remedy) -> None:
    setting = DialogContext(NodeReader(root).sample(), 6, Path("/"), Path("/var/log/fragtui/audit.jsonl"))
    app.push_screen(RemedyDialog(setting, variants), answers.append)


@pytest.mark.slow
@sizes
async def test_the_dialog_says_what_is_written_where_and_what_it_costs(tmp_path: Path, size: tuple[int, int]) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    answers: list[Remedy | None] = []
    async with running(app, size) as pilot:
        ask(app, tmp_path, answers, drop_caches(3, sync=False), drop_caches(3, sync=True))
        await pilot.pause()
        await pilot.pause()
        words = words_of(app, "#dialog-page")
        for part in (
            "! Not needed: 256K requests succeed, this gains nothing you need.",
            "Command echo -n 3 > /proc/sys/vm/drop_caches",
            "Expected frees about",
            "Cost · ",
            "page cache is read again from disk",
            "memory pressure now",
            "Undo can't be undone, only read again",
            "Logged to /var/log/fragtui/audit.jsonl, before it runs",
            "sync first",
        ):
            assert part in words
        text = text_of(app)
        assert "Drop page cache and slab on node-7 now?" in text, text
        assert "  Cancel  " in text
        assert "y  Drop page cache and slab" in text
        assert "y runs it · Esc goes back" in text
        assert app.focused is app.screen.query_one("#cancel")
        await pilot.press("escape")
        await pilot.pause()
        assert answers == [None]


@pytest.mark.slow
async def test_only_a_second_deliberate_key_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    answers: list[Remedy | None] = []
    monkeypatch.setattr("fragtui.ui.terminal.key_gate.ANSWER_DELAY_SECONDS", 3600.0)
    async with running(app) as pilot:
        for keys in (["enter"], ["escape"], ["n"], ["q"], ["tab", "tab", "enter"]):
            count = len(answers)
            ask(app, tmp_path, answers, compact_all())
            await pilot.pause()
            await pilot.press(*keys)
            await until(pilot, lambda count=count: len(answers) > count)  # type: ignore[misc]
        assert answers == [None] * 5
        ask(app, tmp_path, answers, compact_all())
        await pilot.pause()
        await pilot.press("y", "tab", "enter")
        await pilot.pause()
        assert len(answers) == 5, "a key typed ahead must not run it"
        monkeypatch.setattr("fragtui.ui.terminal.key_gate.ANSWER_DELAY_SECONDS", 0.4)
        await press(pilot, "y")
        await until(pilot, lambda: answers[5:] == [compact_all()])
        ask(app, tmp_path, answers, compact_all())
        await pilot.pause()
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: answers[6:] == [compact_all()])
        ask(app, tmp_path, answers, compact_all())
        await pilot.pause()
        await click(pilot, "y  Compact all memory")
        await until(pilot, lambda: answers[7:] == [compact_all()])


@pytest.mark.slow
async def test_sync_first_is_a_key_away(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    answers: list[Remedy | None] = []
    async with running(app) as pilot:
        ask(app, tmp_path, answers, drop_caches(1, sync=False), drop_caches(1, sync=True))
        await until(pilot, lambda: "[ ] sync first" in text_of(app))
        await pilot.press("s")
        await until(pilot, lambda: "[ ] sync first" not in text_of(app))
        assert "[x] sync first" in text_of(app)
        assert "sync; echo -n 1 > /proc/sys/vm/drop_caches" in text_of(app)
        assert "s without sync" in text_of(app)
        await press(pilot, "y")
        assert answers == [drop_caches(1, sync=True)]


@pytest.mark.slow
@pytest.mark.parametrize("key", sorted(write_keys(KEYS)))
async def test_saved_files_are_never_written_and_the_reason_is_shown(tmp_path: Path, key: str) -> None:
    HostTree.small(tmp_path)
    tree = HostTree.small(tmp_path)
    tree.put("proc/sys/vm/drop_caches", "0\n")
    tree.put("proc/sys/vm/compact_memory", "0\n")
    audit = tmp_path / "audit.jsonl"
    app = make_app(tmp_path, audit=audit)
    async with running(app) as pilot:
        await until(pilot, lambda: "no remedies" in text_of(app))
        await pilot.press(key)
        await pilot.pause()
        assert len(app.screen_stack) == 1, "no dialog"
        await until(pilot, lambda: bool(app.notices.notices))
    assert (tmp_path / "proc/sys/vm/drop_caches").read_text() == "0\n"
    assert (tmp_path / "proc/sys/vm/compact_memory").read_text() == "0\n"
    assert not audit.exists()


@pytest.mark.slow
@pytest.mark.parametrize("key", sorted(write_keys(KEYS)))
async def test_read_only_greys_every_remedy_and_shows_the_reason(tmp_path: Path, key: str) -> None:
    app = make_app(Path("/"), read_only=True, audit=tmp_path / "audit.jsonl")
    async with running(app) as pilot:
        await until(pilot, lambda: "no remedies" in text_of(app))
        await pilot.press(key)
        await until(pilot, lambda: bool(app.notices.notices))
        (notice,) = app.notices.notices
        assert "--read-only" in notice.text
        assert len(app.screen_stack) == 1
        binding = app.main.active_bindings[key]
        assert not binding.enabled


@pytest.mark.slow
async def test_the_guard_asks_shows_its_state_and_is_switched_off(tmp_path: Path) -> None:
    app = make_app(Path("/"), audit=tmp_path / "audit.jsonl")
    async with running(app) as pilot:
        await until(pilot, lambda: app.main.session.remedies is not None)
        assert app.main.session.remedies is not None
        if app.main.session.disabled_reason:
            pytest.skip(f"remedies can't be run here: {app.main.session.disabled_reason}")
        await press(pilot, "A")
        assert isinstance(app.screen, GuardDialog)
        await until(pilot, lambda: "Dry run: it decides" in text_of(app))
        await pilot.press("enter")
        await pilot.pause()
        assert app.main.session.remedies.guard is None, "Enter is Cancel"
        await press(pilot, "A", "y")
        await until(pilot, lambda: "◉ guard (dry run)" in text_of(app))
        assert app.main.session.remedies.guard == Policy(order=app.main.session.order, dry_run=True)
        await press(pilot, "A")
        await until(pilot, lambda: "◉ guard" not in text_of(app))
    assert not (tmp_path / "audit.jsonl").exists(), "watching writes nothing"


@pytest.mark.slow
async def test_the_history_shows_unknown_outcomes(tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    intent = IntentEntry(
        "abc", 1_795_000_000.0, "drop-caches-3", ("writes '3'",), ("/x",), "screen", 2**22 - 1, 0, boot="another"
    )
    AuditLog(audit).append(intent)
    HostTree.small(tmp_path)
    app = make_app(tmp_path, audit=audit)
    async with running(app) as pilot:
        await until(pilot, lambda: "did not report back" in text_of(app))
        await pilot.press("H")
        await until(pilot, lambda: "Logged remedies" in text_of(app))
        assert "drop-caches-3" in text_of(app)


@pytest.mark.slow
async def test_a_key_that_opens_a_remedy_counts_only_alone_and_not_after_a_paste(tmp_path: Path) -> None:
    app = make_app(Path("/"), audit=tmp_path / "audit.jsonl")
    async with running(app) as pilot:
        await until(pilot, lambda: app.main.session.remedies is not None)
        assert app.main.session.remedies is not None
        if app.main.session.disabled_reason:
            pytest.skip(f"remedies can't be run here: {app.main.session.disabled_reason}")
        for key in sorted(write_keys(KEYS)):
            await pilot.press("x", key)
            await pilot.press(key, "x")
        await pilot.pause(PAUSE)
        assert len(app.screen_stack) == 1, "no dialog"
        for key in ("c", "A"):
            pasted = time.monotonic()
            app.post_message(events.Paste("c"))
            await press(pilot, key)
            # On a busy machine the second after the paste may be over.
            if time.monotonic() - pasted < 1.0:
                assert len(app.screen_stack) == 1, "no dialog"
            elif len(app.screen_stack) > 1:
                await pilot.press("escape")
                await until(pilot, lambda: len(app.screen_stack) == 1)
        await pilot.pause(1.0)
        await press(pilot, "c")
        await until(pilot, lambda: isinstance(app.screen, RemedyDialog))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await click(pilot, "c Compact")
        # A click on the line of keys opens it too.
        await until(pilot, lambda: isinstance(app.screen, RemedyDialog))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 20), (120, 40)], ids=str)
async def test_a_question_counts_as_shown_only_once_all_of_its_text_is_drawn(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    answers: list[Remedy | None] = []
    async with running(app, size) as pilot:
        with app.batch_update():  # nothing is drawn, as while another screen opens
            ask(app, tmp_path, answers, compact_all())
            await pilot.pause(0.5)
            await pilot.press("y")
            await pilot.pause(PAUSE)
        assert answers == []
        await press(pilot, "y")
        assert answers == [compact_all()]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["key", "button", "click"])
async def test_a_question_that_saw_a_paste_can_only_be_cancelled(tmp_path: Path, way: str) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    answers: list[Remedy | None] = []
    async with running(app) as pilot:
        ask(app, tmp_path, answers, compact_all())
        await pilot.pause()
        app.post_message(events.Paste("some text"))
        await pilot.pause(1.2)
        await (
            click(pilot, "y  Compact all memory")
            if way == "click"
            else press(pilot, *{"key": "y", "button": ("tab", "enter")}[way])
        )
        assert answers == []
        await pilot.press("escape")
        await until(pilot, lambda: answers == [None])
