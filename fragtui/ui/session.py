"""All state of one view: what was read of the node and what the user chose. Draws nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.external_drops import drops_between
from fragtui.model.failures.failure_list import FailureList
from fragtui.model.node.history import History, place_in
from fragtui.model.node.memory_change import memory_changes, memory_words
from fragtui.model.node.rate_window import RateWindow
from fragtui.model.node.snapshot import Snapshot, Zone, ZoneKey
from fragtui.model.node.verdict import (
    COSTLY_ORDER,
    DEFAULT_THRESHOLDS,
    NodeJudgement,
    Thresholds,
    ZoneJudgement,
    judge_node,
)
from fragtui.model.node.watermark import RequestKind, Verdict
from fragtui.model.node.zonelist import zone_to_open
from fragtui.model.state.node_state import LastRemedy, NodeState, Question, Since, node_state
from fragtui.model.state.since import since_of
from fragtui.model.state.steady import SteadyState
from fragtui.render.source_text import unanswered
from fragtui.ui.screen_state import ScreenState

if TYPE_CHECKING:  # For annotations only: see fragtui.ui.messages.
    from fragtui.kernel.reports.report import ExternalDrop
    from fragtui.model.failures.kernel_log_update import KernelLogUpdate
    from fragtui.model.node.cgroup_memory import CgroupMemories
    from fragtui.model.node.consumers import Consumers
    from fragtui.model.pods.pod_update import PodUpdate
    from fragtui.model.pods.stuck_pods import StuckPod
    from fragtui.model.state.denials import Denials
    from fragtui.model.tracing.trace_tally import TraceTally
    from fragtui.remedies.service import RemedyResult, RemedyState


SHORT_HISTORY, LONG_HISTORY = 300.0, 1200.0
"""Seconds of the history on screen; the long one is all that is kept at one sample a second."""


_NOT_KEPT = Since(None, "saved files have no history")


class Baseline(NamedTuple):
    """The moment that bars are compared with, and what set it."""

    snapshot: Snapshot
    reason: str

    def free_blocks(self, key: ZoneKey) -> tuple[int, ...] | None:
        """Return the free blocks that a zone had then, or None if it did not exist."""
        zone = self.snapshot.zone(key)
        return zone.free_blocks if zone else None


class RecordingPosition(NamedTuple):
    """The position of a replay in its recording."""

    length: float
    """Seconds that the recording lasts."""
    share: float
    """The share of it that was played, 0 to 1."""
    marks: tuple[tuple[float, bool], ...]
    """Its incidents and remedies: the share of the recording before each, and whether it is a remedy."""


@dataclass(slots=True)
class Session(ScreenState):
    """The state of one view. Screens set it, panels draw it."""

    snapshot: Snapshot | None = None
    judgement: NodeJudgement | None = None
    orders: int = 0
    """How many orders the node's zones have; 0 while that is unknown."""
    baseline: Baseline | None = None
    history: History = field(default_factory=History)
    paused: bool = False
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    """Where states begin."""
    manual_order: int | None = None
    """The target order that was chosen; None follows the last failures."""
    failed_order: int | None = None
    """The order of the last denied kernel request."""
    chosen: ZoneKey | None = None
    marks: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=64))
    """Remedies of fragtui and of other tools: monotonic seconds, and who did what."""
    refusals: deque[float] = field(default_factory=lambda: deque(maxlen=256))
    """When the kernel denied requests, monotonic seconds."""
    memory_changes: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=64))
    """When memory came or went, monotonic seconds, and what changed."""
    rates: RateWindow = field(default_factory=RateWindow)
    failures: FailureList = field(default_factory=FailureList)
    pods: PodUpdate | None = None
    """The last update of the pods; None before the first."""
    consumers: Consumers | None = None
    """The largest processes when they were last read, which is only while the node is out of memory; None if never."""
    trace: TraceTally | None = None
    """The sums of the last trace; None if none has begun."""
    cgroups: CgroupMemories | None = None
    """The cgroups with most page cache when they were last read, which is only on request; None if never."""
    remedies: RemedyState | None = None
    """The state of this program's remedies; None until the service runs, soon after the first bars."""
    remedy_line: tuple[str, str] | None = None
    """The text and the style of the line about remedies; None if there is none."""
    disabled_reason: str | None = None
    """Why no remedy can be run; None if one can, or before that is known."""
    as_root: str | None = None
    """The command that shows as root what is missing; None as root, and after the note about it was hidden."""
    note_rows: int = 0
    """Rows of that note on the present screen."""
    root_note_hidden: bool = False
    unreached: tuple[str, str] | None = None
    """Why nothing of a remote node was ever read, and what to try; None after the first data."""
    saved: bool = False
    """Whether the files are saved ones: they have no history and are never live."""
    newest: float = 0.0
    """When the newest snapshot was taken, shown or not, monotonic seconds."""
    recording: RecordingPosition | None = None
    """The position of a replay; None on a live node."""
    status: tuple[tuple[str, str], ...] = ()
    """What the view does now (live, paused, stuck, read-only): texts and their styles."""
    all_zones: bool = False
    """Whether zones are listed that normal kernel requests can't use, such as x86's DMA."""
    worst_first: bool = False
    """Whether zones without a block of the target order come first."""
    long_history: bool = False
    """Whether the history covers all that is kept, not the last five minutes."""
    by_type: bool = False
    """Whether bars show the split by migratetype instead of the verdict."""
    remedy_result: RemedyResult | None = None
    """The result of the last remedy of this program, or of the recording; None before one has ended."""
    last_remedy: LastRemedy | None = None
    """The newest remedy that is known to have run, by whatever tool."""
    _sized: Snapshot | None = None
    """The newest snapshot whose zones are known, shown or not."""
    _denials: Denials | None = None
    _state: NodeState | None = None
    _steady: SteadyState = field(default_factory=SteadyState)
    _state_of: tuple[object, ...] = ()
    """What `_state` was made from."""

    def is_useful(self, command: str) -> bool:
        """Return whether a command does something now, as far as this state shows."""
        if command == "recovery":
            return self.remedy_result is not None
        return command != "pause" or not self.saved

    @property
    def state(self) -> NodeState | None:
        """The state of the node for the target order; None before the first snapshot.

        On a live node it gets better only after it was shown for some seconds; in a replay each place has its own.
        """
        if self.snapshot is None or self.judgement is None:
            return None
        log = self.failures
        made_of = (self.snapshot, self.judgement, self.pods, self._denials, log.source, log.problem, self.last_remedy)
        if self._state is None or any(old is not new for old, new in zip(self._state_of, made_of, strict=True)):
            self._state = self._new_state(self.snapshot, self.judgement)
            if self.recording is None:
                self._state = self._steady.take(self._state, self.snapshot.monotonic)
            self._state_of = (*made_of[:3], self._denials, *made_of[4:])
        return self._state

    def _new_state(self, snapshot: Snapshot, judgement: NodeJudgement) -> NodeState:
        sources = self.pods.sources if self.pods else None
        known = bool(self.failures.failures), bool(self.pods and self.pods.stuck.pods)
        missing = tuple(unanswered(self.failures.state, sources, self.as_root, denials=known[0], stuck=known[1]))
        questions = {item.question for item in missing}
        pods = None
        if Question.PODS not in questions and self.pods is not None:
            # The first bars come before logs and pods are read: 10 ms of CPU.
            from fragtui.model.state.waiting_pods import waiting_pods  # noqa: PLC0415

            pods = waiting_pods(self.pods.stuck)
        return node_state(
            snapshot,
            judgement,
            denials=None if Question.DENIALS in questions else self.denials,
            pods=pods,
            since=_NOT_KEPT if self.saved else since_of(self.history, snapshot, judgement),
            remedy=self.last_remedy,
            unseen=missing,
        )

    @property
    def denials(self) -> Denials:
        """The denied requests of the kernel log, summed up: card and list have their numbers from here."""
        traced = self.trace.denied if self.trace is not None and self.trace.running else 0
        if self._denials is None or self._denials.traced != traced:
            from fragtui.model.state.denials import denials_of  # noqa: PLC0415  # Not for the first bars; see above.

            log, hidden = self.failures, self.failures.forgotten_suppressed
            self._denials = denials_of(log.incidents, log.state.proof, log.forgotten, hidden, self.trace)
        return self._denials

    @property
    def listed_pods(self) -> tuple[StuckPod, ...]:
        """The stuck pods, the longest first, then those that started lately."""
        return (*self.pods.stuck.pods, *self.pods.stuck.started) if self.pods else ()

    @property
    def order(self) -> int:
        """The target order: chosen, else the last failure's, else the costly limit; at most the node's highest."""
        wanted = self.manual_order
        if wanted is None:
            wanted = COSTLY_ORDER if self.failed_order is None else self.failed_order
        return max(0, min(wanted, self.orders - 1)) if self.orders else wanted

    @property
    def zone(self) -> Zone | None:
        """The chosen zone, or None if there is none."""
        return self.snapshot.zone(self.chosen) if self.snapshot and self.chosen else None

    @property
    def history_seconds(self) -> float:
        """How long the history on screen is."""
        return LONG_HISTORY if self.long_history else SHORT_HISTORY

    @property
    def other_history_seconds(self) -> float:
        """How long the history of the second timeline is."""
        return SHORT_HISTORY if self.long_history else LONG_HISTORY

    @property
    def listed_zones(self) -> tuple[ZoneJudgement, ...]:
        """The zones of the table: without those that the lowmem reserve keeps from normal requests, unless wanted."""
        zones = self.judgement.zones if self.judgement else ()
        if not self.all_zones and any(zone.target for zone in zones):
            zones = tuple(zone for zone in zones if zone.target or zone.zone.name != "DMA")
        if self.worst_first:
            zones = tuple(sorted(zones, key=lambda zone: (not zone.serves_kernel, self._blocks(zone))))
        return zones

    def _blocks(self, zone: ZoneJudgement) -> int:
        if zone.verdict(RequestKind.GFP_KERNEL, self.order) is not Verdict.AVAILABLE:
            return 0
        return zone.blocks(self.order)

    def accept(self, snapshot: Snapshot) -> bool:
        """Take a new snapshot; return whether the view changed (a paused one only records history)."""
        self.newest = snapshot.monotonic
        self.history.add(snapshot)
        self.rates.note(snapshot)
        self._note_uncounted_drops(snapshot)
        self._note_memory_changes(snapshot)
        if self.paused:
            return False
        self.snapshot = snapshot
        first = not self.orders
        self.orders = max((len(zone.free_blocks) for zone in snapshot.zones or ()), default=0)
        if first and self.orders and self.manual_order is not None and self.manual_order > self.order:
            self.notices.add(f"There is no order {self.manual_order} here: {self.order} is the target", "warning")
        if self.baseline is None and snapshot.zones:
            self.baseline = Baseline(snapshot, "start")
        if snapshot.zones and (self.chosen is None or snapshot.zone(self.chosen) is None):
            self.chosen = zone_to_open(snapshot)
        self.rejudge()
        return True

    def rewind(self, history: History, first: Snapshot) -> None:
        """Replace the state with the given history; what the user chose stays."""
        self.snapshot = self.judgement = self.failed_order = None
        self.orders = 0
        self.history = history
        self.marks.clear()
        self.refusals.clear()
        self.memory_changes.clear()
        self._sized = None
        self.rates.clear()
        self.failures.clear()
        self._denials = self.last_remedy = self.remedy_result = self.consumers = self.trace = None
        self._steady = SteadyState()
        self.baseline = Baseline(first, "start") if first.zones else None

    def rejudge(self) -> None:
        """Judge the snapshot again: the target order has changed."""
        self.judgement = judge_node(self.snapshot, self.order, self.thresholds) if self.snapshot else None

    def hide_root_note(self) -> bool:
        """Hide the note that fragtui is not root; return whether it was shown."""
        shown = self.as_root is not None and not self.root_note_hidden
        self.root_note_hidden = True
        return shown

    def mark(self, reason: str) -> None:
        """Set the baseline to now."""
        if self.snapshot and self.snapshot.zones:
            self.baseline = Baseline(self.snapshot, reason)

    def add_kernel_log(self, update: KernelLogUpdate) -> None:
        """Add an update of the kernel log: incidents, and drops of caches by other tools."""
        self.failures.take(update)
        if update.matters:
            self._denials = None
        for incident in update.incidents:
            if incident.kind is ReportKind.ALLOCATION_FAILURE and incident.time is not None:
                self.note_refusal(incident.time)
        for drop in update.external_drops:
            if drop.time is not None:
                self.note_remedy(drop.time, drop_words(drop), "caches were dropped")
        if (last := self.failures.last_denied) is not None and last.order is not None:
            self.note_failed_order(last.order)

    def note_remedy(self, wall: float, what: str, did: str = "a remedy ran") -> None:
        """Mark a remedy on the timeline, at its wall clock time; `did` is what it did as a clause."""
        if self.last_remedy is None or wall >= self.last_remedy.at:
            self.last_remedy = LastRemedy(wall, did)
        if self.snapshot is not None:
            self.marks.append((self.snapshot.monotonic - (self.snapshot.time - wall), what))

    def note_refusal(self, wall: float) -> None:
        """Mark a denied request on the timeline, at its wall clock time."""
        if self.snapshot is not None:
            self.refusals.append(self.snapshot.monotonic - (self.snapshot.time - wall))

    def marks_in(self, seconds: float, points: int) -> frozenset[int]:
        """Return which of `points` equal spans of the last `seconds` hold a remedy."""
        return self._places((at for at, _ in self.marks), seconds, points)

    def refusals_in(self, seconds: float, points: int) -> frozenset[int]:
        """Return which of `points` equal spans of the last `seconds` hold a refusal."""
        return self._places(self.refusals, seconds, points)

    def memory_changes_in(self, seconds: float, points: int) -> frozenset[int]:
        """Return which of `points` equal spans of the last `seconds` hold a change of the node's memory."""
        return self._places((at for at, _ in self.memory_changes), seconds, points)

    def _places(self, times: Iterable[float], seconds: float, points: int) -> frozenset[int]:
        if self.snapshot is None or points <= 0:
            return frozenset()
        now = self.snapshot.monotonic
        places = (place_in(at, now, seconds, points) for at in times)
        return frozenset(place for place in places if place is not None)

    def _note_uncounted_drops(self, snapshot: Snapshot) -> None:
        """Mark caches dropped between two ticks by the kernel's own count, if no log line reports it yet."""
        if self.snapshot is None or self.paused:
            return
        drops = drops_between(self.snapshot, snapshot)
        if drops and any(drops) and not any(snapshot.monotonic - at < 3 for at, _ in self.marks):
            self.note_remedy(snapshot.time, "caches were dropped", "caches were dropped")

    def _note_memory_changes(self, snapshot: Snapshot) -> None:
        """Mark memory that came or went since the last tick that shows the zones."""
        changes = memory_changes(self._sized, snapshot) if self._sized is not None else ()
        if changes:
            self.memory_changes.append((snapshot.monotonic, memory_words(changes, snapshot.host.page_size)))
        if snapshot.zones is not None:
            self._sized = snapshot

    def change_order(self, step: int) -> None:
        """Choose the next higher or lower target order."""
        self.manual_order = max(0, min(self.order + step, max(0, self.orders - 1)))
        self.rejudge()

    def follow_failures(self) -> None:
        """Let the target order follow the last failures again."""
        self.manual_order = None
        self.rejudge()

    def note_failed_order(self, order: int) -> None:
        """Record the order of a denied request: it is the target order unless one is chosen."""
        self.failed_order = order
        if self.manual_order is None:
            self.rejudge()


def drop_words(drop: ExternalDrop) -> str:
    """Return who wrote what to drop_caches."""
    return f"{drop.comm} (pid {drop.pid}) wrote {drop.value} to drop_caches"
