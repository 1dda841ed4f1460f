"""What a job needs, held against texts of /proc: what is counted, and what stays unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.watermark import Hidden, Rule, ZoneState, blocks_above_floor
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.need import Fulfilled, Need, check_need, held_by_processes, missing_bytes, too_much, view_of
from fragtui.sources.host.reader import NodeReader
from fragtui.text import parse_size
from tests.support.host_tree import FRAGMENTED, HEALTHY, HostTree, ZoneFacts

M2 = 2 << 20
ALL = Effect(sync=True, page_cache=True, slab=True, compact=True)


def sampled(tree: HostTree) -> Snapshot:
    reader = NodeReader(tree.root)
    try:
        return reader.sample(page_types=True)
    finally:
        reader.close()


def two_nodes(root: Path) -> HostTree:
    tree = HostTree(root, [ZoneFacts(0, "Normal", HEALTHY), ZoneFacts(1, "Normal", FRAGMENTED)])
    tree.write()
    return tree


def test_a_larger_block_counts_as_its_multiple(tmp_path: Path) -> None:
    found = check_need(sampled(two_nodes(tmp_path)), Need(1, M2))
    assert found.blocks == found.possible == HEALTHY[9] + 2 * HEALTHY[10]
    assert found.by_node == {0: found.blocks, 1: 0} and found.order == 9
    assert check_need(sampled(two_nodes(tmp_path)), Need(1, 4 << 20)).blocks == HEALTHY[10]


@pytest.mark.parametrize(
    ("need", "fulfilled"),
    [
        (Need(1810, M2), Fulfilled.YES),
        (Need(1811, M2), Fulfilled.NO),
        (Need(1, M2, node=0), Fulfilled.YES),
        (Need(1, M2, node=1), Fulfilled.NO),
        (Need(1, M2, node=2), Fulfilled.UNKNOWN),
        (Need(1, M2, free=1 << 30), Fulfilled.YES),
        (Need(1, M2, free=1 << 40), Fulfilled.NO),
        (Need(1, M2, node=1, free=2 << 30), Fulfilled.NO),
        (Need(1, 8 << 20), Fulfilled.UNKNOWN),
        (Need(1, 1024), Fulfilled.UNKNOWN),
    ],
)
def test_a_need_is_met_denied_or_unknown(tmp_path: Path, need: Need, fulfilled: Fulfilled) -> None:
    found = check_need(sampled(two_nodes(tmp_path)), need)
    assert found.fulfilled is fulfilled
    assert (found.why is not None) == found.lasting == (fulfilled is Fulfilled.UNKNOWN)


def test_a_numa_node_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path) -> None:
    found = check_need(sampled(two_nodes(tmp_path)), Need(1, M2, node=2))
    assert found.why == "no NUMA node 2 here, only 0, 1"


def test_blocks_below_the_watermark_do_not_count(tmp_path: Path) -> None:
    tree = HostTree(tmp_path, [ZoneFacts(0, "Normal", (0,) * 9 + (100,), min=60 * 512)])
    tree.write()
    assert check_need(sampled(tree), Need(1, M2)).blocks == 40


def test_without_files_blocks_are_possible_and_not_sure(tmp_path: Path) -> None:
    tree = two_nodes(tmp_path)
    (tmp_path / "proc/pagetypeinfo").unlink()
    zoneinfo = tmp_path / "proc/zoneinfo"
    zoneinfo.write_text(
        zoneinfo.read_text()
        .replace("nr_free_cma  0", f"nr_free_cma  {1000 * 512}", 1)
        .replace("cma      0", f"cma      {1000 * 512}", 1)
    )
    found = check_need(sampled(tree), Need(801, M2))
    assert found.blocks is not None and found.blocks <= 810 and found.possible == 810
    assert found.fulfilled is Fulfilled.UNKNOWN and "pagetypeinfo" in str(found.why) and not found.lasting
    assert check_need(sampled(tree), Need(1000, M2)).fulfilled is Fulfilled.NO
    zoneinfo.unlink()
    found = check_need(sampled(tree), Need(10, M2))
    assert found.blocks == 0 and found.fulfilled is Fulfilled.UNKNOWN and "zoneinfo" in str(found.why)
    (tmp_path / "proc/buddyinfo").unlink()
    found = check_need(sampled(tree), Need(10, M2))
    assert found.blocks is None and found.fulfilled is Fulfilled.UNKNOWN and "buddyinfo" in str(found.why)


def test_free_memory_that_no_file_shows_is_unknown(tmp_path: Path) -> None:
    tree = two_nodes(tmp_path)
    (tmp_path / "proc/meminfo").unlink()
    found = check_need(sampled(tree), Need(1, M2, free=1))
    assert found.free is None and found.fulfilled is Fulfilled.UNKNOWN


def test_more_than_the_node_has_is_no_need(tmp_path: Path) -> None:
    snapshot = sampled(two_nodes(tmp_path))
    assert too_much(snapshot, Need(19_000, M2)) is None
    assert "needed" in str(too_much(snapshot, Need(20_000, M2)))
    assert "needed" in str(too_much(snapshot, Need(10_000, M2, node=0)))
    assert "free memory" in str(too_much(snapshot, Need(1, M2, free=64 << 30)))


def test_what_must_be_freed_first_and_who_holds_it(tmp_path: Path) -> None:
    tree = two_nodes(tmp_path)
    snapshot = sampled(tree)
    assert missing_bytes(snapshot, Need(2500, M2)) == 0
    assert missing_bytes(snapshot, Need(1, M2, free=(snapshot.meminfo["MemFree"]) + 5)) == 5
    assert (missing_bytes(snapshot, Need(6000, M2, node=1)) or 0) > 0
    (tmp_path / "proc/zoneinfo").unlink()
    assert missing_bytes(sampled(tree), Need(2500, M2)) is None, "unknown is not all of it"
    assert held_by_processes(snapshot) is None
    assert held_by_processes(snapshot._replace(meminfo={"AnonPages": 5, "Shmem": 2})) == 7


def test_the_forecast_is_that_of_the_numa_node(tmp_path: Path) -> None:
    snapshot = sampled(two_nodes(tmp_path))
    both, first, second = (view_of(snapshot, Need(1, M2, node)).gain(ALL).blocks for node in (None, 0, 1))
    assert both is not None and first is not None and second is not None
    assert abs(both - first - second) <= 1 and second > 0


def test_the_last_block_is_the_one_that_a_watermark_denies() -> None:
    """Take block after block by the kernel's own test, and count."""
    for rule in Rule:
        for free in range(0, 4000, 333):
            state = ZoneState((free % 7, 3, 0, free), 3 * 2 + free % 7 + free * 8, mark=700, reserve=90, cma_pages=40)
            left, taken = state, 0
            while left.free_blocks[3] and _passes(left, rule):
                blocks = (*left.free_blocks[:3], left.free_blocks[3] - 1)
                left, taken = left._replace(free_blocks=blocks, free_pages=(left.free_pages or 0) - 8), taken + 1
            assert min(free, blocks_above_floor(state, 3, rule) or 0) == taken, (rule, free)
    hidden = Hidden(atomic=80)
    sure, worst = (blocks_above_floor(state._replace(hidden=hidden), 3, Rule.FREE_LIST, worst=w) for w in (False, True))
    assert sure is not None and worst == sure - 10
    assert blocks_above_floor(state._replace(mark=None), 3, Rule.FREE_LIST) is None


def _passes(state: ZoneState, rule: Rule) -> bool:
    """mm/page_alloc.c __zone_watermark_ok, 4.4 and later, and 4.3."""
    free = (state.free_pages or 0) - 7 - state.cma_pages
    if free <= (state.mark or 0) + state.reserve:
        return False
    if rule is Rule.FREE_LIST:
        return True
    free, mark = (state.free_pages or 0) - 7, state.mark or 0
    for lower in range(3):
        free -= state.free_blocks[lower] << lower
        mark >>= 1
        if free <= mark:
            return False
    return True


@pytest.mark.parametrize(
    ("text", "size"),
    [("-1M", None), ("32M", 32 << 20), ("1G", 1 << 30), ("64KiB", 64 << 10), ("2TB", 2 << 40),
     ("0M", None), ("32", None), ("٣M", None), ("9999999999M", None), ("", None)],
)  # fmt: skip
def test_sizes_are_read(text: str, size: int | None) -> None:
    assert parse_size(text) == size
