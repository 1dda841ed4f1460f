"""Card and lists say the same about denied requests and stuck pods: one count, one wording."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.source_state import SourceState
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.pods.stuck_pods import PodCause, StuckPod, StuckPods
from fragtui.render.card.card import card
from fragtui.render.card.fitting import plain
from fragtui.ui.panels.failures import FailuresPanel
from fragtui.ui.panels.pods import OtherPods, PodsPanel
from fragtui.ui.session import Session
from tests.support.examples import examples
from tests.support.node_states import DENIALS, NO_IMAGE, NOW, PODS, VAGUE, denial, node, stuck

HEALTHY = (2000, 1500, 1000, 800, 400, 200, 100, 50, 20, 10, 900)
KERNEL_LOG = "kern.log"
KUBELET = SourceState("kubelet log", "live", "")


def possibly(name: str) -> StuckPod:
    return replace(stuck(name, confidence="possible"), memory=None)


def both(incidents: list[Incident], pods: list[StuckPod], width: int = 10_000) -> tuple[str, str, str, str]:
    """Return the card's lines about denied requests and stuck pods, and the headings of both lists."""
    session = Session()
    session.accept(node(HEALTHY))
    session.add_kernel_log(KernelLogUpdate(tuple(incidents), (), 0, (), KERNEL_LOG, None, proof="9 records"))
    session.pods = PodUpdate(StuckPods(tuple(pods)), (KUBELET,))
    assert session.state is not None
    _, denied, stuck_, _ = card(session.state, width, NOW).lines
    failures, panel = FailuresPanel(session), PodsPanel(session)
    failures.items()
    failed, listed = ("".join(text for text, _ in each.heading(width)).strip() for each in (failures, panel))
    return plain(denied.text), plain(stuck_.text), failed, listed


def numbers(text: str) -> list[str]:
    return re.findall(r"\d[\d,]*", text)


def of_kind(incident: Incident, kind: ReportKind, place: int = 0) -> Incident:
    assert incident.report is not None
    return replace(incident, report=replace(incident.report, kind=kind), id=f"{kind}-{place}")


OOM = of_kind(denial("sh", 0), ReportKind.OOM)
STALL = of_kind(denial("cp", 2), ReportKind.STALL)
A = stuck("a")


@pytest.mark.parametrize(
    ("incidents", "card_says", "list_says"),
    [
        ([], "✓ none in the kernel log: 9 records", ""),
        ([OOM], "no denied request, 1 OOM kill", "none, 1 OOM kill"),
        ([OOM, replace(OOM, id="2"), STALL], "no denied request, 1 stalled allocation, 2 OOM kills",
         "none, 1 stalled allocation, 2 OOM kills"),
        ([denial("runc", 10), OOM], "runc asked for 4M 8 s ago and failed, 1 time; 1 OOM kill", "1 logged, 1 OOM kill"),
        ([denial("runc", 10, suppressed=5), OOM],
         "1 request, last 8 s ago; at least 5 more not logged; 1 OOM kill. Most: runc 4M (1)",
         "1 logged, at least 5 more not logged, 1 OOM kill"),
    ],
)  # fmt: skip
def test_other_reports_are_named_apart_and_no_denied_requests(
    incidents: list[Incident], card_says: str, list_says: str
) -> None:
    denied, _, failures, _ = both(incidents, [])
    assert denied == card_says
    assert failures.removeprefix("Denied requests").strip() in (list_says, f"{list_says} kernel log: read {KERNEL_LOG}")


