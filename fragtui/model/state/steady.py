"""The state as a screen shows it: worse at once, better only after it was readable."""

from __future__ import annotations

from fragtui.model.node.verdict import State
from fragtui.model.state.node_state import NodeState

SHOWN_SECONDS = 5.0
"""Least seconds for which a state is shown before a better one takes its place."""
WORSE_LAST = (
    *(State.OK, State.RECOVERING, State.LOW, State.FRAGMENTED, State.RESERVED, State.OUT_OF_MEMORY),
    State.UNKNOWN,
)


class SteadyState:
    """Holds a state that would change before the user has read it: near a threshold it changes at every sample."""

    def __init__(self) -> None:
        self._shown: NodeState | None = None
        self._since = 0.0
        """When the shown state last became that of the node, monotonic seconds."""
        self._holds = False

    def take(self, found: NodeState, monotonic: float) -> NodeState:
        """Return the state to show when `found` is that of the node, at those seconds.

        Judgement and advice of a state that is held are those of its last sample; denials and pods are new.
        """
        shown = self._shown
        if shown is None or not self._keeps(shown, found, monotonic):
            if shown is None or self._holds or _rank(found) != _rank(shown):
                self._since = monotonic
            self._shown, self._holds = found, False
            return found
        self._holds = True
        return shown._replace(denials=found.denials, pods=found.pods, unseen=found.unseen)

    def _keeps(self, shown: NodeState, found: NodeState, monotonic: float) -> bool:
        if State.UNKNOWN in (shown.state, found.state) or shown.judgement.order != found.judgement.order:
            return False
        # What a remedy gained is shown at once.
        return _rank(found) < _rank(shown) and found.remedy is None and 0 <= monotonic - self._since < SHOWN_SECONDS


def _rank(state: NodeState) -> tuple[int, int]:
    return state.severity, WORSE_LAST.index(state.state)
