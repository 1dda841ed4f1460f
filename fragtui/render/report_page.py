"""The report for a ticket: the state of the node at one moment as a Markdown page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fragtui.model.failures.failure_list import combined
from fragtui.model.failures.incident import Incident, iso_utc
from fragtui.model.node.snapshot import Snapshot, Unreadable
from fragtui.model.node.verdict import NodeJudgement
from fragtui.model.pods.stuck_pods import StuckPod, StuckPods
from fragtui.model.remedy.forecast import Forecast, Gain
from fragtui.model.remedy.recommendation import Choice, effect_of
from fragtui.model.remedy.remedy_history import Episode, repeats
from fragtui.model.remedy.tuning_advice import Advice
from fragtui.model.state.denials import denials_of
from fragtui.model.state.node_state import NodeState, Question, Unseen, node_state
from fragtui.model.state.waiting_pods import waiting_pods
from fragtui.render.card.card import card
from fragtui.render.card.fitting import plain
from fragtui.render.card.means import Means
from fragtui.render.card.state_text import badge, outlook, sentence
from fragtui.render.facts import Fact
from fragtui.render.incident_text import block_words, count_words, incident_facts, incident_title
from fragtui.render.pod_text import blocked_pods, kernel_facts, pod_facts, pod_name
from fragtui.render.redaction import Redaction, redaction_of
from fragtui.text import counted, format_bytes, format_count, format_duration

_MAX_INCIDENTS = 20
_UNCUT = 10_000
"""Cells in which every line of the card has room in full."""
_POD_COLUMNS = ("cause", "memory")
"""Facts of a pod that are columns of the table; the others are listed under it."""
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """The content of the page; None for an unknown value, with the reason in the field beside it."""

    snapshot: Snapshot
    judgement: NodeJudgement
    forecast: Forecast
    incidents: tuple[Incident, ...] = ()
    incidents_from: str | None = None
    """Source of the incidents: /dev/kmsg or a log; None if no log could be read."""
    pods: StuckPods | None = None
    pods_unknown: str = "not looked for"
    """Why `pods` is None, or what its sources can't show."""
    episodes: tuple[Episode, ...] = ()
    advice: tuple[Advice, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    """The files that could not be read, including those of the snapshot."""
    places: tuple[str, ...] = ()
    """Directories of the person who makes the report; paths in the report start with them."""
    saved: bool = False
    """Whether the node's files were saved earlier; the snapshot's time is then theirs."""
    made_by: str = "fragtui"


def state_of(facts: ReportFacts) -> NodeState:
    """Return the state of the node with what the report knows of denied requests and stuck pods."""
    unseen = []
    if facts.incidents_from is None:
        log = (problem for problem in facts.unreadable if problem not in facts.snapshot.unknown)
        why = next((str(problem) for problem in log if problem.path != "audit log"), "no kernel log could be read")
        unseen.append(Unseen(Question.DENIALS, why))
    if facts.pods is None:
        unseen.append(Unseen(Question.PODS, facts.pods_unknown))
    return node_state(
        facts.snapshot,
        facts.judgement,
        denials=denials_of(facts.incidents) if facts.incidents_from is not None else None,
        pods=waiting_pods(facts.pods) if facts.pods is not None else None,
        unseen=tuple(unseen),
    )


def report_page(facts: ReportFacts, *, redact: bool = False) -> str:
    """Return the page. `redact` replaces each pod, namespace and host name by a token, the same everywhere."""
    page = _Page(facts, _redaction(facts) if redact else Redaction())
    sections = (
        page.head(),
        page.zones(),
        page.help(),
        page.incidents(),
        page.pods(),
        page.remedies(),
        page.advice(),
        page.unreadable(),
    )
    note = (
        ["", "Names of pods, namespaces, hosts and images, ids and addresses are replaced by tokens, each by its own."]
        if redact
        else []
    )
    return "\n".join(
        [*(line for section in sections for line in (*section, "")), f"Made by {facts.made_by}.", *note, ""]
    )


def _redaction(facts: ReportFacts) -> Redaction:
    stuck = (*facts.pods.pods, *facts.pods.started) if facts.pods else ()
    return redaction_of(
        hosts=(facts.snapshot.host.name, *(episode.intent.host for episode in facts.episodes)),
        namespaces=(*(incident.namespace for incident in facts.incidents), *(pod.namespace for pod in stuck)),
        pods=(
            *((incident.pod, incident.pod_uid) for incident in facts.incidents),
            *((pod.name, pod.uid) for pod in stuck),
        ),
        texts=(
            *(
                text
                for incident in facts.incidents
                for text in (incident.reason, incident.explanation, incident.cpuset)
            ),
            *(pod.reason for pod in stuck),
            facts.pods_unknown,
        ),
        places=facts.places,
    )


class _Page:
    """The sections, each as lines. Every text of the node, the kernel or the cluster passes `_out`."""

    def __init__(self, facts: ReportFacts, redaction: Redaction) -> None:
        self._facts = facts
        self._redaction = redaction

    def _out(self, text: str | None, unknown: str = "unknown") -> str:
        return _escaped(self._redaction.text(text)) if text else unknown

    def head(self) -> list[str]:
        facts, snapshot = self._facts, self._facts.snapshot
        host, meminfo = snapshot.host, snapshot.meminfo
        some = snapshot.pressure.some if snapshot.pressure else None
        size = f"{host.page_size} bytes" + (", assumed: no file gives it" if host.page_size_assumed else "")
        return [
            f"# Memory fragmentation on {self._out(host.name, 'an unnamed node')}",
            "",
            *self._card(),
            "",
            *_table(
                ("Fact", "Value"),
                [
                    ("saved" if facts.saved else "sampled", iso_utc(snapshot.time) or "unknown"),
                    ("kernel", self._out(host.release)),
                    ("page size", size),
                    ("target", block_words(facts.judgement.order, host.page_size)),
                    ("GFP_KERNEL gets", facts.judgement.kernel.value),
                    ("GFP_ATOMIC gets", facts.judgement.atomic.value),
                    ("memory", _bytes(meminfo.get("MemTotal"))),
                    ("free", _bytes(meminfo.get("MemFree"))),
                    ("page cache", _bytes(facts.forecast.cache)),
                    ("reclaimable slab", _bytes(facts.forecast.slab)),
                    ("tasks waiting for memory", f"{some.avg10:.1f} % of the last 10 s" if some else "unknown"),
                ],
            ),
        ]

    def _card(self) -> list[str]:
        """Return the state, who was denied memory, which pods are stuck and what to do, as a list."""
        state = state_of(self._facts)
        shown = card(state, _UNCUT, state.at, Means.COMMANDS)
        then = f" {_escaped(then[:1].upper() + then[1:])}." if (then := outlook(state)) else ""
        lines = [f"**{badge(state)}**: {self._out(sentence(state))}{then}", ""]
        return [*lines, *(f"- **{item.label}**: {self._out(plain(item.text))}" for item in shown.lines[1:])]

    def zones(self) -> list[str]:
        judged = self._facts.judgement.zones
        if not judged:
            return ["## Zones", "", f"Unknown: {self._out(self._facts.snapshot.why('buddyinfo'), 'none was read')}."]
        orders = max(len(zone.zone.free_blocks) for zone in judged)
        rows = []
        for zone in judged:
            name = f"node {zone.zone.node} {self._out(zone.zone.name)}"
            rows.append((name, "free blocks", *map(format_count, zone.zone.free_blocks)))
            if zone.serves_kernel:
                rows.append(("", "GFP_KERNEL", *(verdict.value for verdict in zone.kernel)))
            rows.append(("", "unusable", *(f"{index / 1000:.2f}" for index in zone.unusable)))
        return ["## Zones", "", *_table(("Zone", "Order", *map(str, range(orders))), rows)]

    def help(self) -> list[str]:
        view = self._facts.forecast
        size = block_words(view.order, self._facts.snapshot.host.page_size)
        remedies = (
            ("drop caches", Choice.DROP_CACHES),
            ("compact", Choice.COMPACT),
            ("drop caches, then compact", Choice.DROP_THEN_COMPACT),
        )
        snapshot = self._facts.snapshot
        rows = [(name, *_gain(view.gain(effect_of(snapshot, choice)))) for name, choice in remedies]
        return [
            "## What would help",
            "",
            self._out(plain(card(state_of(self._facts), _UNCUT, snapshot.time, Means.COMMANDS).lines[3].text)) + ".",
            "",
            *_table(("Remedy", "Memory", f"Blocks of {size}", "Remark"), rows),
        ]

    def incidents(self) -> list[str]:
        facts = self._facts
        title = "## Denied requests, OOM kills and failed sandboxes"
        if facts.incidents_from is None:
            return [title, "", "Unknown: no kernel log could be read."]
        source = self._out(facts.incidents_from)
        if not facts.incidents:
            return [title, "", f"None in {source}."]
        groups = list(reversed(combined(facts.incidents)))
        page_size = facts.snapshot.host.page_size
        lines = [title, "", f"From {source}. Counts are lower bounds: the kernel limits how often it reports."]
        for group in groups[:_MAX_INCIDENTS]:
            last = group.last
            when = iso_utc(last.time) if last.time is not None else None
            times = f"{counted(group.count, 'time')}, last {when or 'at an unknown time'}."
            lines += [
                "",
                f"### {incident_title(last, page_size)}: {self._out(last.comm or last.pod, 'unnamed')}",
                "",
                f"{times} {self._out(last.explanation, '')}".rstrip(),
            ]
            details = [
                *incident_facts(last),
                *(Fact("blocked pod", text) for text in blocked_pods(facts.pods, group.incidents)),
            ]
            if group.suppressed:
                details.append(Fact("count", count_words(group.count, group.suppressed)))
            if last.stack:
                details.append(Fact("stack", " < ".join(last.stack[:10])))
            if last.id:
                details.append(Fact("id", last.id))
            lines += ["", *(f"- {label}: {self._out(text)}" for label, text in details)]
        if len(groups) > _MAX_INCIDENTS:
            lines += ["", f"And {len(groups) - _MAX_INCIDENTS} more kinds, older than these."]
        return lines

    def pods(self) -> list[str]:
        pods = self._facts.pods
        if pods is None:
            return ["## Stuck pods", "", f"Unknown: {self._out(self._facts.pods_unknown)}."]
        lines = ["## Stuck pods", ""]
        if not pods.pods and not pods.started:
            return [*lines, f"None found. {self._out(self._facts.pods_unknown, '')}".rstrip()]
        rows = [self._pod(pod) for pod in (*pods.pods, *pods.started)]
        lines += _table(("Pod", "Since", "Attempts", "State", *(label.capitalize() for label in _POD_COLUMNS)), rows)
        for pod in pods.pods:
            facts = [*kernel_facts(pod), *(fact for fact in pod_facts(pod) if fact.label not in _POD_COLUMNS)]
            lines += ["", f"{self._out(pod_name(pod))}:", ""]
            lines += [f"- {label}: {self._out(text)}" for label, text in facts]
        missing = self._out(self._facts.pods_unknown, "")
        return [*lines, "", f"Not visible from these sources: {missing}."] if missing else lines

    def _pod(self, pod: StuckPod) -> tuple[str, ...]:
        since = iso_utc(pod.since) if pod.since is not None else None
        state = "stuck" if pod.started is None else f"started {iso_utc(pod.started)}"
        attempts = "unknown" if pod.attempts is None else str(pod.attempts)
        columns = (self._out(text) for label, text in pod_facts(pod) if label in _POD_COLUMNS)
        return (self._out(pod_name(pod)), since or "unknown", attempts, state, *columns)

    def remedies(self) -> list[str]:
        episodes = self._facts.episodes
        if not episodes:
            return ["## Remedies", "", "None logged."]
        rows = []
        for episode in reversed(episodes):
            ended = episode.ended
            outcome = "unknown" if ended is None else f"{ended.result.value} in {format_duration(ended.seconds)}"
            gained = "unknown" if episode.gained is None else format_count(episode.gained)
            at = iso_utc(episode.intent.time) or "unknown"
            order = "" if episode.intent.order is None else str(episode.intent.order)
            lasted = episode.lasted or "unknown"
            rows.append((at, self._out(episode.intent.remedy), episode.intent.by, outcome, order, gained, lasted))
        lines = [
            "## Remedies",
            "",
            *_table(("Time", "Remedy", "By", "Outcome", "Order", "Blocks gained", "Lasted"), rows),
        ]
        warning = repeats(episodes, self._facts.snapshot.time)
        return [*lines, "", warning] if warning else lines

    def advice(self) -> list[str]:
        if not self._facts.advice:
            return ["## Advice", "", "No setting stands out."]
        lines = ["## Advice", "", "Longer-term settings that keep large blocks available; none of them was applied."]
        for advice in self._facts.advice:
            lines += ["", f"- {_escaped(advice.what)}: {_escaped(advice.why)}."]
            lines += [f"  `{advice.line}`"] if advice.line else []
            lines += [f"  Cost: {_escaped(advice.risk)}."] if advice.risk else []
        return lines

    def unreadable(self) -> list[str]:
        if not self._facts.unreadable:
            return ["## What could not be read", "", "Nothing was missing."]
        rows = [f"- {self._out(problem.path)}: {self._out(problem.why)}" for problem in self._facts.unreadable]
        return ["## What could not be read", "", *rows]


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    filled = [[*row, *[""] * (len(head) - len(row))] for row in rows]
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *filled)]


def _gain(gain: Gain) -> tuple[str, str, str]:
    blocks = "unknown" if gain.blocks is None else format_count(gain.blocks)
    if gain.blocks is not None and gain.low is not None and gain.high is not None:
        blocks += f" ({format_count(gain.low)} to {format_count(gain.high)})"
    return _bytes(gain.bytes), blocks, gain.why or ""


def _bytes(size: int | None) -> str:
    return "unknown" if size is None else format_bytes(size)
