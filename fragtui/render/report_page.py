"""The report for a ticket: the state of the node at one moment as a Markdown page."""

from __future__ import annotations

from fragtui.model.failures.groups import FailureGroups, GroupedFailures, group_failures, key_of
from fragtui.model.failures.incident import SANDBOX_FAILURE, iso_utc
from fragtui.model.pods.stuck_pods import StuckPod
from fragtui.model.remedy.forecast import Gain
from fragtui.model.remedy.recommendation import Choice, effect_of
from fragtui.model.remedy.remedy_history import repeats
from fragtui.model.state.denials import denials_of
from fragtui.model.state.node_state import NodeState, Question, Unseen, node_state
from fragtui.model.state.waiting_pods import waiting_pods
from fragtui.render.card.card import card
from fragtui.render.card.fitting import plain
from fragtui.render.card.means import Means
from fragtui.render.card.state_text import badge, outlook, sentence
from fragtui.render.facts import Fact
from fragtui.render.failure_table import times_words, total_facts
from fragtui.render.incident_text import block_words, count_words, incident_facts, incident_title
from fragtui.render.pod_text import blocked_pods, kernel_facts, pod_facts, pod_name, retry_facts
from fragtui.render.redaction import Redaction, redaction_of
from fragtui.render.report import brief
from fragtui.render.report.markdown import escaped, markdown_table
from fragtui.render.report.report_facts import ReportFacts
from fragtui.render.tracing.trace_tables import report_section
from fragtui.render.zone_summary import VERDICT_WORDS
from fragtui.text import counted, format_bytes, format_count, format_duration

_UNCUT = 10_000
"""Cells in which every line of the card has room in full."""
_MAX_INCIDENTS = 20
"""Groups of failures whose newest one is explained."""
_MAX_LISTED = 2000
"""Rows of a table."""
_BRIEF_ROWS = 3
"""Remedies, settings and unreadable files of a page that is not full."""
_MAX_NAMED = 8
"""More unreadable files and sources that are named without a reason."""
_DENIED = "## Denied requests, OOM kills and failed sandboxes"
_DENIED_WITHOUT_PODS = "## Denied requests and OOM kills"
_POD_COLUMNS = ("cause", "memory")
"""Facts of a pod that are columns of the table; the others are listed under it."""


def state_of(facts: ReportFacts) -> NodeState:
    """Return the state of the node with what the report knows of denied requests and stuck pods."""
    unseen = [] if facts.unseen is None else list(facts.unseen)
    if facts.unseen is None and facts.incidents_from is None:
        log = (problem for problem in facts.unreadable if problem not in facts.snapshot.unknown)
        why = next((str(problem) for problem in log if problem.path != "audit log"), facts.incidents_unknown)
        unseen.append(Unseen(Question.DENIALS, why))
    if facts.unseen is None and facts.pods is None:
        unseen.append(Unseen(Question.PODS, facts.pods_unknown))
    return node_state(
        facts.snapshot,
        facts.judgement,
        denials=denials_of(facts.incidents) if facts.incidents_from is not None else None,
        pods=waiting_pods(facts.pods) if facts.pods is not None else None,
        unseen=tuple(unseen),
    )


def report_page(facts: ReportFacts, *, redact: bool = False, full: bool = False) -> str:
    """Return the page. `redact` replaces each pod, namespace and host name by a token, the same everywhere.

    It is one page of about 60 lines, whatever happened; `full` has every order, group, pod and remedy.
    """
    page = _Page(facts, redaction_for(facts) if redact else Redaction())
    sections = page.in_full() if full else page.in_brief()
    if facts.trace is not None:
        sections.append(report_section(facts.trace, facts.snapshot.host.page_size, page._out))
    rest = "" if full else " `fragtui report --full` has every group, pod, zone and remedy."
    note = (
        ["", "Names of pods, namespaces, hosts and images, ids and addresses are replaced by tokens, each by its own."]
        if redact
        else []
    )
    return "\n".join(
        [*(line for section in sections for line in (*section, "")), f"Made by {facts.made_by}.{rest}", *note, ""]
    )


def failures_of(facts: ReportFacts) -> FailureGroups:
    """Return the groups of what the kernel denied; those of pods too if no source reports pods."""
    pods = facts.pods is None
    return group_failures(each for each in facts.incidents if pods or each.kind != SANDBOX_FAILURE)


