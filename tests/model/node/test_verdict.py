"""Numbers of a node -> what the kernel does with a request, as tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.kernel.procfs.pagetypeinfo import PageTypeInfo, TypeBlocks, ZonePageblocks
from fragtui.kernel.procfs.version import parse_version
from fragtui.kernel.procfs.zoneinfo import ZoneInfo
from fragtui.model.node.snapshot import Host, PageTypeReading, Snapshot, Zone
from fragtui.model.node.target_zones import target_blocks, usable_blocks
from fragtui.model.node.verdict import NodeJudgement, RequestOutcome, Severity, State, judge_node
from fragtui.model.node.watermark import Hidden, RequestKind, Rule, Verdict, ZoneState, verdicts
from fragtui.model.node.zonelist import kernel_reserve
from fragtui.model.state.node_state import node_state
from fragtui.render.card.state_text import badge, outlook, sentence
from fragtui.sources.host.reader import NodeReader
from tests.support.host_tree import DMA, HEALTHY, HostTree, ZoneFacts
from tests.support.places import SAMPLES

AVAILABLE, RESERVED, FRAGMENTED, SHORT, UNKNOWN = Verdict
AT_ONCE, WAITS, MAY_FAIL, MAY_KILL, NO_ANSWER = RequestOutcome


@dataclass(frozen=True)
class Case:
    """One zone beside an x86 DMA zone, 20 GB, min 11000 pages, 300000 pages of page cache unless said otherwise."""

    name: str
    blocks: tuple[int, ...]
    order: int
    verdict: Verdict
    severity: Severity
    gets: RequestOutcome
    words: str
    min: int = 11_000
    boost: int = 0
    file: int | None = 300_000
    cma: int = 0
    free: int | None = None
    release: str = "6.8.0"
    types: dict[str, tuple[int, ...]] = field(default_factory=dict)
    reserved_highatomic: int = 0
    """Pageblocks."""


# Free memory of a file server, 64 GB and months up: 700 MB scattered, the rest page cache.
FILE_SERVER = (100_000, 24_000, 5_000, 600, 40, 3, 0, 0, 0, 0, 0)
SCATTERED = (120_000, 30_000, 1_000, 0, 0, 0, 0, 0, 0, 0, 0)
FRESH_BOOT = (40, 30, 25, 20, 15, 10, 8, 6, 5, 4, 4500)
IDLE_DESKTOP = (9_000, 7_000, 5_000, 3_000, 1_500, 700, 300, 150, 80, 40, 200)

TABLE = [
    Case("freshly booted", FRESH_BOOT, 3, AVAILABLE, Severity.FINE, AT_ONCE, "32K succeed: room for about 600,000"),
    Case("freshly booted, largest", FRESH_BOOT, 10, AVAILABLE, Severity.FINE, AT_ONCE, "room for 4500 of them, the"),
    Case("idle desktop", IDLE_DESKTOP, 3, AVAILABLE, Severity.FINE, AT_ONCE, "Largest free block: 4M."),
    Case("busy file server", FILE_SERVER, 3, AVAILABLE, Severity.FINE, AT_ONCE, "32K succeed: room for 692"),
    Case("file server, sandbox order", FILE_SERVER, 5, AVAILABLE, Severity.WARNING, AT_ONCE, "low: 3 blocks of 128K"),
    Case("thinning", (400_000, 9_000, 100, 100, 9), 3, AVAILABLE, Severity.WARNING, AT_ONCE, "in smaller pieces"),
    Case("order 3 after a wait", SCATTERED, 3, FRAGMENTED, Severity.WARNING, WAITS, "No free 32K block"),
    Case("no cache to reclaim", SCATTERED, 3, FRAGMENTED, Severity.CRITICAL, MAY_KILL, "No free 32K", file=20_000),
    Case("cache unknown", SCATTERED, 3, FRAGMENTED, Severity.CRITICAL, NO_ANSWER, "No free 32K block", file=None),
    Case("costly order", SCATTERED, 4, FRAGMENTED, Severity.CRITICAL, MAY_FAIL, "No free 64K block."),
    Case("boost reserves blocks", HEALTHY, 3, RESERVED, Severity.CRITICAL, WAITS, "(min watermark, 3.8G",
         min=1_010_000, boost=999_000, file=3_000_000),
    Case("boost reserves costly blocks", HEALTHY, 5, RESERVED, Severity.CRITICAL, MAY_FAIL, "of it a boost",
         min=1_010_000, boost=999_000, file=3_000_000),
    Case("at the min watermark", (9_000, 900, 50, 0, 0), 3, SHORT, Severity.CRITICAL, WAITS, "Not fragmented:"),
    Case("at the min watermark, blocks", (9_000, 500, 50, 8), 3, RESERVED, Severity.CRITICAL, WAITS,
         "Not fragmented:"),
    Case("drained", (100, 0, 0, 0, 0), 3, SHORT, Severity.CRITICAL, MAY_KILL, "400K is free and the kernel keeps 43M"),
    Case("out of memory", (100, 0, 0, 0, 0), 0, SHORT, Severity.CRITICAL, MAY_KILL, "Not fragmented: 400K"),
    Case("a page and no more", (20_000, 0, 0, 0, 0), 0, AVAILABLE, Severity.FINE, AT_ONCE, "Requests of 4K succeed"),
    Case("above the largest", HEALTHY, 11, UNKNOWN, Severity.UNKNOWN, NO_ANSWER, "There is no order 11 here"),
    Case("CMA alone has blocks", (30_000, 0, 0, 40, 0), 3, RESERVED, Severity.CRITICAL, WAITS, "kept for CMA;",
         cma=320, types={"CMA": (0, 0, 0, 40, 0)}),
    Case("CMA makes up the free memory", (10_500, 0, 0, 400), 3, RESERVED, Severity.CRITICAL, WAITS,
         "Not fragmented: 41M", cma=3_200, types={"CMA": (0, 0, 0, 400)}),
    Case("highatomic alone has blocks", (30_000, 0, 0, 40), 3, RESERVED, Severity.CRITICAL, WAITS, "kept for ato",
         types={"HighAtomic": (0, 0, 0, 40)}, release="6.12.0"),
    # 4.4 to 6.11 take off the whole reservation, 6.12 what of it is free: 2 pageblocks of 512 pages, 80 of them free.
    Case("6.11 takes off the reservation", (11_300, 0, 0, 75), 3, RESERVED, Severity.CRITICAL, WAITS,
         "Not fragmented: 42M",
         types={"HighAtomic": (80,)}, reserved_highatomic=2, release="6.11.0"),
    Case("6.12 takes off its free pages", (11_300, 0, 0, 75), 3, AVAILABLE, Severity.FINE, AT_ONCE, "of 32K succeed",
         types={"HighAtomic": (80,)}, reserved_highatomic=2, release="6.12.0"),
    Case("3.10 wants the watermark above", (400_000, 0, 0, 100), 3, RESERVED, Severity.CRITICAL, WAITS,
         "by this kernel's rule", release="3.10.0-1160.el7.x86_64"),
    Case("4.4 does not", (100_000, 0, 0, 600), 3, AVAILABLE, Severity.FINE, AT_ONCE, "of 32K succeed", release="4.4.0"),
    Case("elrepo's 5.4 does not", (400_000, 9_000, 5_000, 900), 3, AVAILABLE, Severity.FINE, AT_ONCE, "of 32K succeed",
         release="5.4.278-1.el7.elrepo.x86_64"),
]  # fmt: skip


def snapshot_of(case: Case) -> Snapshot:
    pages = sum(count << order for order, count in enumerate(case.blocks))
    dma = (0,) * (len(case.blocks) - 1) + (30,)
    infos = (
        ZoneInfo(0, "DMA", free=3840, min=10, present=3998, managed=3840, file=0, protection=(0, 24090, 24090)),
        ZoneInfo(
            0, "Normal", free=pages if case.free is None else case.free, min=case.min, boost=case.boost,
            present=5_000_000, managed=5_000_000, file=case.file, free_cma=case.cma, protection=(0, 0, 0),
        ),
    )  # fmt: skip
    types = PageTypeInfo(
        9,
        512,
        tuple(TypeBlocks(0, "Normal", name, counts) for name, counts in {"Movable": (), **case.types}.items()),
        (ZonePageblocks(0, "Normal", (("HighAtomic", case.reserved_highatomic),)),),
    )
    zones = (Zone(ZoneBlocks(0, "DMA", dma), infos[0]), Zone(ZoneBlocks(0, "Normal", case.blocks), infos[1]))
    return Snapshot(
        time=0.0,
        monotonic=0.0,
        host=Host("node", case.release, parse_version(case.release), 4096),
        zones=zones,
        zone_infos=infos,
        page_types=PageTypeReading(types, 0.0, 0.01),
    )


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_each_case_of_the_table_has_its_verdict(case: Case) -> None:
    snapshot = snapshot_of(case)
    judgement = judge_node(snapshot, case.order)
    told = sentence(node_state(snapshot, judgement))
    assert (judgement.kernel, judgement.severity, judgement.gets) == (case.verdict, case.severity, case.gets), told
    assert case.words in told
    state = node_state(snapshot, judgement)
    assert state.severity is judgement.severity
    assert (outlook(state) is None) == (
        case.gets in {AT_ONCE, NO_ANSWER} and judgement.state is not State.OUT_OF_MEMORY
    )


def test_an_invalid_order_has_no_number_of_blocks() -> None:
    """A guard set to it must not take that for a want of blocks and drop caches for ever."""
    snapshot = snapshot_of(TABLE[0])
    assert usable_blocks(snapshot, 10) == target_blocks(snapshot, 10) == 4500
    assert usable_blocks(snapshot, 11) is None and target_blocks(snapshot, 11) is None


def test_a_request_of_a_cheap_order_waits_and_one_that_cannot_wait_is_refused() -> None:
    case = next(case for case in TABLE if case.name == "order 3 after a wait")
    snapshot = snapshot_of(case)
    assert outlook(node_state(snapshot, judge_node(snapshot, 3))) == (
        "new requests get a block after a wait; atomic (network) ones fail at once"
    )


def test_the_atomic_reserve_is_reported() -> None:
    case = next(case for case in TABLE if case.name == "highatomic alone has blocks")
    snapshot = snapshot_of(case)
    assert "still get one" in str(outlook(node_state(snapshot, judge_node(snapshot, 3))))


# (min, GFP_KERNEL, GFP_ATOMIC): 80 free pages in ten blocks of order 3, 73 when one has been taken.
MARKS = [
    (72, AVAILABLE, AVAILABLE),
    (73, RESERVED, AVAILABLE),
    (192, RESERVED, AVAILABLE),
    (193, RESERVED, RESERVED),
]


@pytest.mark.parametrize(("mark", "kernel", "atomic"), MARKS)
@pytest.mark.parametrize("rule", Rule)
def test_a_watermark_counts_to_the_page(mark: int, kernel: Verdict, atomic: Verdict, rule: Rule) -> None:
    state = ZoneState((0, 0, 0, 10), 80, mark)
    assert verdicts(state, RequestKind.GFP_KERNEL, rule)[3] is kernel
    assert verdicts(state, RequestKind.GFP_ATOMIC, rule)[3] is atomic


hidden = st.builds(Hidden, st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 3000), st.booleans())
states = st.builds(
    ZoneState,
    free_blocks=st.lists(st.integers(0, 3000), min_size=11, max_size=11).map(tuple),
    free_pages=st.none() | st.integers(0, 60_000),
    mark=st.none() | st.integers(0, 40_000),
    reserve=st.integers(0, 20_000),
    boost=st.integers(0, 20_000),
    highatomic_pages=st.integers(0, 3000),
    cma_pages=st.integers(0, 3000),
    foreign_blocks=st.just(()) | st.lists(st.integers(0, 3000), min_size=11, max_size=11).map(tuple),
    highatomic_blocks=st.just(()),
    hidden=st.just(Hidden()) | hidden,
)


@given(states, st.sampled_from(Rule), st.integers(0, 10))
def test_a_block_for_waiting_requests_is_also_for_atomic_ones(state: ZoneState, rule: Rule, order: int) -> None:
    if verdicts(state, RequestKind.GFP_KERNEL, rule)[order] is AVAILABLE:
        assert verdicts(state, RequestKind.GFP_ATOMIC, rule)[order] is AVAILABLE


@given(states, st.sampled_from(RequestKind), st.sampled_from(Rule), st.integers(1, 10))
def test_available_means_a_block_and_reserved_too(
    state: ZoneState, request_: RequestKind, rule: Rule, order: int
) -> None:
    verdict = verdicts(state, request_, rule)[order]
    found = {AVAILABLE, RESERVED, UNKNOWN} if state.hidden.possible else {AVAILABLE, RESERVED}
    assert (verdict in found) == any(state.free_blocks[order:])


@given(states, st.sampled_from(RequestKind), st.integers(0, 10))
def test_the_old_rule_never_gives_what_the_new_one_refuses(state: ZoneState, request_: RequestKind, order: int) -> None:
    if verdicts(state, request_, Rule.HALVING)[order] is AVAILABLE:
        assert verdicts(state, request_, Rule.FREE_LIST)[order] is AVAILABLE


def infos(*zones: tuple[str, int, tuple[int, ...]]) -> list[ZoneInfo]:
    return [ZoneInfo(0, name, present=present, protection=row) for name, present, row in zones]


@pytest.mark.parametrize(
    ("zones", "reserves"),
    [
        # x86-64 since 4.12: all zones are listed, Device too.
        ((("DMA", 3998, (0, 3019, 24090, 24090, 24090)), ("DMA32", 782336, (0, 0, 21071, 21071, 21071)),
          ("Normal", 5505024, (0,) * 5), ("Movable", 0, (0,) * 5), ("Device", 0, (0,) * 5)), (24090, 21071, 0, 0, 0)),
        # A Movable zone raises the row once more, which is not for kernel requests.
        ((("DMA", 3998, (0, 3019, 24090, 30000)), ("DMA32", 782336, (0, 0, 21071, 27000)),
          ("Normal", 5505024, (0, 0, 0, 9000)), ("Movable", 900000, (0,) * 4)), (24090, 21071, 0, 0)),
        # Before: populated zones only.
        ((("DMA", 3998, (0, 3019, 24090, 24090)), ("DMA32", 782336, (0, 0, 21071, 21071)),
          ("Normal", 5505024, (0,) * 4)), (24090, 21071, 0)),
        ((("DMA", 3998, (0, 3019, 24090, 30000)), ("DMA32", 782336, (0, 0, 21071, 27000)),
          ("Normal", 5505024, (0, 0, 0, 9000)), ("Movable", 900000, (0,) * 4)), (24090, 21071, 0, 0)),
        # A small VM: nothing above 4 GiB.
        ((("DMA", 3998, (0, 3019, 3019, 3019)), ("DMA32", 782336, (0,) * 4)), (3019, 0)),
        # arm64: DMA below 4 GiB, no DMA32; and DMA32 built in, but empty, before 4.12.
        ((("DMA", 500000, (0, 9000, 9000)), ("Normal", 900000, (0, 0, 0))), (9000, 0)),
        ((("DMA", 523216, (0, 0, 122877, 122877)), ("Normal", 33030144, (0,) * 4)), (122877, 0)),
        ((("DMA", 500000, (0, 0, 0)),), (0,)),
        # i386: HighMem is not for kernel requests.
        ((("DMA", 3998, (0, 800, 4000, 4000)), ("Normal", 220000, (0, 0, 25600, 25600)),
          ("HighMem", 819200, (0,) * 4)), (800, 0, 0)),
        # lowmem_reserve_ratio 0 switches it off.
        ((("DMA", 3998, (0, 0, 0, 0)), ("DMA32", 782336, (0,) * 4), ("Normal", 5505024, (0,) * 4)), (0, 0, 0)),
    ],
)  # fmt: skip
def test_the_lowmem_reserve_against_kernel_requests(
    zones: tuple[tuple[str, int, tuple[int, ...]], ...], reserves: tuple[int, ...]
) -> None:
    of_node = infos(*zones)
    assert tuple(kernel_reserve(info, of_node) for info in of_node) == reserves


def tree_judged(tree: HostTree, order: int) -> tuple[Snapshot, NodeJudgement]:
    tree.write()
    snapshot = NodeReader(tree.root).sample()
    return snapshot, judge_node(snapshot, order)


def test_the_dma_zone_of_another_node_than_the_first(tmp_path: Path) -> None:
    """Before 4.12 node 0 may list Normal alone: its place there is not its index on node 1."""
    tree = HostTree(
        tmp_path,
        [
            ZoneFacts(0, "Normal", (9_000, 0, 0, 0, 0), reserve=(0, 0, 0, 0)),
            ZoneFacts(1, "DMA", (0, 0, 0, 0, 30), min=10, reserve=(0, 3019, 24090, 24090), managed=3840, file=0),
            ZoneFacts(1, "DMA32", (9_000, 0, 0, 0, 0), reserve=(0, 0, 21071, 21071), managed=770_000),
            ZoneFacts(1, "Normal", (9_000, 0, 0, 0, 0), reserve=(0, 0, 0, 0)),
        ],
        release="4.4.0",
    )
    snapshot, judgement = tree_judged(tree, 3)
    assert not next(zone for zone in judgement.zones if zone.zone.name == "DMA").target
    assert judgement.kernel is SHORT
    assert snapshot.zones is not None


def test_sparse_nodes_and_nodes_of_movable_memory(tmp_path: Path) -> None:
    """A node of CXL memory has Movable alone: its blocks are not for the kernel, nor missed there."""
    tree = HostTree.numa(tmp_path, nodes=1)
    tree.zones += [
        ZoneFacts(8, "Normal", (20_000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
        ZoneFacts(9, "Movable", (0,) * 10 + (9_000,)),
    ]
    snapshot, judgement = tree_judged(tree, 5)
    assert judgement.kernel is AVAILABLE
    assert judgement.nodes_without == (8,)
    assert ": node 8. Room for 701 on the rest." in sentence(node_state(snapshot, judgement))
    tree.zones[0].free_blocks = (20_000,) + (0,) * 10
    _, judgement = tree_judged(tree, 5)
    assert judgement.kernel is FRAGMENTED
    assert judgement.blocks == 0


def test_blocks_of_a_reserved_zone_do_not_count_as_available(tmp_path: Path) -> None:
    tree = HostTree.numa(tmp_path, nodes=2)
    tree.zones[0].free_blocks = (0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0)
    tree.zones[1].free_blocks = (20_000, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0)
    snapshot, judgement = tree_judged(tree, 3)
    assert judgement.blocks == 3
    assert "1 of 2 NUMA nodes has no free 32K block" in sentence(node_state(snapshot, judgement))


@pytest.mark.parametrize(("page", "orders", "largest"), [(65536, 14, "512M"), (16384, 12, "32M"), (4096, 11, "4M")])
def test_block_sizes_follow_the_page_size(tmp_path: Path, page: int, orders: int, largest: str) -> None:
    tree = HostTree.numa(tmp_path, nodes=1, orders=orders)
    tree.write()
    snapshot = NodeReader(tmp_path).sample()
    snapshot = snapshot._replace(host=snapshot.host._replace(page_size=page))
    judgement = judge_node(snapshot, 3)
    assert f"Largest free block: {largest}." in sentence(node_state(snapshot, judgement))
    assert f"There is no order {orders} here" in sentence(node_state(snapshot, judge_node(snapshot, orders)))


def test_rhel_6_prints_no_managed_pages_and_its_dma_zone_is_no_target(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path, (410_000, 96_000, 12_000, 40, 0, 0, 0, 0, 0, 0, 0))
    tree.release = "2.6.32-754.el6.x86_64"
    tree.migratetypes = ("Unmovable", "Reclaimable", "Movable", "Reserve", "Isolate")
    tree.write()
    path = tmp_path / "proc/zoneinfo"
    path.write_text("".join(line for line in path.open() if "managed" not in line))
    judgement = judge_node(NodeReader(tmp_path).sample(), 5)
    assert [zone.zone.name for zone in judgement.serving] == ["DMA32", "Normal"]
    assert judgement.kernel is FRAGMENTED
    assert judgement.rule is Rule.HALVING


def test_dma_blocks_do_not_count_without_zoneinfo_either(tmp_path: Path) -> None:
    HostTree.small(tmp_path, (410_000, 96_000, 12_000, 40, 0, 0, 0, 0, 0, 0, 0))
    (tmp_path / "proc/zoneinfo").unlink()
    snapshot = NodeReader(tmp_path).sample()
    judgement = judge_node(snapshot, 9)
    assert DMA[9]
    assert judgement.kernel is FRAGMENTED
    assert judgement.gets is MAY_FAIL
    assert badge(node_state(snapshot, judgement)) == "FRAGMENTED"
    assert "Judged by the blocks alone" in sentence(node_state(snapshot, judgement))


# What public files of nodes in trouble say of each order, buddyinfo alone; (file, kernel, order, verdict).
PUBLIC = [
    # The node of the seed document: sandboxes asked for order 5 and 6 and had none; order 3 was there.
    ("buddyinfo-seed-1.txt", "3.10.0-693.el7.x86_64", 3, AVAILABLE),
    ("buddyinfo-seed-1.txt", "3.10.0-693.el7.x86_64", 4, FRAGMENTED),
    ("buddyinfo-seed-1.txt", "3.10.0-693.el7.x86_64", 6, FRAGMENTED),
    ("buddyinfo-veth-before-drop.txt", "5.10.0", 9, AVAILABLE),
    ("buddyinfo-veth-after-drop.txt", "5.10.0", 9, AVAILABLE),
    ("buddyinfo-el7-frag-1.txt", "3.10.0-957.el7.x86_64", 6, AVAILABLE),
    ("buddyinfo-el7-frag-1.txt", "3.10.0-957.el7.x86_64", 9, FRAGMENTED),
]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not beside this checkout")
@pytest.mark.parametrize(("name", "release", "order", "verdict"), PUBLIC)
def test_public_buddyinfo_samples_are_judged(
    tmp_path: Path, name: str, release: str, order: int, verdict: Verdict
) -> None:
    (tmp_path / "buddyinfo").write_text((SAMPLES / name).read_text())
    (tmp_path / "uname").write_text(f"Linux node {release} #1 SMP x86_64 GNU/Linux\n")
    snapshot = NodeReader(tmp_path).sample()
    assert judge_node(snapshot, order).kernel is verdict


# Both nodes of buddyinfo-el7-frag-1.txt: by the old rule, too, no min watermark below all that is free bars order 6.
EL7_NODE_0 = (104076, 127563, 70473, 24828, 7589, 1506, 176, 5550, 5297, 0, 0)
EL7_NODE_1 = (108359, 115466, 52431, 12910, 3762, 796, 185, 69, 1147, 0, 0)


@pytest.mark.parametrize(
    ("blocks", "mark", "verdict"),
    [
        (EL7_NODE_0, 22_528, AVAILABLE),
        (EL7_NODE_0, 1 << 20, AVAILABLE),
        (EL7_NODE_1, 22_528, AVAILABLE),
        (EL7_NODE_1, 1 << 20, AVAILABLE),
        (EL7_NODE_1, 1_052_263, RESERVED),
    ],
)
def test_el7_gives_order_6_from_176_blocks_at_any_likely_watermark(
    blocks: tuple[int, ...], mark: int, verdict: Verdict
) -> None:
    pages = sum(count << order for order, count in enumerate(blocks))
    assert verdicts(ZoneState(blocks, pages, mark), RequestKind.GFP_KERNEL, Rule.HALVING)[6] is verdict
