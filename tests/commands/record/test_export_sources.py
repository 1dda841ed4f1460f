"""``fragtui export`` between blind and seeing: which source is up, and no count of pods that nothing can see."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from fragtui.cluster.failure_reason import classify
from fragtui.commands.record.exporter import NodeSource, registry_of
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.source_state import SourceState
from fragtui.model.node.verdict import Thresholds
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.pods.stuck_pods import StuckPods
from fragtui.sources.kernel_log.ring import read_ring
from tests.commands.record.test_export import value
from tests.support.host_tree import HostTree
from tests.support.node_states import stuck, stuck_pods

exposition = pytest.importorskip("prometheus_client", reason="prometheus-client is not installed (extra: prom)")


def scraped(source: NodeSource) -> str:
    text: str = exposition.generate_latest(registry_of(source)).decode()
    return text


@pytest.fixture
def source(tmp_path: Path) -> NodeSource:
    return NodeSource(HostTree.small(tmp_path).root, None, None, Thresholds(), counting=True)


def update(*sources: tuple[str, str], pods: StuckPods | None = None) -> PodUpdate:
    states = tuple(SourceState(name, state, "", "1 line" if state == "live" else "") for name, state in sources)
    return PodUpdate(pods or StuckPods(), states)


def up(text: str) -> dict[str, float]:
    found = re.findall(r'^fragtui_source_up\{source="(.*)"\} (\S+)$', text, re.MULTILINE)
    return {name: float(number) for name, number in found}


def test_a_source_is_up_once_it_has_delivered(source: NodeSource) -> None:
    assert up(scraped(source))["kernel_log"] == 0, "it is still waited for"
    source.kernel_log(KernelLogUpdate((), (), 0, (), "kmsg", None, proof=""))
    assert up(scraped(source))["kernel_log"] == 0, "it was opened and has delivered nothing"
    source.kernel_log(KernelLogUpdate((), (), 3, (), "kmsg", None))
    assert up(scraped(source))["kernel_log"] == 0, "an update without a count proves nothing"
    source.kernel_log(KernelLogUpdate((), (), 0, (), "kmsg", None, proof="12 records since boot"))
    assert up(scraped(source))["kernel_log"] == 1
    source.kernel_log(KernelLogUpdate((), (), 0, (), "none", "/dev/kmsg: operation not permitted"))
    assert up(scraped(source))["kernel_log"] == 0


def test_each_source_of_pods_is_up_or_down_or_not_there(source: NodeSource) -> None:
    states = {"live": 1, "connecting": 0, "waiting": 0, "absent": 0, "refused": 0, "off": None, "nothing": None}
    names = ("API", "events", "kubelet log", "runtime log", "crictl")
    for state, number in states.items():
        source.pod_update(update(*((name, state) for name in names)))
        found = up(scraped(source))
        assert {found.get(name) for name in ("api", "events", "kubelet_log", "runtime_log", "crictl")} == {number}
    assert {"buddyinfo", "zoneinfo", "vmstat", "meminfo"} <= set(found)


@pytest.mark.parametrize("state", ["connecting", "waiting", "absent", "refused", "off"])
def test_pods_that_no_source_can_see_are_not_counted_as_none(source: NodeSource, state: str) -> None:
    assert "fragtui_stuck_pods" not in scraped(source)
    source.pod_update(update(("API", state), ("kubelet log", state), ("crictl", "live")))
    assert "fragtui_stuck_pods" not in scraped(source), "crictl can't see a pod without a sandbox"
    source.pod_update(update(("API", state), ("kubelet log", "live")))
    assert value(scraped(source), 'fragtui_stuck_pods{memory="refused"}') == 0


SEERS = ("API", "kubelet log")
STATES = ("live", "connecting", "waiting", "absent", "refused", "off", "nothing")


def test_stuck_pods_are_counted_in_every_combination_in_which_a_source_can_tell_and_in_no_other(
    source: NodeSource,
) -> None:
    def is_counted() -> bool:
        return any(family.name == "fragtui_stuck_pods" for family in source.families())

    cni = classify('plugin type="bridge" failed (add): network is not ready')
    for states in product(STATES, STATES, ("live", "absent"), ("live", "absent")):
        named = list(zip((*SEERS, "runtime log", "crictl"), states, strict=True))
        source.pod_update(update(*named))
        assert is_counted() == ("live" in states[:2]), named
        source.pod_update(update(*named, pods=stuck_pods([stuck("a", False, cni)])))
        assert is_counted() == ("live" in states[:3]), f"of long ago: {named}"


def test_without_a_server_the_ring_and_the_audit_log_are_up_or_down(tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    found = up(scraped(NodeSource(Path("/"), None, audit, Thresholds())))
    assert found["kernel_log"] == float(read_ring(Path("/")).problem is None) and found["audit_log"] == 1
    audit.mkdir()
    assert up(scraped(NodeSource(Path("/"), None, audit, Thresholds())))["audit_log"] == 0


def test_a_kernel_without_psi_has_no_such_source(source: NodeSource) -> None:
    assert up(scraped(source))["pressure/memory"] == 1
    (source.reader.root / "proc/pressure/memory").unlink()
    assert "pressure/memory" not in up(scraped(source))


def test_the_stuck_pods_are_counted_by_the_class_of_their_reason(source: NodeSource) -> None:
    cni, image = (
        classify('plugin type="bridge" failed (add): network is not ready'),
        classify('Failed to pull image "x": not found'),
    )
    assert cni.name != image.name
    pods = stuck_pods([stuck("a", False, cni), stuck("b", False, cni), stuck("c", False, image)])
    source.pod_update(update(("API", "live"), pods=pods))
    text = scraped(source)
    assert value(text, f'fragtui_stuck_pods_by_class{{class="{cni.name}"}}') == 2
    assert value(text, f'fragtui_stuck_pods_by_class{{class="{image.name}"}}') == 1
    assert value(text, 'fragtui_stuck_pods{memory="other"}') == 3


def test_in_a_pod_every_sample_names_its_node_and_none_confuses_it_with_a_numa_node(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("NODE_NAME", 'worker-"7"')
    samples = [
        line for line in scraped(NodeSource(Path("/"), None, None, Thresholds())).splitlines() if line[:1] != "#"
    ]
    assert samples and all(r'node="worker-\"7\""' in line for line in samples)
    assert any('numa_node="0"' in line for line in samples)
    saved = scraped(NodeSource(HostTree.small(tmp_path).root, None, None, Thresholds()))
    assert not re.search(r'[{,]node="', saved), "saved files are of another node"
