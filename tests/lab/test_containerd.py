"""Debian's containerd, runc and CNI plug-ins: a pod that the kernel denied memory is a row until it runs."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

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
    incidents = [json.loads(line) for line in done.stdout.splitlines()]
    found = {incident["pod"]: incident for incident in incidents}
    assert len(found) == len(incidents), "no failure is told twice"
    return found


def refused(daemon: Containerd, syscall: str, start: Callable[[], str]) -> str:
    """Start something while the kernel denies memory for a system call; return what the runtime answers."""
    daemon.refuse(syscall)
    with pytest.raises(RefusedError) as answer:
        start()
    daemon.refuse("")
    return str(answer.value)


class Refused(NamedTuple):
    """What fragtui must say of a pod whose runtime was denied memory for a system call."""

    syscall: str
    pod: str
    row: str
    cause: str
    memory: bool | None


REFUSED = (
    Refused("mount", "cart-mount", "the kernel denied memory for a mount", "mount-enomem", True),
    Refused("clone", "cart-clone", "the kernel denied memory for a new process of the", "fork-refused", True),
    # runc's parent sees only that its child died: the text is no proof, and fragtui says so.
    Refused("unshare", "cart-unshare", "container init died without an error message", "runc-init-died", None),
)


def test_pods_that_were_denied_memory_are_rows_until_they_run(daemon: Containerd) -> None:
    daemon.start()
    daemon.run_sandbox("cart-healthy")
    with screen(daemon) as term:
        for case in REFUSED:
            answer = refused(daemon, case.syscall, partial(daemon.run_sandbox, case.pod))
            assert ("cannot allocate memory" in answer) == bool(case.memory), answer
            term.until(waits(case.pod, case.row), RETRY_SECONDS)
        assert "2 pods by memory, 1 for an unknown reason" in term.text
        assert stuck(term.text) == {case.pod for case in REFUSED}
        for number, case in enumerate(REFUSED, 1):
            daemon.run_sandbox(case.pod, attempt=1)
            term.until(runs(case.pod), RETRY_SECONDS)
            assert len(stuck(term.text)) == len(REFUSED) - number
        assert "cart-healthy" not in term.text
    found = explained(daemon.log)
    assert found.keys() == {case.pod for case in REFUSED}
    for case in REFUSED:
        it = found[case.pod]
        assert (it["namespace"], it["pod_uid"], it["memory"]) == (NAMESPACE, f"uid-of-{case.pod}", case.memory)
        assert it["cause"] == case.cause


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


def test_a_container_that_was_denied_memory_is_the_row_of_its_pod_until_it_runs(daemon: Containerd) -> None:
    """containerd names the pod of a container only by ids, in lines that come before: sandbox, container, start."""
    daemon.start()
    sandbox = daemon.run_sandbox("cart-web")
    with screen(daemon) as term:
        refused(daemon, "mount", partial(daemon.run_container, sandbox, "cart-web"))
        term.until(waits("cart-web", "the kernel denied memory for a mount"), RETRY_SECONDS)
        assert stuck(term.text) == {"cart-web"} and "unknown pod" not in term.text
        daemon.run_container(sandbox, "cart-web", attempt=1)
        term.until(runs("cart-web"), RETRY_SECONDS)
        assert not stuck(term.text)
    (found,) = explained(daemon.log).values()
    assert (found["pod"], found["namespace"], found["memory"]) == ("cart-web", NAMESPACE, True)
