"""The gate's answer, as one line and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fragtui.model.remedy.forecast import Gain
from fragtui.model.remedy.need import Fulfilled, Need, NeedCheck
from fragtui.remedies.ladder import Rung, gentlest
from fragtui.text import counted, format_block, format_bytes, format_count


class GateResult(StrEnum):
    """Whether a job may start here."""

    READY = "ready"
    HEALED = "healed"
    BUSY = "busy"
    REBOOT_REQUIRED = "reboot-required"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class GateReport:
    """A measurement against a need, and what the gate concludes from it."""

    need: Need
    check: NeedCheck
    result: GateResult
    page_size: int
    gain: Gain
    """Forecast of all remedies together, in blocks of the need."""
    why: str | None = None
    """Why it is not ready, beyond the numbers."""
    ran: Sequence[str] = ()
    """Ids of the remedies that ran."""
    rungs: Sequence[Rung] = ()
    """The remedies that may run, gentlest first, with the forecast of each."""


def gate_line(report: GateReport) -> str:
    """Return the answer as one line."""
    need, check = report.need, report.check
    size = format_block(report.page_size, check.order) if check.order >= 0 else format_bytes(need.size)
    wanted = f"{counted(need.blocks, 'block')} of {size}"
    if check.blocks is None or check.possible is None:
        parts = [f"{wanted} needed"]
    else:
        range_of = f"{check.blocks} to " if check.possible > check.blocks else ""
        parts = [f"{range_of}{counted(check.possible, 'block')} of {size} available, {need.blocks} needed"]
    if need.node is not None:
        parts[0] += f" on NUMA node {need.node}"
    if need.free is not None:
        free = "unknown" if check.free is None else format_bytes(check.free)
        parts.append(f"free memory {free}, {format_bytes(need.free)} needed")
    if report.ran:
        parts.append(f"{', '.join(report.ran)} ran")
    reasons = (check.why if check.fulfilled is Fulfilled.UNKNOWN else None, report.why)
    parts += dict.fromkeys(reason for reason in reasons if reason)
    if report.result is GateResult.BUSY and not report.ran:
        parts.append(_forecast_words(report))
    return f"{report.result}: {'; '.join(parts)}"


def gate_json(report: GateReport) -> dict[str, object]:
    """Return the answer as the fields of a JSON object; sizes in bytes, unknown is None."""
    need, check, gain = report.need, report.check, report.gain
    by_node = check.by_node
    return {
        "result": report.result.value,
        "why": "; ".join(dict.fromkeys(filter(None, (check.why, report.why)))) or None,
        "need": {
            "blocks": need.blocks,
            "size": need.size,
            "order": check.order if check.order >= 0 else None,
            "numa_node": need.node,
            "free": need.free,
        },
        "have": {
            "blocks": check.blocks,
            "possible": check.possible,
            "free": check.free,
            "numa_nodes": None
            if by_node is None
            else [{"numa_node": n, "blocks": by_node[n]} for n in sorted(by_node)],
        },
        "forecast": {"blocks": gain.blocks, "low": gain.low, "high": gain.high, "bytes": gain.bytes, "why": gain.why},
        "steps": [_step_json(rung) for rung in report.rungs],
        "remedies": list(report.ran),
    }


def gain_words(report: GateReport, gain: Gain) -> str:
    """Return what a forecast expects of what is missing, as a phrase after the name of a remedy."""
    if report.check.blocks is not None and report.check.blocks >= report.need.blocks:
        return "would free an unknown amount" if gain.bytes is None else f"would free {format_bytes(gain.bytes)}"
    if gain.blocks is None or gain.low is None or gain.high is None:
        return f"would gain an unknown number of blocks{f': {gain.why}' if gain.why else ''}"
    low, high = max(0, gain.low), max(0, gain.high)
    if high == 0:
        return "would gain none"
    return f"would gain {format_count(low)} to {format_count(high)} block{'' if high == 1 else 's'}"


def _forecast_words(report: GateReport) -> str:
    """Return the forecast of the gentlest remedy that suffices, of all together if none does."""
    chosen, _ = gentlest(report.rungs)
    if chosen is not None:
        return f"{chosen.remedy.id} {gain_words(report, chosen.expected)}"
    return f"all remedies together {gain_words(report, report.gain)}"


def _step_json(rung: Rung) -> dict[str, object]:
    gain = rung.expected
    return {
        "remedy": rung.remedy.id,
        "blocks": gain.blocks,
        "low": gain.low,
        "high": gain.high,
        "suffices": rung.suffices,
        "skipped": rung.skipped,
    }
