"""Failures of a log as totals and as a table of groups, the same for `explain` and for the report."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.logs.line_writers import BINARY, KERNEL, UNKNOWN_WRITERS
from fragtui.model.failures.groups import MAX_GROUPS, FailureGroups, GroupedFailures, GroupKey, typical
from fragtui.model.failures.incident import SANDBOX_FAILURE, Incident, iso_utc
from fragtui.model.failures.refusal import page_kb_of
from fragtui.render.facts import Fact
from fragtui.render.incident_text import KIND_WORDS, block_words, cause_words, count_words, incident_facts, kind_counts
from fragtui.render.terminal_text import Line, Role, Span, table, wrapped
from fragtui.text import HARD_SPACE, counted, format_bytes

_TYPICAL = 3
"""Reports of the kernel that are shown in full."""
_TYPICAL_PODS = 2
_NAMED = 5
"""Names in a line of totals; the rest are counted together."""
_MAX_ORDER = 30
_PAGE_SIZE = 4096
"""Bytes of a page where no report shows it."""
_WITH_ORDERS = 72
"""Columns from which on a table has the orders beside the sizes."""
_READ = frozenset(("kubelet", "containerd", "crio", "dockerd", "cri-dockerd", "container runtime"))
"""Writers whose lines may report failures."""
_MEMORY = {True: "denied", None: "unknown", False: "no"}
"""Whether the node's memory is why a pod does not start, in the order of the table."""


def total_facts(failures: FailureGroups) -> tuple[Fact, ...]:
    """Return the totals: what, when, hidden by the rate limit, who, size, cause, pods. Empty ones are left out."""
    kernel, pods = kernel_and_pods(failures.newest_first)
    facts = [Fact("Failures", kind_counts(failures.by_kind)), Fact("When", span_words(failures.first, failures.last))]
    if failures.suppressed:
        facts.append(Fact("Hidden", f"at least {failures.suppressed:,} more: the kernel's rate limit did not log them"))
    counts = [(group.key, group.count) for group in kernel]
    nameless = [(key, count) for key, count in failures.forgotten_failures.items() if key.kind != SANDBOX_FAILURE]
    if counts or nameless:
        page_size = _page_size(kernel[0].example) if kernel else _PAGE_SIZE
        facts += [
            Fact("Who", _askers(kernel, sum(count for _, count in nameless))),
            Fact("Size", _totals((_size(key, page_size), count) for key, count in (*counts, *nameless))),
            Fact("Cause", _totals((_cause_name(key.cause), count) for key, count in (*counts, *nameless))),
        ]
    counts = [(group.key, group.count) for group in pods]
    nameless = [(key, count) for key, count in failures.forgotten_failures.items() if key.kind == SANDBOX_FAILURE]
    if counts or nameless:
        least = "at least " if nameless else ""
        causes = _totals((_cause_name(key.cause), count) for key, count in (*counts, *nameless))
        facts.append(Fact("Pods", f"{_pod_counts(pods, least)}: {causes}"))
    return tuple(fact for fact in facts if fact.text)


def _pod_counts(groups: Sequence[GroupedFailures], least: str) -> str:
    """Return how many pods there are, those denied memory, and those of which that is unknown; a pod is one."""
    # The groups of a pod, one for each cause, come with the one that was denied memory first.
    memory = {group.who or group.key: group.memory for group in reversed(groups)}
    found = Counter(memory.values())
    parts = [f"{least}{counted(len(memory), 'pod')}", f"{least}{found[True]} denied memory"]
    return ", ".join([*parts, f"{found[None]} unknown"] if found[None] else parts)


def _askers(groups: Sequence[GroupedFailures], lost: int) -> str:
    """Return the failures of each task; `lost` ones are of forgotten groups."""
    names: defaultdict[str | None, set[str | None]] = defaultdict(set)
    for group in groups:
        names[group.key.who].add(group.who)
    # Tasks whose names differ in numbers only are one; a single one has its own name.
    shown = {key: next(iter(exact)) if len(exact) == 1 else key for key, exact in names.items()}
    return _totals(((shown[group.key.who] or "unknown", group.count) for group in groups), lost)


