import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.procfs.version import parse_version
from fragtui.model.node.snapshot import Host
from fragtui.model.node.verdict import Severity, judge_node
from fragtui.model.node.watermark import Rule, Verdict
from fragtui.model.node.zonelist import rule_for
from fragtui.model.state.node_state import node_state
from fragtui.render.card.state_text import badge, sentence
from fragtui.sources.host.reader import NodeReader, ReadBudget
from fragtui.ui.keys import KEYS
from tests.support.host_tree import FRAGMENTED, HEALTHY, HostTree, ZoneFacts


def test_a_complete_host_is_read(root: Path) -> None:
    snapshot = NodeReader(root).sample()
    assert snapshot.host.name == "node-7"
    assert snapshot.host.version is not None
    assert snapshot.zones is not None
    assert [zone.key for zone in snapshot.zones] == [(0, "DMA"), (0, "DMA32"), (0, "Normal")]
    assert snapshot.zones[2].free_blocks == HEALTHY
    assert snapshot.zones[2].info is not None
    assert snapshot.zones[2].info.min == 11_000
    assert snapshot.page_types is not None
    assert snapshot.meminfo["Dirty"] == 12_000 * 1024
    assert snapshot.pressure is not None
    assert not snapshot.unreadable


def test_verdicts_of_a_healthy_and_a_fragmented_host(tree: HostTree) -> None:
    reader = NodeReader(tree.root)
    snapshot = reader.sample()
    assert badge(node_state(snapshot, judge_node(snapshot, 3))) == "OK"
    tree.zones[1].free_blocks = tree.zones[2].free_blocks = FRAGMENTED
    tree.write()
    reader = NodeReader(tree.root)
    snapshot = reader.sample()
    judgement = judge_node(snapshot, 4)
    assert judgement.kernel is Verdict.FRAGMENTED
    assert judgement.severity is Severity.CRITICAL
    assert judgement.largest_order == 3
    text = sentence(node_state(snapshot, judgement))
    assert "No free 64K block." in text
    assert "in pieces of 32K or less" in text


@pytest.mark.parametrize("name", ["buddyinfo", "zoneinfo", "pagetypeinfo", "meminfo", "vmstat", "pressure/memory"])
def test_each_file_can_vanish_and_come_back(tree: HostTree, name: str) -> None:
    (tree.root / "proc" / name).unlink()
    reader = NodeReader(tree.root)
    snapshot = reader.sample()
    assert snapshot.why(name) == "no such file or directory"
    assert (snapshot.zones is None) == (name == "buddyinfo")
    judge_node(snapshot, 3)
    tree.write()
    reader = NodeReader(tree.root)
    assert reader.sample().why(name) is None


def test_a_host_of_which_only_buddyinfo_was_saved(fragmented: Path) -> None:
    text = (fragmented / "proc/buddyinfo").read_text()
    saved = fragmented / "saved"
    saved.mkdir()
    (saved / "buddyinfo").write_text(text)
    snapshot = NodeReader(saved).sample()
    judgement = judge_node(snapshot, 4)
    assert judgement.kernel is Verdict.FRAGMENTED
    assert not judgement.watermarks_known
    assert "Judged by the blocks alone" in sentence(node_state(snapshot, judgement))
    assert snapshot.host.name is None


