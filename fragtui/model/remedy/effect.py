"""What a remedy does, as far as forecasts and risks need to know it; how it is done is the catalogue's matter."""

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
    gentle: bool = False
    """kcompactd is woken (vm.compaction_proactiveness, 5.15 and later); nothing compacts in the writer."""

    @property
    def drops(self) -> bool:
        """Whether memory is freed."""
        return self.page_cache or self.slab
