"""Other keys for commands: checked before the screen starts; screen, footer and help follow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.player import Player
from fragtui.remedies.guard.policy import Policy
from fragtui.remedies.service import RemedyState
from fragtui.render.source_text import root_lines
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.recording.reader import read_recording
from fragtui.sources.saved.readers import SavedPods
from fragtui.ui.app import FragtuiApp
from fragtui.ui.dialogs.guard_dialog import GuardContext, GuardDialog
from fragtui.ui.keys import (
    KEYS,
    REPLAY_KEYS,
    SAVE_MENU,
    KeyMap,
    KeyMapError,
    Keys,
    check_keymap,
    rebound,
    write_keys,
)
from fragtui.ui.pages.help_page import help_lines
from fragtui.ui.replay_app import ReplayApp
from fragtui.ui.screens.live import LiveScreen
from fragtui.ui.widgets.rows import LinesWidget
from tests.support.big8 import DENIED, big8_logs
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.places import REPOSITORY
from tests.support.screen import SIZES, make_app, running, text_of, texts_of, until

COMMANDS = sorted({key.command for key in (*KEYS, *REPLAY_KEYS, *SAVE_MENU)})


def test_without_a_map_nothing_changes() -> None:
    assert rebound(KEYS, {}) is KEYS
    check_keymap({})


@pytest.mark.parametrize(
    ("keymap", "command", "why"),
    [
        ({"compct": ["f5"]}, "compct", "expected one of abort, "),
        ({"compact": ["3"]}, "compact", "3 is a key of drop-caches, too"),
        ({"help": ["f5"], "zoom": ["f5"]}, "zoom", "f5 is a key of help, too"),
        ({"abort": ["c"]}, "abort", "c is a key of compact, too"),
        ({"compact": ["0"]}, "compact", "0 is a key of beginning, too"),
        ({"compact": ["ctrl+q"]}, "compact", "ctrl+q is a key of fragtui itself, too"),
        ({"save-picture": ["t"]}, "save-picture", "t is a key of save-report, too"),
        ({"record": ["q"]}, "record", "q is a key of fragtui itself, too"),
        ({"compact": ["hyper+x"]}, "compact", "expected a key such as C, +, f5, ctrl+g or shift+up, found hyper+x"),
        ({"compact": ["compact"]}, "compact", "expected a key"),
        ({"compact": ["é"]}, "compact", "expected a key"),
    ],
)
def test_a_map_that_does_not_work_names_its_entry(keymap: KeyMap, command: str, why: str) -> None:
    with pytest.raises(KeyMapError) as raised:
        check_keymap(keymap)
    assert raised.value.command == command
    assert str(raised.value).startswith(why)


def test_commands_may_swap_keys_and_characters_have_names() -> None:
    keymap = {"compact": ("N",), "compact-node": ("c",), "zoom": ("%", "f5", "ctrl+g")}
    check_keymap(keymap)
    keys = {key.command: key.keys for key in rebound(KEYS, keymap)}
    assert (keys["compact"], keys["compact-node"], keys["zoom"]) == ("N", "c", "percent_sign,f5,ctrl+g")
    assert write_keys(rebound(KEYS, {"compact": ("f5",)})) == write_keys(KEYS) - {"c"} | {"f5"}


@given(st.dictionaries(st.sampled_from(COMMANDS), st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=3)))
def test_no_map_raises_anything_but_its_error(keymap: dict[str, list[str]]) -> None:
    try:
        check_keymap(keymap)
    except KeyMapError as error:
        assert error.command in keymap


@pytest.mark.slow
async def test_the_screen_takes_the_new_key_and_no_longer_the_old_one(tmp_path: Path) -> None:
    keymap = {"help": ("f5",), "zoom": ("v",), "drop-caches": ("f6",), "drop-page-cache": ("f7",)}
    app = make_app(HostTree.small(tmp_path, FRAGMENTED).root, order=6, keymap=keymap)
    async with running(app) as pilot:
        assert " f5 Help" in text_of(app)
        await pilot.press("question_mark", "z")
        await pilot.pause()
        assert app.screen is app.main
        await pilot.press("f5")
        await until(pilot, lambda: app.screen is not app.main)
        shown = texts_of(help_lines(app.main.keys, 120))
        assert any(row.split()[:1] == ["f5"] for row in shown)
        assert not any(row.split()[:1] == ["?"] for row in shown)


MOVED = [
    *(f"{prefix}f{number}" for prefix in ("", "ctrl+") for number in range(1, 25)),
    *(f"ctrl+shift+{n}" for n in range(10)),
]
"""Keys that no command has."""
SENTENCE = r"(?<![\w/-])(?:{keys})(?=:? (?:aborts|before|clears|ends|goes|hides?|lists|sets?|shows|switches|to)\b)"
"""A key, in front of what it does."""


def moved(*tables: Keys) -> dict[str, tuple[str, ...]]:
    """Return a map that gives every command of the tables a key of its own that is none by default."""
    commands = dict.fromkeys(key.command for table in tables for key in table)
    assert len(commands) <= len(MOVED)
    return {command: (key,) for command, key in zip(commands, MOVED, strict=False)}


def assert_no_old_key(app: FragtuiApp, keys: Keys, *fixed: str) -> list[str]:
    """Assert that no key of a table is named on the screen, except `fixed` ones; return the keys that are."""
    old = {key.shown for key in keys} - {*fixed}
    named: list[str] = []
    for widget in app.screen.query(LinesWidget):
        if widget.display:
            for text, style in (span for row in widget._lines for span in row.spans):
                if style in ("key", "keycap"):
                    named += [word for word in text.split() if word not in MARKS]
    assert old.isdisjoint(named), old.intersection(named)
    text = text_of(app)
    letters = "|".join(sorted(map(re.escape, old - {"▼"}), key=len, reverse=True))
    assert not (found := re.search(SENTENCE.format(keys=letters), text)), f"{found[0]!r} in:\n{text}"
    return named


MARKS = ("▸", "+", "-", "▼", "●", "▾")
"""What is drawn in the colour of keys."""


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])
async def test_no_panel_names_a_key_that_was_moved(tmp_path: Path, size: tuple[int, int]) -> None:
    kernel_log, _ = big8_logs(tmp_path)
    app = make_app(tmp_path, kernel_log=kernel_log, keymap=moved(KEYS, SAVE_MENU))
    async with running(app, size) as pilot:
        session = app.main.session
        await until(pilot, lambda: session.disabled_reason is not None and session.failures.failures > DENIED)
        session.pods = SavedPods(NodeReader(tmp_path).tree).read()
        session.disabled_reason = None
        app.notify("A message.", markup=False)
        for _ in range(2):
            app.main.show()
            await pilot.pause()
            named = assert_no_old_key(app, KEYS)
            # At 120 columns the table beside the list leaves its border no room for keys with such long names.
            lists = {"filter", "open"} if size[0] > 120 else set()
            wanted = {"quit", "order-up", "drop-caches", *lists} if size[1] >= 40 else {"quit", "help"}
            assert {session.key(command) for command in wanted} <= set(named), named
            session.all_zones = not session.all_zones
        app.main.action_filter()
        await pilot.press("v", "h", "enter")
        await until(pilot, lambda: f"{session.key('unwind')} clears" in text_of(app) or size[0] < 80)
        assert_no_old_key(app, KEYS)
        await app.run_action("help_quit")
        assert f"press {session.key('quit')}. {session.key('suspend')} goes" in app.notices.notices[-1].text
        assert_no_old_key(app, KEYS)


@pytest.mark.slow
async def test_no_sentence_names_a_key_that_was_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = make_app(HostTree.small(tmp_path, FRAGMENTED).root, order=6, keymap=moved(KEYS, SAVE_MENU))
    async with running(app) as pilot:
        await until(pilot, lambda: app.main.session.disabled_reason is not None)
        session, main = app.main.session, app.main
        assert isinstance(main, LiveScreen) and main.remedies is not None
        session.remedies = RemedyState(running="Compact all")
        assert f"({session.key('abort')} aborts)" in str(main.remedies.line)
        session.remedies = RemedyState()
        main.action_recovery()
        assert f"{session.key('history')} shows logged ones" in app.notices.notices[-1].text
        main.action_baseline()
        assert session.baseline is not None and session.baseline.reason == f"key {session.key('baseline')}"
        app.push_screen(GuardDialog(Policy(), GuardContext("node-7", 4096, tmp_path, True, True, "f1", "f2")))
        await until(pilot, lambda: "f1 switches it off, f2 aborts a run" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        for open_page in (main.action_help, main.action_save):
            open_page()
            await until(pilot, lambda: app.screen is not app.main)
            await pilot.pause()
            assert_no_old_key(app, (*KEYS, *SAVE_MENU), "Esc")
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.main)
        main.action_save("record")
        ends = f"{session.key('save')} {main.save_keys[-1].shown} ends it"
        assert ends in app.notices.notices[-1].text
        main.action_save("record")


@pytest.mark.slow
async def test_a_replay_names_no_key_that_was_moved(tmp_path: Path) -> None:
    recording = read_recording(REPOSITORY / "screenshots/incident.rec")
    keymap = moved(REPLAY_KEYS, SAVE_MENU)
    app = ReplayApp(lambda deliver, crash: Player(recording, deliver, crash), keymap=keymap)
    async with app.run_test(size=(120, 40)) as pilot:
        session = app.main.session
        await until(pilot, lambda: session.snapshot is not None)
        assert f"{session.key('next-event')} goes to the next" in text_of(app)
        assert_no_old_key(app, REPLAY_KEYS)
        app.player.to_end(beginning=False)
        await until(pilot, lambda: app.player.position.at_end)
        assert session.remedy_line is not None
        assert f"({session.key('recovery')}: before and after)" in session.remedy_line[0]
        await until(pilot, lambda: bool(session.failures.rows))
        assert_no_old_key(app, REPLAY_KEYS)


@pytest.mark.parametrize("width", [58, 118, 198])
@pytest.mark.parametrize("in_card", [False, True])
def test_the_note_about_root_names_the_key_that_hides_it(width: int, in_card: bool) -> None:
    text = " ".join(root_lines(("remedies",), "fragtui", width, "f9", in_card=in_card))
    assert "f9" in text and "Esc" not in text
