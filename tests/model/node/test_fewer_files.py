"""What is said of a node without some of its files is never better than what is said with all of them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.kernel.procfs.pagetypeinfo import PageTypeInfo, TypeBlocks, ZonePageblocks
from fragtui.kernel.procfs.version import parse_version
from fragtui.kernel.procfs.zoneinfo import ZoneInfo, parse_zoneinfo
from fragtui.model.node.snapshot import Host, PageTypeReading, Snapshot, Zone
from fragtui.model.node.verdict import Severity, State, judge_node
from fragtui.model.node.watermark import Verdict
from fragtui.model.state.node_state import NextStep, node_state
from fragtui.render.card.state_text import sentence
from fragtui.sources.host.reader import NodeReader
from tests.support.examples import examples
from tests.support.host_tree import HEALTHY, HostTree
from tests.support.machines import MACHINES, machine
from tests.support.node_states import pages_of
from tests.support.pairs import read_pairs, snapshot_of

ORDERS, PAGEBLOCK, MANAGED = 11, 512, 5_000_000
TYPES = ("Movable", "CMA", "Isolate", "HighAtomic")


def node(lists: list[dict[str, tuple[int, ...]]], release: str, mark: int, *, printed: bool = False) -> Snapshot:
    """Return a node with the free blocks of each type for each NUMA node, all files read."""
    zones, rows, pageblocks = [], [], []
    for number, free in enumerate(lists):
        blocks = tuple(sum(counts) for counts in zip(*free.values(), strict=True))
        info = ZoneInfo(
            number, "Normal", free=pages_of(blocks) - pages_of(free["Isolate"]), min=mark, present=MANAGED,
            managed=MANAGED, cma=MANAGED // 2, free_cma=pages_of(free["CMA"]), file=900_000, protection=(0, 0),
            free_highatomic=pages_of(free["HighAtomic"]) if printed else None,
        )  # fmt: skip
        zones.append(Zone(ZoneBlocks(number, "Normal", blocks), info))
        rows += [TypeBlocks(number, "Normal", name, counts) for name, counts in free.items()]
        reserved = -(-pages_of(free["HighAtomic"]) // PAGEBLOCK)
        pageblocks.append(ZonePageblocks(number, "Normal", (("HighAtomic", reserved),)))
    types = PageTypeInfo(9, PAGEBLOCK, tuple(rows), tuple(pageblocks))
    return Snapshot(
        time=0.0,
        monotonic=0.0,
        host=Host("node", release, parse_version(release), 4096),
        zones=tuple(zones),
        zone_infos=tuple(zone.info for zone in zones if zone.info),
        page_types=PageTypeReading(types, 0.0, 0.01),
    )


@st.composite
def free_lists(draw: st.DrawFn, most_atomic: int) -> dict[str, tuple[int, ...]]:
    """Draw the free blocks of a zone by type: any few of them, isolated ones by pageblocks."""
    numbers = random.Random(draw(st.integers(0, 1 << 32)))
    free = {}
    for name in TYPES:
        scale = draw(st.sampled_from((0, 0, 3, 40, 2000)))
        counts = [numbers.choice((0, numbers.randint(0, scale))) >> order // 2 for order in range(ORDERS)]
        if name == "Isolate":
            counts[:9] = [0] * 9
        if name == "HighAtomic":
            left = most_atomic
            for order, count in enumerate(counts):
                counts[order] = min(count, left >> order)
                left -= counts[order] << order
        free[name] = tuple(counts)
    free["Movable"] = (numbers.choice((0, 9_000, 60_000)), *free["Movable"][1:])
    return free


@given(st.data(), st.integers(0, ORDERS - 1), st.sampled_from((100, 11_000)), st.integers(1, 3))
@examples(200)
def test_without_pagetypeinfo_nothing_is_better_if_zoneinfo_counts_each_kind(
    data: st.DataObject, order: int, mark: int, nodes: int
) -> None:
    full = node([data.draw(free_lists(60_000)) for _ in range(nodes)], "6.20.0", mark, printed=True)
    seen, known = (judge_node(snapshot, order) for snapshot in (full._replace(page_types=None), full))
    assert seen.severity >= known.severity, (seen.state, known.state)
    assert known.kernel is Verdict.AVAILABLE or seen.kernel is not Verdict.AVAILABLE
    assert known.atomic is Verdict.AVAILABLE or seen.atomic is not Verdict.AVAILABLE


@given(
    st.data(), st.integers(0, ORDERS - 1), st.sampled_from((100, 11_000)), st.integers(1, 3),
    st.sampled_from(("4.18.0", "5.15.0", "6.8.0", "6.12.0")),
)  # fmt: skip
@examples(200)
def test_a_reserve_for_atomic_requests_that_no_file_counts_is_never_ok(
    data: st.DataObject, order: int, mark: int, nodes: int, release: str
) -> None:
    full = node([data.draw(free_lists(MANAGED // 100)) for _ in range(nodes)], release, mark)
    seen, known = (judge_node(snapshot, order) for snapshot in (full._replace(page_types=None), full))
    assert known.state is State.OK or seen.state is not State.OK
    blind = judge_node(_without_zoneinfo(full), order)
    assert blind.state is not State.OK and blind.severity is not Severity.FINE


def _without_zoneinfo(snapshot: Snapshot) -> Snapshot:
    zones = tuple(zone._replace(info=None) for zone in snapshot.zones or ())
    return snapshot._replace(zones=zones, zone_infos=(), page_types=None)


@pytest.mark.slow
@pytest.mark.parametrize("name", MACHINES)
def test_no_machine_is_better_without_some_of_its_files(tmp_path: Path, name: str) -> None:
    root = machine(name, tmp_path)
    whole = NodeReader(root).sample()
    for lacks in (("pagetypeinfo",), ("pagetypeinfo", "meminfo"), ("zoneinfo",), ("zoneinfo", "pagetypeinfo")):
        for path in lacks:
            (root / "proc" / path).unlink(missing_ok=True)
        snapshot = NodeReader(root).sample()
        for order in range(12):
            seen, known = judge_node(snapshot, order), judge_node(whole, order)
            assert known.kernel is Verdict.AVAILABLE or seen.kernel is not Verdict.AVAILABLE, (lacks, order)
            assert seen.severity >= known.severity, (lacks, order)
            assert "zoneinfo" not in lacks or seen.state is not State.OK, (lacks, order)
        machine(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("lacks", [("pagetypeinfo",), ("zoneinfo",), ("zoneinfo", "pagetypeinfo")])
def test_no_pair_is_better_without_some_of_its_files(lacks: tuple[str, ...]) -> None:
    for pair in read_pairs():
        seen, known = (judge_node(snapshot_of(pair, without), pair.order) for without in (lacks, ()))
        assert known.kernel is Verdict.AVAILABLE or seen.kernel is not Verdict.AVAILABLE, pair[:4]
        assert seen.severity >= known.severity, pair[:4]


def cma_node(order_9: int = 4697) -> Snapshot:
    """A GB10-like node whose free blocks of order 9 are all CMA's, as in an issue of its kernel."""
    own = (90_000, 60_000, 40_000, 3_000, 2_000, 1_000, 500, 0, 0, 0, 0)
    none = (0,) * ORDERS
    return node(
        [{"Movable": own, "CMA": (*none[:9], order_9, 0), "Isolate": none, "HighAtomic": none}], "6.14.0", 16_000
    )


