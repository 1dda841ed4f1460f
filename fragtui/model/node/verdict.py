"""The node's verdict: is a block of the target order available, and if not, is fragmentation the cause."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, StrEnum
from typing import NamedTuple

from fragtui.model.node.indices import fragmentation_index, unusable_indices
from fragtui.model.node.snapshot import Snapshot, Zone
from fragtui.model.node.target_zones import is_target, own_blocks, sure_blocks
from fragtui.model.node.watermark import (
    RequestKind,
    Rule,
    Verdict,
    ZoneState,
    floor_pages,
    halving_floor,
    kernel_pages,
    only_foreign,
    usable_pages,
    verdicts,
)
from fragtui.model.node.zonelist import may_serve_kernel, rule_for, zone_states

COSTLY_ORDER = 3
"""PAGE_ALLOC_COSTLY_ORDER (include/linux/mmzone.h): above it the allocator gives up instead of looping."""
FEW_BLOCKS = 16
"""With fewer blocks of the target order than this on the whole node, they are about to run out."""
_MANY = 16
MANY_BLOCKS = _MANY * FEW_BLOCKS
"""With this many blocks of the target order left they are not about to run out, at any share of free memory."""


class Thresholds(NamedTuple):
    """Where states begin; settings may change it."""

    low_blocks: int = FEW_BLOCKS
    """With fewer blocks of the target order on the whole node it runs low."""
    low_share: float = 95.0
    """Above this percentage of free memory in too small blocks the node counts as fragmenting, as in oled-tools'
    memstate, unless there are 16 times `low_blocks`."""
    recovering_seconds: float = 300.0
    """Seconds after a remedy for which a node whose blocks are back counts as recovering."""

    def running_low(self, blocks: int, unusable: int | None) -> bool:
        """Return whether the blocks are about to run out; `unusable` is the share of smaller pieces in thousandths."""
        thin = unusable is not None and unusable > self.low_share * 10
        return blocks < self.low_blocks or (thin and blocks < _MANY * self.low_blocks)


DEFAULT_THRESHOLDS = Thresholds()


class RequestOutcome(StrEnum):
    """What a GFP_KERNEL request gets in the end: the verdict covers the memory free now, and it may wait for more.

    Up to PAGE_ALLOC_COSTLY_ORDER the slow path goes on until it has a block or the OOM killer has been called; above
    it gives up after some rounds of compaction and reclaim (mm/page_alloc.c __alloc_pages_slowpath).
    """

    AT_ONCE = "gets one at once"
    WAITS = "waits for reclaim and compaction, then gets one"
    MAY_FAIL = "tries reclaim and compaction, and fails if they free none"
    MAY_KILL = "waits for reclaim and compaction, and calls the OOM killer if they free none"
    UNKNOWN = "unknown"


class Severity(IntEnum):
    """Severity; the values are the exit codes of monitoring plugins."""

    FINE = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


class State(StrEnum):
    """The state of the node for requests of the target order, by the names of badge, JSON and metrics."""

    OK = "ok"
    LOW = "low"
    RECOVERING = "recovering"
    FRAGMENTED = "fragmented"
    RESERVED = "reserved"
    OUT_OF_MEMORY = "out_of_memory"
    UNKNOWN = "unknown"


class ZoneJudgement(NamedTuple):
    """One zone, judged for every order; indices in thousandths (see fragmentation)."""

    zone: Zone
    state: ZoneState
    serves_kernel: bool
    """Whether GFP_KERNEL and GFP_ATOMIC may take from this zone at all."""
    target: bool
    """Whether they could ever be served from it: the lowmem reserve keeps x86's ZONE_DMA closed whatever is free."""
    kernel: tuple[Verdict, ...]
    atomic: tuple[Verdict, ...]
    unusable: tuple[int, ...]
    fragmentation: tuple[int, ...]
    few_blocks: int = FEW_BLOCKS
    """Fewer blocks than this are few."""

    def verdict(self, request: RequestKind, order: int) -> Verdict:
        """Return the zone's verdict; an order without a column is not available."""
        row = self.kernel if request is RequestKind.GFP_KERNEL else self.atomic
        return row[order] if order < len(row) else Verdict.FRAGMENTED

    def blocks(self, order: int) -> int:
        """Return the blocks of `order` that GFP_KERNEL may take, larger ones split; the watermark may keep them."""
        return own_blocks(self.zone, self.state, order)

    @property
    def free_pages(self) -> int:
        """Pages in the free blocks that GFP_KERNEL may take."""
        return kernel_pages(self.state)


