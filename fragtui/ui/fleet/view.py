"""All state of the screen of a fleet: what was read, and what the user chose. Draws nothing."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass, field

from fragtui.model.fleet.fleet import Fleet, FleetNode
from fragtui.polled_fleet import FleetState
from fragtui.render.numbers import short_bytes, span_words
from fragtui.ui.screen_state import ScreenState

MAX_LABELS = 64
"""Labels that nodes can be grouped by."""


@dataclass(slots=True)
class FleetView(ScreenState):
    """Outlives the screen, which ends while a node is shown live."""

    server: str = ""
    """The server's URL without credentials."""
    match: str = ""
    """The selector of labels that the nodes have; empty for all."""
    interval: float = 30.0
    """Seconds between two readings."""
    state: FleetState = field(default_factory=FleetState)
    wanted: str = ""
    """Only nodes with these words are listed."""
    label: str | None = None
    """The label that nodes are grouped by."""
    selected: Hashable | None = None
    opened: str | None = None
    """The node that is shown by itself."""

    @property
    def fleet(self) -> Fleet | None:
        """The newest reading; None before the first."""
        return self.state.fleet

    @property
    def size(self) -> str:
        """The size of the blocks that the states are about: ``64K (order 4)``."""
        if (fleet := self.fleet) is None:
            return ""
        return f"order {fleet.order}" if fleet.block_bytes is None else short_bytes(fleet.block_bytes)

    @property
    def lost(self) -> bool:
        """Whether the last reading failed, so that what is shown is old."""
        return self.state.problem is not None

    def problem_words(self) -> str | None:
        """Return how old the answer is, why there is no newer one and when it is tried again; None if it is new."""
        state = self.state
        if state.problem is None:
            return None
        now = time.monotonic()
        last = "no answer yet" if state.answered is None else f"last answer {span_words(now - state.answered)} ago"
        retry = "" if state.retry_at is None else f"; next try in {span_words(max(0.0, state.retry_at - now))}"
        # The top line names the server.
        return f"{last}: {state.problem.removeprefix(f'{self.server}: ')}{retry}"

    def node(self, name: str) -> FleetNode | None:
        """Return a node of the newest reading; None if it is gone."""
        return next((node for node in self.fleet.nodes if node.name == name), None) if self.fleet else None

    def labels(self) -> tuple[str, ...]:
        """Return the labels that divide the nodes: those with two values or more that some nodes share."""
        values: dict[str, set[str]] = {}
        nodes = self.fleet.nodes if self.fleet else ()
        for node in nodes:
            for name, value in node.labels:
                values.setdefault(name, set()).add(value)
                if len(values) > MAX_LABELS:
                    values.pop(name)
        some = (name for name, found in sorted(values.items()) if 2 <= len(found) <= max(2, len(nodes) // 2))
        return tuple(some)