@pytest.mark.parametrize(
    ("pods", "card_says", "list_says"),
    [
        ([A], "1 pod, likely because of it: default/a", "1 by memory"),
        ([A, possibly("b"), stuck("c", None, VAGUE), stuck("d", False, NO_IMAGE)],
         "1 pod by memory, 1 possibly, 1 for an unknown reason, 1 for other reasons: default/a",
         "4: 1 by memory, 1 possibly, 1 for an unknown reason, 1 for other reasons"),
        ([possibly("b"), stuck("d", False, NO_IMAGE)],
         "? 2 pods wait: 1 possibly by memory, 1 for other reasons. First: default/b",
         "2: 1 possibly by memory, 1 for other reasons"),
        ([stuck("c", None, VAGUE)], "? 1 pod waits, cause unknown: default/c", "1 for an unknown reason"),
        ([stuck("d", False, NO_IMAGE)], "✓ no pod waits for memory; 1 waits for other reasons", "1 for other reasons"),
    ],
)  # fmt: skip
def test_pods_are_counted_by_cause_once(pods: list[StuckPod], card_says: str, list_says: str) -> None:
    _, said, _, listed = both([], pods)
    assert said == card_says
    assert listed.removeprefix("Stuck pods").strip() == list_says


KINDS = st.sampled_from([ReportKind.ALLOCATION_FAILURE, ReportKind.OOM, ReportKind.STALL, ReportKind.SLAB_FAILURE])
REPORTS = st.builds(
    lambda incidents, kinds: [of_kind(*pair, place) for place, pair in enumerate(zip(incidents, kinds, strict=False))],
    DENIALS,
    st.lists(KINDS, min_size=12, max_size=12),
)
EITHER = st.lists(
    st.builds(
        lambda name, memory, confidence: replace(stuck(name, True, VAGUE, confidence), memory=memory),
        st.text("abc", min_size=1, max_size=4),
        st.sampled_from([None, True, False]),
        st.sampled_from(["proven", "likely", "possible"]),
    ),
    max_size=9,
    unique_by=lambda pod: str(pod.ref),
)


@examples(100)
@given(REPORTS, EITHER | PODS.map(lambda pods: list(pods.pods)), st.integers(58, 200))
def test_card_and_lists_never_contradict_each_other(
    incidents: list[Incident], pods: list[StuckPod], width: int
) -> None:
    denied, said, failures, listed = both(incidents, pods)
    denials = [incident for incident in incidents if incident.kind is ReportKind.ALLOCATION_FAILURE]
    count = sum(incident.failures for incident in denials)
    assert ("none" in failures or failures == "Denied requests") == (count == 0) == bool(
        re.search("no denied request|none in", denied)
    ) or not incidents
    if count:
        assert failures.startswith(f"Denied requests {count:,} logged")
        assert f"{count:,} request" in denied or (count == 1 and "1 time" in denied)
    kills = sum(incident.failures for incident in incidents if incident.kind is ReportKind.OOM)
    assert (f"{kills} OOM kill" in denied) == (f"{kills} OOM kill" in failures) == bool(kills)

    by_cause = {cause: sum(pod.cause is cause for pod in pods) for cause in PodCause}
    for cause, words in ((PodCause.MEMORY, "by memory"), (PodCause.OTHER, "for other reasons")):
        if by_cause[cause] and len(pods) > 2:
            assert re.search(rf"\b{by_cause[cause]} (pods? |waits? )?{words}", said), said
            assert f"{by_cause[cause]} {words}" in listed
    assert set(numbers(listed)) <= {str(len(pods)), *map(str, by_cause.values())}
    # Where there is less room, both say fewer numbers and no other ones.
    _, narrow, _, short = both(incidents, pods, width)
    known = {str(len(pods)), *map(str, by_cause.values())}
    assert set(numbers(short)) <= known
    assert set(re.findall(r"\b(\d+) (?:of|pods?|by|possibly|for)\b", narrow)) <= known


def test_the_row_that_folds_the_others_says_the_same_too() -> None:
    session = Session()
    pods = [A, stuck("c", None, VAGUE), stuck("d", False, NO_IMAGE), stuck("e", False, NO_IMAGE)]
    session.pods = PodUpdate(StuckPods(tuple(pods)), (KUBELET,))
    panel = PodsPanel(session)
    row = panel.items()[-1]
    assert isinstance(row, OtherPods) and len(row.pods) == 3
    text = "".join(text for text, _ in panel.row(row, 100))
    assert "1 pods for an unknown reason, 2 for other reasons: " in text and text.endswith(", +2")