def _totals(counts: Iterable[tuple[str, int]], lost: int = 0) -> str:
    """Return the most frequent names with their counts, the others together, and the `lost` ones with them."""
    totals: Counter[str] = Counter()
    for name, count in counts:
        totals[name] += count
    named = totals.most_common(_NAMED if len(totals) > _NAMED + 1 or lost else None)
    parts = [f"{name} ({count:,})" for name, count in named]
    if others := totals.total() - sum(count for _, count in named) + lost:
        parts.append(f"{'at least ' if lost else ''}{len(totals) - len(named) + bool(lost)} more ({others:,})")
    return ", ".join(part.replace(" ", HARD_SPACE) for part in parts)


def size_words(group: GroupedFailures) -> str:
    """Return the size of the blocks that a group asked for: ``256K``; with the kind of a failure that is no denial."""
    return _size(group.key, _page_size(group.example))


def _size(key: GroupKey, page_size: int) -> str:
    kind = KIND_WORDS.get(key.kind)
    if key.order is None or key.order < 0:
        return kind or "unknown"
    size = format_bytes(page_size << min(key.order, _MAX_ORDER))
    return f"{kind} {size}" if kind else size


def _page_size(incident: Incident) -> int:
    return page_kb_of(incident.report) * 1024 if incident.report else _PAGE_SIZE


def _cause_name(cause: str | None) -> str:
    return cause.replace("_", " ") if cause else "unknown"


def group_rows(groups: Sequence[GroupedFailures], *, one_day: bool, orders: bool) -> list[tuple[Span, ...]]:
    """Return a row for each group of the kernel's failures: last, times, size (with its order), who, cause."""
    return [
        (
            (last_words(group, one_day=one_day), Role.MUTED),
            (f"{group.count:,}", Role.TITLE),
            (size_and_order(group) if orders else size_words(group), _role(group)),
            (group.who or "unknown", Role.TEXT),
            (cause_words(group.example) or "unknown", Role.TEXT),
        )
        for group in groups
    ]


def pod_rows(groups: Sequence[GroupedFailures], *, one_day: bool) -> list[tuple[Span, ...]]:
    """Return a row for each pod without a sandbox: last, times, whether it was denied memory, why, pod."""
    return [
        (
            (last_words(group, one_day=one_day), Role.MUTED),
            (f"{group.count:,}", Role.TITLE),
            (_MEMORY[group.memory], Role.BAD if group.memory else Role.TEXT),
            (_cause_name(group.key.cause), Role.TEXT),
            (group.who or "unknown pod", Role.TEXT),
        )
        for group in groups
    ]


GROUP_HEAD = ("Last", "Times", "Size", "Who", "Cause")
POD_HEAD = ("Last", "Times", "Memory", "Why", "Pod")


def size_and_order(group: GroupedFailures) -> str:
    """Return the size and the order: ``256K (order 6)``, ``OOM 4K (order 0)``."""
    kind = KIND_WORDS.get(group.key.kind)
    order = group.key.order
    if kind and (order is None or order < 0 or (group.example.report and group.example.report.line)):
        return kind
    block = block_words(order, _page_size(group.example))
    return f"{kind} {block}" if kind else block


def _role(group: GroupedFailures) -> Role:
    if group.example.memory is False:
        return Role.TEXT
    return Role.BAD if group.key.kind == ReportKind.ALLOCATION_FAILURE else Role.WARN


def total_lines(failures: FailureGroups, width: int) -> list[Line]:
    """Return the totals, each with its label."""
    facts = total_facts(failures)
    indent = max(len(label) for label, _ in facts) + 2
    return [line for label, text in facts for line in wrapped(text, width, indent=indent, label=label)]


def typical_lines(failures: FailureGroups, width: int) -> list[Line]:
    """Return the newest reports of typical groups in full."""
    groups = failures.listed
    kernel, pods = kernel_and_pods(groups)
    chosen = (*typical(kernel, _TYPICAL), *pods[:_TYPICAL_PODS])
    lines: list[Line] = []
    if len(chosen) < len(groups) + failures.forgotten:
        text = "Reports of the newest and of the largest groups; --all prints each failure:"
        lines += [*wrapped(text, width, Role.MUTED), ()]
    for group in chosen:
        lines += [*incident_lines(group.example, width, group.log, group.count), ()]
    return lines


