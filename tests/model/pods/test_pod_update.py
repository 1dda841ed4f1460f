"""Which updates of the pods bring news, and which only new times and counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fragtui.cluster.failure_reason import UNKNOWN_REASON
from fragtui.cluster.pod_ref import PodRef
from fragtui.model.node.source_state import SourceState
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.pods.stuck_pods import PodLink, StuckPods
from tests.support.crowd import pods

BEFORE = pods()


def changed(**facts: Any) -> PodUpdate:
    """Return the update with other facts of its first pod."""
    first, *others = BEFORE.stuck.pods
    return replace(BEFORE, stuck=StuckPods((replace(first, **facts), *others)))


@pytest.mark.parametrize(
    "update",
    [
        changed(attempts=99, last_failure=1_700_009_999.0, next_try=1_700_010_030.0),
        changed(reason="another attempt's text", sandbox_ids=("s2",)),
        replace(BEFORE, names=(PodRef("shop", "new", "uid-1"),), dropped=1, unread=2),
        replace(BEFORE, sources=(SourceState("kubelet log", "live", "", "1,234 lines"),)),
    ],
)
def test_new_times_counts_and_texts_are_no_news(update: PodUpdate) -> None:
    assert update != BEFORE
    assert update.resembles(BEFORE)


@pytest.mark.parametrize(
    "update",
    [
        replace(BEFORE, stuck=StuckPods(BEFORE.stuck.pods[1:])),
        replace(BEFORE, stuck=StuckPods(BEFORE.stuck.pods, started=(replace(BEFORE.stuck.pods[0], started=1.0),))),
        changed(started=1_700_000_500.0),
        changed(memory=True),
        changed(reason_class=UNKNOWN_REASON),
        changed(links=(PodLink("k1", "likely", "runc requested it"),)),
        replace(BEFORE, sources=(SourceState("kubelet log", "waiting", "it ended"),)),
    ],
)
def test_another_pod_reason_or_state_of_a_source_is_news(update: PodUpdate) -> None:
    assert not update.resembles(BEFORE)
