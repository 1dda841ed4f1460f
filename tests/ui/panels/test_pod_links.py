"""The pods beside a failure: all that it blocks, in an order that stays."""

from __future__ import annotations

from itertools import permutations

import pytest

from fragtui.cluster.failure_reason import UNKNOWN_REASON
from fragtui.cluster.pod_ref import PodRef
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.failure_list import FailureGroup
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.pods.stuck_pods import PodLink, StuckPod, StuckPods
from fragtui.ui.panels.pod_links import pod_of, pods_linked_to
from tests.support.incidents import kernel_incident

UID = "0f3c1a2b-1111-2222-3333-444455556666"
REFUSAL = kernel_incident(ReportKind.ALLOCATION_FAILURE, time=1000.0, comm="runc", order=4, id="k")
GROUP = FailureGroup((REFUSAL,))


def stuck(name: str, confidence: str) -> StuckPod:
    link = PodLink("k", confidence, "runc asked for it")
    return StuckPod(PodRef("shop", name), 1000.0, UNKNOWN_REASON, True, "", "sandbox", 1, 1000.0, 1000.0, links=(link,))


def update(pods: tuple[StuckPod, ...], started: tuple[StuckPod, ...] = ()) -> PodUpdate:
    return PodUpdate(StuckPods(pods, started), ())


@pytest.mark.parametrize(
    "pods", list(permutations((stuck("web", "likely"), stuck("db", "possible"), stuck("api", "likely"))))
)
@pytest.mark.parametrize("started", [0, 1, 3])
def test_a_failure_names_the_same_pod_whichever_starts_first(pods: tuple[StuckPod, ...], started: int) -> None:
    both = update(pods[started:], pods[:started])
    assert pod_of(both, GROUP) == "3 pods: shop/api +2"
    assert pods_linked_to(both, GROUP) == (
        "blocks shop/api (likely): runc asked for it",
        "blocks shop/web (likely): runc asked for it",
        "blocks shop/db (possible): runc asked for it",
    )


def test_one_pod_or_the_task_s_own() -> None:
    assert pod_of(update((stuck("web", "proven"),)), GROUP) == "shop/web"
    assert pod_of(update(()), GROUP) is None and pod_of(None, GROUP) is None
    own = kernel_incident(ReportKind.OOM, time=1.0, pod_uid=UID, id="o")
    assert pod_of(None, FailureGroup((own,))) == f"pod {UID}"
    named = PodUpdate(StuckPods(), (), (PodRef("shop", "cart", UID),))
    assert pod_of(named, FailureGroup((own,))) == "shop/cart"
