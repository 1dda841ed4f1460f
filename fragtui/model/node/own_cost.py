"""What fragtui costs the node."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OwnCost:
    """What fragtui itself takes: share of one CPU since the last reading (0..1), and resident bytes."""

    cpu: float
    resident: int
