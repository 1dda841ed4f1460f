"""A check leaves /proc/pagetypeinfo alone, whose walk holds the zone lock, if nothing in it can change the answer."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.kernel.procfs.pagetypeinfo import PageTypeInfo, TypeBlocks, ZonePageblocks
from fragtui.kernel.procfs.version import parse_version
from fragtui.kernel.procfs.zoneinfo import ZoneInfo
from fragtui.model.node.snapshot import Host, PageTypeReading, Snapshot, Zone
from fragtui.model.node.target_zones import needs_page_types
from fragtui.model.node.verdict import judge_node
from fragtui.model.state.node_state import node_state
from fragtui.render.card.state_text import sentence
from tests.support.examples import examples
from tests.support.node_states import pages_of

PLENTY = (30_000, 20_000, 9_000, 8_000, 6_000, 4_000, 2_000, 900, 500, 400, 900)
MANAGED = 5_000_000


def node(blocks: tuple[int, ...] = PLENTY, release: str = "6.8.0", **facts: int | None) -> Snapshot:
    known = {"free": pages_of(blocks), "min": 11_000, "present": MANAGED, "managed": MANAGED, "cma": 0, "free_cma": 0}
    info = ZoneInfo(0, "Normal", **{**known, **facts}, protection=(0, 0))
    zone = Zone(ZoneBlocks(0, "Normal", blocks), info)
    host = Host("node", release, parse_version(release), 4096)
    return Snapshot(time=0.0, monotonic=0.0, host=host, zones=(zone,), zone_infos=(info,))


def test_a_node_with_many_large_blocks_needs_no_types() -> None:
    assert not needs_page_types(node(), 3)


def test_types_are_needed_where_blocks_are_few_or_a_number_is_unknown() -> None:
    assert needs_page_types(node(), 8), "2,350 blocks are given to the block"
    assert needs_page_types(node((30_000, 20_000, 9_000)), 3)
    for missing in ("free", "managed", "min", "cma"):
        facts: dict[str, Any] = {missing: None, **({"free_cma": None} if missing == "cma" else {})}
        assert needs_page_types(node(**facts), 3), missing
    assert needs_page_types(node(cma=900_000, free_cma=pages_of(PLENTY) - 4_000), 3), "nearly all of it is CMA's"
    assert needs_page_types(node(free=pages_of(PLENTY) - 1_300_000), 3), "the rest is isolated"
    assert needs_page_types(node(min=pages_of(PLENTY) - 40_000), 3), "the watermark is near"
    assert needs_page_types(node()._replace(zones=None), 3), "no zone is known"


@given(
    free=st.tuples(*(st.integers(0, 3 * count) for count in PLENTY)),
    parts=st.tuples(*(st.tuples(*(st.floats(0, 0.4) for _ in range(3))) for _ in PLENTY)),
    order=st.integers(0, 5),
    release=st.sampled_from(["4.18.0", "5.15.0", "6.8.0", "6.12.0"]),
)
@examples(150)
def test_no_lists_change_what_is_said_without_them(
    free: tuple[int, ...], parts: tuple[tuple[float, float, float], ...], order: int, release: str
) -> None:
    cma, isolated, atomic = (tuple(int(n * part[i]) for n, part in zip(free, parts, strict=True)) for i in range(3))
    reserved = MANAGED // 100
    kept, left = [], reserved
    for k, count in enumerate(atomic):
        kept.append(min(count, left >> k))
        left -= kept[-1] << k
    plain = node(free, release, free=pages_of(free) - pages_of(isolated), cma=MANAGED // 2, free_cma=pages_of(cma))
    if needs_page_types(plain, order):
        return
    rows = (("CMA", cma), ("Isolate", isolated), ("HighAtomic", tuple(kept)))
    types = PageTypeInfo(
        9,
        512,
        tuple(TypeBlocks(0, "Normal", name, counts) for name, counts in rows),
        (ZonePageblocks(0, "Normal", (("HighAtomic", reserved // 512),)),),
    )
    known = plain._replace(page_types=PageTypeReading(types, 0.0, 0.01))
    said, told = (node_state(snapshot, judge_node(snapshot, order)) for snapshot in (plain, known))
    assert (said.state, said.severity, said.judgement.kernel) == (told.state, told.severity, told.judgement.kernel)
    assert said.judgement.largest_order == told.judgement.largest_order
    assert sentence(said).split(":")[0] == sentence(told).split(":")[0]