class NodeJudgement(NamedTuple):
    """The node, judged for a target order."""

    order: int
    rule: Rule
    zones: tuple[ZoneJudgement, ...]
    kernel: Verdict
    atomic: Verdict
    state: State
    """The state by the free blocks alone: never RECOVERING, which depends on pods and remedies, too."""
    severity: Severity
    largest_order: int | None
    """Highest order that a GFP_KERNEL request gets now; None if not even a page is available, or unknown."""
    free_pages: int | None
    """Pages in the free blocks that kernel requests may be served from: not CMA's, nor those kept for others."""
    blocks: int | None
    """Blocks of the target order in the zones that give one now, with larger ones split."""
    unusable: int | None
    """Share of that free memory in too small blocks, in thousandths."""
    nodes_without: tuple[int, ...]
    """NUMA nodes whose own zones can't serve the target order though another node's can."""
    nodes: int
    """NUMA nodes with zones that kernel requests may be served from."""
    watermarks_known: bool
    gets: RequestOutcome = RequestOutcome.UNKNOWN
    """What a GFP_KERNEL request gets in the end."""
    halving_floor: int | None = None
    """Under the rule up to 4.3: the lower order at which the zone that came closest denies the request."""
    only_foreign: bool = False
    """There is enough memory, but every block is on a list for atomic requests, CMA or isolation."""
    too_large: int | None = None
    """The kernel's highest order if the target is above it: such a request is a bug of its caller."""
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    sure_blocks: int | None = None
    """Those of `blocks` that are surely not kept for CMA or atomic requests: fewer if no file shows it of each."""
    doubtful: tuple[ZoneJudgement, ...] = ()
    """The zones whose free blocks may all be kept for others, in NUMA nodes where no other zone has one."""
    unsure: bool = False
    """The state is LOW only because files are missing: by those that were read there are enough blocks."""
    cma_pages: int = 0
    """Free pages of the serving zones' CMA, which kernel requests may not take."""

    @property
    def serving(self) -> tuple[ZoneJudgement, ...]:
        """The zones that kernel requests may be served from."""
        return tuple(zone for zone in self.zones if zone.target)


