"""Single lines in which the kernel or a driver says that it got no memory, as data: a name, an expression, its words.

Sources: mm/hugetlb.c, mm/cma.c, mm/percpu.c, mm/page_alloc.c (WARN), mm/slab_common.c, kernel/hung_task.c,
kernel/dma/swiotlb.c and pool.c, net/netfilter/nf_conntrack_core.c, drivers/virtio/virtio_mem.c, drivers/iommu/intel,
the mlx5 driver, NVIDIA's open kernel modules (NV_CHECK_OK prints ``Check failed: TEXT [NAME] (0xNN) returned from CALL
@ FILE:LINE``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fragtui.kernel.reports.report_kind import ReportKind


@dataclass(frozen=True, slots=True)
class MemoryLine:
    """Such a line: `name` is its entry, `facts` are its named parts as text."""

    kind: ReportKind
    name: str
    facts: dict[str, str]
    has_stack: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    kind: ReportKind
    word: str
    """A word of the line: the expression is slow if it fails."""
    expression: re.Pattern[str]
    has_stack: bool = False


_BUS = r"(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]"
_DRIVER = (
    rf"(?:^|(?<=[\]:|>,\"] )|(?<=[>|:\"]))(?P<driver>[a-z]\w{{1,31}}) (?P<device>{_BUS}(?: \w{{1,16}})?|virtio\d{{1,6}}"
    r"|(?<=infiniband )\w{1,32}|(?<=usb )\d{1,3}-[\d.]{1,20}): "
)
"""As dev_printk (drivers/base/core.c) begins a line: the driver or the bus, the device, of networks also the name."""
_DEVICE = ReportKind.DEVICE_FAILURE
_ENTRIES = (
    _Entry("hugetlb", ReportKind.HUGETLB_SHORTAGE, "HugeTLB: allocating ", re.compile(
        r"HugeTLB: allocating (?P<wanted>\d{1,12}) of page size (?P<size>[\d.]{1,12} [KMGT]i?B) failed"
        r"(?: node(?P<node>\d{1,4}))?\. +Only allocated (?P<got>\d{1,12}) hugepages", re.ASCII)),
    _Entry("cma", ReportKind.CMA_FAILURE, "alloc failed, req-size: ", re.compile(
        r"cma_alloc: (?:(?P<area>[^:]{1,64}): )?alloc failed, "
        r"req-size: (?P<pages>\d{1,12}) pages?, ret: (?P<error>-\d{1,4})", re.ASCII)),
    _Entry("percpu", ReportKind.PERCPU_FAILURE, ": allocation failed, size=", re.compile(
        r"(?:percpu|PERCPU): allocation failed, size=(?P<size>\d{1,12}) align=\d{1,12}"
        r"(?: atomic=(?P<atomic>\d))?, (?P<why>[a-z, ]{1,60})", re.ASCII), has_stack=True),
    # Another warning of this file stands in another function, or in the slow path (4.12 and later).
    _Entry("too-large", ReportKind.ORDER_TOO_LARGE, "mm/page_alloc.c:", re.compile(
        r"WARNING: (?:CPU: (?P<cpu>\d{1,6}) PID: (?P<pid>\d{1,12}) at )?mm/page_alloc\.c:\d{1,6} (?:at )?"
        r"__alloc_(?:frozen_)?pages(?:_nodemask)?(?:_noprof)?(?:\.[\w.]+)?\+0x", re.ASCII), has_stack=True),
    _Entry("hung", ReportKind.HUNG_TASK, " blocked ", re.compile(
        r"INFO: task (?P<comm>.{1,15}):(?P<pid>\d{1,12}) blocked(?: in I/O wait)? "
        r"for more than (?P<seconds>\d{1,9}) seconds", re.ASCII), has_stack=True),
    _Entry("nvidia", _DEVICE, "[NV_ERR_NO_MEMORY]", re.compile(
        r"NVRM: .{0,120}\[NV_ERR_NO_MEMORY\](?: \(0x[0-9a-f]+\))? "
        r"returned from (?P<call>.{1,120}?) @ (?P<place>[\w.]{1,60}:\d{1,6})", re.ASCII)),
    _Entry("swiotlb", _DEVICE, "swiotlb buffer is full", re.compile(
        r"(?:(?P<device>\S{1,40} \S{1,40}): )?swiotlb buffer is full \(sz: (?P<size>\d{1,12}) bytes\)"
        r"(?:, total (?P<total>\d{1,12}) \(slots\), used (?P<used>\d{1,12}) \(slots\))?", re.ASCII)),
    _Entry("swiotlb", _DEVICE, "Out of SW-IOMMU space", re.compile(
        r"Out of SW-IOMMU space for (?P<size>\d{1,12}) bytes(?: at device (?P<device>\S{1,40}))?", re.ASCII)),
    _Entry("iommu", _DEVICE, "-page iova", re.compile(
        r"(?:(?P<device>\S{1,40} \S{1,40}): )?DMAR: Allocating (?P<pages>\d{1,12})-page iova"
        r"(?: for (?P<target>\S{1,40}))? failed", re.ASCII)),
    _Entry("dma-pool", _DEVICE, "pool for atomic ", re.compile(
        r"DMA: failed to allocate (?P<size>\d{1,9}) KiB (?:(?P<flags>[A-Z_|]{1,60}) )?pool for atomic ", re.ASCII)),
    _Entry("virtio_mem", _DEVICE, "virtio_mem", re.compile(
        r"virtio_mem (?P<device>virtio\d{1,6}): (?:un)?(?:plugging|adding|onlining) memory failed[:,] "
        r"(?:error )?(?P<error>-\d{1,4})", re.ASCII)),
    _Entry("nf_conntrack", _DEVICE, "falling back to vmalloc", re.compile(
        r"(?P<device>nf_conntrack|ip_conntrack): falling back to vmalloc")),
    _Entry("slab-cache", _DEVICE, "failed with error -12", re.compile(
        r"kmem_cache_create(?:_args|_usercopy)?\((?P<cache>[^()]{1,64})\) failed with error -12"), has_stack=True),
    _Entry("driver", _DEVICE, "-12", re.compile(
        rf"{_DRIVER}(?P<words>(?=.{{0,120}}?(?:ail|rr|nable|nnot|n't)).{{0,120}}?(?<![\w-])-12\b\)?)", re.ASCII)),
    _Entry("driver", _DEVICE, "ENOMEM", re.compile(rf"{_DRIVER}(?P<words>.{{0,120}}?\bENOMEM\b\)?)", re.ASCII)),
    _Entry("driver", _DEVICE, " alloc", re.compile(
        rf"{_DRIVER}(?P<words>.{{0,60}}?(?:ailed to|nable to|nnot|ould not|n't) alloc\w* "
        r".{0,60}?\b(?:memory|DMA|rings?|buffers?|pages)\b.{0,60})", re.ASCII)),
)  # fmt: skip


def parse_memory_line(text: str) -> MemoryLine | None:
    """Return what a line says about missing memory, or None."""
    for entry in _ENTRIES:
        if entry.word in text and (found := entry.expression.search(text)) is not None:
            facts = {name: value for name, value in found.groupdict().items() if value is not None}
            return MemoryLine(entry.kind, entry.name, facts, entry.has_stack)
    return None
