"""Whether free pages are contiguous: the probability that a block is free, from the share of pages in use alone.

No file shows where each page is, so this assumes how pages in use are spread. If they were spread one by one, a block
of twice the length would contain twice as many of them; if they were contiguous, no more. Memory is allocated in bursts
of bursts (a pod starts, a log is written, a cache grows), so the truth is in between: here a block of twice the length
contains sqrt(2) times as many runs of pages in use.
"""

from __future__ import annotations

from math import exp, inf, sqrt

CLUSTERED = 4.5
"""How contiguous pages in use are, as a likely value: the mean run of pages in use, in pages, for two adjacent pages.
After drop_caches and after compact_memory on 6.18 it was 3 to 8 at orders 4 to 10, whatever had filled the memory
(checked by tests/lab/test_remedies.py)."""
SCATTERED = 1.5
"""The same on a node whose memory has been mixed for long: the low end of a forecast."""
TOGETHER = inf
"""The same if all pages in use are contiguous: the high end."""


def p_free_block(share_in_use: float, order: int, clustered: float = CLUSTERED) -> float:
    """Return the chance that a free page is the first of `2**order` free ones.

    With a share d of pages in use, the next run in use is `clustered` * (1-d) / d pages after a free page, and a block
    of n pages meets sqrt(n - 1) times as many such runs.
    """
    if share_in_use <= 0:
        return 1.0
    if share_in_use >= 1:
        return 0.0
    return exp(-sqrt((1 << order) - 1) * share_in_use / (clustered * (1 - share_in_use)))


def p_recovered(before: float, after: float) -> float:
    """Return the chance that a block that was not free becomes free as the odds rise from `before` to `after`.

    That the block is not free now is known; the odds give only the share of such blocks that the freed pages blocked.
    """
    return max(0.0, after - before) / (1 - before) if before < 1 else 0.0
