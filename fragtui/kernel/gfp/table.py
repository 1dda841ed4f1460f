"""The allocation flags of every kernel since 2.6.24, as data: what changed, and when.

Facts from include/linux/gfp.h of each release (gfp_types.h from 6.0), without LOCKDEP and KASAN, and the print order of
include/trace/events/mmflags.h. A bit of None was removed. RHEL 7 is 3.10 except for one bit, see `EL7_LATE`.
"""

from __future__ import annotations

GfpVersion = tuple[int, int, int]

BITS: tuple[tuple[GfpVersion, dict[str, int | None]], ...] = (
    ((2, 6, 24), {
        "DMA": 0x1, "HIGHMEM": 0x2, "DMA32": 0x4, "WAIT": 0x10, "HIGH": 0x20, "IO": 0x40, "FS": 0x80, "COLD": 0x100,
        "NOWARN": 0x200, "REPEAT": 0x400, "NOFAIL": 0x800, "NORETRY": 0x1000, "COMP": 0x4000, "ZERO": 0x8000,
        "NOMEMALLOC": 0x10000, "HARDWALL": 0x20000, "THISNODE": 0x40000, "RECLAIMABLE": 0x80000, "MOVABLE": 0x100000,
    }),
    ((2, 6, 31), {"MOVABLE": 0x8}),
    ((2, 6, 38), {"NO_KSWAPD": 0x400000, "OTHER_NODE": 0x800000}),
    ((3, 3, 0), {"WRITE": 0x1000000}),
    ((3, 6, 0), {"MEMALLOC": 0x2000}),
    ((3, 8, 0), {"KMEMCG": 0x100000, "NOTRACK": 0x200000}),
    ((3, 16, 0), {"KMEMCG": None}),
    ((4, 1, 0), {"NOACCOUNT": 0x100000}),
    ((4, 4, 0), {
        "WAIT": None, "NO_KSWAPD": None, "RECLAIMABLE": 0x10, "ATOMIC": 0x80000, "DIRECT_RECLAIM": 0x400000,
        "KSWAPD_RECLAIM": 0x2000000,
    }),
    ((4, 5, 0), {"NOACCOUNT": None, "ACCOUNT": 0x100000}),
    ((4, 10, 0), {"OTHER_NODE": None, "WRITE": 0x800000, "KSWAPD_RECLAIM": 0x1000000}),
    ((4, 13, 0), {"REPEAT": None, "RETRY_MAYFAIL": 0x400}),
    ((4, 15, 0), {"NOTRACK": None, "COLD": None}),
    ((4, 18, 0), {"WRITE": 0x100, "DIRECT_RECLAIM": 0x200000, "KSWAPD_RECLAIM": 0x400000}),
    ((5, 1, 0), {
        "ZERO": 0x100, "ATOMIC": 0x200, "DIRECT_RECLAIM": 0x400, "KSWAPD_RECLAIM": 0x800, "WRITE": 0x1000,
        "NOWARN": 0x2000, "RETRY_MAYFAIL": 0x4000, "NOFAIL": 0x8000, "NORETRY": 0x10000, "MEMALLOC": 0x20000,
        "COMP": 0x40000, "NOMEMALLOC": 0x80000, "HARDWALL": 0x100000, "THISNODE": 0x200000, "ACCOUNT": 0x400000,
    }),
    ((5, 14, 0), {"ZEROTAGS": 0x800000, "SKIP_KASAN_POISON": 0x1000000}),
    ((5, 18, 0), {"SKIP_KASAN_POISON": None}),
    ((6, 3, 0), {"ATOMIC": None}),
    # With LOCKDEP it is 0x2000000, with KASAN_HW_TAGS 0x4000000: the running kernel's own table knows.
    ((6, 10, 0), {"NO_OBJ_EXT": 0x1000000}),
)  # fmt: skip

EL7_LATE: dict[str, int | None] = {"KMEMCG": None, "ACCOUNT": 0x100000}
"""What 3.10.0-1160 (RHEL 7.9) changed from 3.10 and 3.10.0-514."""
EL7_LATE_BUILD = 957
"""First RHEL 7 build assumed to have that bit: -514 has the old one, -1160 the new; in between is a guess that
changes one name only."""

