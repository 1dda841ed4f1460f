"""What the pod watch tells the screen."""

from __future__ import annotations

from dataclasses import dataclass

from fragtui.model.pods import StuckPods


@dataclass(frozen=True, slots=True)
class SourceState:
    """How one source of pod news is doing."""

    name: str
    """``kubelet log``, ``API``, ``events``, ``crictl``."""
    state: str
    """``live``, ``connecting``, ``waiting``, ``absent``, ``refused`` or ``off``."""
    cannot_tell: str
    """What this source can't tell, or why it tells nothing and what to give, in words; empty if nothing lacks."""


@dataclass(frozen=True, slots=True)
class PodNews:
    """The board of stuck pods and the state of every source, frozen."""

    board: StuckPods
    sources: tuple[SourceState, ...]
