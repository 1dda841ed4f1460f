"""What the forecast takes from per-CPU lists, mapped shared memory and reserved memory."""

from fragtui.kernel.procfs.pagetypeinfo import PageTypeInfo, ZonePageblocks
from fragtui.model.node.snapshot import Snapshot, Zone
from fragtui.model.remedy.forecast import forecast
from fragtui.model.remedy.risk import risks
from fragtui.model.remedy.zone_capacity import droppable
from fragtui.render.remedy.forecast_text import forecast_text
from tests.model.remedy.test_forecast import CACHE, COMPACT, DROP_1, DROP_3


def test_mapped_shared_memory_does_not_hide_page_cache() -> None:
    """Mapped counts mapped shmem too: page cache that may all be unmapped is not forecast to stay."""
    much = {**CACHE.meminfo, "Mapped": 12 << 30, "Shmem": 12 << 30}
    amount, before = droppable(much), droppable(CACHE.meminfo)
    assert amount is not None and before is not None
    assert amount.low == 0 and 0 < amount.likely < amount.high
    assert before.high - before.likely <= 16 << 20
    shared = CACHE._replace(meminfo=much)
    gain = forecast(shared, 4).gain(DROP_1)
    assert gain.low is not None and gain.low <= 0 and gain.blocks and gain.high and gain.blocks < gain.high
    reasons = forecast_text(shared, forecast(shared, 4), DROP_1).reasons
    assert any("shared memory may be part of Mapped" in reason for reason in reasons)
    assert not any("shared" in reason for reason in forecast_text(CACHE, forecast(CACHE, 4), DROP_1).reasons)


def listing(percpu: int, room: int = 0, lru: int = 2_760_000) -> Snapshot:
    """Return CACHE with so many of its pages in use on per-CPU lists instead."""
    infos = (CACHE.zone_infos[0], CACHE.zone_infos[1]._replace(percpu=percpu, percpu_room=room, lru=lru))
    zones = tuple(Zone(zone.blocks, info) for zone, info in zip(CACHE.zones or (), infos, strict=True))
    return CACHE._replace(zones=zones, zone_infos=infos)


def test_pages_on_per_cpu_lists_are_drained_by_a_drop() -> None:
    none, some = (forecast(listing(pages), 4) for pages in (0, 300_000))
    for effect in (DROP_1, DROP_3):
        before, after = none.gain(effect), some.gain(effect)
        assert before.blocks and after.blocks and after.high and before.high and before.bytes and after.bytes
        assert after.blocks > before.blocks and after.high > before.high
        assert after.bytes - before.bytes > 1 << 30
    said = forecast_text(listing(300_000), some, DROP_1)
    assert any("1.14G more is free on per-CPU lists" in reason for reason in said.reasons)
    few = listing(100_000)
    assert not any("per-CPU" in reason for reason in forecast_text(few, forecast(few, 4), DROP_1).reasons)


def test_what_compaction_moves_away_stays_on_per_cpu_lists() -> None:
    """They take the pages first: it gains little if they hold or have room for as many as it moves, or loses blocks."""
    lists = (listing(0), listing(1_500_000, lru=1_500_000), listing(0, 8_000_000))
    plain, full, empty = (forecast(node, 4).gain(COMPACT) for node in lists)
    assert plain.blocks and plain.high and plain.blocks * 2 > plain.high
    assert full.blocks is not None and full.high and 0 <= full.blocks * 4 < full.high
    assert empty.blocks is not None and empty.low is not None and empty.low <= empty.blocks <= 0


def test_a_remedy_that_costs_blocks_is_not_expected_to_help() -> None:
    node = listing(0, 8_000_000)
    order = 0
    while (gain := forecast(node, order).gain(COMPACT)).blocks == 0:
        order += 1
    seen = forecast(node, order)
    assert gain.blocks is not None and gain.blocks < 0 and seen.worth(gain) is False
    said = forecast_text(node, seen, COMPACT).headline
    assert said.startswith("Is not expected to give blocks") and "more blocks to move pages into" in said
    assert any(risk.useless for risk in risks(node, seen, COMPACT))


def test_memory_reserved_at_boot_is_not_between_free_pages() -> None:
    """Its pageblocks stay Movable, and the zone does not manage it: as pages in use it would hide what a drop gives."""
    assert CACHE.page_types is not None
    more = PageTypeInfo(
        9, 512, CACHE.page_types.info.free, (ZonePageblocks(0, "Normal", (("Movable", 12_000), ("Unmovable", 281))),)
    )
    wide = CACHE._replace(page_types=CACHE.page_types._replace(info=more))
    plain, reserved = (forecast(node, 9).zone_capacities[0] for node in (CACHE, wide))
    assert abs(reserved.movable.used - plain.movable.used) < 200_000
    assert reserved.reserved > plain.reserved + 600_000
