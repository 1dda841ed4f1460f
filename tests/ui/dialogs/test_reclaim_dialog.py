"""The questions before one cgroup is reclaimed, and before a ladder that may begin with that."""

from functools import partial
from pathlib import Path

import pytest

from fragtui.model.node.cgroup_memory import CgroupMemory
from fragtui.remedies.catalogue import Remedy, compact_all, drop_caches, reclaim_cgroup
from fragtui.sources.host.reader import NodeReader
from fragtui.ui.dialogs.remedy_dialogs import DialogContext, EscalationDialog, ReclaimDialog
from fragtui.ui.pages.cgroup_page import beside_lines
from tests.support.cgroup_tree import OTHER_PODS, put_v2
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.person import press
from tests.support.screen import make_app, running, text_of, until, words_of

MIB = 1 << 20
pytestmark = pytest.mark.slow


def cgroup(name: str, cache: int, dirty: int = 0) -> CgroupMemory:
    return CgroupMemory(f"/{name}", f"sys/fs/cgroup/{name}", 2, 30, 77, cache, dirty, None)


def context(root: Path) -> DialogContext:
    return DialogContext(NodeReader(root).sample(page_types=True), 6, Path("/"), Path("/var/log/audit.jsonl"))


async def test_it_says_what_is_written_for_which_pod_and_the_next_is_a_key_away(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path)
    pairs = tuple(
        (reclaim_cgroup(each, name), reclaim_cgroup(each, name, sync=True))
        for name, each in (("shop/web-0", cgroup("a", 900 * MIB)), ("shop/db-0", cgroup("b", 300 * MIB)))
    )
    answers: list[Remedy | None] = []
    async with running(app) as pilot:
        dialog = ReclaimDialog(context(tmp_path), pairs, partial(beside_lines, app.main.session))
        app.push_screen(dialog, answers.append)
        await until(pilot, lambda: "Reclaim the page cache of shop/web-0" in text_of(app))
        await pilot.pause()
        assert f"Command echo -n {900 * MIB} > /sys/fs/cgroup/a/memory.reclaim" in words_of(app, "#dialog-page")
        assert "900M of this cgroup's page cache" in words_of(app, "#dialog-page")
        assert "p next (1 of 2)" in text_of(app)
        await pilot.press("p")
        await until(pilot, lambda: "shop/db-0" in text_of(app))
        assert dialog.answer is pairs[1][0]
        await pilot.press("s")
        assert dialog.answer is pairs[1][1]
        await pilot.press("p", "escape")
        await until(pilot, lambda: bool(answers))
    assert answers == [None]


@pytest.mark.parametrize(
    ("cache", "first"),
    [
        (3000 * MIB, "Gentlest Reclaim the page cache of shop/web-0 is expected to suffice"),
        (MIB, "– skipped: forecast"),
    ],
)
async def test_the_ladder_names_the_gentlest_that_suffices_and_what_it_skips(
    cache: int, first: str, tmp_path: Path
) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path)
    steps = (reclaim_cgroup(cgroup("a", cache), "shop/web-0"), drop_caches(1, sync=False), compact_all())
    async with running(app) as pilot:
        app.push_screen(EscalationDialog(context(tmp_path), steps, 64, ("nudge-kcompactd: before 5.15",)))
        await until(pilot, lambda: "Run remedies step by step" in text_of(app))
        await pilot.pause()
        assert first in words_of(app, "#dialog-page"), words_of(app, "#dialog-page")
        assert "Left out nudge-kcompactd: before 5.15" in words_of(app, "#dialog-page")
        if cache == MIB:
            assert "Gentlest Drop page cache is expected to suffice" in words_of(app, "#dialog-page")


async def test_saved_files_have_no_cgroup_to_reclaim_and_the_reason_is_shown(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    put_v2(tmp_path, OTHER_PODS, 90 * MIB)
    app = make_app(tmp_path, cgroups=True)
    async with running(app) as pilot:
        await until(pilot, lambda: app.main.session.disabled_reason is not None)
        await press(pilot, "R")
        await until(pilot, lambda: "No remedy can be run here" in text_of(app))
