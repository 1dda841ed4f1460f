"""What the tracker knows beside failures: whose a container is, which pods run, which are gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.pods.pod_tracker import PodTracker
from fragtui.model.pods.stuck_pods import PodCause, StuckPods
from fragtui.model.state.waiting_pods import waiting_pods
from fragtui.model.tracker import IncidentTracker
from fragtui.sources.pods.paced_reader import PodLineParser
from tests.model.pods.test_pod_tracker import ERROR, OTHER, UID, WEB, failed, observed, tracker_of
from tests.support.incidents import kernel_incident
from tests.support.kernel_update import brought

SANDBOX, CONTAINER, SECOND = (f"{number:064x}" for number in (0xA, 0xB, 0xC))
CALL = "5b1f6c2e-0000-4000-8000-00000000000a"
NETWORK = "network is not ready: container runtime network not ready: NetworkReady=false"
VOLUME = 'MountVolume.SetUp failed for volume "v" : configmap "absent" not found'
CONTAINERD = (
    f"RunPodSandbox for &PodSandboxMetadata{{Name:web-1,Uid:{UID},Namespace:shop,Attempt:0,}}"
    f' returns sandbox id \\"{SANDBOX}\\"',
    f'CreateContainer within sandbox \\"{SANDBOX}\\" for &ContainerMetadata{{Name:app,Attempt:0,}}'
    f' returns container id \\"{CONTAINER}\\"',
    f'StartContainer for \\"{CONTAINER}\\" failed',
)


def lines(*texts: str) -> list[PodObservation]:
    parser = PodLineParser(lambda: 1_800_000_000.0, 0.0)
    found: list[PodObservation] = []
    for second, text in enumerate(texts):
        found += parser.feed(f'time="2026-11-28T21:25:{second:02d}Z" {text}'.encode())
    return found


def after(*observations: PodObservation, at: float = 1000.0) -> StuckPods:
    return tracker_of(*observations).snapshot(at)


def test_a_container_that_fails_is_of_the_pod_whose_sandbox_it_was_made_in() -> None:
    (*chain, last) = (f'level=info msg="{text}"' for text in CONTAINERD)
    found = lines(*chain, f'{last.replace("info", "error")} error="failed to create containerd task: {ERROR}"')
    (pod,) = after(*found, at=found[-1].time or 0.0).pods
    assert (pod.ref, pod.stage, pod.container_ids) == (WEB, "container", (CONTAINER,))


def test_a_call_to_crio_has_one_pod_in_all_its_lines() -> None:
    name = "name=/runtime.v1.RuntimeService/CreateContainer"
    found = lines(
        f'level=info msg="Creating container: shop/web-1/app" id={CALL} {name}',
        f'level=error msg="Container creation error: {ERROR}" id={CALL} {name}',
    )
    (pod,) = after(*found, at=found[-1].time or 0.0).pods
    assert (pod.ref, pod.stage) == (PodRef("shop", "web-1"), "container")
    started = f"containerID={CONTAINER} description=shop/web-1/app sandboxID={SANDBOX}"
    found += lines(f'level=info msg="Started container" PID=7 {started} id={CALL} {name}')
    assert after(*found).pods == ()


def test_a_pod_that_the_api_or_crictl_names_later_takes_the_nameless_row() -> None:
    named = {
        "container": observed(
            PodFact.WAITS, None, source="api", stage="container", error=ERROR, container_id=CONTAINER
        ),
        "sandbox": observed(PodFact.NAMED, 999.0, source="crictl", sandbox_id=SANDBOX),
    }
    for stage, observation in named.items():
        nameless = failed(1000.0, PodRef(), sandbox_id=SANDBOX, container_id=CONTAINER, stage=stage)
        assert [pod.ref for pod in after(nameless).pods] == [PodRef()]
        (pod,) = after(nameless, observation).pods
        assert pod.ref == WEB and pod.attempts == 1


def test_a_runtimes_failures_without_a_name_are_not_told_beside_the_named_ones() -> None:
    two = [failed(1000.0 + 0.1 * at, PodRef(), at, container_id=f"{at:064x}", stage="container") for at in (1, 2)]
    kubelet = [failed(1000.5, PodRef("shop", name, None), sandbox_id=None, stage="container") for name in ("a", "b")]
    assert sorted(pod.name or "?" for pod in after(*two, *kubelet).pods) == ["a", "b"]
    other = failed(1000.3, PodRef(), 3, container_id=SECOND, stage="container", error="exec format error")
    assert sorted(pod.name or "?" for pod in after(*two, *kubelet, other).pods) == ["?", "a", "b"]


@pytest.mark.parametrize("error", [NETWORK, VOLUME, "unmounted volumes=[v], unattached volumes=[]: timed out"])
def test_a_pod_that_runs_is_not_stuck_while_the_kubelet_only_skips_it(error: str) -> None:
    skipped = failed(1100.0, error=error, sandbox_id=None)
    assert after(skipped, at=1100.0).pods, "it may not run"
    runs = observed(PodFact.SANDBOX_RUNS, 1000.0, sandbox_id=SANDBOX)
    assert after(runs, skipped, at=1100.0).pods == ()
    state = after(skipped, observed(PodFact.CONTAINER_RUNS, 500.0, source="api"), at=1100.0)
    assert (state.pods, state.started) == ((), ()), "it ran all the time"
    sandbox = f"{9:064x}"
    docker = observed(PodFact.SANDBOX_RUNS, 1000.3, source="kubelet", container_id=sandbox)
    before_its_network = (failed(1000.0, sandbox_id=None, container_id=sandbox), replace(docker, step="pleg"))
    assert after(*before_its_network, skipped, at=1101.0).pods
    for stops in (
        observed(PodFact.DIED, 1050.0, container_id=SANDBOX),
        observed(PodFact.BEGINS, 1050.0),
        observed(PodFact.WAITS, None, source="api", since=1050.0),
        failed(1050.0),
    ):
        assert after(runs, stops, skipped, at=1101.0).pods, stops.fact


def test_a_pod_whose_volumes_are_only_renewed_runs() -> None:
    """The kubelet mounts config maps of pods that run again; of one that waits it reports so after 2 min 3 s."""
    renewed = [failed(1000.0 + 122 * at, error=VOLUME, sandbox_id=None, step="volume") for at in range(9)]
    tracker = tracker_of(renewed[0])
    assert tracker.snapshot(1149.0).pods and tracker.snapshot(1151.0).pods == ()
    for observation in renewed[2:]:
        tracker.observe(observation, observation.time or 0.0)
        assert tracker.snapshot(observation.time or 0.0).pods == ()
    waits = failed(2000.0, error="unmounted volumes=[v], unattached volumes=[]: timed out", sandbox_id=None)
    tracker.observe(waits, 2000.0)
    tracker.observe(replace(renewed[0], time=2010.0), 2010.0)
    assert tracker.snapshot(2500.0).pods


def test_a_pod_without_network_leaves_soon_after_the_kubelets_last_word() -> None:
    tracker = tracker_of(failed(1000.0, error=NETWORK, sandbox_id=None))
    assert tracker.snapshot(1050.0).pods and tracker.snapshot(1061.0).pods == ()


def test_a_pod_that_the_api_says_is_gone_stays_gone() -> None:
    gone = observed(PodFact.GONE, None, source="api")
    assert after(failed(1000.0), gone, failed(1001.0, number=2), at=1002.0).pods == ()
    recreated = failed(1003.0, PodRef("shop", "web-1", OTHER), 3)
    assert [pod.uid for pod in after(gone, recreated, at=1004.0).pods] == [OTHER]
    assert after(failed(1000.0, error=f"unmounted volumes=[v]: {NETWORK}: context canceled")).pods == ()


def test_a_line_without_a_pod_goes_with_the_lines_of_a_pod_that_is_gone_or_runs() -> None:
    """The kubelet's first line about a failed sandbox names no pod, its next ones do."""
    nameless, named = failed(1000.0, PodRef(), step="runtime"), failed(1000.1)
    assert len(after(nameless).pods) == 1
    for earlier in (observed(PodFact.GONE, None, source="api"), observed(PodFact.SANDBOX_RUNS, 1050.0)):
        assert after(earlier, nameless, named).pods == ()


