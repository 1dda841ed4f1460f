"""The object that `fragtui report --json` prints; its keys and their meaning are stable."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fragtui.model.failures.groups import GroupedFailures
from fragtui.model.failures.incident import iso_utc
from fragtui.model.pods.stuck_pods import StuckPod, StuckPods
from fragtui.render.card.state_text import sentence
from fragtui.render.check_json import check_fields
from fragtui.render.pod_text import pod_reason
from fragtui.render.redaction import Redaction
from fragtui.render.remedy.remedy_report import episode_json
from fragtui.render.report.report_facts import ReportFacts
from fragtui.render.report_page import failures_of, redaction_for, state_of
from fragtui.render.tracing.trace_json import trace_fields


def report_fields(facts: ReportFacts, *, redact: bool = False) -> dict[str, Any]:
    """Return the object of `check --pods --json` with what the whole report has besides.

    `incidents` are those of `explain --json` and `remedies` those of `history --json`. Times are ISO 8601 in UTC.
    Unknown is null: `incidents` and `groups` if no kernel log could be read, `pods` if no source reported any, with the
    reason in `unseen`. `redact` replaces names by tokens as in the page.
    """
    state, snapshot = state_of(facts), facts.snapshot
    read = facts.incidents_from is not None
    fields = {
        **check_fields(snapshot, state, facts.forecast, sentence(state)),
        "node": snapshot.host.name,
        "time": iso_utc(snapshot.time),
        "saved": facts.saved,
        "made_by": facts.made_by,
        "incidents_from": facts.incidents_from,
        "groups": [_group(group) for group in failures_of(facts).newest_first] if read else None,
        "incidents": [incident.to_json() for incident in facts.incidents] if read else None,
        "pods": _pods(facts.pods),
        "pods_not_visible": facts.pods_unknown or None,
        "remedies": [episode_json(episode) for episode in facts.episodes],
        "settings": [asdict(advice) for advice in facts.advice],
        "trace": None if facts.trace is None else trace_fields(facts.trace),
        "unreadable": [{"path": problem.path, "why": problem.why} for problem in facts.unreadable],
    }
    return _redacted(fields, redaction_for(facts)) if redact else fields


def _group(group: GroupedFailures) -> dict[str, Any]:
    return {
        "kind": group.key.kind,
        "who": group.who,
        "order": group.key.order,
        "cause": group.key.cause,
        "count": group.count,
        "suppressed": group.suppressed,
        "first": _time(group.first),
        "last": _time(group.last),
        "newest": group.example.id or None,
    }


def _pods(pods: StuckPods | None) -> list[dict[str, Any]] | None:
    return None if pods is None else [_pod(pod) for pod in (*pods.pods, *pods.started)]


def _pod(pod: StuckPod) -> dict[str, Any]:
    return {
        "namespace": pod.namespace,
        "name": pod.name,
        "uid": pod.uid,
        "since": _time(pod.since),
        "started": _time(pod.started),
        "after_remedy": pod.after_remedy,
        "stage": pod.stage,
        "attempts": pod.attempts,
        "first_failure": _time(pod.first_failure),
        "last_failure": _time(pod.last_failure),
        "next_try": _time(pod.next_try),
        "reason_class": pod.reason_class.name,
        "memory": pod.memory,
        "blame": pod.blame,
        "cause": pod_reason(pod),
        "error": pod.reason or None,
        "linked": [
            {"incident": link.incident_id, "confidence": link.confidence, "why": link.why} for link in pod.links
        ],
        "sources": list(pod.sources),
    }


def _time(time: float | None) -> str | None:
    return None if time is None else iso_utc(time)


def _redacted(value: Any, redaction: Redaction) -> Any:
    """Return the value with every text redacted, the same names by the same tokens; keys are no names."""
    if isinstance(value, str):
        return redaction.text(value)
    if isinstance(value, dict):
        return {key: _redacted(part, redaction) for key, part in value.items()}
    return [_redacted(part, redaction) for part in value] if isinstance(value, list | tuple) else value