def test_saved_files_without_buddyinfo_have_the_time_of_the_others(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    (tmp_path / "proc/buddyinfo").unlink()
    for file in (tmp_path / "proc").rglob("*"):
        os.utime(file, (1.6e9, 1.6e9))
    assert NodeReader(tmp_path).sample().time == 1.6e9


def test_an_unreadable_buddyinfo_is_unknown_not_zero(root: Path) -> None:
    (root / "proc/buddyinfo").unlink()
    (root / "proc/buddyinfo").mkdir()
    snapshot = NodeReader(root).sample()
    judgement = judge_node(snapshot, 3)
    assert judgement.severity is Severity.UNKNOWN
    assert judgement.free_pages is None
    assert "Can't judge" in sentence(node_state(snapshot, judgement))


def test_hotplug_fourteen_orders_and_sixteen_nodes(tmp_path: Path) -> None:
    tree = HostTree.numa(tmp_path, nodes=16, orders=14)
    reader = NodeReader(tmp_path)
    snapshot = reader.sample()
    assert snapshot.zones is not None
    assert len(snapshot.zones) == 16
    assert len(snapshot.zones[0].free_blocks) == 14
    tree.zones.append(ZoneFacts(16, "Movable", (1,) * 14))
    tree.write()
    snapshot = NodeReader(tmp_path).sample()
    assert snapshot.zone((16, "Movable")) is not None
    assert not next(zone for zone in judge_node(snapshot, 3).zones if zone.zone.name == "Movable").serves_kernel


def test_a_numa_node_without_blocks_is_reported(tmp_path: Path) -> None:
    tree = HostTree.numa(tmp_path, nodes=2)
    tree.zones[1].free_blocks = FRAGMENTED
    tree.write()
    snapshot = NodeReader(tmp_path).sample()
    judgement = judge_node(snapshot, 5)
    assert judgement.kernel is Verdict.AVAILABLE
    assert judgement.nodes_without == (1,)
    assert judgement.severity is Severity.CRITICAL, "half of the nodes"
    assert "1 of 2 NUMA nodes" in sentence(node_state(snapshot, judgement))


def test_the_rule_is_asked_of_the_migratetypes_before_the_version(tree: HostTree) -> None:
    tree.release = "6.8.0"
    tree.migratetypes = ("Unmovable", "Reclaimable", "Movable", "Reserve", "Isolate")
    tree.write()
    assert rule_for(NodeReader(tree.root).sample()) is Rule.HALVING
    (tree.root / "proc/pagetypeinfo").unlink()
    assert rule_for(NodeReader(tree.root).sample()) is Rule.FREE_LIST


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads what is 0400")
def test_a_file_that_needs_root(root: Path) -> None:
    (root / "proc/pagetypeinfo").chmod(0)
    assert NodeReader(root).sample().why("pagetypeinfo") == "no permission (needs root)"


def test_a_dear_file_is_read_seldom() -> None:
    pace = ReadBudget(share=0.0005, least=10.0)
    assert pace.due(0.0)
    pace.took(100.0, 0.014)
    assert not pace.due(127.0)
    assert pace.due(129.0)
    pace.took(200.0, 0.0001)
    assert not pace.due(209.0)
    assert pace.due(210.0)


@given(st.lists(st.tuples(st.floats(0.01, 30), st.floats(0, 0.5), st.booleans()), min_size=1, max_size=60))
def test_readings_on_demand_are_paid_for_by_later_turns(steps: list[tuple[float, float, bool]]) -> None:
    """At each turn that comes by itself, all that was read before it is under its share of the time since the first."""
    pace = ReadBudget(share=0.0005, least=10.0)
    now = first = 1000.0
    spent = 0.0
    for wait, seconds, asked in steps:
        now += wait
        if pace.due(now):
            assert spent <= 0.0005 * (now - first) + 1e-6
        elif not asked:
            continue
        now += seconds
        spent += seconds
        pace.took(now, seconds)


def test_files_that_are_replaced_are_followed(tree: HostTree) -> None:
    """What rsync does: a new file renamed over the old one."""
    reader = NodeReader(tree.root)
    reader.sample()
    other = HostTree.small(tree.root / "other", FRAGMENTED)
    for name in ("buddyinfo", "zoneinfo", "meminfo", "vmstat"):
        (other.root / "proc" / name).replace(tree.root / "proc" / name)
    snapshot = reader.sample()
    assert snapshot.zones is not None
    assert snapshot.zones[2].free_blocks == FRAGMENTED
    (tree.root / "proc/buddyinfo").unlink()
    assert reader.sample().why("buddyinfo") == "no such file or directory"


def test_watermarks_of_an_earlier_tick_are_not_compared_with_new_free_pages(tmp_path: Path) -> None:
    """On large machines /proc/zoneinfo is read every few seconds, and caches are dropped in between."""
    tree = HostTree.small(tmp_path, (100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    reader = NodeReader(tmp_path)
    assert judge_node(reader.sample(), 3).kernel is Verdict.SHORT
    reader._zoneinfo_pace.took(time.monotonic(), 100.0)
    tree.zones[1].free_blocks = tree.zones[2].free_blocks = HEALTHY
    tree.write()
    assert judge_node(reader.sample(), 3).kernel is Verdict.AVAILABLE
    tree.zones[1].free_blocks = tree.zones[2].free_blocks = (100, *(0,) * 10)
    tree.write()
    assert judge_node(reader.sample(), 3).kernel is Verdict.SHORT


def test_links_to_files_outside_the_tree_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("root:x:0:0\n")
    tree = HostTree.small(tmp_path / "tree")
    for name in ("buddyinfo", "meminfo"):
        (tree.root / "proc" / name).unlink()
    (tree.root / "proc/buddyinfo").symlink_to(tmp_path / "secret")
    (tree.root / "proc/meminfo").symlink_to("../../secret")
    snapshot = NodeReader(tree.root).sample()
    assert snapshot.why("buddyinfo") is not None
    assert "root:" not in "".join(map(str, snapshot.unreadable))


@pytest.mark.parametrize(
    ("release", "blocks", "unasked", "asked"),
    [
        ("6.8.0", 5_000_000, True, True),
        ("5.4.0", 5_000_000, True, True),
        ("5.3.18-lp152", 90_000, True, True),
        ("3.10.0-693.el7.x86_64", 320_000, False, True),
        ("4.14.105-19-0019", 5_000_000, False, False),
    ],
)
def test_an_older_kernel_is_not_made_to_walk_long_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str, blocks: int, unasked: bool, asked: bool
) -> None:
    """A tree of files represents that kernel's procfs: only what is opened, and when, matters."""
    tree = HostTree.small(tmp_path, (blocks, *(0,) * 10))
    tree.release = release
    tree.write()
    monkeypatch.setattr("fragtui.sources.host.reader.is_live", lambda root: True)
    monkeypatch.setattr(
        "fragtui.sources.host.reader.read_host", lambda root, tree: Host("n", release, parse_version(release), 4096)
    )
    reader = NodeReader(tmp_path)
    first = reader.sample()
    assert (first.page_types is not None) is unasked
    assert (first.why("pagetypeinfo") is None) is unasked
    why, (key,) = str(first.why("pagetypeinfo")), [key.shown for key in KEYS if key.action == "page_types"]
    assert unasked or "with interrupts off" in why
    assert (f"{key} on the screen reads it" in why) is (asked and not unasked)
    second = reader.sample(page_types=True)
    assert (second.page_types is not None) is asked
    third = reader.sample()
    assert (third.page_types is not None) is asked, "what was read on demand is not forgotten"
