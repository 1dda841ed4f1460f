"""The sections of a report that is one page, whatever happened. `out` makes a text safe for the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fragtui.model.failures.groups import ANYONE, FailureGroups, GroupedFailures, key_of, typical
from fragtui.model.failures.incident import Incident
from fragtui.model.node.indices import largest_order
from fragtui.model.node.verdict import NodeJudgement, ZoneJudgement
from fragtui.model.node.watermark import RequestKind
from fragtui.model.pods.stuck_pods import StuckPod, StuckPods
from fragtui.model.state.waiting_pods import waiting_pods
from fragtui.render.failure_table import (
    GROUP_HEAD,
    is_one_day,
    last_words,
    size_and_order,
    span_words,
    times_words,
    total_facts,
)
from fragtui.render.incident_text import block_words, cause_words, incident_facts, incident_title, kind_counts
from fragtui.render.pod_text import (
    blocked_pods,
    kernel_facts,
    memory_words,
    pod_facts,
    pod_name,
    pod_reason,
    retry_facts,
    stuck_words,
)
from fragtui.render.report.markdown import markdown_table
from fragtui.render.zone_summary import VERDICT_WORDS
from fragtui.text import counted, format_bytes, format_count

Out = Callable[[str | None, str], str]
"""Returns a text of the node or the cluster, redacted and escaped; the second one if there is none."""

_MAX_GROUPS = 7
_MAX_PODS = 5
_MAX_ZONES = 5
_MAX_TYPICAL = 3
_MAX_EXPLAINED_PODS = 1
_MAX_LINKS = 2
"""Links that one pod or one failure names."""
_TOTALS = ("Who", "Size", "Cause", "Pods")
"""Totals that the summary at the top lacks."""


def group_table(failures: FailureGroups, groups: Sequence[GroupedFailures], out: Out) -> list[str]:
    """Return the table of these groups of failures: last, times, size, who, cause."""
    one_day = is_one_day(failures.first, failures.last)
    rows = [
        (
            last_words(group, one_day=one_day),
            f"{group.count:,}",
            out(size_and_order(group), ""),
            out(group.who, "unknown"),
            out(cause_words(group.example), "unknown"),
        )
        for group in groups
    ]
    return markdown_table(GROUP_HEAD, rows)


def denied(
    source: str,
    failures: FailureGroups,
    incidents: Sequence[Incident],
    pods: StuckPods | None,
    page_size: int,
    out: Out,
) -> list[str]:
    """Return the totals, the newest groups and the typical reports."""
    groups = failures.listed
    shown = groups[:_MAX_GROUPS]
    count = len(groups) + failures.forgotten
    of_all = f" The {len(shown)} newest of {count:,} groups:" if count > len(shown) else ""
    when = span_words(failures.first, failures.last)
    hidden = f", at least {failures.suppressed:,} more not logged" if failures.suppressed else ""
    total = f"{kind_counts(failures.by_kind)}{hidden}{f', {when}' if when else ''}"
    lines = [f"{total}. From {source}: lower bounds, the kernel limits how often it reports.{of_all}", ""]
    lines += [f"- {label}: {out(text, '')}" for label, text in total_facts(failures) if label in _TOTALS]
    lines += ["", *group_table(failures, shown, out), ""]
    for group in typical(groups, _MAX_TYPICAL):
        lines += _report(group, incidents, pods, page_size, out)
    return lines


def _report(
    group: GroupedFailures, incidents: Sequence[Incident], pods: StuckPods | None, page_size: int, out: Out
) -> list[str]:
    """Return the newest failure of a group in a few lines."""
    newest = group.example
    name = out(newest.comm or newest.pod, "unnamed")
    facts = [f"{label} {text}" for label, text in incident_facts(newest)]
    facts += [f"id {newest.id}"] if newest.id else []
    facts += ["stack " + " < ".join(newest.stack[:10])] if newest.stack else []
    # The pods of many tasks are in the table of pods, each with what blocks it.
    members = [incident for incident in incidents if group.key.who != ANYONE and key_of(incident) == group.key]
    title = f"**{incident_title(newest, page_size)}: {name}**"
    return [
        f"- {title}, {times_words(group)} {out(newest.explanation, '')}".rstrip(),
        *_linked("blocked pod", blocked_pods(pods, members), out),
        f"  - {out('; '.join(facts), '')}",
    ]


def _linked(label: str, texts: Sequence[str], out: Out) -> list[str]:
    lines = [f"  - {label}: {out(text, '')}" for text in texts[:_MAX_LINKS]]
    if len(texts) > _MAX_LINKS:
        lines[-1] += f"; and {len(texts) - _MAX_LINKS} more"
    return lines


def stuck(pods: StuckPods, not_visible: str, now: float, out: Out) -> list[str]:
    """Return the pods, those that the kernel denied memory first, and the facts of the first ones at a time."""
    listed = [*sorted(pods.pods, key=blame), *pods.started]
    rows = [
        (
            out(pod_name(pod), ""),
            "started" if pod.started is not None else span_words(pod.since, pod.since) or "unknown",
            "unknown" if pod.attempts is None else str(pod.attempts),
            out(pod_reason(pod), ""),
            memory_words(pod),
        )
        for pod in listed[:_MAX_PODS]
    ]
    shown = f" The first {len(rows)} of {len(listed):,}:" if len(listed) > len(rows) else ""
    missing = f" Not visible from these sources: {out(not_visible, '')}." if not_visible else ""
    words = stuck_words(waiting_pods(pods))
    about = f"{counted(len(pods.pods), 'stuck pod')}{f': {words}' if words else ''}."
    lines = [
        f"{about}{missing}{shown}",
        "",
        *markdown_table(("Pod", "Stuck since", "Attempts", "Cause", "Memory"), rows),
    ]
    explained = [pod for pod in listed if pod.started is None][:_MAX_EXPLAINED_PODS]
    if explained:
        lines.append("")
    for pod in explained:
        facts = dict(pod_facts(pod))
        lines.append(f"- **{out(pod_name(pod), '')}**: {out(facts['error'], '')}")
        lines += _linked("blocked by", [text for _, text in kernel_facts(pod)], out)
        lines.append(f"  - do: {out(facts['do'], '')}")
        lines += [f"  - {label}: {text}" for label, text in retry_facts(pod, now)]
    return lines


def blame(pod: StuckPod) -> int:
    """Return the place of a pod in a list: those that the kernel denied memory come first."""
    return (True, None, False).index(pod.memory)


def zones(judgement: NodeJudgement, page_size: int, out: Out) -> list[str]:
    """Return the zones that serve the kernel, those that are alike in one row."""
    alike: dict[object, list[ZoneJudgement]] = {}
    for zone in judgement.serving:
        verdict = zone.verdict(RequestKind.GFP_KERNEL, judgement.order)
        alike.setdefault((zone.zone.name, verdict, largest_order(zone.zone.free_blocks)), []).append(zone)
    rows = []
    for members in alike.values():
        first, blocks = members[0].zone, members[0].zone.free_blocks
        top = largest_order(blocks)
        name = f"node {first.node} {out(first.name, '')}"
        rows.append(
            (
                f"{name}, and {len(members) - 1} like it" if len(members) > 1 else name,
                format_bytes(members[0].free_pages * page_size),
                "none" if top is None else block_words(top, page_size),
                format_count(members[0].blocks(judgement.order)),
                VERDICT_WORDS[members[0].verdict(RequestKind.GFP_KERNEL, judgement.order)],
            )
        )
    size = format_bytes(page_size << judgement.order)
    lines = markdown_table(("Zone", "Free", "Largest", f"{size} blocks", f"for {size}"), rows[:_MAX_ZONES])
    return lines + more(len(rows) - _MAX_ZONES, "more kind of zone", "more kinds of zones")


def more(count: int, noun: str, plural: str) -> list[str]:
    """Return the line for `count` rows that are left out, if any are."""
    return ["", f"And {counted(count, noun, plural)}."] if count > 0 else []
