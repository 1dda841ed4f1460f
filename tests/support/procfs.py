"""Files of /proc as the kernel prints them."""

from __future__ import annotations

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.kernel.procfs.pagetypeinfo import PageTypeInfo


def format_buddyinfo(zones: tuple[ZoneBlocks, ...]) -> str:
    """Return the file as the kernel prints it."""
    return "".join(
        f"Node {zone.node}, zone {zone.zone:>8} " + "".join(f"{count:6d} " for count in zone.free_blocks) + "\n"
        for zone in zones
    )


def format_pagetypeinfo(info: PageTypeInfo) -> str:
    """Return the file as the kernel prints it for one node."""
    orders = max((len(row.free_blocks) for row in info.free), default=0)
    text = f"Page block order: {info.pageblock_order}\nPages per block:  {info.pages_per_block}\n\n"
    text += f"{'Free pages count per migrate type at order':<43} "
    text += "".join(f"{order:6d} " for order in range(orders)) + "\n"
    for row in info.free:
        text += f"Node {row.node:4d}, zone {row.zone:>8}, type {row.migratetype:>12} "
        text += "".join(
            f"{'>' if order in row.capped else ''}{count:6d} " for order, count in enumerate(row.free_blocks)
        )
        text += "\n"
    if info.pageblocks:
        text += f"\n{'Number of blocks type ':<23}"
        text += "".join(f"{name:>12} " for name, _ in info.pageblocks[0].blocks) + "\n"
        for zone in info.pageblocks:
            text += f"Node {zone.node}, zone {zone.zone:>8} " + "".join(f"{count:12d} " for _, count in zone.blocks)
            text += "\n"
    return text
