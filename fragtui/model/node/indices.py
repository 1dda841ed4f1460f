"""How fragmented a zone's free memory is, from its free blocks alone.

The two indices are the kernel's own (mm/vmstat.c __fragmentation_index and unusable_free_index, 2.6.35 to 6.19) in its
integer arithmetic, so they equal debugfs ``extfrag/extfrag_index`` and ``extfrag/unusable_index``. Both are in
thousandths.
"""

from __future__ import annotations

from collections.abc import Sequence


def free_pages(free_blocks: Sequence[int]) -> int:
    """Return the pages in all free blocks."""
    return blocks_of(free_blocks, 0)


def blocks_of(free_blocks: Sequence[int], order: int) -> int:
    """Return how many blocks of `order` the free blocks of that and higher orders give: one of j counts 2^(j-order)."""
    # A loop: it runs a hundred times a tick, and a generator takes three times as long.
    blocks = 0
    for count in reversed(free_blocks[order:]):
        blocks = 2 * blocks + count
    return blocks


def largest_order(free_blocks: Sequence[int]) -> int | None:
    """Return the highest order with a free block, or None if there is none."""
    return max((order for order, count in enumerate(free_blocks) if count), default=None)


def unusable_index(free_blocks: Sequence[int], order: int) -> int:
    """Return the share of free memory in blocks too small for `order`: 0 none, 1000 all of it.

    A zone without free memory has 1000, as in the kernel.
    """
    if not (pages := free_pages(free_blocks)):
        return 1000
    return (pages - (blocks_of(free_blocks, order) << order)) * 1000 // pages


def unusable_indices(free_blocks: Sequence[int]) -> tuple[int, ...]:
    """Return `unusable_index` of every order, in one pass over them."""
    if not (pages := free_pages(free_blocks)):
        return (1000,) * len(free_blocks)
    found, smaller = [], 0
    for order, count in enumerate(free_blocks):
        found.append(smaller * 1000 // pages)
        smaller += count << order
    return tuple(found)


def fragmentation_index(free_blocks: Sequence[int], order: int) -> int:
    """Return why an allocation of `order` would fail: towards 0 for lack of memory, towards 1000 for fragmentation.

    -1000 means that a block is free. Other negative values are real: a single block smaller than asked gives them.
    Watermarks are not considered.
    """
    if not (total := sum(free_blocks)):
        return 0
    if any(free_blocks[order:]):
        return -1000
    return 1000 - (1000 + free_pages(free_blocks) * 1000 // (1 << order)) // total


def format_index(index: int) -> str:
    """Return an index as extfrag_index prints it, ``"%2d.%03d"`` of C's quotient and remainder: ``" 0.-500"``."""
    whole, rest = divmod(abs(index), 1000)
    if index < 0:
        whole, rest = -whole, -rest
    return f"{whole:2d}.{rest:03d}"
