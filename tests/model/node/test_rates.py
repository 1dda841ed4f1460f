"""Rates come from two readings; a missing counter is unknown, never zero."""

import pytest

from fragtui.kernel.procfs.counters import parse_vmstat
from fragtui.model.node.rate_window import WINDOW, RateWindow, rate_words
from fragtui.model.node.snapshot import Host, Snapshot

HOST = Host("node-7", "6.18.0", None, 4096)


def tick(at: float, vmstat: str) -> Snapshot:
    return Snapshot(time=at, monotonic=at, host=HOST, zones=None, vmstat=parse_vmstat(vmstat))


def window(*ticks: tuple[float, str]) -> RateWindow:
    rates = RateWindow()
    for at, vmstat in ticks:
        rates.note(tick(at, vmstat))
    return rates


def test_rates_are_those_of_the_window_not_since_boot() -> None:
    found = window(
        (0.0, "compact_stall 1000000\ncompact_fail 900000\n"),
        (50.0, "compact_stall 1000100\ncompact_fail 900050\n"),
        (55.0, "compact_stall 1000110\ncompact_fail 900052\n"),
        (60.0, "compact_stall 1000120\ncompact_fail 900055\n"),
    )
    rates = found.rates
    assert rates is not None
    assert rates.seconds == WINDOW
    assert (rates.direct_compactions, rates.failed_share) == (2.0, 0.25)


def test_stalls_of_all_zones_are_added_up() -> None:
    rates = window(
        (0.0, "allocstall_dma 0\nallocstall_normal 10\nallocstall_movable 5\n"),
        (2.0, "allocstall_dma 1\nallocstall_normal 12\nallocstall_movable 6\n"),
    ).rates
    assert rates is not None
    assert rates.direct_reclaims == 2.0


@pytest.mark.parametrize(
    "ticks, words",
    [
        ((), "compaction and reclaim: measuring…"),
        (((0.0, "compact_stall 1\n"),), "compaction and reclaim: measuring…"),
        (
            ((0.0, "compact_stall 1\ncompact_fail 1\n"), (1.0, "compact_stall 4\ncompact_fail 4\n")),
            "last 1 s: 3.0/s direct compactions (100 % failed)",
        ),
        (
            ((0.0, "compact_stall 1\nallocstall 7\n"), (10.0, "compact_stall 1\nallocstall 7\n")),
            "last 10 s: no stalls for compaction or reclaim",
        ),
        (
            ((0.0, "pgpgin 1\nworkingset_refault_file 0\n"), (10.0, "pgpgin 9\nworkingset_refault_file 900\n")),
            "last 10 s: this kernel does not count compaction and reclaim, 90/s refaults",
        ),
        (
            ((0.0, "compact_stall 9\n"), (10.0, "compact_stall 1\n")),
            "last 10 s: this kernel does not count compaction and reclaim",
        ),
    ],
)
def test_each_activity_has_its_sentence(ticks: tuple[tuple[float, str], ...], words: str) -> None:
    assert rate_words(window(*ticks).rates) == words


def test_a_tick_without_counters_is_left_out() -> None:
    rates = window((0.0, "compact_stall 1\n"), (5.0, ""), (8.0, "compact_stall 9\n")).rates
    assert rates is not None
    assert (rates.seconds, rates.direct_compactions) == (8.0, 1.0)


def test_two_readings_of_one_moment_give_no_rate() -> None:
    assert window((3.0, "compact_stall 1\n"), (3.0, "compact_stall 9\n")).rates is None