def kernel_and_pods(
    groups: Sequence[GroupedFailures],
) -> tuple[tuple[GroupedFailures, ...], tuple[GroupedFailures, ...]]:
    """Return the kernel's groups as they are, and those of pods, the ones denied memory first."""
    pods = [group for group in groups if group.key.kind == SANDBOX_FAILURE]
    pods.sort(key=lambda group: list(_MEMORY).index(group.memory))
    return tuple(group for group in groups if group.key.kind != SANDBOX_FAILURE), tuple(pods)


def tables(failures: FailureGroups, width: int, limit: int = MAX_GROUPS) -> list[Line]:
    """Return the tables of the kernel's groups, newest first, and of the pods, with at most `limit` rows each.

    With room for all of them each task is a group of its own.
    """
    one_day = is_one_day(failures.first, failures.last)
    kernel, pods = kernel_and_pods(failures.listed if limit < MAX_GROUPS else failures.newest_first)
    lost_pods = sum(count for key, count in failures.forgotten_failures.items() if key.kind == SANDBOX_FAILURE)
    lost = failures.forgotten_failures.total() - lost_pods
    rows = group_rows(kernel[:limit], one_day=one_day, orders=width >= _WITH_ORDERS)
    lines = _table_and_rest(GROUP_HEAD, rows, more_groups(kernel[limit:], lost), width)
    rows = pod_rows(pods[:limit], one_day=one_day)
    return lines + _table_and_rest(POD_HEAD, rows, more_groups(pods[limit:], lost_pods), width)


def _table_and_rest(head: Sequence[str], rows: Sequence[Sequence[Span]], rest: str, width: int) -> list[Line]:
    if not rows and not rest:
        return []
    return [(), *(table(head, rows, width, right=(1,)) if rows else ()), *wrapped(rest, width, Role.MUTED)]


def more_groups(groups: Sequence[GroupedFailures], lost: int) -> str:
    """Return what a table does not show, empty if nothing; `lost` are the failures of forgotten groups."""
    failures = sum(group.count for group in groups) + lost
    if not failures:
        return ""
    if not groups:
        return f"and smaller groups that are not remembered, with {counted(failures, 'failure')}"
    return f"and {'at least ' if lost else ''}{counted(len(groups), 'more group')} with {counted(failures, 'failure')}"


def is_one_day(first: float | None, last: float | None) -> bool:
    """Return whether both times are of the same day in UTC: the date is then needed once."""
    return first is not None and last is not None and _utc(first)[:10] == _utc(last)[:10]


def last_words(group: GroupedFailures, *, one_day: bool = False) -> str:
    """Return when the newest failure was: UTC, else the kernel's stamp, else the line in its log."""
    if group.last is not None:
        return _utc(group.last)[11:] if one_day else _utc(group.last, "%d %b %H:%M")
    report, lines = group.example.report, group.example.lines
    if report is not None and report.monotonic is not None:
        return f"[{report.monotonic:.0f} s]"
    return f"line {lines[0]}" if lines else "?"


def times_words(group: GroupedFailures) -> str:
    """Return how often a group failed and when last, as in ``3 times, last 2026-11-28T20:43:43+00:00``."""
    when = iso_utc(group.last) if group.last is not None else None
    return f"{counted(group.count, 'time')}, last {when or 'at an unknown time'}."


def span_words(first: float | None, last: float | None) -> str:
    """Return a span of time in UTC with its length; empty if unknown."""
    if first is None or last is None:
        return ""
    if first == last:
        return f"{_utc(first)} UTC"
    end = _utc(last)
    return f"{_utc(first)} to {end[11:] if is_one_day(first, last) else end} UTC ({length_words(last - first)})"


