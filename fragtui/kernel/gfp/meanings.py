"""What each allocation flag means for an engineer (include/linux/gfp_types.h)."""

from __future__ import annotations

_WORDS = {
    "GFP_KERNEL": "was allowed to wait, reclaim, write and compact, and still failed",
    "GFP_KERNEL_ACCOUNT": "as GFP_KERNEL, charged to the task's memory cgroup",
    "GFP_ATOMIC": "may not wait: no reclaim, no compaction; may go below the min watermark",
    "GFP_NOWAIT": "may not wait, no reserves; wakes kswapd",
    "GFP_NOIO": "may wait, but not start I/O: no writeback of dirty pages, no swap",
    "GFP_NOFS": "may wait, but not enter file systems: their caches are not reclaimed",
    "GFP_USER": "for user space, directly reachable by the kernel",
    "GFP_HIGHUSER": "for user space, any zone but Movable",
    "GFP_HIGHUSER_MOVABLE": "a user page that can be moved, any zone",
    "GFP_TRANSHUGE": "a transparent huge page, with direct compaction",
    "GFP_TRANSHUGE_LIGHT": "a transparent huge page, without reclaim or compaction",
    "GFP_TEMPORARY": "short-lived (to 4.13)",
    "GFP_DMA": "only the lowest zone",
    "GFP_DMA32": "only below 4 GiB",
    "__GFP_COMP": "a compound page: kmalloc, slab or a driver buffer in one piece",
    "__GFP_ZERO": "zeroed",
    "__GFP_HIGH": "may use a part of the reserve below the min watermark",
    "__GFP_ATOMIC": "can't wait and is important (to 6.2)",
    "__GFP_MEMALLOC": "may use all reserves",
    "__GFP_NOMEMALLOC": "may use no emergency reserve",
    "__GFP_DIRECT_RECLAIM": "may reclaim and compact itself",
    "__GFP_KSWAPD_RECLAIM": "wakes kswapd",
    "__GFP_RECLAIM": "may reclaim itself and wakes kswapd",
    "__GFP_WAIT": "may wait and reclaim (to 4.3)",
    "__GFP_IO": "may start I/O",
    "__GFP_FS": "may enter file systems",
    "__GFP_WRITE": "will be dirtied",
    "__GFP_NOWARN": "fails without a report",
    "__GFP_RETRY_MAYFAIL": "tries hard, has a fallback",
    "__GFP_REPEAT": "tries hard (to 4.12)",
    "__GFP_NORETRY": "gives up early: the caller has a fallback",
    "__GFP_NOFAIL": "must not fail: waits without limit",
    "__GFP_HARDWALL": "keeps to the task's cpuset",
    "__GFP_THISNODE": "this NUMA node only: other nodes' free blocks don't count",
    "__GFP_ACCOUNT": "charged to the task's memory cgroup",
    "__GFP_KMEMCG": "charged to the task's memory cgroup (3.8 to 3.15)",
    "__GFP_MOVABLE": "can be moved by compaction",
    "__GFP_RECLAIMABLE": "slab that can be reclaimed",
    "__GFP_HIGHMEM": "may use HighMem",
    "__GFP_DMA": "only the lowest zone",
    "__GFP_DMA32": "only below 4 GiB",
    "__GFP_COLD": "cache-cold page preferred (to 4.14)",
    "__GFP_NOTRACK": "not tracked by kmemcheck (to 4.14)",
    "__GFP_NO_KSWAPD": "does not wake kswapd (to 4.3)",
    "__GFP_OTHER_NODE": "on behalf of another node (to 4.9)",
    "__GFP_NOLOCKDEP": "not checked by lockdep",
    "__GFP_NO_OBJ_EXT": "without an extension object (allocation profiling)",
    "__GFP_ZEROTAGS": "memory tags zeroed too",
}


def flag_words(name: str) -> str:
    """Return what a flag means; empty if it is not in the table."""
    return _WORDS.get(name, "")
