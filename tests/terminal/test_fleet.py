"""The fleet in a real terminal, from a real Prometheus: the list, a node, the node live, and back."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fleet import Engine, FleetServer, needs_prometheus, prometheus, synthetic_node, targets
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.terminal import command, terminal
from tests.terminal.test_remote_screen import program

pytestmark = [pytest.mark.slow, needs_prometheus]

NODES = 30


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    nodes = [synthetic_node(number) for number in range(NODES)]
    server = FleetServer([node.raw for node in nodes])
    with server.running(), prometheus(folder, targets(nodes, server.port)) as running:
        running.wait_for(f"count(node_buddyinfo_blocks) > {30 * NODES}")
        yield running


@pytest.fixture
def kubectl(tmp_path: Path) -> str:
    """Return a PATH with a kubectl whose pod is a host of files."""
    HostTree.small(tmp_path / "host", FRAGMENTED)
    program(
        tmp_path / "bin/kubectl",
        'case "$*" in *"get pods"*) echo fragtui/fragtui-x2k; exit ;; *current-context) exit 1 ;; esac\n'
        f"exec {shlex.join(command())} record --stream -q - --root {tmp_path}/host",
    )
    return f"{tmp_path}/bin:{os.environ['PATH']}"


def words(engine: Engine, *more: str) -> list[str]:
    return ["fleet", "--prometheus", engine.url, "--order", "4", *more]


def test_from_the_list_to_a_node_live_and_back(engine: Engine, kubectl: str) -> None:
    with terminal(*words(engine), PATH=kubectl) as screen:
        screen.until(lambda text: "Can a 64K block be allocated?" in text and "node-0007" in text)
        first = next(line for line in screen.text.splitlines() if "▸" in line)
        assert "FRAGMENTED" in first and f"{NODES} nodes" in screen.text
        screen.press("\r")
        screen.until(lambda text: "on node-0007?" in text and "N0 Normal" in text)
        screen.press("\r")
        screen.until("Enter runs it")
        screen.press("k")
        shown = " ".join(screen.until("get pods").replace("│", " ").split())
        assert "kubectl get pods --all-namespaces" in shown and "exec --namespace=NAMESPACE POD" in shown
        screen.press("\r")
        screen.until("● kube://node-0007")
        screen.until("FRAGMENTED")
        screen.press("q")
        screen.until(lambda text: "on node-0007?" in text and "N0 Normal" in text)
        screen.press("\x1b")
        screen.until(lambda text: "worst first" in text and "▸" in text)
        screen.press("q")
        assert screen.wait() == 0


def test_a_signal_ends_the_live_screen_and_the_fleet(engine: Engine, kubectl: str) -> None:
    with terminal(*words(engine, "--live", "kube"), PATH=kubectl) as screen:
        screen.until("node-0007")
        screen.press("\r")
        screen.until("on node-0007?")
        screen.press("\r")
        screen.until("● kube://node-0007")
        screen.kill(signal.SIGTERM)
        assert screen.wait() == 0


def test_a_hostile_label_writes_no_escape_of_its_own(engine: Engine) -> None:
    with terminal(*words(engine, "--group-by", "pool"), columns=60, rows=20) as screen:
        screen.until("[/red]")
        assert b"\x1b]0;x" not in screen.written and "by pool" in screen.text
        screen.resize(80, 24)
        screen.kill(signal.SIGWINCH)
        screen.until(lambda text: "[/red]" in text and "q Quit" in text.splitlines()[23])
        screen.press("q")
        assert screen.wait() == 0


def test_without_a_terminal_it_names_once() -> None:
    with terminal("fleet", "--prometheus", "http://127.0.0.1:1", TERM="dumb") as screen:
        assert screen.wait() == 2
        assert "--once prints the fleet" in screen.text
