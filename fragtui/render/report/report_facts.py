"""The content of the report."""

from __future__ import annotations

from dataclasses import dataclass

from fragtui.model.failures.incident import Incident
from fragtui.model.node.snapshot import Snapshot, Unreadable
from fragtui.model.node.verdict import NodeJudgement
from fragtui.model.pods.stuck_pods import StuckPods
from fragtui.model.remedy.forecast import Forecast
from fragtui.model.remedy.remedy_history import Episode
from fragtui.model.remedy.tuning_advice import Advice
from fragtui.model.state.node_state import Unseen
from fragtui.model.tracing.trace_tally import TraceTally


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """The content of the page; None for an unknown value, with the reason in the field beside it."""

    snapshot: Snapshot
    judgement: NodeJudgement
    forecast: Forecast
    incidents: tuple[Incident, ...] = ()
    incidents_from: str | None = None
    """Source of the incidents: /dev/kmsg or a log; None if no log could be read."""
    pods: StuckPods | None = None
    pods_unknown: str = "not looked for"
    """Why `pods` is None, or what its sources can't show."""
    unseen: tuple[Unseen, ...] | None = None
    """What can't be answered; None if the fields above say it."""
    episodes: tuple[Episode, ...] = ()
    advice: tuple[Advice, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    """The files that could not be read, including those of the snapshot."""
    places: tuple[str, ...] = ()
    """Directories of the person who makes the report; paths in the report start with them."""
    saved: bool = False
    """Whether the node's files were saved earlier; the snapshot's time is then theirs."""
    made_by: str = "fragtui"
    trace: TraceTally | None = None
    """The sums of a trace; None if none ran."""
    incidents_unknown: str = "no kernel log could be read"
    """Why `incidents_from` is None."""