def redaction_for(facts: ReportFacts) -> Redaction:
    """Return the redaction of every name that the report knows."""
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
        return escaped(self._redaction.text(text)) if text else unknown

    def in_full(self) -> list[list[str]]:
        """Return every section."""
        return [
            self.head(),
            self.facts(),
            self.zones(),
            self.help(),
            self.incidents(),
            self.pods(),
            self.remedies(),
            self.advice(),
            self.unreadable(),
        ]

    def in_brief(self) -> list[list[str]]:
        """Return the sections of one page; those without content are lines of a list at the end."""
        facts, page_size = self._facts, self._facts.snapshot.host.page_size
        sections = [self.head()]
        ends = []
        source = facts.incidents_from and self._out(facts.incidents_from)
        failures = failures_of(facts)
        if source and failures.count:
            lines = brief.denied(source, failures, facts.incidents, facts.pods, page_size, self._out)
            sections.append([_DENIED if facts.pods is None else _DENIED_WITHOUT_PODS, *lines])
        else:
            ends.append([_DENIED_WITHOUT_PODS, "", f"None in {source}." if source else self._no_log()])
        if facts.pods is not None and (facts.pods.pods or facts.pods.started):
            sections.append(
                ["## Stuck pods", *brief.stuck(facts.pods, facts.pods_unknown, facts.snapshot.time, self._out)]
            )
        else:
            ends.append(self.pods())
        if facts.judgement.serving and facts.judgement.too_large is None:
            sections.append(["## Zones", *brief.zones(facts.judgement, page_size, self._out)])
        else:
            ends.append(self.zones())
        if facts.episodes:
            sections.append(self.remedies(_BRIEF_ROWS))
        else:
            ends.append(self.remedies())
        for section in (self.advice(_BRIEF_ROWS), self.unreadable(_BRIEF_ROWS)):
            (sections if len(section) > 3 else ends).append(section)
        return [
            *sections,
            [f"- **{title.removeprefix('## ')}**: {text.removeprefix('- ')}" for title, _, text, *_ in ends],
        ]

    def head(self) -> list[str]:
        host = self._facts.snapshot.host
        return [
            f"# Memory fragmentation on {self._out(host.name, 'an unnamed node')}",
            "",
            *self._card(),
            f"- **Node**: {self._out(self._node())}",
        ]

    def _node(self) -> str:
        facts, snapshot = self._facts, self._facts.snapshot
        meminfo, some = snapshot.meminfo, snapshot.pressure.some if snapshot.pressure else None
        stall = f"{some.avg10:.1f} % of the last 10 s" if some else "unknown"
        return (
            f"kernel {snapshot.host.release or 'unknown'}, {_bytes(meminfo.get('MemFree'))} of "
            f"{_bytes(meminfo.get('MemTotal'))} free, {_bytes(facts.forecast.cache)} of page cache, tasks waited for "
            f"memory: {stall}, {'saved' if facts.saved else 'sampled'} {iso_utc(snapshot.time) or 'at an unknown time'}"
        )

    def facts(self) -> list[str]:
        facts, snapshot = self._facts, self._facts.snapshot
        host, meminfo = snapshot.host, snapshot.meminfo
        size = f"{host.page_size} bytes" + (", assumed: no file gives it" if host.page_size_assumed else "")
        return [
            "## Node",
            "",
            *markdown_table(
                ("Fact", "Value"),
                [
                    ("page size", size),
                    ("target", block_words(facts.judgement.order, host.page_size)),
                    ("GFP_KERNEL request", VERDICT_WORDS[facts.judgement.kernel]),
                    ("GFP_ATOMIC request", VERDICT_WORDS[facts.judgement.atomic]),
                    ("memory", _bytes(meminfo.get("MemTotal"))),
                    ("free", _bytes(meminfo.get("MemFree"))),
                    ("page cache", _bytes(facts.forecast.cache)),
                    ("reclaimable slab", _bytes(facts.forecast.slab)),
                ],
            ),
        ]

    def _card(self) -> list[str]:
        """Return the state, who was denied memory, which pods are stuck and what to do, as a list."""
        state = state_of(self._facts)
        shown = card(state, _UNCUT, state.at, Means.COMMANDS)
        then = f" {escaped(then[:1].upper() + then[1:])}." if (then := outlook(state)) else ""
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
                rows.append(("", "GFP_KERNEL", *(VERDICT_WORDS[verdict] for verdict in zone.kernel)))
            rows.append(("", "unusable", *(f"{index / 1000:.2f}" for index in zone.unusable)))
        return ["## Zones", "", *markdown_table(("Zone", "Order", *map(str, range(orders))), rows)]

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
            *markdown_table(("Remedy", "Memory", f"Blocks of {size}", "Remark"), rows),
        ]

    def _no_log(self) -> str:
        return f"Unknown: {self._out(self._facts.incidents_unknown)}."

    def incidents(self) -> list[str]:
        facts = self._facts
        if facts.incidents_from is None:
            return [_DENIED, "", self._no_log()]
        source = self._out(facts.incidents_from)
        if not facts.incidents:
            return [_DENIED, "", f"None in {source}."]
        failures = group_failures(facts.incidents, _MAX_LISTED)
        groups = failures.newest_first
        lines = [_DENIED, "", f"From {source}. Counts are lower bounds: the kernel limits how often it reports.", ""]
        lines += [f"- {label}: {self._out(text)}" for label, text in total_facts(failures)]
        lines += ["", *brief.group_table(failures, groups, self._out)]
        for group in groups[:_MAX_INCIDENTS]:
            lines += ["", *self._group(group)]
        if len(groups) > _MAX_INCIDENTS:
            lines += ["", f"And {counted(len(groups) - _MAX_INCIDENTS, 'more group')}, older than these."]
        return lines

    def _group(self, group: GroupedFailures) -> list[str]:
        facts, newest = self._facts, group.example
        members = [incident for incident in facts.incidents if key_of(incident) == group.key]
        details = [
            *incident_facts(newest),
            *(Fact("blocked pod", text) for text in blocked_pods(facts.pods, members)),
        ]
        if group.suppressed:
            details.append(Fact("count", count_words(group.count, group.suppressed)))
        if newest.stack:
            details.append(Fact("stack", " < ".join(newest.stack[:10])))
        if newest.id:
            details.append(Fact("id", newest.id))
        name = self._out(newest.comm or newest.pod, "unnamed")
        return [
            f"### {incident_title(newest, facts.snapshot.host.page_size)}: {name}",
            "",
            f"{times_words(group)} {self._out(newest.explanation, '')}".rstrip(),
            "",
            *(f"- {label}: {self._out(text)}" for label, text in details),
        ]

    def pods(self) -> list[str]:
        pods = self._facts.pods
        if pods is None:
            unseen = state_of(self._facts).why_unseen(Question.PODS)
            what = "Unknown" if unseen is None or unseen.blind else "Nothing to look at"
            return ["## Stuck pods", "", f"{what}: {self._out(self._facts.pods_unknown)}."]
        lines = ["## Stuck pods", ""]
        if not pods.pods and not pods.started:
            return [*lines, f"None found. {self._out(self._facts.pods_unknown, '')}".rstrip()]
        stuck = sorted(pods.pods, key=brief.blame)
        rows = [self._pod(pod) for pod in (*stuck, *pods.started)]
        lines += markdown_table(
            ("Pod", "Since", "Attempts", "State", *(label.capitalize() for label in _POD_COLUMNS)), rows
        )
        for pod in stuck:
            facts = [*kernel_facts(pod), *(fact for fact in pod_facts(pod) if fact.label not in _POD_COLUMNS)]
            facts += retry_facts(pod, self._facts.snapshot.time)
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

    def remedies(self, limit: int = _MAX_LISTED) -> list[str]:
        episodes = self._facts.episodes
        if not episodes:
            return ["## Remedies", "", "None logged."]
        rows = []
        for episode in reversed(episodes[-limit:]):
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
            *markdown_table(("Time", "Remedy", "By", "Outcome", "Order", "Blocks gained", "Lasted"), rows),
            *brief.more(len(episodes) - limit, "older remedy", "older remedies"),
        ]
        warning = repeats(episodes, self._facts.snapshot.time)
        return [*lines, "", warning] if warning else lines

    def advice(self, limit: int = _MAX_LISTED) -> list[str]:
        if not self._facts.advice:
            return ["## Advice", "", "No setting stands out."]
        lines = ["## Advice", "", "Longer-term settings that keep large blocks available; none of them was applied."]
        for advice in self._facts.advice[:limit]:
            lines += ["", f"- {escaped(advice.what)}: {escaped(advice.why)}."]
            lines += [f"  `{advice.line}`"] if advice.line else []
            lines += [f"  Cost: {escaped(advice.risk)}."] if advice.risk else []
        return [*lines, *brief.more(len(self._facts.advice) - limit, "more setting", "more settings")]

    def unreadable(self, limit: int = _MAX_LISTED) -> list[str]:
        if not self._facts.unreadable:
            return ["## What could not be read", "", "Nothing was missing."]
        problems = self._facts.unreadable
        rows = [f"- {self._out(problem.path)}: {self._out(problem.why)}" for problem in problems[:limit]]
        more = brief.more(len(problems) - limit, "more", "more")
        if more:
            names = ", ".join(self._out(problem.path) for problem in problems[limit : limit + _MAX_NAMED])
            more[-1] = f"{more[-1].removesuffix('.')}: {names}{', ...' if len(problems) > limit + _MAX_NAMED else '.'}"
        return ["## What could not be read", "", *rows, *more]


def _gain(gain: Gain) -> tuple[str, str, str]:
    blocks = "unknown" if gain.blocks is None else format_count(gain.blocks)
    if gain.blocks is not None and gain.low is not None and gain.high is not None:
        blocks += f" ({format_count(gain.low)} to {format_count(gain.high)})"
    return _bytes(gain.bytes), blocks, gain.why or ""


def _bytes(size: int | None) -> str:
    return "unknown" if size is None else format_bytes(size)