def test_a_failure_before_the_apis_list_is_of_a_pod_in_it() -> None:
    tracker = PodTracker()
    tracker.set_existing([PodRef("shop", "b", OTHER)], 1000.0)
    for observation in (failed(990.0), failed(990.0, PodRef("shop", "b", OTHER), 2)):
        tracker.observe(observation, 1001.0)
    assert [pod.name for pod in tracker.snapshot(1001.0).pods] == ["b"]
    tracker.observe(failed(1002.0, number=3), 1002.0)
    assert [pod.name for pod in tracker.snapshot(1002.0).pods] == ["b", "web-1"], "made after the list"


def test_a_pod_whose_container_fails_did_not_start_with_its_sandbox() -> None:
    image = "ErrImageNeverPull: Container image is not present with pull policy of Never"
    waits = observed(PodFact.WAITS, None, source="api", stage="container", error=image)
    for late in (failed(1200.0, stage="container", error=image, sandbox_id=None), waits):
        state = after(failed(1000.0), observed(PodFact.SANDBOX_RUNS, 1050.0), late, at=1200.0)
        assert state.started == ()
        (pod,) = state.pods
        assert pod.since == 1000.0 and pod.started is None


def test_another_container_that_starts_is_not_the_one_that_fails() -> None:
    stuck = failed(1000.0, stage="container", container="app")
    sidecar = observed(PodFact.CONTAINER_RUNS, 1005.0, container="sidecar")
    assert len(after(stuck, sidecar).pods) == 1
    (started,) = after(stuck, sidecar, observed(PodFact.CONTAINER_RUNS, 1009.0, container="app")).started
    assert started.started == 1009.0


