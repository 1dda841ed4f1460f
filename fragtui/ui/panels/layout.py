"""How the dashboard shares its lines among the panels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

FRAME_WIDTH, FRAME_HEIGHT = 100, 30
"""The size from which on panels have frames and messages a line of their own."""
WIDE = 160
"""From this width on the lists are beside the zones, not below."""
TABLE_WIDTH = 120
"""From this width on the table of failures by cause and size is shown: beside the list, on a wide screen below it."""
MIN_GROUPS = 3
"""Groups of failures from which on the table says more than the list."""
MIN_CONSUMERS, HALF_CONSUMERS, MAX_CONSUMERS = 3, 7, 13
"""Rows of the largest consumers: if no process is known, before all sizes are shown, and at most."""
MIN_CHART, TABLE, OBSTACLES = 9, 12, 10
"""Lines from which on the timeline is shown, lines of the table below the list, of what stands in the way."""
MANY_NODES = 3
"""NUMA nodes from which on a node is what matters: one cell a node, and each node over time."""
CARD = 4
"""Lines of the incident card: state, denied, stuck, try."""


class Content(NamedTuple):
    """How much there is to show: rows of each panel."""

    zones: int
    nodes: int
    """NUMA nodes of these zones."""
    sizes: int
    failures: int
    pods: int
    has_history: int = 1
    """0 for saved files."""
    groups: int = 0
    """Groups of failures, up to `MIN_GROUPS`."""
    consumers: int = 0
    """Rows of the largest consumers, in place of pods if none is stuck; 0 unless the node is out of memory."""


class PanelRows(NamedTuple):
    """Lines for each panel; 0 hides it."""

    card: int
    zones: int
    sizes: int
    obstacles: int
    timeline: int
    nodes: int
    """Lines of the NUMA nodes over time, in place of the timeline."""
    failures: int
    causes: int
    pods: int
    consumers: int
    other_timeline: int
    """Lines of the timeline of the other length of history, below short lists."""
    message: int
    framed: bool
    side_by_side: bool
    table_beside: bool
    """Whether the table by cause and size is beside the failures, in lines of the same height."""


def allocate_rows(width: int, height: int, content: Content, *, extra: int = 0) -> PanelRows:
    """Return the lines for each panel on a screen of that size; `extra` lines are taken by lines of their own.

    What comes first if lines are few: the card, two rows of each list, the asked-for size and two below it, the zones,
    the other sizes, then more rows of the lists.
    """
    framed = width >= FRAME_WIDTH and height >= FRAME_HEIGHT
    side_by_side = framed and width >= WIDE
    table_beside = framed and TABLE_WIDTH <= width < WIDE and content.groups >= MIN_GROUPS
    message = int(framed)
    card = CARD + 2 * framed
    room = max(0, height - 2 - message - extra - card)
    edges = 1 + framed
    many = content.nodes >= MANY_NODES
    overview = many and not framed
    zones = _Share(edges, 2 if overview else 1 + max(1, content.zones))
    sizes = _Share(edges, 1 + content.sizes + 3 * framed)
    heads = int(framed)
    failures = _Share(edges, heads * bool(content.failures) + (content.failures or 2))
    pods = _Share(edges, heads * bool(content.pods) + (content.pods or 2))
    consumers = _Share(edges, content.consumers)
    lists = [failures, pods]
    if content.consumers:
        lists = [failures, pods, consumers] if content.pods else [failures, consumers]
    obstacles = timeline = causes = other_timeline = 0

    if side_by_side:
        timeline = _share(room, (zones, 8), (sizes, sizes.wanted), (zones, zones.wanted))
        if timeline >= OBSTACLES:
            obstacles, timeline = OBSTACLES, timeline - OBSTACLES
        table = TABLE if content.groups >= MIN_GROUPS else 0
        rest = _share(room - table, *_grow(lists, heads + 2), *_more(lists))
        if table:
            causes = table + rest
        elif rest >= MIN_CHART:
            other_timeline = rest
        else:
            (pods if content.pods else failures).lines += rest
        if timeline < (content.nodes + 3 if many else MIN_CHART):
            sizes.lines, timeline = sizes.lines + timeline, 0
        if not content.has_history:  # Nothing is left to show of saved files: empty lines, rather than empty frames.
            timeline = other_timeline = 0
    else:
        # On a narrow screen the failures' count is in their rule; the rows go to the pods that they block.
        first, third, more = _grow(lists, heads + 2), _grow(lists, heads + 3), _more(lists)
        if width < 80:
            first, third = [*_grow(lists[1:], 2), (failures, 0)], _grow(lists[1:], 3)
            more = [(share, share.wanted) for share in lists[1:]]
        rest = _share(
            room,
            *first,
            (sizes, 4),
            (zones, zones.wanted),
            (sizes, 6),
            *third,
            *([(consumers, HALF_CONSUMERS)] if content.consumers else []),
            (sizes, sizes.wanted),
            *more,
        )
        (pods if content.pods else sizes).lines += rest
        if table_beside:
            causes = failures.lines
    return PanelRows(
        card=card,
        zones=zones.lines,
        sizes=sizes.lines,
        obstacles=obstacles,
        timeline=0 if many else timeline,
        nodes=timeline if many else 0,
        failures=failures.lines,
        causes=causes,
        pods=pods.lines,
        consumers=consumers.lines,
        other_timeline=other_timeline,
        message=message,
        framed=framed,
        side_by_side=side_by_side,
        table_beside=table_beside,
    )


class _Share:
    """A panel's share: the lines of its edges, and the rows that it can use."""

    def __init__(self, edges: int, wanted: int) -> None:
        self.edges, self.wanted = edges, wanted
        self.lines = 0

    def grow(self, room: int, rows: int) -> int:
        """Take lines up to that many rows; return what is left. Without room for a row, only a rule is left."""
        rows = min(rows, self.wanted)
        taken = max(0, min(self.edges + rows - self.lines, room))
        if not self.lines and rows and taken <= self.edges:
            taken = min(1, room) if self.edges == 1 else 0
        self.lines += taken
        return room - taken


def _share(room: int, *steps: tuple[_Share, int]) -> int:
    """Let each panel in turn grow to its number of rows; return the lines that are left."""
    for share, rows in steps:
        room = share.grow(room, rows)
    return room


def _grow(lists: Sequence[_Share], rows: int) -> list[tuple[_Share, int]]:
    """Return the steps that let each list grow to `rows` rows."""
    return [(share, rows) for share in lists]


def _more(lists: Sequence[_Share]) -> list[tuple[_Share, int]]:
    """Return steps that let the lists grow by turns."""
    most = max(share.wanted for share in lists)
    return [step for rows in range(1, most + 1) for step in _grow(lists, rows)]
