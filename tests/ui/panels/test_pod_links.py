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
from fragtui.ui.panels.pod_links import pods_cell, pods_linked_to, pods_of
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
    news = update(pods[started:], pods[:started])
    names = pods_of(news, GROUP)
    assert names == ("shop/api", "shop/web", "shop/db"), "all of them, the surest first"
    assert pods_cell(names, 40) == "3 pods: shop/api +2"
    assert pods_linked_to(news, GROUP) == (
        "blocks shop/api (likely): runc asked for it",
        "blocks shop/web (likely): runc asked for it",
        "blocks shop/db (possible): runc asked for it",
    )


def test_one_pod_or_the_task_s_own() -> None:
    assert pods_of(update((stuck("web", "proven"),)), GROUP) == ("shop/web",)
    assert pods_of(update(()), GROUP) == pods_of(None, GROUP) == ()
    own = kernel_incident(ReportKind.OOM, time=1.0, pod_uid=UID, id="o")
    assert pods_of(None, FailureGroup((own,))) == (f"pod {UID}",)
    named = PodUpdate(StuckPods(), (), (PodRef("shop", "cart", UID),))
    assert pods_of(named, FailureGroup((own,))) == ("shop/cart",)


@pytest.mark.parametrize(
    ("width", "cell"),
    [
        (80, "2 pods: payments/checkout-7f9c6d5b8-x002z +1"),
        (35, "2 pods: paymen…/che…c6d5b8-x002z +1"),
        (25, "2 pods: p…c6d5b8-x002z +1"),
        (24, "2 pods"),
        (8, "2 pods"),
    ],
)
def test_the_cell_names_the_first_pod_with_its_end_or_only_the_number(width: int, cell: str) -> None:
    assert pods_cell(("payments/checkout-7f9c6d5b8-x002z", "b"), width) == cell
