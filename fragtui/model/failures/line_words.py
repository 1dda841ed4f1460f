"""What a single line about missing memory means, and what to do: `kernel/reports/memory_lines.py` has the lines."""

from __future__ import annotations

from collections.abc import Callable

from fragtui.kernel.reports.memory_lines import MemoryLine
from fragtui.kernel.reports.report import KernelReport
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.cause import FoundCause
from fragtui.model.failures.causes import FREE_BLOCKS
from fragtui.text import bounded_int, format_bytes

_ERRORS = {"-12": "no memory", "-16": "pages in it could not be moved"}
_COMPACTION = ("kcompactd", "khugepaged", "kswapd")


def cause_of_line(line: MemoryLine) -> str | None:
    """Return the key of the cause that the line itself names; None if its stack shows it."""
    if line.kind in {ReportKind.PERCPU_FAILURE, ReportKind.ORDER_TOO_LARGE, ReportKind.HUNG_TASK}:
        return None
    if line.name == "driver":
        driver = line.facts["driver"]
        return driver.removesuffix("_core") if driver in {"mlx4_core", "mlx5_core"} else driver
    return line.name


def is_memory(report: KernelReport) -> bool | None:
    """Return whether the node's memory is the cause of such a line, None if it does not show it."""
    if report.line is None or report.kind is ReportKind.ORDER_TOO_LARGE:
        return False
    if report.kind is ReportKind.HUNG_TASK:
        return True if report.stack or (report.comm or "").startswith(_COMPACTION) else None
    if report.line.name == "swiotlb":
        return False
    return True if report.kind is not ReportKind.DEVICE_FAILURE else None


def describe_line(report: KernelReport, line: MemoryLine, cause: FoundCause | None) -> str:
    """Return what failed and why, then what to do."""
    return _WORDS[line.name](report, line.facts, cause)


def _hugetlb(report: KernelReport, facts: dict[str, str], cause: FoundCause | None) -> str:
    node = f" on NUMA node {facts['node']}" if "node" in facts else ""
    text = f"The pool of huge pages has {facts['got']} of {facts['wanted']} pages of {facts['size']}{node}: "
    if facts["size"].endswith(("GiB", "GB")):
        return (
            f"{text}memory is fragmented or short. Reserve them at boot (hugepagesz=1G hugepages=N): "
            "a running kernel seldom has so large a range."
        )
    return (
        f"{text}memory is fragmented or short. {FREE_BLOCKS}, then set vm.nr_hugepages again, or reserve them at boot."
    )


def _cma(report: KernelReport, facts: dict[str, str], cause: FoundCause | None) -> str:
    area = f" of the area {facts['area']}" if "area" in facts else ""
    why = _ERRORS.get(facts["error"], f"error {facts['error']}")
    return (
        f"CMA{area} gave no range of {facts['pages']} pages: {why}. "
        "Enlarge the area (cma=, or the device tree), or retry: it moves the pages itself."
    )


def _percpu(report: KernelReport, facts: dict[str, str], cause: FoundCause | None) -> str:
    who = report.comm or "A task"
    purpose = f" for {cause.cause.title}" if cause is not None else ""
    text = f"{who} was denied {facts['size']} bytes of per-CPU memory{purpose}: {facts['why'].strip()}."
    if facts.get("atomic") == "1":
        return f"{text} It was not allowed to wait; retry."
    return f"{text} {FREE_BLOCKS}. Stop the growth of cgroups: per-CPU memory is freed with them."


def _too_large(report: KernelReport, facts: dict[str, str], cause: FoundCause | None) -> str:
    who = report.comm or "A task"
    purpose = f", for {cause.cause.title}" if cause is not None else ""
    return (
        f"{who} asked for a block larger than the largest that the kernel has{purpose}: a bug of that code or of its "
        "settings, not a lack of memory; no remedy of the node helps. Update or reconfigure it."
    )