def test_blocks_that_may_all_be_cma_are_unknown_and_the_sentence_has_both_sums() -> None:
    full = cma_node()
    blind = full._replace(page_types=None)
    known = node_state(full, judge_node(full, 9))
    seen = node_state(blind, judge_node(blind, 9))
    assert (known.state, seen.state, seen.severity) == (State.RESERVED, State.UNKNOWN, Severity.UNKNOWN)
    assert "1.9G is free for the kernel (and 9.2G CMA), but each 2M block is kept" in sentence(known)
    assert sentence(seen) == (
        "2M blocks are free, but they may all be CMA (9.2G) or kept for atomic requests: "
        "/proc/pagetypeinfo: not read yet."
    )
    assert seen.advice.step is NextStep.UNBLIND
    lower = judge_node(blind, 3)
    assert lower.kernel is Verdict.AVAILABLE and lower.state is State.OK, "not all of these can be CMA's"
    assert judge_node(full, 3).blocks == 3_000 + 2 * 2_000 + 4 * 1_000 + 8 * 500 == lower.blocks


def test_a_text_that_is_cut_off_before_its_cma_pages_is_not_one_without_cma() -> None:
    full = cma_node()
    zone = full.zones[0] if full.zones else None
    assert zone is not None and zone.info is not None
    cut = zone._replace(info=zone.info._replace(cma=None, free_cma=None))
    assert judge_node(full._replace(zones=(cut,), page_types=None), 9).kernel is Verdict.UNKNOWN
    types = full.page_types
    assert types is not None
    torn = types._replace(info=types.info._replace(free=(*types.info.free[:1], types.info.free[1]._replace(node=5))))
    assert judge_node(full._replace(page_types=torn), 9).kernel is Verdict.UNKNOWN


