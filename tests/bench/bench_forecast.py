"""Forecasts of remedies against what a real kernel then did, at orders 3, 4, 6, 9 and 10.

Run: python -m tests.bench.bench_forecast [FILE...]. A file has the texts of /proc before and after each remedy, as JSON
lines (tests/support/remedy_pairs.py); without one, those of the tests are taken.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from tests.support.remedy_pairs import PAIRS, ForecastRow, forecast_rows, read_pairs

_FORM = "{:<12} {:<8} {:<24} {:>5} {:>7} {:>7} {:>7} {:>7} {:>7}  {:<8} {}"
_HEAD = ("machine", "kernel", "remedy", "order", "free", "low", "likely", "high", "gained", "in range", "near")


def main(paths: list[str]) -> int:
    """Print the table, and the totals of each kernel and remedy."""
    found = [row for path in paths or [str(PAIRS)] for row in forecast_rows(read_pairs(Path(path)))]
    print(_FORM.format(*_HEAD))
    for row in found:
        ends = (row.low, row.likely, row.high, row.gained)
        verdict = ("yes" if right else "NO" for right in (row.in_range, row.near))
        print(_FORM.format(row.pair.machine, row.release, row.pair.state, row.order, row.free, *ends, *verdict))
    groups: dict[str, list[ForecastRow]] = {}
    for row in found:
        for name in (row.release, f"{row.release} {'compact' if row.pair.effect.compact else 'drop'}"):
            groups.setdefault(name, []).append(row)
    for name, rows in sorted(groups.items()):
        shares = (
            sum(row.in_range for row in rows),
            sum(row.near for row in rows),
            sum(row.in_range and row.near for row in rows),
        )
        inside, near, both = (f"{share} ({share / len(rows):.0%})" for share in shares)
        blind = sum(row.blind for row in rows)
        width = statistics.median(row.high - row.low for row in rows)
        print(
            f"{name}: {len(rows)} forecasts, {inside} in range, {near} within a factor of two or 4 blocks, "
            f"{both} both; median range {width:g}; gained where nothing was forecast: {blind}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
