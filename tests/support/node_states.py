"""Nodes in each state, made without files: zones, page cache, denied requests, stuck pods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from fragtui.cluster.failure_reason import ReasonClass
from fragtui.cluster.pod_ref import PodRef
from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.kernel.procfs.version import parse_version
from fragtui.kernel.procfs.zoneinfo import ZoneInfo
from fragtui.model.failures.incident import Incident
from fragtui.model.node.snapshot import Host, Snapshot, Unreadable, Zone
from fragtui.model.pods.stuck_pods import PodLink, StuckPod, StuckPods
from tests.support.incidents import kernel_incident

NOW = 1_795_900_000.0
GIB = 1 << 18
"""Pages."""
MEMORY = ReasonClass("netns-highorder", True, "no memory", "Free blocks.")
NO_IMAGE = ReasonClass("image", False, "no image", "Pull it.")
VAGUE = ReasonClass("exit", None, "exit status 1", "Look.")


def pages_of(blocks: Sequence[int]) -> int:
    """Return the pages of free blocks by order."""
    return sum(count << order for order, count in enumerate(blocks))


def node(
    *free_blocks: tuple[int, ...],
    cache: int = 4 * GIB,
    least: int = 11_000,
    release: str = "6.8.0",
    dirty: int = 0,
    cma: tuple[int, ...] | None = None,
) -> Snapshot:
    """Return a node with one Normal zone for each NUMA node: 16 GiB, `cache` pages of page cache, min watermark."""
    zones = []
    for number, blocks in enumerate(free_blocks):
        free = pages_of(blocks)
        info = ZoneInfo(
            number, "Normal", free=free, min=least, low=least * 2, high=least * 3, present=16 * GIB, managed=16 * GIB,
            file=cache, protection=(0, 0, 0), lru=12 * GIB,
            free_cma=0 if cma is None else pages_of(cma), free_highatomic=0,
        )  # fmt: skip
        zones.append(Zone(ZoneBlocks(number, "Normal", blocks), info))
    meminfo = {
        "MemTotal": 16 * GIB * len(zones) << 12,
        "MemFree": 1 << 30,
        "Active(file)": cache * len(zones) << 11,
        "Inactive(file)": cache * len(zones) << 11,
        "SReclaimable": 64 << 20,
        "Dirty": dirty,
    }
    return Snapshot(
        time=NOW,
        monotonic=1000.0,
        host=Host("node-7", release, parse_version(release), 4096),
        zones=tuple(zones) or None,
        zone_infos=tuple(zone.info for zone in zones if zone.info),
        meminfo=meminfo if zones else {},
        vmstat={"nr_slab_reclaimable": 16_000} if zones else {},
        unreadable=() if zones else (Unreadable("/proc/buddyinfo", "no such file or directory"),),
    )


def denial(comm: str | None, order: int, ago: float | None = 8.0, **facts: Any) -> Incident:
    """Return a denied request of so many seconds ago."""
    time = None if ago is None else NOW - ago
    return kernel_incident(comm=comm, order=order, time=time, id=f"{comm}-{order}-{ago}", **facts)


def stuck(
    name: str, memory: bool | None = True, reason: ReasonClass = VAGUE, confidence: str = "likely", ago: float = 60.0
) -> StuckPod:
    """Return a stuck pod; by memory, if it is linked to a denial."""
    links = (PodLink("1", confidence, "why"),) if memory else ()
    return StuckPod(
        PodRef("default", name, f"uid-{name}"), NOW - ago, reason, memory, "", "sandbox", 1, None, None, links=links
    )


def stuck_pods(pods: Sequence[StuckPod]) -> StuckPods:
    return StuckPods(tuple(pods))


_COUNTS = st.one_of(st.just(0), st.integers(0, 40), st.integers(0, 400_000))
_BLOCKS = st.lists(_COUNTS, min_size=11, max_size=11).map(tuple) | st.builds(
    lambda small, largest: tuple(small[:largest]) + (0,) * (11 - largest),
    st.lists(_COUNTS, min_size=11, max_size=11),
    st.integers(0, 10),
)
NODES = st.builds(
    lambda blocks, cache, least, release, dirty: node(*blocks, cache=cache, least=least, release=release, dirty=dirty),
    st.lists(_BLOCKS, min_size=0, max_size=4),
    st.sampled_from([0, 3_000, 400_000, 6 * GIB]),
    st.sampled_from([0, 500, 11_000, 3_000_000]),
    st.sampled_from(["3.10.0-1160.el7.x86_64", "5.15.0", "6.18.0"]),
    st.sampled_from([0, 1 << 20, 1 << 30]),
)
"""Any node of up to four NUMA nodes; of none, if /proc/buddyinfo could not be read."""
_TEXT = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=80)
DENIALS = st.lists(
    st.builds(
        denial,
        st.none() | _TEXT,
        st.integers(0, 10),
        st.none() | st.floats(0, 1e6),
        suppressed=st.none() | st.integers(0, 5000),
        repeated=st.none() | st.integers(1, 9),
        cause=st.sampled_from([None, "netns", "vhost", "no-such-cause"]),
    ),
    max_size=5,
)
PODS = st.lists(
    st.builds(
        stuck,
        _TEXT,
        st.sampled_from([True, False, None]),
        st.sampled_from([MEMORY, NO_IMAGE, VAGUE]),
        st.sampled_from(["proven", "likely", "possible"]),
        st.floats(0, 1e6),
    ),
    max_size=5,
).map(stuck_pods)
