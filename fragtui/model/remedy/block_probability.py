"""Whether free pages are contiguous: the probability that a block is free, from the share of pages in use alone.

Where each page lies is in no file, so this is an assumption about how pages in use are spread. Were they spread one by
one, a block twice as long would meet twice as many of them; were they all together, it would meet no more. Memory is
handed out in bursts, and bursts come in bursts (a pod starts, a log is written, a cache grows), so the truth lies
between: here a block twice as long meets the square root of two times as many runs in use.
"""

from __future__ import annotations

from math import exp, inf, sqrt

CLUSTERED = 4.5
"""How contiguous pages in use are, as a likely value: the mean run in use, in pages, that two neighbours see.
After drop_caches and after compact_memory on 6.18 it was 3 to 8 at orders 4 to 10, whatever had filled the memory
(tests/lab/test_remedies.py holds it to account)."""
SCATTERED = 1.5
"""The same where memory has been mixed for long: the low end of a forecast."""
TOGETHER = inf
"""The same if all pages in use are contiguous: the high end."""


def p_free_block(share_in_use: float, order: int, clustered: float = CLUSTERED) -> float:
    """Return the chance that a free page is the first of `2**order` free ones.

    With a share d of pages in use, a free page meets the next run in use after `clustered` * (1-d) / d pages if it is
    a neighbour, and a block of n pages meets sqrt(n - 1) times as many such runs.
    """
    if share_in_use <= 0:
        return 1.0
    if share_in_use >= 1:
        return 0.0
    return exp(-sqrt((1 << order) - 1) * share_in_use / (clustered * (1 - share_in_use)))


def p_recovered(before: float, after: float) -> float:
    """Return the chance that what was not whole at odds `before` is whole at odds `after`, as far as after allows.

    What is broken up now is known to be; the odds say only how much of it the pages that go were to blame for.
    """
    return max(0.0, after - before) / (1 - before) if before < 1 else 0.0
