"""Who holds the memory that can be freed: page cache, dirty pages and slab by cgroup, one for each pod."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CgroupMemory:
    """The memory of one cgroup and of all below it, in bytes; None for what the kernel does not count."""

    path: str
    """Its path below the mount of the memory controller: ``/kubepods/pod…``; it names the pod."""
    folder: str
    """Its directory below the node's root, exactly as it is named: what a write needs."""
    version: int
    """1 or 2, of its hierarchy."""
    device: int
    inode: int
    """The directory's st_dev and st_ino: a cgroup made again under the same name has another."""
    cache: int
    """Page cache without shmem."""
    dirty: int | None
    slab: int | None

    @property
    def clean(self) -> int:
        """Page cache that can be reclaimed without a write to a disk."""
        return max(0, self.cache - (self.dirty or 0))


@dataclass(frozen=True, slots=True)
class CgroupMemories:
    """The cgroups with most page cache at one moment."""

    at: float
    """Seconds since the epoch."""
    cgroups: tuple[CgroupMemory, ...] = ()
    """Those with most page cache, the most first."""
    looked_at: int = 0
    """How many cgroups were read."""
    cache: int = 0
    """Page cache of all cgroups, bytes."""
    seconds: float = 0.0
    """What the reading took."""
    cpu: float = 0.0
    """CPU seconds of it."""
    why: str | None = None
    """Why nothing is listed, or what is missing."""
    slab_unknown: str | None = None
    """Why the slab of each cgroup is unknown; None if it is known."""


@dataclass(frozen=True, slots=True)
class CgroupPrice:
    """What a cgroup and all below it went through since a moment; None for what the kernel does not count."""

    refaults: int | None = None
    """Pages read back soon after they had been reclaimed (workingset_refault_file): a lower bound, since the kernel
    forgets pages that it evicted from a cgroup that has become small (mm/workingset.c count_shadow_nodes)."""
    read: int | None = None
    """Bytes read from disks."""
    stalled: float | None = None
    """Seconds in which some of its tasks waited for memory (PSI); version 1 has none."""

    def since(self, before: CgroupPrice) -> CgroupPrice:
        """Return the difference of two readings of one cgroup; a count that fell is another cgroup's, so unknown."""

        def delta(now: float | None, then: float | None) -> float | None:
            return None if now is None or then is None or now < then else now - then

        refaults, read = delta(self.refaults, before.refaults), delta(self.read, before.read)
        return CgroupPrice(
            None if refaults is None else int(refaults),
            None if read is None else int(read),
            delta(self.stalled, before.stalled),
        )
