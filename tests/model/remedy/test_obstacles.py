"""What stands in the way of a block: the parts of a zone, and None for what no file shows."""

from __future__ import annotations

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.kernel.procfs.pagetypeinfo import PageTypeInfo, TypeBlocks, ZonePageblocks
from fragtui.kernel.procfs.zoneinfo import ZoneInfo
from fragtui.model.node.snapshot import Host, PageTypeReading, Snapshot, Zone
from fragtui.model.remedy.obstacles import obstacles

FREE = (1000, 500, 0, 4)
INFO = ZoneInfo(
    0,
    "Normal",
    free=2032,
    min=100,
    low=200,
    high=300,
    present=100_000,
    managed=100_000,
    file=30_000,
    lru=50_000,
    percpu=500,
    free_cma=0,
    protection=(0, 0, 0, 0),
)


def node(info: ZoneInfo | None = INFO, types: bool = True, **facts: object) -> Snapshot:
    rows = tuple(
        TypeBlocks(0, "Normal", name, counts)
        for name, counts in (
            ("Unmovable", (800, 100, 0, 0)),
            ("Movable", (200, 400, 0, 3)),
            ("HighAtomic", (0, 0, 0, 1)),
        )
    )
    blocks = ZonePageblocks(0, "Normal", (("Unmovable", 40), ("Movable", 150), ("HighAtomic", 5), ("Isolate", 0)))
    reading = PageTypeReading(PageTypeInfo(9, 512, rows, (blocks,)), 90.0, 0.001)
    return Snapshot(
        time=1e9,
        monotonic=100.0,
        host=Host("node-7", None, None, 4096),
        zones=(Zone(ZoneBlocks(0, "Normal", FREE), info),),
        zone_infos=(info,) if info else (),
        page_types=reading if types else None,
        **facts,  # type: ignore[arg-type]
    )


def test_the_parts_add_up_to_the_zone() -> None:
    snapshot = node(
        meminfo={"Cached": 120_000 << 10, "Active(file)": 60_000 << 10, "Inactive(file)": 60_000 << 10, "Mapped": 0},
        vmstat={"nr_foll_pin_acquired": 900, "nr_foll_pin_released": 400, "nr_mlock": 7},
    )
    assert snapshot.zones is not None
    found = obstacles(snapshot, snapshot.zones[0], 3)
    assert (found.free, found.small) == (2032, 2000), "four blocks of order 3 are free"
    assert (found.file, found.clean, found.other, found.percpu) == (30_000, 30_000, 20_000, 500)
    assert found.rest == 100_000 - 2032 - 50_000 - 500
    assert found.foreign == 8, "the block of HighAtomic"
    assert (found.pinned, found.locked) == (500, 7)
    assert found.between_unmovable is not None and abs(found.between_unmovable - 0.5) < 0.01
    assert found.pageblocks is not None and found.pageblocks.age == 10.0
    assert found.pageblocks.counts == (("Movable", 150), ("Unmovable", 40), ("HighAtomic", 5))


def test_what_no_file_shows_is_unknown_never_zero() -> None:
    snapshot = node(info=None, types=False)
    assert snapshot.zones is not None
    found = obstacles(snapshot, snapshot.zones[0], 3)
    assert (found.managed, found.file, found.clean, found.other, found.rest, found.percpu) == (None,) * 6
    assert (found.foreign, found.pinned, found.locked, found.pageblocks, found.between_unmovable) == (None,) * 5
    assert found.free == 2032


def test_an_order_that_the_zone_does_not_have_has_no_blocks() -> None:
    snapshot = node()
    assert snapshot.zones is not None
    found = obstacles(snapshot, snapshot.zones[0], 12)
    assert found.small == found.free and found.between_unmovable is None