def test_a_count_that_stopped_at_the_cap_hides_no_block() -> None:
    """From 5.4 on a count ends at >100000: the other lists show how many of the blocks may be CMA's."""
    own, none = (0,) * ORDERS, (0,) * ORDERS
    full = node([{"Movable": own, "CMA": (0, 0, 0, 300_000, *none[4:]), "Isolate": none, "HighAtomic": none}], "6.8", 9)
    types = full.page_types
    assert types is not None
    rows = list(types.info.free)
    rows[1] = rows[1]._replace(free_blocks=(0, 0, 0, 100_000, *none[4:]), capped=frozenset({3}))
    capped = full._replace(page_types=types._replace(info=types.info._replace(free=tuple(rows))))
    assert judge_node(capped, 3).kernel is Verdict.RESERVED
    assert judge_node(capped, 3).blocks == 0


def test_free_highatomic_pages_are_read_behind_the_per_cpu_lists() -> None:
    text = (
        "Node 0, zone   Normal\n  pages free     500\n        min      5\n        managed  900\n        cma      0\n"
        "        protection: (0, 0)\n      nr_free_cma  7\n  pagesets\n    cpu: 0\n              count:    3\n"
        "              high:     9\n  node_unreclaimable:  0\n  start_pfn:           1\n"
        "  reserved_highatomic: 512\n  free_highatomic:     41\n"
    )
    (info,) = parse_zoneinfo(text)
    assert (info.free_highatomic, info.free_cma, info.percpu, info.high) == (41, 7, 3, None)
    (info,) = parse_zoneinfo(text.removesuffix("\n"))
    assert info.free_highatomic is None, "a torn line"


def test_zoneinfo_that_is_empty_is_a_warning(tmp_path: Path) -> None:
    HostTree.small(tmp_path, HEALTHY)
    (tmp_path / "proc/zoneinfo").write_text("")
    snapshot = NodeReader(tmp_path).sample()
    state = node_state(snapshot, judge_node(snapshot, 3))
    assert (state.state, state.severity, state.advice.step) == (State.LOW, Severity.WARNING, NextStep.UNBLIND)
    assert "watermarks unknown" in sentence(state)


def test_without_zoneinfo_blocks_are_unknown_if_the_kernel_keeps_as_much_as_is_free(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path, HEALTHY)
    (tmp_path / "proc/zoneinfo").unlink()
    free = sum(zone.free for zone in tree.zones) * 4
    for kept, state in ((free // 3, State.LOW), (free, State.UNKNOWN)):
        cache = 1_000_000
        tree.put(
            "proc/meminfo",
            f"MemTotal: 90000000 kB\nMemFree: {free} kB\nMemAvailable: {free + 2 * cache - kept} kB\n"
            f"Active(file): {cache} kB\nInactive(file): {cache} kB\nSReclaimable: 0 kB\n",
        )
        snapshot = NodeReader(tmp_path).sample()
        found = node_state(snapshot, judge_node(snapshot, 3))
        assert found.state is state
    assert sentence(found) == (
        "32K blocks are free, but they may all be kept by the watermarks: /proc/zoneinfo: no such file or directory."
    )
