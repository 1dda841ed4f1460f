"""What to do about a denied request: it follows the request, may it wait or not, then the cause and the release."""

from __future__ import annotations

from fragtui.kernel.procfs.version import KernelVersion
from fragtui.kernel.reports.report import KernelReport
from fragtui.model.failures.cause import FoundCause
from fragtui.model.failures.causes import FREE_BLOCKS
from fragtui.model.failures.refusal import RefusalCause, RefusalVerdict
from fragtui.model.failures.refusal_words import ADDRESS_SPACE, exceeds_memory
from fragtui.model.node.watermark import RequestKind

_RESERVE = "Raise vm.min_free_kbytes so that the reserve lasts"
_EARLIER = "Raise vm.watermark_scale_factor: kswapd then frees memory earlier, and such a request may use no reserve"
_SCALE_SINCE = (4, 6, 0)
_OF_VERDICT = {
    RefusalCause.FRAGMENTED: [f"{FREE_BLOCKS}."],
    RefusalCause.SHORT: ["Free memory on the node or lower its load."],
    RefusalCause.AVAILABLE: ["Act if it repeats: raise vm.min_free_kbytes."],
}
_JUMBO_ORDER = 2
"""Order from which on a packet of 1500 bytes is not the reason."""


def advice_for(
    report: KernelReport,
    version: KernelVersion | None,
    cause: FoundCause | None,
    atomic: bool,
    judgement: RefusalVerdict | None,
) -> list[str]:
    """Return sentences on what to do about a denied block, most useful first."""
    if judgement is not None and judgement.why in {RefusalCause.NO_MEMORY, RefusalCause.TOO_LARGE}:
        return []
    sentences = _of_request(report, cause, atomic, judgement, version)
    if report.order and cause is not None and cause.cause.fixed and cause.is_fixed_in(version) is False:
        sentences.append(f"Fixed: {cause.cause.fixed}.")
    return sentences


def _of_request(
    report: KernelReport,
    cause: FoundCause | None,
    atomic: bool,
    judgement: RefusalVerdict | None,
    version: KernelVersion | None,
) -> list[str]:
    order = report.order or 0
    if cause is not None and cause.cause.key == "thp":
        return [f"{cause.cause.advice}."]  # Its flags may not let it wait; no reserve is for it.
    if atomic:
        without_reserve = judgement is not None and judgement.request is not RequestKind.GFP_ATOMIC
        scales = version is not None and version.numbers >= _SCALE_SINCE
        sentences = [f"{_EARLIER}." if without_reserve and scales else f"{_RESERVE}."]
        if cause is not None and cause.receiving:
            if order >= _JUMBO_ORDER:
                sentences.append("A lower MTU needs smaller blocks.")
            sentences.append("Packets were dropped, nothing else: act if it repeats.")
        return sentences
    if order == 0:
        return ["Free memory on the node or lower its load."]
    if cause is not None:
        return [f"{cause.cause.advice}."]
    return _OF_VERDICT.get(judgement.why, []) if judgement is not None else []


def vmalloc_advice(report: KernelReport, cause: FoundCause | None) -> list[str]:
    """Return sentences on what to do about a failed vmalloc."""
    words = report.vmalloc or ""
    if words.startswith("0 bytes") or exceeds_memory(words):
        return ["Update or remove the module that asked."]
    sentences = []
    if "address space" in words or "vm_struct" in words or ADDRESS_SPACE.fullmatch(words):
        sentences.append("Boot a 32-bit kernel with a larger vmalloc=; on 64 bits look for the module that leaks it.")
    else:
        sentences.append("Free memory on the node or lower its load, then retry.")
    if cause is not None and cause.cause.key == "iptables":
        sentences.append("The rules were not updated: restart kube-proxy or what wrote them.")
    return sentences
