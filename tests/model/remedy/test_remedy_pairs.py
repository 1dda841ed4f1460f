"""Forecasts against remedies that ran on real kernels (tests/support/remedy_pairs.py)."""

import statistics
from functools import lru_cache

import pytest

from fragtui.model.node.verdict import judge_node
from fragtui.render.zone_summary import zone_rows
from tests.support.remedy_pairs import PAIRS, ForecastRow, forecast_rows, read_pairs

KERNELS = ("6.1", "6.12")
RANGES = {"6.1": 144.5, "6.12": 100.5}
"""Median range, in blocks, of the forecasts that knew nothing of per-CPU lists, reserved memory and mapped shmem."""


@lru_cache
def rows(kernel: str) -> tuple[ForecastRow, ...]:
    return tuple(row for row in forecast_rows(read_pairs(PAIRS)) if row.release == kernel)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
def test_nine_of_ten_forecasts_are_in_their_range_and_within_a_factor_of_two(kernel: str) -> None:
    right = [row for row in rows(kernel) if row.in_range and row.near]
    assert len(rows(kernel)) >= 300
    assert len(right) >= 0.9 * len(rows(kernel))


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_ranges_stay_narrow(kernel: str) -> None:
    assert statistics.median(row.high - row.low for row in rows(kernel)) <= 1.5 * RANGES[kernel]


@pytest.mark.parametrize("kernel", KERNELS)
def test_no_remedy_gains_where_nothing_at_all_was_forecast(kernel: str) -> None:
    assert [row.pair.state for row in rows(kernel) if row.blind] == []


def test_much_memory_on_per_cpu_lists_is_shown() -> None:
    before = next(row.pair.before for row in rows("6.12") if row.pair.state == "r_pipescache_drop1")
    said = [row.text for row in zone_rows(judge_node(before, 6), 4096)]
    assert "node 0 DMA32: 63M more is free, but on per-CPU lists" in said
    old = next(row.pair.before for row in rows("6.1") if row.pair.state == "r_pipescache_drop1")
    assert not any("per-CPU" in row.text for row in zone_rows(judge_node(old, 6), 4096))
