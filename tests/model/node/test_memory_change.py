"""Two ticks of a node -> the memory that came or went between them."""

from __future__ import annotations

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.kernel.procfs.zoneinfo import ZoneInfo
from fragtui.model.node.memory_change import MemoryChange, memory_changes
from fragtui.model.node.snapshot import Host, Snapshot, Zone

NORMAL, MOVABLE = (0, "Normal"), (1, "Movable")


def node(*zones: tuple[tuple[int, str], int, int], sizes: bool = True) -> Snapshot:
    """Return a node of zones: key, present and managed pages."""
    infos = tuple(ZoneInfo(*key, present=present, managed=managed) for key, present, managed in zones)
    return Snapshot(
        time=0.0,
        monotonic=0.0,
        host=Host("n", "6.8.0", None, 4096),
        zones=tuple(Zone(ZoneBlocks(*key, (5,)), None) for key, present, _ in zones if present),
        zone_infos=infos if sizes else (),
    )


def test_zones_that_appear_grow_shrink_and_go() -> None:
    small, large = node((NORMAL, 1000, 990)), node((NORMAL, 1000, 990), (MOVABLE, 32_768, 32_768))
    assert memory_changes(small, large) == (MemoryChange(MOVABLE, True, 32_768),)
    assert memory_changes(large, small) == (MemoryChange(MOVABLE, False, 32_768),)
    assert memory_changes(large, large) == ()
    assert memory_changes(small, node((NORMAL, 3000, 2990))) == (MemoryChange(NORMAL, True, 2000),)
    listed = node((NORMAL, 1000, 990), (MOVABLE, 0, 0))
    assert memory_changes(listed, large) == (MemoryChange(MOVABLE, True, 32_768),), "an empty zone is listed, too"


def test_a_balloon_counts_if_it_takes_much() -> None:
    before = node((NORMAL, 100_000, 99_000))
    assert memory_changes(before, node((NORMAL, 100_000, 98_000))) == ()
    assert memory_changes(before, node((NORMAL, 100_000, 90_000))) == (MemoryChange(NORMAL, False, 9000),)


def test_without_sizes_only_zones_that_come_and_go_are_seen() -> None:
    small, large = node((NORMAL, 1000, 990), sizes=False), node((NORMAL, 9000, 990), (MOVABLE, 9, 9), sizes=False)
    assert memory_changes(small, large) == (MemoryChange(MOVABLE, True, None),)
    assert memory_changes(large, small._replace(zones=None)) == ()
