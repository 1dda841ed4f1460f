"""The debug pod on a Kubernetes node: made once, used again, deleted at the end, and named if it can't be."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from fragtui.sources.recording import kube_node
from fragtui.sources.recording.far_shell import LinkError
from fragtui.sources.recording.kube_node import KubeNode
from tests.support.kubectl import FakeKubectl


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeKubectl:
    fake = FakeKubectl(tmp_path)
    monkeypatch.setenv("PATH", fake.path)
    monkeypatch.setattr(kube_node, "_START_SECONDS", 0.1)
    monkeypatch.setattr(kube_node, "_READ_SECONDS", 0.0)
    monkeypatch.setattr(kube_node, "_LOOK_SECONDS", 0.05)
    return fake


def node(context: str = "") -> KubeNode:
    return KubeNode(context, "worker-7", "registry.example/fragtui:1")


def refused(of: Callable[[], object]) -> str:
    with pytest.raises(LinkError) as error:
        of()
    return str(error.value)


def test_it_is_made_once_for_all_links_and_deleted_at_the_end(kubectl: FakeKubectl) -> None:
    far = node()
    first = far.shell()
    assert far.report() == (
        "making a privileged debug pod on worker-7, deleted when this screen closes; no pod of fragtui runs there; "
        "image: registry.example/fragtui:1"
    )
    kubectl.set("context", "another")
    assert far.elsewhere == "kubectl fragtui --context=prod worker-7"
    assert far.shell() == first and far.report() is None and len(kubectl.pods) == 1
    assert shlex.join(first.arguments(["check"])[1:]) == (
        "--context=prod exec node-debugger-worker-7-a1 --container=debugger -- /usr/local/bin/fragtui check "
        "--root /host"
    )
    (made,) = (line for line in kubectl.asked if " debug " in line)
    assert made == (
        "--context=prod debug node/worker-7 --image=registry.example/fragtui:1 --image-pull-policy=IfNotPresent "
        "--profile=sysadmin -- sleep 43200"
    )
    assert far.leave() is None and kubectl.pods == []
    assert refused(far.shell) and kubectl.pods == [], "nothing is made after that"


def test_fragtuis_own_pod_is_used_if_there_is_one(kubectl: FakeKubectl) -> None:
    kubectl.set("own", "fragtui/fragtui-x2k")
    far = node("prod")
    assert far.shell().pod == ("--namespace=fragtui", "fragtui-x2k", "--container=fragtui")
    assert far.leave() is None and not any("debug" in line or "delete" in line for line in kubectl.asked)


def test_without_an_image_nothing_is_made(kubectl: FakeKubectl) -> None:
    assert "--host-image IMAGE" in refused(KubeNode("prod", "worker-7", None).shell) and kubectl.pods == []


def test_one_that_has_ended_is_deleted_before_the_next_is_made(kubectl: FakeKubectl) -> None:
    far = node()
    far.shell()
    kubectl.phase("Succeeded")
    far.shell()
    assert kubectl.pods == ["node-debugger-worker-7-a2"]
    kubectl.phase("Failed")
    kubectl.set("undeletable", "pods is forbidden")
    for _ in range(3):
        assert refused(far.shell) == "Error: pods is forbidden"
    assert kubectl.pods == ["node-debugger-worker-7-a2"], "they do not pile up"
    left = far.leave()
    assert left is not None and "(Error: pods is forbidden)" in left
    assert left.endswith("delete it: kubectl --context=prod delete pod node-debugger-worker-7-a2")


def test_one_that_does_not_start_is_waited_for_not_made_again(kubectl: FakeKubectl) -> None:
    kubectl.set("first", "Pending")
    kubectl.set("waiting", "ImagePullBackOff")
    far = node()
    for _ in range(2):
        assert refused(far.shell) == "debug pod node-debugger-worker-7-a1: Pending, ImagePullBackOff"
    assert len(kubectl.pods) == 1
    kubectl.phase("Running")
    assert far.shell().pod[0] == kubectl.pods[0]
    assert far.leave() is None and kubectl.pods == []


def test_one_that_is_refused_is_tried_again_and_leaves_nothing(kubectl: FakeKubectl) -> None:
    kubectl.set("refuses", "violates PodSecurity")
    far = node()
    for _ in range(5):
        assert refused(far.shell) == "Error: violates PodSecurity"
    assert far.report() is not None and far.report() is None, "it is said once"
    assert far.leave() is None and kubectl.pods == []


def test_without_a_name_no_other_is_made(kubectl: FakeKubectl) -> None:
    kubectl.set("quiet", "1")
    far = node()
    for _ in range(3):
        assert "node-debugger-worker-7-..." in refused(far.shell)
    assert len(kubectl.pods) == 1 and "node-debugger-worker-7-..." in (far.leave() or "")


def test_without_an_answer_few_are_made_and_all_are_deleted(
    kubectl: FakeKubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube_node, "_ANSWER_SECONDS", 0.15)
    far = node("prod")
    kubectl.set("hangs", "1")
    for _ in range(5):
        refused(far.shell)
        kubectl.come_late()
        if "did not answer 3 times" in refused(far.shell):
            break
        for pod in kubectl.pods:
            kubectl.phase("", pod)
    monkeypatch.setattr(kube_node, "_ANSWER_SECONDS", 15.0)
    assert far.leave() is None and kubectl.pods == []


def test_one_that_is_being_made_while_the_screen_closes_is_deleted(kubectl: FakeKubectl) -> None:
    kubectl.set("slow", "0.4")
    far = node()

    def make() -> None:
        with suppress(LinkError):
            far.shell()

    maker = threading.Thread(target=make, daemon=True)
    maker.start()
    end = time.monotonic() + 10
    while not any(" debug " in line for line in kubectl.asked) and time.monotonic() < end:
        time.sleep(0.01)
    assert far.leave() is None and kubectl.pods == []
    maker.join(10)
    assert kubectl.pods == []
