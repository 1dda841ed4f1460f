"""The whole report of one incident: explanation, flags, the zones at that moment, the stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fragtui.kernel.gfp.meanings import flag_words
from fragtui.kernel.reports.report import ReportedZone
from fragtui.model.failures.causes import TABLE
from fragtui.model.failures.failure_list import FailureGroup
from fragtui.model.failures.incident import Incident
from fragtui.model.node.indices import blocks_of
from fragtui.render.facts import Fact
from fragtui.render.incident_text import count_words, flag_source, incident_facts, incident_title
from fragtui.text import format_bytes, format_count
from fragtui.ui.widgets.cells import bar_cells, cells_of, fit, fit_right, wrap
from fragtui.ui.widgets.incident_cells import clock_time, time_ago
from fragtui.ui.widgets.rows import Line, Span, bar_tones, line

PodLines = Callable[[FailureGroup], Sequence[str]]
"""Returns a sentence for each pod that a group's incidents block."""


def incident_lines(group: FailureGroup, pods: PodLines, page_size: int, width: int) -> list[Line]:
    """Return the page about the newest incident of a group."""
    incident = group.last
    when = f"{clock_time(incident.time)}, {time_ago(incident.time)}"
    lines = _with_note((incident_title(incident, page_size), "title"), (when, "muted"), width)
    if incident.explanation:
        lines += [line((row, "text")) for row in wrap(incident.explanation, width, 8)]
    for text in pods(group):
        lines += [line((row, "strong")) for row in wrap(text, width, 3)]
    lines.append(line())
    lines += _facts(group, width)
    lines += _flags(incident, width)
    lines += _zones(incident, width)
    lines += _stack(incident, width)
    return lines


def _with_note(words: Span, note: Span, width: int) -> list[Line]:
    """Return words and a note after them, or below if there is no room."""
    if cells_of(words[0]) + cells_of(note[0]) + 3 <= width:
        return [line(words, (f"   {note[0]}", note[1]))]
    return [line(words), *(line((f"  {row}", note[1])) for row in wrap(note[0], width - 2, 3))]


def _facts(group: FailureGroup, width: int) -> list[Line]:
    facts = [fact for fact in incident_facts(group.last) if fact.label != "flags"]
    if group.count > 1 or group.suppressed:
        facts.append(Fact("count", count_words(group.count, group.suppressed)))
    return [
        line((f"  {label if index == 0 else '':<11}", "muted"), (row, "text"))
        for label, text in facts
        for index, row in enumerate(wrap(text, width - 14, 3))
    ]


def _flags(incident: Incident, width: int) -> list[Line]:
    mode = "" if incident.mode is None else f" mode {incident.mode:#x}"
    rows = [line(), line((f"Flags{mode}", "title"), (f"  {flag_source(incident)}", "muted"))]
    if incident.gfp is None:
        return [*rows, line(("  unknown: no name was printed and no table of this kernel fits", "muted"))]
    names = 4 + max((len(name) for name in incident.gfp), default=0)
    for name in incident.gfp:
        rows += [
            line((fit(f"  {name if index == 0 else ''}", names), "strong"), (row, "muted"))
            for index, row in enumerate(wrap(flag_words(name), width - names - 2, 4) or [""])
        ]
    return rows


def _zones(incident: Incident, width: int) -> list[Line]:
    zones = incident.report.zones if incident.report else ()
    if not zones:
        return [line(), line(("Zones", "title"), ("  the report shows none", "muted"))]
    rows = [line(), line(("Zones at that moment", "title"))]
    for zone in zones:
        rows.append(line((f"  N{zone.node} {zone.zone}", "text"), (f"  {_marks(zone)}", "muted")))
        if zone.free_blocks is not None:
            rows += _zone_bars(zone, zone.free_blocks, incident.order, width)
    return rows


def _marks(zone: ReportedZone) -> str:
    sizes = (("free", zone.free_kb), ("min", zone.min_kb), ("low", zone.low_kb), ("boost", zone.boost_kb))
    return " ".join(f"{name} {format_bytes(size * 1024)}" for name, size in sizes if size is not None)


def _zone_bars(zone: ReportedZone, counts: tuple[int, ...], order: int | None, width: int) -> list[Line]:
    most = max((1, *counts))
    # Pages against KiB: even with the smallest page this is more than the zone has free.
    shut = zone.free_kb is not None and max(zone.lowmem_reserve_pages or (0,)) * 4 > zone.free_kb
    cell = bar_tones().reserved if shut else bar_tones().kept
    rows = []
    for index, count in enumerate(counts):
        letters = zone.letters[index] if zone.letters and index < len(zone.letters) else ""
        wanted = order is not None and index >= order
        none = wanted and not blocks_of(counts, index)
        share = count.bit_length() / max(1, most.bit_length())
        spans: list[Span] = [
            ("   ▾" if index == order else "    ", "key"),
            (f"{index:2d} ", "strong" if index == order else "muted"),
            (fit_right(format_count(count), 7), "text" if count else "bad-text" if none else "muted"),
            (" " + fit(letters, 6), "muted"),
            (cell * bar_cells(share, max(8, min(40, width - 24))), "lost" if shut else "bar"),
        ]
        rows.append(line(*spans, asked=index == order))
    return rows


def _stack(incident: Incident, width: int) -> list[Line]:
    if not incident.stack:
        return [line(), line(("Stack", "title"), ("  the report shows none", "muted"))]
    frames = [(symbol.removeprefix("? "), not symbol.startswith("?"), None) for symbol in incident.stack]
    found = TABLE.find(frames)
    rows = [line(), line(("Stack", "title"), ("  the innermost frame first", "muted"))]
    for place, symbol in enumerate(incident.stack):
        if found is not None and found.frame == place:
            rows += _with_note((f"▸ {symbol}", "strong"), (found.cause.title, "strong"), width)
        else:
            rows.append(line((f"  {symbol}", "muted" if symbol.startswith("?") else "text")))
    if found is not None:
        advice = found.cause.advice + (f" (fixed: {found.cause.fixed})" if found.cause.fixed else "")
        rows += [line(), *(line((row, "strong")) for row in wrap(advice, width, 3))]
    return rows
