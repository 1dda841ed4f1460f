"""When the state of the node began."""

from __future__ import annotations

from fragtui.model.node.history import History
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import NodeJudgement, State
from fragtui.model.state.node_state import Since


def since_of(history: History, snapshot: Snapshot, judgement: NodeJudgement) -> Since:
    """Return when the state of the blocks began, by the history of the target order."""
    run = history.run((zone.zone.key for zone in judgement.serving), judgement.order, judgement.thresholds)
    if run is None or judgement.state is State.UNKNOWN:
        return Since(None, "the blocks are unknown")
    # The history has the blocks alone: what is missing besides them makes it LOW now and did before.
    if run.state is not (State.OK if judgement.unsure else judgement.state):
        return Since(None, "the history has no watermarks")
    return Since(snapshot.time - max(0.0, snapshot.monotonic - run.start), at_least=run.whole)
