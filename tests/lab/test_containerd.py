"""Debian's containerd, runc and CNI plug-ins: a pod that the kernel denied memory is a row until it runs."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.containerd import NAMESPACE, Containerd, RefusedError, containerd, why_no_containerd
from tests.support.lab import lab
from tests.support.terminal import Terminal, command, terminal

pytestmark = [
    *lab,
    pytest.mark.slow,
    pytest.mark.skipif(why_no_containerd() is not None, reason=f"containerd: {why_no_containerd()}"),
]
RETRY_SECONDS = 10.0
"""A row leaves with the line that says its pod runs, at the next reading of the log."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Containerd]:
    with containerd(tmp_path) as made:
        yield made


@contextmanager
def screen(daemon: Containerd) -> Iterator[Terminal]:
    with terminal("--kubelet-log", str(daemon.log), "--kernel-log", "none") as term:
        term.until("runtime log: read")
        yield term


def waits(pod: str, why: str) -> Callable[[str], bool]:
    """Return the condition that a row says why a pod waits."""
    row = re.compile(rf" {NAMESPACE}/{pod} +\d+.* s +1× +{re.escape(why)}")
    return lambda text: row.search(text) is not None


def runs(pod: str) -> Callable[[str], bool]:
    """Return the condition that a row says that a pod runs now."""
    return lambda text: pod in started(text)


def stuck(text: str) -> set[str]:
    """Return the pods in the rows of those that wait."""
    return set(re.findall(rf" {NAMESPACE}/(\S+) +[\dms ]+ +\d+× ", text))


def started(text: str) -> set[str]:
    """Return the pods in the rows of those that run now."""
    return set(re.findall(rf" {NAMESPACE}/(\S+) +[\dms ]+ ✓ started", text))


def explained(log: Path) -> dict[str, dict[str, Any]]:
    """Return what ``fragtui explain`` prints of each pod."""
    done = subprocess.run([*command(), "explain", "--json", str(log)], capture_output=True, check=True, text=True)
    return {found["pod"]: found for found in map(json.loads, done.stdout.splitlines())}


def refused(daemon: Containerd, pod: str, syscall: str) -> str:
    """Start a pod's sandbox, to which the kernel denies memory for a system call; return what the runtime answers."""
    daemon.refuse(syscall)
    with pytest.raises(RefusedError) as answer:
        daemon.run_sandbox(pod)
    daemon.refuse("")
    return str(answer.value)


def test_pods_that_were_denied_memory_are_rows_until_they_run(daemon: Containerd) -> None:
    causes = {
        "mount": ("cart-mount", "memory-refused", "the kernel denied memory  "),
        "clone": ("cart-clone", "fork-refused", "the kernel denied memory for a new process of the"),
        # runc's parent sees only that its child died: the text is no proof, and fragtui says so.
        "unshare": ("cart-unshare", "runc-init-died", "container init died without an error message"),
    }
    daemon.start()
    daemon.run_sandbox("cart-healthy")
    with screen(daemon) as term:
        for syscall, (pod, _, why) in causes.items():
            answer = refused(daemon, pod, syscall)
            assert ("cannot allocate memory" in answer) == (syscall != "unshare"), answer
            term.until(waits(pod, why), RETRY_SECONDS)
        assert "2 pods by memory, 1 for an unknown reason" in term.text
        assert stuck(term.text) == {pod for pod, _, _ in causes.values()}
        for number, (pod, _, _) in enumerate(causes.values()):
            daemon.run_sandbox(pod, attempt=1)
            term.until(runs(pod), RETRY_SECONDS)
            assert pod not in stuck(term.text) and len(stuck(term.text)) == len(causes) - number - 1
        assert "cart-healthy" not in term.text
    found = explained(daemon.log)
    assert {(pod, found[pod]["cause"], found[pod]["namespace"], found[pod]["pod_uid"]) for pod in found} == {
        (pod, cause, NAMESPACE, f"uid-of-{pod}") for pod, cause, _ in causes.values()
    }
    assert {pod for pod in found if found[pod]["memory"]} == {"cart-mount", "cart-clone"}


def test_a_runtime_that_gets_no_network_namespace_is_named_so_until_it_is_started_again(daemon: Containerd) -> None:
    daemon.start(refused="unshare")
    with screen(daemon) as term:
        with pytest.raises(RefusedError, match="failed to create network namespace"):
            daemon.run_sandbox("cart-network")
        term.until("Stuck pods 1 by memory", RETRY_SECONDS)
        assert stuck(term.text) == {"cart-network"}
        daemon.stop()
        daemon.start()
        daemon.run_sandbox("cart-network", attempt=1)
        term.until(lambda text: started(text) == {"cart-network"}, RETRY_SECONDS)
        assert not stuck(term.text)
    (found,) = explained(daemon.log).values()
    assert (found["pod"], found["cause"], found["memory"]) == ("cart-network", "netns-highorder", True)


def test_a_pod_for_which_a_network_plugin_has_no_address_is_not_counted_to_memory(tmp_path: Path) -> None:
    with containerd(tmp_path, max_pods=1) as daemon:
        daemon.start()
        daemon.run_sandbox("cart-first")
        with screen(daemon) as term:
            with pytest.raises(RefusedError, match="no IP addresses available"):
                daemon.run_sandbox("cart-second")
            term.until(lambda text: stuck(text) == {"cart-second"}, RETRY_SECONDS)
            assert "by memory" not in term.text
        (found,) = explained(daemon.log).values()
    assert (found["pod"], found["memory"]) == ("cart-second", False)