def length_words(seconds: float) -> str:
    """Return a length of time in its largest unit, rounded: ``8 s``, ``48 min``, ``3 h``, ``12 days``."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{round(seconds / size):,} {unit}"
    return f"{round(seconds)} s"


def _utc(time: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    return datetime.fromtimestamp(time, UTC).strftime(form)


def incident_lines(incident: Incident, width: int, name: str | None = None, times: int | None = None) -> list[Line]:
    """Return an incident as a paragraph: its lines in the log, its time and kind, what happened, its facts.

    `name` is its log, `times` how many failures it is an example of.
    """
    place = ""
    if incident.lines:
        first, last = incident.lines
        place = f"line {first}" if first == last else f"lines {first}-{last}"
    when = (iso_utc(incident.time) or "") if incident.time is not None else ""
    count = f"newest of {times:,}" if times is not None and times > 1 + (incident.repeated or 0) else ""
    head = ", ".join(part for part in (name, place, when, incident.kind.replace("_", " "), count) if part)
    lines = [*wrapped(head, width, Role.TITLE), *wrapped(incident.explanation or "", width, indent=2)]
    facts = incident_facts(incident)
    rows = [", ".join(f"{label} {text}" for label, text in facts if label != "detail")]
    rows += [text for label, text in facts if label == "detail"]
    if incident.suppressed or incident.repeated:
        rows.append(count_words(1 + (incident.repeated or 0), incident.suppressed or 0))
    for zone in incident.report.zones if incident.report else ():
        if zone.free_blocks is not None:
            blocks = " ".join(str(count) for count in zone.free_blocks)
            rows.append(f"node {zone.node} {zone.zone} free blocks by order: {blocks}")
    if incident.stack:
        rows.append("stack: " + " < ".join(incident.stack[:12]) + (" ..." if len(incident.stack) > 12 else ""))
    if incident.linked:
        rows.append("linked to " + ", ".join(incident.linked))
    for row in rows:
        lines += wrapped(row, width, Role.MUTED, indent=2)
    return lines


@dataclass(frozen=True, slots=True)
class LogsRead:
    """What was read of all logs together."""

    lines: int
    objects: int = 0
    """Objects of the Kubernetes API."""
    writers: Mapping[str, int] = field(default_factory=dict)
    """The lines by who wrote them, of `writers_of`; fewer than `lines` if the logs are long."""
    missing: str = ""
    """Why that is not all; empty if every log was read to its end."""


def closing_lines(failures: FailureGroups, read: LogsRead, width: int) -> list[Line]:
    """Return what was found in how much; it is green if nothing was found in lines that are understood."""
    parts = [_counted(read.lines, "line")] if read.lines or not read.objects else []
    if read.objects:
        parts.append(_counted(read.objects, "Kubernetes object"))
    where = " and ".join(parts)
    missing = f"; {read.missing}" if read.missing else ""
    if failures.count:
        return wrapped(f"{kind_counts(failures.by_kind)} in {where}{missing}", width, Role.TITLE)
    understood = read.objects or any(count for name, count in read.writers.items() if name not in UNKNOWN_WRITERS)
    proven = understood and not read.missing
    return wrapped(f"no failure in {where}{_writers(read)}{missing}", width, Role.GOOD if proven else Role.WARN)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _writers(read: LogsRead) -> str:
    """Return the lines by who wrote them: the kernel, kubelet and runtimes, then other programs, then the unknown."""
    if not read.writers:
        return "" if read.lines or read.objects or read.missing else ": the input is empty"
    known = [name for name in read.writers if name not in UNKNOWN_WRITERS]
    known.sort(key=lambda name: (name != KERNEL, name not in _READ, -read.writers[name], name))
    named, others = known[:_NAMED], known[_NAMED:]
    parts = [f"{name} {read.writers[name]:,}" for name in named]
    if others:
        parts.append(f"other programs {sum(read.writers[name] for name in others):,}")
    if unknown := sum(read.writers.get(name, 0) for name in UNKNOWN_WRITERS):
        binary = read.writers.get(BINARY, 0) * 2 > unknown
        parts.append(f"not understood {unknown:,}{' (binary data, not a log)' if binary else ''}")
    sampled = sum(read.writers.values())
    return f"{'' if sampled >= read.lines else f'; the first {sampled:,}'}: {', '.join(parts)}"
