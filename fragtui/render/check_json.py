"""The object that `fragtui check --json` prints; its keys and their meaning are stable."""

from __future__ import annotations

from typing import Any

from fragtui.model.node.indices import free_pages, largest_order
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import ZoneJudgement
from fragtui.model.node.watermark import RequestKind
from fragtui.model.remedy.forecast import Forecast, Gain
from fragtui.model.remedy.recommendation import Choice, effect_of
from fragtui.model.state.node_state import NodeState
from fragtui.render.card.state_text import outlook


def check_fields(snapshot: Snapshot, state: NodeState, forecast: Forecast, summary: str) -> dict[str, Any]:
    """Return the object; unknown is null, with the reason in `unreadable`. Indices are 0 to 1, as in the kernel."""
    judgement = state.judgement
    return {
        "verdict": judgement.kernel.value,
        "state": state.state.value,
        "order": judgement.order,
        "exit": int(state.severity),
        "summary": summary,
        "outlook": outlook(state),
        "bare_nodes": list(judgement.nodes_without),
        "denied": _denied(state),
        "stuck": _stuck(state),
        "advice": _advice(state),
        "unseen": [{"question": unseen.question.value, "why": unseen.why} for unseen in state.unseen],
        "kernel": snapshot.host.release,
        "page_size": snapshot.host.page_size,
        "zones": [_zone(zone, snapshot.host.page_size) for zone in judgement.zones],
        "help": {
            "drop_caches": _gain(forecast.gain(effect_of(snapshot, Choice.DROP_CACHES))),
            "compact": _gain(forecast.gain(effect_of(snapshot, Choice.COMPACT))),
        },
        "unreadable": [{"path": problem.path, "why": problem.why} for problem in snapshot.unknown],
    }


def _denied(state: NodeState) -> dict[str, Any] | None:
    denials = state.denials
    if denials is None:
        return None
    last = denials.last
    return {
        "count": denials.requests,
        "suppressed": denials.suppressed,
        "window_s": denials.window,
        "last": None if last is None else {"comm": last.comm, "order": last.order, "time": last.time},
    }


def _stuck(state: NodeState) -> dict[str, Any] | None:
    pods = state.pods
    if pods is None:
        return None
    return {
        "by_memory": [str(pod.ref) for pod in pods.by_memory],
        "possibly": len(pods.possibly),
        "unknown": len(pods.unknown),
        "others": len(pods.others),
    }


def _advice(state: NodeState) -> dict[str, Any]:
    advice = state.advice
    fields: dict[str, Any] = {"step": advice.step.value, "remedy": None, "why": advice.why}
    if (recommendation := advice.recommendation) is not None:
        fields |= {
            "remedy": recommendation.choice.value,
            "expected": _gain(recommendation.gain),
            "wanted": recommendation.wanted,
            "price_bytes": recommendation.price,
        }
    return fields


def _zone(zone: ZoneJudgement, page_size: int) -> dict[str, Any]:
    blocks = zone.zone.free_blocks
    largest = largest_order(blocks)
    return {
        "node": zone.zone.node,
        "zone": zone.zone.name,
        "free_blocks": list(blocks),
        "free_bytes": free_pages(blocks) * page_size,
        "largest_free_bytes": 0 if largest is None else page_size << largest,
        "unusable_index": [index / 1000 for index in zone.unusable],
        "fragmentation_index": [index / 1000 for index in zone.fragmentation],
        "verdict": {
            RequestKind.GFP_KERNEL.value: [verdict.value for verdict in zone.kernel],
            RequestKind.GFP_ATOMIC.value: [verdict.value for verdict in zone.atomic],
        },
        "watermark": _watermark(zone, page_size),
    }


def _watermark(zone: ZoneJudgement, page_size: int) -> dict[str, int | None] | None:
    info = zone.zone.info
    if info is None:
        return None
    pages = {"min": info.min, "low": info.low, "high": info.high, "boost": info.boost, "reserve": None}
    if zone.state.mark is not None:
        pages["reserve"] = zone.state.reserve
    return {f"{name}_bytes": None if count is None else count * page_size for name, count in pages.items()}


def _gain(gain: Gain) -> dict[str, int | str | None]:
    return {"bytes": gain.bytes, "blocks": gain.blocks, "low": gain.low, "high": gain.high, "why": gain.why}
