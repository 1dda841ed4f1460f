"""Kernel incidents and failing pods joined: the same state in any order of arrival."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident
from fragtui.model.log_linker import LogLinker
from fragtui.model.pods.stuck_pods import PodCause, StuckPods
from fragtui.model.tracker import IncidentTracker
from tests.support.incidents import kernel_incident
from tests.support.kernel_update import brought

ERROR = "can't get final child's PID from pipe: EOF"
REFUSAL = kernel_incident(time=1000.0, comm="runc:[1:CHILD]", order=4, stack=("copy_net_ns",), id="k")
LATER = kernel_incident(time=1003.0, comm="dockerd", order=4, stack=("copy_net_ns",), id="later")
KILL = kernel_incident(ReportKind.OOM, time=1001.0, comm="runc:[2:INIT]", constraint="CONSTRAINT_MEMCG", memory=False,
                cpuset=f"/kubepods/{2:064x}", id="kill")  # fmt: skip


def failed(time: float, name: str = "web", number: int = 1, error: str = ERROR) -> PodObservation:
    pod = PodRef("shop", name)
    return PodObservation(PodFact.FAILED, "kubelet", "worker", pod, time, error=error, sandbox_id=f"{number:064x}")


def tracked(*facts: Incident | PodObservation) -> StuckPods:
    tracker = IncidentTracker()
    for fact in facts:
        if isinstance(fact, Incident):
            tracker.kernel_update(brought(fact))
        else:
            tracker.observe(fact, 1010.0)
    return tracker.snapshot(1010.0)


def links_of(pods: StuckPods) -> dict[str, tuple[bool | None, dict[str, str]]]:
    return {
        pod.name or "": (pod.memory, {link.incident_id: link.confidence for link in pod.links}) for pod in pods.pods
    }


@pytest.mark.parametrize("facts", list(permutations((REFUSAL, failed(1000.5)))))
def test_one_pod_and_its_kernel_line(facts: tuple[Incident | PodObservation, ...]) -> None:
    state = tracked(*facts)
    assert links_of(state) == {"web": (True, {"k": "proven"})}
    assert len(state.of(PodCause.MEMORY)) == 1
    assert state.linked_to("k") == state.pods and state.linked_to("other") == ()


@pytest.mark.slow
@pytest.mark.parametrize("facts", list(permutations((REFUSAL, failed(1000.5), failed(1001.0, "api", 2), KILL))))
def test_a_second_pod_of_the_moment_makes_both_links_likely(facts: tuple[Incident | PodObservation, ...]) -> None:
    state = tracked(*facts)
    assert links_of(state) == {"web": (True, {"k": "likely"}), "api": (True, {"k": "likely", "kill": "proven"})}
    assert {pod.name for pod in state.linked_to("k")} == {"web", "api"}


FACTS = (
    *(
        REFUSAL,
        LATER,
        KILL,
        replace(REFUSAL, time=1016.0, id="far"),
        kernel_incident(ReportKind.STALL, time=1001.0, comm="runc:[2:INIT]", memory=False, id="stall"),
    ),
    *(failed(1000.5), failed(1004.0, "api", 2), failed(1013.0, "db", 3, "fork/exec runc: cannot allocate memory")),
    failed(1030.0, "late", 4),
)


@given(st.permutations(FACTS))
def test_the_links_do_not_depend_on_the_order(facts: list[Incident | PodObservation]) -> None:
    assert links_of(tracked(*facts)) == links_of(tracked(*FACTS))


def test_explain_links_what_the_tracker_links() -> None:
    linker = LogLinker()
    done = [each for fact in FACTS for each in linker.feed(fact)] + linker.finish()
    explained = {
        each.incident.pod: (each.incident.memory, sorted(each.incident.linked))
        for each in done
        if each.incident.report is None
    }
    assert explained == {name: (memory, sorted(links)) for name, (memory, links) in links_of(tracked(*FACTS)).items()}
    assert any(links for _, links in explained.values())


def test_a_sandbox_failure_of_a_log_is_no_kernel_line() -> None:
    own = Incident(time=1000.5, sandbox_id=f"{1:064x}", container_id=f"{1:064x}", id="s")
    assert links_of(tracked(own, failed(1000.5))) == {"web": (None, {})}


def test_more_of_an_incident_may_end_a_link() -> None:
    stranger = kernel_incident(time=1000.0, comm="java", order=4, stack=("page_frag_alloc",), id="k")
    assert links_of(tracked(REFUSAL, failed(1000.5), stranger)) == {"web": (None, {})}


def test_a_link_outlives_the_incident_and_the_attempt_it_is_of() -> None:
    tracker = IncidentTracker(max_incidents=4)
    tracker.kernel_update(brought(REFUSAL))
    tracker.observe(failed(1000.5), 1000.5)
    for number in range(8):
        tracker.kernel_update(brought(replace(REFUSAL, time=2000.0, id=f"k{number}")))
    for number in range(2, 20):
        tracker.observe(failed(1000.0 + 30 * number, number=number), 1000.0 + 30 * number)
    assert links_of(tracker.snapshot(1600.0))["web"] == (True, {"k": "proven"})