def test_the_newest_attempt_gives_the_reason_unless_it_says_less() -> None:
    cni = failed(1000.0, number=1, error='plugin type="bridge" failed (add): connection refused')
    unclear = failed(1020.0, number=2)
    assert after(cni, unclear).pods[0].reason_class.name == "runc-init-died"
    refused = failed(1000.0, number=1, error="fork/exec /proc/self/exe: cannot allocate memory")
    assert after(refused, unclear).pods[0].reason_class.name == "fork-refused"
    assert after(cni, failed(1020.0, number=2, error="failed")).pods[0].reason_class.name == "cni"


def test_the_kill_at_one_pods_limit_is_no_evidence_for_another() -> None:
    kill = kernel_incident(ReportKind.OOM, time=1000.0, comm="runc:[2:INIT]", constraint="CONSTRAINT_MEMCG",
                           memory=False, pod_uid=UID, id="kill")  # fmt: skip
    errors = ("signal: killed", "shim exited unexpectedly", 'configmap "absent" not found', ERROR)
    tracker = IncidentTracker()
    tracker.kernel_update(brought(kill))
    pods = [PodRef("shop", f"p{at}", f"{at:08d}{OTHER[8:]}") for at in range(len(errors))]
    for at, (pod, error) in enumerate(zip(pods, errors, strict=True)):
        tracker.observe(failed(1000.5, pod, at, error=error, stage="container"), 1001.0)
    tracker.observe(failed(1000.5, WEB, 9, error="signal: killed"), 1001.0)
    assert {pod.name: [link.confidence for link in pod.links] for pod in tracker.snapshot(1001.0).pods} == {
        **{pod.name: [] for pod in pods},
        "web-1": ["proven"],
    }


def test_denied_memory_comes_first_then_the_unknown_then_the_others() -> None:
    found = [
        failed(900.0, PodRef("shop", "volume", OTHER), 1, error=VOLUME),
        failed(950.0, PodRef("shop", "silent"), 2, error="failed"),
        failed(1000.0, WEB, 3, error="fork/exec /proc/self/exe: cannot allocate memory"),
    ]
    for order in (found, found[::-1]):
        stuck = after(*order)
        waiting = waiting_pods(stuck)
        in_order = (*waiting.by_memory, *waiting.possibly, *waiting.unknown, *waiting.others)
        assert [pod.name for pod in in_order] == ["web-1", "silent", "volume"]
        assert [pod.cause for pod in in_order] == [PodCause.MEMORY, PodCause.UNKNOWN, PodCause.OTHER]
