"""How the dashboard shares its lines among the panels."""

from __future__ import annotations

from typing import NamedTuple

from fragtui.ui.panels.card import CARD_ROWS
from fragtui.ui.panels.timeline import MAX_TIMELINE_ROWS, MIN_TIMELINE_ROWS

WIDE = 150
"""From this width on the failures and pods are beside the zones, not below."""

ROOMY = 13
"""Spare lines from which on panels get blank lines between them."""


MESSAGE_SIZE = (100, 30)
"""Width and height from which on messages have a row of their own."""


class PanelRows(NamedTuple):
    """Lines for each panel; 0 hides it."""

    card: int
    zones: int
    bars: int
    timeline: int
    failures: int
    pods: int
    side_by_side: bool


def has_message_row(width: int, height: int) -> bool:
    """Return whether messages have a row of their own on a screen of that size."""
    return width >= MESSAGE_SIZE[0] and height >= MESSAGE_SIZE[1]


def allocate_rows(width: int, height: int, zones: int, orders: int, pods: int, *, remedy_line: int = 0) -> PanelRows:
    """Return the lines for each panel on a screen of that size, without top line, messages, footer and `remedy_line`.

    If lines are few, the order of precedence is: the card, every zone's row, the chosen zone's bars, then at least
    one failure; the pods' heading always stays, since it has their count.
    """
    room = max(0, height - 2 - remedy_line - has_message_row(width, height))
    card = min(CARD_ROWS + (height >= 30), room)
    room -= card
    want_zones = 1 + max(1, zones)
    want_bars = 1 + max(1, orders)
    side_by_side = width >= WIDE
    if side_by_side:
        zone_lines = min(want_zones + 1, max(4, room - want_bars))
        bar_lines = max(0, room - zone_lines)
        timeline = min(MAX_TIMELINE_ROWS, bar_lines - want_bars - 4)
        if timeline >= MIN_TIMELINE_ROWS:
            bar_lines = want_bars + 4
        else:
            timeline = 0
        pod_lines = max(4, min(room // 2, 2 + pods), room // 3)
        failures = max(0, room - pod_lines)
        return PanelRows(card, zone_lines, bar_lines, timeline, failures, pod_lines, True)
    least_below = 3
    zone_lines = min(want_zones, max(2, (room - least_below) // 3)) if want_zones > 5 else want_zones
    zone_lines = min(zone_lines, room)
    if room - zone_lines - want_bars >= ROOMY:
        # A blank line after the zones, the columns' names, and a note on what they were made from.
        zone_lines += 1
        want_bars += 4
    bar_lines = max(0, min(want_bars, room - zone_lines - least_below))
    below = max(0, room - zone_lines - bar_lines)
    pod_lines = min(below, max(1, min(1 + pods, below // 2), below // 3 if below >= 9 else 1))
    return PanelRows(card, zone_lines, bar_lines, 0, below - pod_lines, pod_lines, False)