COMPOSITES: tuple[tuple[str, GfpVersion, GfpVersion, str], ...] = (
    # name, from, before (0 = still there), what it is made of; in the order that the kernel tries them.
    ("GFP_TRANSHUGE", (2, 6, 38), (4, 4, 0), "GFP_HIGHUSER_MOVABLE COMP NOMEMALLOC NORETRY NOWARN NO_KSWAPD"),
    ("GFP_TRANSHUGE", (4, 4, 0), (4, 6, 0), "HIGHUSER_MOVABLE_LIGHT COMP NOMEMALLOC NORETRY NOWARN DIRECT_RECLAIM"),
    ("GFP_TRANSHUGE", (4, 6, 0), (4, 8, 0), "HIGHUSER_MOVABLE_LIGHT COMP NOMEMALLOC NORETRY NOWARN"),
    ("GFP_TRANSHUGE", (4, 8, 0), (0, 0, 0), "HIGHUSER_MOVABLE_LIGHT COMP NOMEMALLOC NOWARN DIRECT_RECLAIM"),
    ("GFP_TRANSHUGE_LIGHT", (4, 8, 0), (0, 0, 0), "HIGHUSER_MOVABLE_LIGHT COMP NOMEMALLOC NOWARN"),
    ("GFP_HIGHUSER_MOVABLE", (2, 6, 24), (5, 14, 0), "GFP_HIGHUSER MOVABLE"),
    ("GFP_HIGHUSER_MOVABLE", (5, 14, 0), (5, 18, 0), "GFP_HIGHUSER MOVABLE SKIP_KASAN_POISON"),
    ("GFP_HIGHUSER_MOVABLE", (5, 18, 0), (0, 0, 0), "GFP_HIGHUSER MOVABLE"),
    ("GFP_HIGHUSER", (2, 6, 24), (0, 0, 0), "GFP_USER HIGHMEM"),
    ("GFP_USER", (2, 6, 24), (0, 0, 0), "GFP_KERNEL HARDWALL"),
    ("GFP_TEMPORARY", (2, 6, 24), (4, 14, 0), "GFP_KERNEL RECLAIMABLE"),
    ("GFP_KERNEL_ACCOUNT", (4, 5, 0), (0, 0, 0), "GFP_KERNEL ACCOUNT"),
    ("GFP_KERNEL", (2, 6, 24), (0, 0, 0), "GFP_NOFS FS"),
    ("GFP_NOFS", (2, 6, 24), (0, 0, 0), "GFP_NOIO IO"),
    ("GFP_ATOMIC", (2, 6, 24), (4, 4, 0), "HIGH"),
    ("GFP_ATOMIC", (4, 4, 0), (6, 3, 0), "HIGH ATOMIC KSWAPD_RECLAIM"),
    ("GFP_ATOMIC", (6, 3, 0), (0, 0, 0), "HIGH KSWAPD_RECLAIM"),
    ("GFP_NOIO", (2, 6, 24), (4, 4, 0), "WAIT"),
    ("GFP_NOIO", (4, 4, 0), (0, 0, 0), "DIRECT_RECLAIM KSWAPD_RECLAIM"),
    ("GFP_NOWAIT", (4, 4, 0), (6, 7, 0), "KSWAPD_RECLAIM"),
    ("GFP_NOWAIT", (6, 7, 0), (0, 0, 0), "KSWAPD_RECLAIM NOWARN"),
    ("GFP_DMA", (2, 6, 24), (0, 0, 0), "DMA"),
    ("GFP_DMA32", (2, 6, 24), (0, 0, 0), "DMA32"),
)
"""GFP_HIGHUSER_MOVABLE_LIGHT is HIGHUSER_MOVABLE without its reclaim bits, no name of the kernel's."""

PRINT_ORDER = (
    "HIGHMEM", "HIGH", "ATOMIC", "WAIT", "IO", "FS", "COLD", "NOWARN", "REPEAT", "RETRY_MAYFAIL", "NOFAIL", "NORETRY",
    "COMP", "ZERO", "NOMEMALLOC", "MEMALLOC", "HARDWALL", "THISNODE", "RECLAIMABLE", "MOVABLE", "ACCOUNT", "NOTRACK",
    "WRITE", "RECLAIM", "DIRECT_RECLAIM", "KSWAPD_RECLAIM", "OTHER_NODE", "NO_KSWAPD", "KMEMCG", "NOACCOUNT",
    "ZEROTAGS", "SKIP_ZERO", "SKIP_KASAN_UNPOISON", "SKIP_KASAN_POISON", "SKIP_KASAN", "NOLOCKDEP", "NO_OBJ_EXT",
)  # fmt: skip
"""Order of the single flags in what 4.6 to 6.14 print; from `BIT_ORDER_SINCE` on it is the order of the bits."""

BIT_ORDER_SINCE: GfpVersion = (6, 15, 0)

FIRST: GfpVersion = (2, 6, 24)