def judge_node(snapshot: Snapshot, order: int, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> NodeJudgement:
    """Return the verdict for requests of `order` on the node of `snapshot`.

    A request succeeds if any zone that it may use passes (mm/page_alloc.c get_page_from_freelist); blocks in other
    zones, and in zones that the lowmem reserve keeps closed, do not count.
    """
    rule = rule_for(snapshot)
    if not snapshot.zones:
        none, state, severity = Verdict.UNKNOWN, State.UNKNOWN, Severity.UNKNOWN
        return NodeJudgement(order, rule, (), none, none, state, severity, None, None, None, None, (), 0, False)
    states = zone_states(snapshot)
    size = snapshot.host.page_size
    orders = max(len(zone.free_blocks) for zone in snapshot.zones)
    few_blocks = thresholds.low_blocks
    zones = tuple(_judge_zone(zone, states[zone.key], rule, size, few_blocks) for zone in snapshot.zones)
    serving = [zone for zone in zones if zone.target]
    within = order < orders
    kernel = node_verdict(serving, RequestKind.GFP_KERNEL, order) if within else Verdict.UNKNOWN
    atomic = node_verdict(serving, RequestKind.GFP_ATOMIC, order) if within else Verdict.UNKNOWN
    giving = [zone for zone in serving if _gives(zone, order)]
    pages = sum(zone.free_pages for zone in serving)
    suitable = sum(zone.blocks(order) << order for zone in serving)
    unusable = _share(pages, suitable)
    doubtful = _doubtful(serving, order)
    nodes_without = _nodes_without(serving, order) if kernel is Verdict.AVAILABLE else ()
    gets = _gets(kernel, order, serving)
    nodes = len({zone.zone.node for zone in serving})
    watermarks_known = all(zone.state.mark is not None for zone in serving)
    blocks = sum(zone.blocks(order) for zone in giving)
    sure: dict[int, int] = {}
    for zone in giving:
        sure[zone.zone.node] = sure.get(zone.zone.node, 0) + sure_blocks(zone.zone, zone.state, order)
    # As many as may be kept for atomic requests are taken to be of the target order.
    atomic_pages = _maybe_atomic(serving)
    few = thresholds.running_low(sum(sure.values()), _share(pages - atomic_pages, suitable - atomic_pages))
    possible = {verdict for zone in serving for verdict in zone.kernel}
    state = state_of(
        kernel,
        not_a_page=not possible & {Verdict.AVAILABLE, Verdict.UNKNOWN},
        bare=len(nodes_without),
        nodes=nodes,
        few=few or not watermarks_known or 0 in sure.values(),
        doubtful=len({zone.zone.node for zone in doubtful}),
    )
    # On a bare node a request that is bound to it gets what it would on a node where none is available.
    bound = [zone for zone in serving if zone.zone.node in nodes_without]
    waits = (_gets(Verdict.FRAGMENTED, order, bound) if bound else gets) is RequestOutcome.WAITS
    return NodeJudgement(
        order=order,
        rule=rule,
        zones=zones,
        kernel=kernel,
        atomic=atomic,
        state=state,
        severity=severity_of(state, waits=waits),
        largest_order=_largest_given(serving, orders),
        free_pages=pages,
        blocks=blocks,
        unusable=unusable,
        nodes_without=nodes_without,
        nodes=nodes,
        watermarks_known=watermarks_known,
        gets=gets,
        halving_floor=_halving_stop(serving, order) if rule is Rule.HALVING and kernel is Verdict.RESERVED else None,
        only_foreign=kernel is Verdict.RESERVED and _only_foreign(serving, order),
        too_large=None if within else orders - 1,
        thresholds=thresholds,
        sure_blocks=sum(sure.values()),
        doubtful=doubtful,
        unsure=state is State.LOW and not nodes_without and not thresholds.running_low(blocks, unusable),
        cma_pages=sum(zone.state.cma_pages for zone in serving),
    )


def _judge_zone(zone: Zone, state: ZoneState, rule: Rule, page_size: int, few_blocks: int) -> ZoneJudgement:
    orders = range(len(zone.free_blocks))
    return ZoneJudgement(
        zone=zone,
        state=state,
        serves_kernel=may_serve_kernel(zone),
        target=is_target(zone, state, page_size),
        kernel=verdicts(state, RequestKind.GFP_KERNEL, rule),
        atomic=verdicts(state, RequestKind.GFP_ATOMIC, rule),
        unusable=unusable_indices(zone.free_blocks),
        fragmentation=tuple(fragmentation_index(zone.free_blocks, order) for order in orders),
        few_blocks=few_blocks,
    )


def node_verdict(serving: list[ZoneJudgement], request: RequestKind, order: int) -> Verdict:
    """Return what the request gets from the node: if no zone passes, the verdict of the one that comes closest.

    A zone that may pass makes it unknown, one with enough memory but no block fragmented; blocks that are only reserved
    come next.
    """
    found = {zone.verdict(request, order) for zone in serving}
    nearest_first = (Verdict.AVAILABLE, Verdict.UNKNOWN, Verdict.FRAGMENTED, Verdict.RESERVED, Verdict.SHORT)
    return next((verdict for verdict in nearest_first if verdict in found), Verdict.UNKNOWN)


def _gives(zone: ZoneJudgement, order: int) -> bool:
    return zone.verdict(RequestKind.GFP_KERNEL, order) is Verdict.AVAILABLE


def _nodes_without(serving: list[ZoneJudgement], order: int) -> tuple[int, ...]:
    """Return the NUMA nodes that surely give no block."""
    given = (Verdict.AVAILABLE, Verdict.UNKNOWN)
    served = {zone.zone.node for zone in serving if zone.verdict(RequestKind.GFP_KERNEL, order) in given}
    return tuple(sorted({zone.zone.node for zone in serving} - served))


def _doubtful(serving: list[ZoneJudgement], order: int) -> tuple[ZoneJudgement, ...]:
    served = {zone.zone.node for zone in serving if _gives(zone, order)}
    return tuple(
        zone
        for zone in serving
        if zone.zone.node not in served and zone.verdict(RequestKind.GFP_KERNEL, order) is Verdict.UNKNOWN
    )


def _largest_given(serving: list[ZoneJudgement], orders: int) -> int | None:
    given = (k for k in range(orders) if node_verdict(serving, RequestKind.GFP_KERNEL, k) is Verdict.AVAILABLE)
    return max(given, default=None)


def _maybe_atomic(serving: list[ZoneJudgement]) -> int:
    return sum(zone.state.hidden.possible - zone.state.hidden.known for zone in serving)


def _share(pages: int, suitable: int) -> int | None:
    """Return the share of pages that is not in suitable blocks, in thousandths; None without pages."""
    return (pages - max(0, suitable)) * 1000 // pages if pages > 0 else None


def _halving_stop(serving: list[ZoneJudgement], order: int) -> int | None:
    stops = [stop for zone in serving if (stop := halving_floor(zone.state, order, RequestKind.GFP_KERNEL)) is not None]
    return max(stops, default=None)


def _only_foreign(serving: list[ZoneJudgement], order: int) -> bool:
    """Return whether a zone is above its watermark and only the lists of its blocks make them unusable."""
    for zone in serving:
        usable, floor = usable_pages(zone.state), floor_pages(zone.state)
        enough = usable is None or floor is None or usable - ((1 << order) - 1) > floor
        if enough and only_foreign(zone.state, order, RequestKind.GFP_KERNEL):
            return True
    return False


def _gets(kernel: Verdict, order: int, serving: list[ZoneJudgement]) -> RequestOutcome:
    """Return what a request that may wait gets.

    Up to the costly order the kernel goes on as long as free and reclaimable pages together would pass the watermark
    (should_reclaim_retry). Here the page cache alone must suffice, twice over: freed pages must also be adjacent. If
    even an atomic request for a page fails, reclaim does not keep up.
    """
    if kernel is Verdict.AVAILABLE:
        return RequestOutcome.AT_ONCE
    if kernel is Verdict.UNKNOWN:
        return RequestOutcome.UNKNOWN
    if order > COSTLY_ORDER:
        return RequestOutcome.MAY_FAIL
    cache = [zone.zone.info.file if zone.zone.info else None for zone in serving]
    floors = [floor_pages(zone.state) for zone in serving]
    if None in cache or None in floors:
        return RequestOutcome.UNKNOWN
    plenty = sum(pages or 0 for pages in cache) > 2 * sum(pages or 0 for pages in floors)
    keeps_up = node_verdict(serving, RequestKind.GFP_ATOMIC, 0) is Verdict.AVAILABLE
    return RequestOutcome.WAITS if plenty and keeps_up else RequestOutcome.MAY_KILL


def state_of(kernel: Verdict, *, not_a_page: bool, bare: int, nodes: int, few: bool, doubtful: int = 0) -> State:
    """Return the state of the node; `bare` of its `nodes` NUMA nodes have no block though another one has.

    `doubtful` ones may have none: they make it unknown if they change it.
    """
    if kernel is Verdict.UNKNOWN:
        return State.UNKNOWN
    if kernel is Verdict.SHORT or (kernel is Verdict.RESERVED and not_a_page):
        return State.OUT_OF_MEMORY
    if kernel is Verdict.RESERVED:
        return State.RESERVED
    if kernel is Verdict.FRAGMENTED or (bare and bare * 2 >= nodes):
        return State.FRAGMENTED
    if doubtful and ((bare + doubtful) * 2 >= nodes or not (few or bare)):
        return State.UNKNOWN
    return State.LOW if few or bare else State.OK


def state_of_counts(order: int, nodes: Sequence[tuple[int, int]], thresholds: Thresholds) -> State:
    """Return the state by free blocks alone, without watermarks: of each NUMA node its blocks and its free pages."""
    blocks, pages = (sum(column) for column in zip(*nodes, strict=True))
    unusable = (pages - (blocks << order)) * 1000 // pages if pages else None
    kernel = Verdict.AVAILABLE if blocks else Verdict.FRAGMENTED
    bare = sum(not count for count, _ in nodes)
    return state_of(kernel, not_a_page=False, bare=bare, nodes=len(nodes), few=thresholds.running_low(blocks, unusable))


_SEVERITIES = {State.OK: Severity.FINE, State.LOW: Severity.WARNING, State.RECOVERING: Severity.WARNING}


def severity_of(state: State, *, waits: bool = False) -> Severity:
    """Return the severity of a state; `waits`: page cache can be reclaimed, and the request gets a block after that."""
    if state is State.UNKNOWN:
        return Severity.UNKNOWN
    if state is State.FRAGMENTED and waits:
        return Severity.WARNING
    return _SEVERITIES.get(state, Severity.CRITICAL)
