"""Remedies on the screen of a remote node: the question, the run by the fragtui there, and what forbids it here."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from fragtui.ui.dialogs.remedy_dialogs import RemedyDialog
from fragtui.ui.replay_app import StreamApp
from fragtui.ui.screens import remote_remedies
from tests.support.host_tree import FRAGMENTED
from tests.support.person import press
from tests.support.remote_node import RemoteLink, ScriptNode, stream_app
from tests.support.screen import SIZES, lines_of, running, text_of, until

BEGUN = """echo '{"remedy": "drop-caches-1", "id": "a1", "result": null, "seconds": 0.1}'"""
ABORTED = """echo '{"result": "aborted", "explanation": "Drop page cache: aborted after 0.3s"}'"""
REFUSED = """echo '{"result": "refused", "explanation": "read_only of FRAGTUI_READ_ONLY"}'; exit 3"""


def app_of(path: Path, script: str = "exit 9", read_only: str | None = None) -> tuple[StreamApp, RemoteLink]:
    remote = RemoteLink(path, ScriptNode("sh", "-c", f"echo $0 $@ >> {shlex.quote(str(path / 'asked'))}; {script}"))
    remote.tree.zones[1].free_blocks = remote.tree.zones[2].free_blocks = FRAGMENTED
    return stream_app(remote, read_only), remote


def asked(path: Path) -> list[str]:
    return (path / "asked").read_text().splitlines() if (path / "asked").exists() else []


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])
async def test_the_question_names_the_node_the_command_and_what_is_not_known(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    app, _ = app_of(tmp_path)
    async with running(app, size) as pilot:
        await press(pilot, "1")
        await until(pilot, lambda: isinstance(app.screen, RemedyDialog))
        await pilot.pause()
        page = app.screen.query_one("#dialog-page")
        words = " ".join(" ".join(t for row in page._lines for t, _ in row.spans).split())  # type: ignore[attr-defined]
        for part in (
            "Command ssh node-7 sudo -n fragtui drop-caches 1 --yes --attached=node-7 --order 4",
            "there: echo -n 1 > /proc/sys/vm/drop_caches",
            "Expected frees about",
            "Cost · ",
            "Logged to the audit log of node-7, before it runs",
            "Not known over a stream: waits for disks, who holds the page cache; whether root and the policy",
        ):
            assert part in words, words
        assert "on node-7 now?" in text_of(app) and "y runs it" in text_of(app)
        assert app.focused is app.screen.query_one("#cancel")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.main)
        assert asked(tmp_path) == []


async def test_the_second_key_runs_it_there_and_the_abort_key_ends_it(tmp_path: Path) -> None:
    app, _ = app_of(tmp_path, f"{BEGUN}; read line; {ABORTED}; exit 130")
    async with running(app, (120, 40)) as pilot:
        await press(pilot, "1", "s", "y")
        await until(pilot, lambda: "⟳ Sync, then drop page cache on node-7: " in text_of(app))
        assert asked(tmp_path) == ["drop-caches 1 --sync --yes --attached=node-7 --order 4"]
        await press(pilot, "c")
        await until(pilot, lambda: "another remedy is running; x aborts it" in text_of(app))
        assert app.main.running == (
            "Sync, then drop page cache is running on node-7. Quitting aborts it; its end is in the audit log there.",
        )
        await press(pilot, "x")
        await until(pilot, lambda: "✗ node-7: Drop page cache: aborted after 0.3s." in text_of(app))
        assert "Remote remedy: node-7: Drop page cache: aborted" in text_of(app)
        assert not app.main.running


async def test_a_refusal_there_is_shown_with_its_reason(tmp_path: Path) -> None:
    app, _ = app_of(tmp_path, REFUSED)
    async with running(app) as pilot:
        await press(pilot, "K")
        assert "compact --gentle --yes" in text_of(app) and "there: echo" not in text_of(app)
        await press(pilot, "y")
        await until(pilot, lambda: "✗ Not run on node-7: read_only of FRAGTUI_READ_ONLY" in text_of(app))


async def test_what_a_link_does_not_carry_is_said(tmp_path: Path) -> None:
    app, remote = app_of(tmp_path)
    async with running(app) as pilot:
        assert [app.main.check_action(action, ()) for action in ("guard", "reclaim", "remedy")] == [None, None, True]
        await press(pilot, "l")
        await until(pilot, lambda: "Not over a link: run it there: ssh -t node-7 sudo fragtui" in text_of(app))
        await press(pilot, "R")
        await until(pilot, lambda: "Not over a link: run it there: ssh -t node-7 sudo fragtui reclaim" in text_of(app))
        assert remote.node is not None
        remote.node.reports.append("kubectl debug makes a pod")
        await until(pilot, lambda: "kubectl debug makes a pod" in text_of(app))
        remote.cut()
        await until(pilot, lambda: f"⚠ {remote.name} lost" in lines_of(app)[0])
        await press(pilot, "1")
        await until(pilot, lambda: f"Can't be run: {remote.name} is lost: " in text_of(app))
        assert app.screen is app.main and asked(tmp_path) == []


async def test_what_forbids_remedies_here_forbids_them_there_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, _ = app_of(tmp_path / "a", read_only="--read-only")
    assert app.main.disabled_because("remedy") == "started with --read-only"
    policy = tmp_path / "etc/fragtui/config.toml"
    policy.parent.mkdir(parents=True)
    policy.write_text('allowed_remedies = ["compact"]\nconfirm = "type"\n')
    policy.chmod(0o644)
    monkeypatch.setattr(remote_remedies, "_HERE", tmp_path)
    app, remote = app_of(tmp_path / "b", REFUSED)
    async with running(app) as pilot:
        await press(pilot, "1")
        await until(pilot, lambda: any("allows only compact" in notice.text for notice in app.notices.notices))
        await press(pilot, "c", "y")
        text = policy.read_text()
        policy.write_text(text.replace("compact", "sync"))
        await pilot.press(*"node-7")
        await press(pilot, "enter")
        await until(pilot, lambda: any("allows only sync" in notice.text for notice in app.notices.notices))
        policy.write_text(text)
        remote.sample()
        await press(pilot, "c", "y")
        assert "asks for the node's name: type node-7" in text_of(app) and asked(tmp_path / "b") == []
        await pilot.press(*"node-7")
        await press(pilot, "enter")
        await until(pilot, lambda: len(asked(tmp_path / "b")) == 1)
