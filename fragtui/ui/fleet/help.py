"""What the signs of the fleet's screen mean, for its help page."""

from __future__ import annotations

from fragtui.ui.pages.help_page import Table

FLEET_TABLES: tuple[Table, ...] = (
    (
        "States, worst first",
        (
            ((" OUT OF MEMORY ", "badge-bad"), "not enough free memory for a block of the size"),
            (
                (" FRAGMENTED ", "badge-bad"),
                "memory is free, but no such block; yellow if a request waits for one",
            ),
            ((" RESERVED ", "badge-bad"), "blocks are free, but the kernel keeps them"),
            ((" MAY FAIL ", "badge-bad"), "one of these three: the node exports its severity only"),
            ((" UNKNOWN ", "badge-unknown"), "the server has no blocks of the node"),
            (
                (" STALE 4 min ", "badge-unknown"),
                "its last sample is so old, or its last scrape failed",
            ),
            ((" RECOVERING ", "badge-recovering"), "blocks are back, pods wait for their next try"),
            ((" LOW ", "badge-low"), "few blocks are left"),
            ((" WARNING ", "badge-low"), "one of these two: the node exports its severity only"),
            (("✓ OK", "good"), "a request gets its block at once"),
        ),
    ),
    (
        "Columns",
        (
            (("▾64K", "strong"), "blocks of that size which a request may have, larger ones split"),
            (("↓ 120/h", "warn"), "blocks gained or lost in an hour; coloured if they end within a day"),
            (("failed", "muted"), "requests that failed in the last 15 minutes"),
            (("stuck", "muted"), "pods that do not start because the kernel denied them memory"),
            (("▁▃▆█", "history-plenty"), "the blocks over time, on the logarithmic scale of all bars; · is none"),
            (("?", "unknown"), "unknown of this node; a column that is unknown of every node is named above the list"),
        ),
    ),
)
