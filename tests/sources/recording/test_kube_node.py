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
from fragtui.sources.recording.kube_node import KubeNode
from fragtui.sources.recording.remote_shell import LinkError
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
    remote = node()
    first = remote.shell()
    assert remote.report() == (
        "making a privileged debug pod on worker-7, deleted when this screen closes; no pod of fragtui runs there; "
        "image: registry.example/fragtui:1"
    )
    kubectl.set("context", "another")
    assert remote.typed_command == "kubectl fragtui --context=prod worker-7"
    assert remote.shell() == first and remote.report() is None and len(kubectl.pods) == 1
    assert shlex.join(first.arguments(["check"])[1:]) == (
        "--context=prod exec node-debugger-worker-7-a1 --container=debugger -- /usr/local/bin/fragtui check "
        "--root /host"
    )
    (made,) = (line for line in kubectl.asked if " debug " in line)
    assert made == (
        "--context=prod debug node/worker-7 --image=registry.example/fragtui:1 --image-pull-policy=IfNotPresent "
        "--profile=sysadmin -- sleep 43200"
    )
    assert remote.leave() is None and kubectl.pods == []
    assert refused(remote.shell) and kubectl.pods == [], "nothing is made after that"


def test_fragtuis_own_pod_is_used_if_there_is_one(kubectl: FakeKubectl) -> None:
    kubectl.set("own", "fragtui/fragtui-x2k")
    remote = node("prod")
    assert remote.shell().pod == ("--namespace=fragtui", "fragtui-x2k", "--container=fragtui")
    assert remote.leave() is None and not any("debug" in line or "delete" in line for line in kubectl.asked)


def test_an_answer_that_names_no_pod_is_no_option_of_kubectl(kubectl: FakeKubectl) -> None:
    for answer in ("fragtui/--kubeconfig=/tmp/x", "-n/pod", "Error: x/y", "/"):
        kubectl.set("own", answer)
        assert "no pod of fragtui runs" in refused(KubeNode("prod", "worker-7", None).shell)


def test_an_answer_without_end_is_cut(kubectl: FakeKubectl, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(kubectl.path.partition(":")[0], "kubectl").write_text("#!/bin/sh\nyes error >&2 & exec yes fragtui/pod\n")
    monkeypatch.setattr(kube_node, "_ANSWER_SECONDS", 0.5)
    remote = KubeNode("prod", "worker-7", None)
    status, said, why = remote._run("get", "pods")
    assert status is None and len(said) == 1 << 16 and why == "kubectl get did not answer"
    assert refused(remote.shell) == "kubectl get did not answer"


def test_a_context_with_control_characters_is_made_printable(kubectl: FakeKubectl) -> None:
    kubectl.set("context", "prod\x1b[2J\n")
    remote = node()
    remote.shell()
    assert remote.typed_command == "kubectl fragtui '--context=prod\\x1b[2J' worker-7"


def test_without_an_image_nothing_is_made(kubectl: FakeKubectl) -> None:
    assert "--host-image IMAGE" in refused(KubeNode("prod", "worker-7", None).shell) and kubectl.pods == []


def test_one_that_has_ended_is_deleted_before_the_next_is_made(kubectl: FakeKubectl) -> None:
    remote = node()
    remote.shell()
    kubectl.phase("Succeeded")
    remote.shell()
    assert kubectl.pods == ["node-debugger-worker-7-a2"]
    kubectl.phase("Failed")
    kubectl.set("undeletable", "pods is forbidden")
    for _ in range(3):
        assert refused(remote.shell) == "Error: pods is forbidden"
    assert kubectl.pods == ["node-debugger-worker-7-a2"], "they do not pile up"
    left = remote.leave()
    assert left is not None and "(Error: pods is forbidden)" in left
    assert left.endswith("delete it: kubectl --context=prod delete pod node-debugger-worker-7-a2")


def test_one_that_does_not_start_is_waited_for_not_made_again(kubectl: FakeKubectl) -> None:
    kubectl.set("first", "Pending")
    kubectl.set("waiting", "ImagePullBackOff")
    remote = node()
    for _ in range(2):
        assert refused(remote.shell) == "debug pod node-debugger-worker-7-a1: Pending, ImagePullBackOff"
    assert len(kubectl.pods) == 1
    kubectl.phase("Running")
    assert remote.shell().pod[0] == kubectl.pods[0]
    assert remote.leave() is None and kubectl.pods == []


def test_one_that_is_refused_is_tried_again_and_leaves_nothing(kubectl: FakeKubectl) -> None:
    kubectl.set("refuses", "violates PodSecurity")
    remote = node()
    for _ in range(5):
        assert refused(remote.shell) == "Error: violates PodSecurity"
    assert remote.report() is not None and remote.report() is None, "it is said once"
    assert remote.leave() is None and kubectl.pods == []


def test_without_a_name_no_other_is_made(kubectl: FakeKubectl) -> None:
    kubectl.set("quiet", "1")
    remote = node()
    for _ in range(3):
        assert "node-debugger-worker-7-..." in refused(remote.shell)
    assert len(kubectl.pods) == 1 and "node-debugger-worker-7-..." in (remote.leave() or "")


def test_without_an_answer_few_are_made_and_all_are_deleted(
    kubectl: FakeKubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube_node, "_ANSWER_SECONDS", 0.15)
    remote = node("prod")
    kubectl.set("hangs", "1")
    for _ in range(5):
        refused(remote.shell)
        kubectl.come_late()
        if "did not answer 3 times" in refused(remote.shell):
            break
        for pod in kubectl.pods:
            kubectl.phase("", pod)
    monkeypatch.setattr(kube_node, "_ANSWER_SECONDS", 15.0)
    assert remote.leave() is None and kubectl.pods == []


def test_one_that_is_being_made_while_the_screen_closes_is_deleted(kubectl: FakeKubectl) -> None:
    kubectl.set("slow", "0.4")
    remote = node()

    def make() -> None:
        with suppress(LinkError):
            remote.shell()

    maker = threading.Thread(target=make, daemon=True)
    maker.start()
    end = time.monotonic() + 10
    while not any(" debug " in line for line in kubectl.asked) and time.monotonic() < end:
        time.sleep(0.01)
    assert remote.leave() is None and kubectl.pods == []
    maker.join(10)
    assert kubectl.pods == []
