"""The name by which a node is reached: anyone who is scraped writes labels."""

from __future__ import annotations

import pytest

from fragtui.model.fleet.fleet import FleetNode
from fragtui.model.fleet.host import host_name, live_url
from tests.support.fleet_source import HOSTILE


def node(name: str, **labels: str) -> FleetNode:
    return FleetNode(name, tuple(sorted(labels.items())), None, None, None, None, None, None, None, None, None)


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (node("10.0.0.7:9100"), "10.0.0.7"),
        (node("node-7.example.org"), "node-7.example.org"),
        (node("10.0.0.7:9100", nodename="node-7"), "node-7"),
        (node("10.0.0.7:9100", nodename="node-7", node="worker-7"), "worker-7"),
    ],
)
def test_the_label_of_the_machine_comes_before_where_its_metrics_come_from(found: FleetNode, name: str) -> None:
    assert host_name(found) == name
    assert live_url(found, "ssh") == f"ssh://{name}" and live_url(found, "kube") == f"kube://{name}"


@pytest.mark.parametrize(
    "name",
    ["-oProxyCommand=x", "a b", "a;b", "a/b", "root@a", "$(reboot)", "a\nb", "a:22", "[::1]", HOSTILE, "a" * 254, "é"],
)
def test_what_is_no_host_name_is_reached_by_nothing(name: str) -> None:
    assert live_url(node("x", node=name), "ssh") is None
    assert live_url(node("x", node=name), "kube") is None


def test_kubernetes_knows_no_upper_case() -> None:
    assert live_url(node("Node-7"), "ssh") == "ssh://Node-7" and live_url(node("Node-7"), "kube") is None
