"""The empty lists and the note about root, on the real screen: a tick only with proof, and each reason in its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.source_state import AS_ROOT, Sight
from fragtui.render.source_text import SightLine
from fragtui.ui.app import FragtuiApp
from fragtui.ui.panels.failures import FailuresPanel
from fragtui.ui.panels.pods import PodsPanel
from fragtui.ui.panels.sight_rows import sight_style
from tests.sources.pods.test_proof import processes, silent
from tests.support.host_tree import FRAGMENTED, HEALTHY, HostTree
from tests.support.screen import SIZES, lines_of, make_app, running, text_of, until
from tests.support.trusted import programs_in, trusted_folder

COMMAND = "/usr/local/bin/fragtui"


def style_of(app: FragtuiApp, panel: type[FailuresPanel] | type[PodsPanel], words: str) -> str:
    """Return the style of the span that holds these words."""
    lines = app.main.dashboard.panel(panel)._lines
    return next(style for line in lines for text, style in line.spans if words in text)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
async def test_none_is_green_with_what_was_read(tmp_path: Path, size: tuple[int, int]) -> None:
    HostTree.small(tmp_path)
    kernel, kubelet = tmp_path / "kern.log", tmp_path / "kubelet.log"
    kernel.write_text("Nov 29 09:00:01 node kernel: eth0: up\n" * 1204)
    kubelet.write_text("I1129 09:00:00.000000 1 kubelet.go:1] hello\n" * 3)
    app = make_app(tmp_path, kernel_log=str(kernel), kubelet_log=str(kubelet))
    async with running(app, size) as pilot:
        await until(pilot, lambda: "✓ none in the kernel log: 1,204 lines" in text_of(app))
        await until(pilot, lambda: "✓ none by the kubelet log: 3 lines" in text_of(app))
        assert style_of(app, FailuresPanel, "✓ none") == style_of(app, PodsPanel, "✓ none") == "good"


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
async def test_what_cannot_be_read_is_unknown_with_its_reason(tmp_path: Path, size: tuple[int, int]) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path, kernel_log="auto", kubelet_log="auto")
    async with running(app, size) as pilot:
        await until(pilot, lambda: "? unknown: the kernel log can't be read:" in text_of(app))
        await until(pilot, lambda: "? unknown: the " in text_of(app).split("Stuck pods")[1])
        assert "✓ none" not in text_of(app)
        assert style_of(app, FailuresPanel, "? unknown") == style_of(app, PodsPanel, "? unknown") == "unknown"


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
async def test_a_host_without_a_kubelet_is_neither_green_nor_an_alarm(tmp_path: Path, size: tuple[int, int]) -> None:
    HostTree.small(tmp_path)
    (tmp_path / "var/log/journal").mkdir(parents=True)
    processes(tmp_path, "systemd", "kthreadd")
    with trusted_folder() as folder, programs_in(folder):
        silent(folder)
        app = make_app(tmp_path, kernel_log="auto", kubelet_log="auto")
        async with running(app, size) as pilot:
            await until(pilot, lambda: "no kubelet on this host: " in text_of(app))
            await until(pilot, lambda: app.main.session.failures.state.sight is Sight.BLIND)
            assert style_of(app, PodsPanel, "no kubelet on this host") == "muted"
            assert "✓ none" not in text_of(app) and "kubelet log: read" not in text_of(app)
            assert re.search("Stuck pods +none", text_of(app)) is None


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("blocks", [HEALTHY, FRAGMENTED], ids=["healthy", "fragmented"])
async def test_without_root_one_note_says_what_is_missing_until_esc(
    tmp_path: Path, blocks: tuple[int, ...], size: tuple[int, int]
) -> None:
    HostTree.small(tmp_path, blocks)
    app = make_app(tmp_path, as_root=COMMAND, order=4)
    async with running(app, size) as pilot:
        session = app.main.session
        await until(pilot, lambda: session.failures.source is not None and session.pods is not None)
        assert "Not root" not in text_of(app), "nothing is known to be missing"
        why = "/dev/kmsg: operation not permitted"
        session.failures.take(KernelLogUpdate((), (), 0, (), "none", why, 0, "", AS_ROOT))
        session.disabled_reason = "must be root: effective uid is 65534"
        app.main.show()
        await until(pilot, lambda: "Not root" in text_of(app))
        commands = [row for row in lines_of(app) if f"sudo {COMMAND}" in row]
        (note,) = (row for row in lines_of(app) if "Not root" in row)
        assert "denied requests" in note and "remedies" in note and "…" not in note
        # The last line of the card says it for a healthy node, the note for one that needs a remedy.
        assert len(commands) == 1 and "fragtui doctor" in commands[0]
        assert ("Try" in commands[0]) == (blocks is HEALTHY)
        assert f"? unknown: the kernel log needs root ({why})"[: size[0] - (24 if size == SIZES[0] else 10)] in text_of(
            app
        )
        footer = lines_of(app)[-1]
        assert "Help" in footer, "the footer keeps its place"
        await pilot.press("escape")
        await until(pilot, lambda: "Not root" not in text_of(app))
        assert lines_of(app)[-1] == footer


def test_none_without_its_proof_is_not_green() -> None:
    assert sight_style(SightLine(Sight.LOOKED, "none in the kernel log")) == "muted"
    assert sight_style(SightLine(Sight.LOOKED, "✓ none in the kernel log: 1 record")) == "good"
    assert sight_style(SightLine(Sight.BLIND, "? unknown: x")) == "unknown"


async def test_a_wide_screen_without_a_zone_has_no_fault(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with running(app, (200, 50)) as pilot:
        await until(pilot, lambda: "no zone can be shown" in text_of(app))


async def test_root_and_saved_files_have_no_note(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path, kernel_log="auto")
    async with running(app) as pilot:
        await until(pilot, lambda: app.main.session.failures.state.sight is Sight.BLIND)
        app.main.session.disabled_reason = "must be root: effective uid is 65534"
        app.main.show()
        await pilot.pause()
        assert "Not root" not in text_of(app)
        await pilot.press("escape")
