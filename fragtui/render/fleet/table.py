"""A fleet as a table: a line for each node, worst first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from fragtui.model.fleet.fleet import Fleet, FleetNode, grouped
from fragtui.model.node.verdict import Severity
from fragtui.render.card.fitting import shortened
from fragtui.render.fleet.words import (
    age_text,
    blocks_text,
    count_text,
    heading,
    state_text,
    states_text,
    trend_text,
    unknown_lines,
)
from fragtui.render.terminal_text import EMPTY, Line, Role, Span, cells, table, wrapped
from fragtui.text import HARD_SPACE, counted, format_bytes

_ROLES = {
    Severity.FINE: Role.GOOD, Severity.WARNING: Role.WARN, Severity.CRITICAL: Role.BAD, Severity.UNKNOWN: Role.UNKNOWN,
}  # fmt: skip
_MIN_NAME = 9
_FIRST_LEFT_OUT = ("largest", "trend", "failures", "stuck")
"""Columns that a narrow terminal has no room for, in this order."""
_GAP = 2


class _Column(NamedTuple):
    title: str
    column: str
    """Its name in `Fleet.unknown`."""
    text: Callable[[FleetNode], str]


_COLUMNS = (
    _Column("BLOCKS", "blocks", blocks_text),
    _Column("LARGEST", "largest", lambda node: "?" if node.largest is None else format_bytes(node.largest)),
    _Column("TREND/H", "trend", trend_text),
    _Column("FAILED", "failures", lambda node: count_text(node.failures)),
    _Column("STUCK", "stuck", lambda node: count_text(node.stuck)),
    _Column("AGE", "age", age_text),
)


def fleet_lines(fleet: Fleet, width: int, label: str | None = None) -> list[Line]:
    """Return the table in lines of at most `width` columns, for each value of a label one by itself.

    A column that is unknown of all nodes is left out, and its reason stands below; so are those that have no room.
    """
    columns = [column for column in _COLUMNS if any(column.text(node) != "?" for node in fleet.nodes)]
    lines = wrapped(f"{heading(fleet)}: {_states(fleet.nodes)}", width, Role.TITLE)
    if label is None:
        groups: dict[str, tuple[FleetNode, ...]] = {"": fleet.nodes}
    else:
        groups = grouped(fleet.nodes, label)
    for value, nodes in groups.items():
        lines.append(EMPTY)
        if label is not None:
            named = f"{label}={value}" if value else f"without {label}"
            lines += wrapped(f"{named}: {counted(len(nodes), 'node')}, {_states(nodes)}", width, Role.TITLE)
        lines += _rows(nodes, columns, width)
    if below := [line for text in unknown_lines(fleet) for line in wrapped(text, width, Role.MUTED)]:
        lines += [EMPTY, *below]
    return lines


def _states(nodes: Sequence[FleetNode]) -> str:
    """Return the counts; a number and its state stay in one line."""
    return (states_text(nodes) or "none").replace(" ", HARD_SPACE).replace(f",{HARD_SPACE}", ", ")


def _rows(nodes: Sequence[FleetNode], columns: Sequence[_Column], width: int) -> list[Line]:
    states = [state_text(node) for node in nodes]
    fixed = max(map(cells, ("STATE", *states))) + _GAP
    taken = {
        column: max(cells(column.title), *(cells(column.text(node)) for node in nodes)) + _GAP for column in columns
    }
    for name in _FIRST_LEFT_OUT:
        if fixed + sum(taken.values()) + _MIN_NAME > width:
            taken = {column: size for column, size in taken.items() if column.column != name}
    room = max(_MIN_NAME, width - fixed - sum(taken.values()))
    rows: list[list[Span]] = [
        [
            (shortened(node.name, room), Role.TEXT),
            (state, Role.UNKNOWN if node.stale or node.severity is None else _ROLES[node.severity]),
            *((column.text(node), Role.TEXT) for column in taken),
        ]
        for node, state in zip(nodes, states, strict=True)
    ]
    titles = ["NODE", "STATE", *(column.title for column in taken)]
    return table(titles, rows, width, right=range(2, len(titles)), widest=max(room, fixed))
