"""The effect of a remedy, as forecasts and risks need it; the steps are in the catalogue (`remedies/catalogue.py`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens, in this order: dirty pages written, page cache dropped, slab shrunk, memory compacted."""

    sync: bool = False
    page_cache: bool = False
    slab: bool = False
    compact: bool = False
    node: int | None = None
    """The NUMA node compacted; None for all."""
    reclaim: int | None = None
    """Bytes of clean page cache of the one cgroup that is reclaimed, instead of that of the node; with `page_cache`."""
    gentle: bool = False
    """Wakes kcompactd (vm.compaction_proactiveness, 5.15 and later); the writer itself compacts nothing."""

    @property
    def drops(self) -> bool:
        """Whether memory is freed."""
        return self.page_cache or self.slab