def _hung(report: KernelReport, facts: dict[str, str], cause: FoundCause | None) -> str:
    text = f"{facts['comm']} has been blocked for {facts['seconds']} s"
    if facts["comm"].startswith("kcompactd") or any(frame.symbol.startswith("compact_") for frame in report.stack):
        return f"{text} in compaction. Do not compact on top of it: that would hang, too. Look for a slow disk."
    if report.stack:
        return f"{text} waiting for memory. Free memory on the node or lower its load; look for a slow disk."
    return f"{text}; the log does not show where. Look for its stack (echo w > /proc/sysrq-trigger)."


def _nvidia(report: KernelReport, facts: dict[str, str], cause: FoundCause | None) -> str:
    return (
        f"NVIDIA's driver was denied memory ({facts['place']}: {facts['call']}). "
        f"It may retry with small pages: act if a program failed. {FREE_BLOCKS}."
    )


def _swiotlb(report: KernelReport, facts: dict[str, str], cause: FoundCause | None) -> str:
    device = f"{facts['device']} " if "device" in facts else "A device "
    size = format_bytes(bounded_int(facts["size"]) or 0)
    text = f"{device}found no room for {facts['size']} bytes ({size}) in the bounce buffer (swiotlb)"
    total, used = bounded_int(facts.get("total")), bounded_int(facts.get("used"))
    if total is not None and used is not None:
        state = "is fragmented or the request is larger than its limit" if used < total // 2 else "is full"
        text += f": it {state}, {used} of {total} slots are in use"
    return (
        f"{text}. Enlarge it (swiotlb=SLOTS), or let the device address all memory (IOMMU); "
        "the node's free memory does not help."
    )


def _iommu(report: KernelReport, facts: dict[str, str], cause: FoundCause | None) -> str:
    device = facts.get("device") or facts.get("target") or "A device"
    return (
        f"{device} got no range of {facts['pages']} pages of addresses from the IOMMU: they or the memory for them ran "
        "out. Look for a driver that does not give mappings back; reload it."
    )


def _dma_pool(report: KernelReport, facts: dict[str, str], cause: FoundCause | None) -> str:
    flags = f" ({facts['flags']})" if "flags" in facts else ""
    return (
        f"The kernel's pool of {facts['size']} KiB for atomic DMA{flags} was not made: harmless in a crash kernel "
        "(kdump), whose zone DMA is empty; elsewhere lower it (coherent_pool=)."
    )


def _virtio_mem(report: KernelReport, facts: dict[str, str], cause: FoundCause | None) -> str:
    why = _ERRORS.get(facts["error"], "error")
    words = f"{facts['device']} (virtio-mem) could not plug memory: {why} ({facts['error']})"
    return f"{words}. Free memory in the guest, or ask the host."


def _nf_conntrack(report: KernelReport, facts: dict[str, str], cause: FoundCause | None) -> str:
    return (
        f"{facts['device']} got no block for its hash table and used vmalloc: harmless by itself, an early sign that "
        f"memory is fragmented. {FREE_BLOCKS}."
    )


def _slab_cache(report: KernelReport, facts: dict[str, str], cause: FoundCause | None) -> str:
    return f"The slab cache {facts['cache']} could not be created: no memory (-12). {FREE_BLOCKS}, then retry."


def _driver(report: KernelReport, facts: dict[str, str], cause: FoundCause | None) -> str:
    return (
        f"The {facts['driver']} driver was denied memory for {facts['device']}: {facts['words']}. "
        f"{FREE_BLOCKS}, then load the driver or open the device again."
    )


_WORDS: dict[str, Callable[[KernelReport, dict[str, str], FoundCause | None], str]] = {
    "hugetlb": _hugetlb, "cma": _cma, "percpu": _percpu, "too-large": _too_large, "hung": _hung, "nvidia": _nvidia,
    "swiotlb": _swiotlb, "iommu": _iommu, "dma-pool": _dma_pool, "virtio_mem": _virtio_mem, "slab-cache": _slab_cache,
    "nf_conntrack": _nf_conntrack, "driver": _driver,
}  # fmt: skip
