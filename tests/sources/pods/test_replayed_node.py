"""A captured node replayed 20 times faster: its log files grow, a real API server sends what it sent."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.pods.stuck_pods import PodCause
from fragtui.render.pod_text import pod_name
from fragtui.sources.pods.watcher import PodWatcher
from tests.support.api_server import ApiServer, Watcher
from tests.support.captures import changes, listed, log_lines
from tests.support.certificate import needs_openssl
from tests.support.pod_sink import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = [pytest.mark.slow, needs_openssl]
FASTER = 20.0
RACK = ("api-665b464898-g8dkn", "api-665b464898-hmhjg", "api-665b464898-plngh", "nightly-gs2hf", "with-init", "web-2")
DENIED = {f"default/{name}": "runc-init-died" for name in RACK} | {"kube-system/hostnet": "runc-init-died"}
EXPECTED: dict[str, list[tuple[str, Mapping[str, str]]]] = {
    "unshare-enomem": [("05:15:59", DENIED), ("05:18:44", DENIED), ("05:19:15", {})],
    "other-layers": [
        ("06:46:14", {"default/n-netns": "netns-highorder"}),
        ("06:46:48", dict.fromkeys(("default/n-netns", "default/n-shim"), "fork-refused")),
        ("06:47:21", dict.fromkeys(("default/n-netns", "default/n-shim", "default/n-mount"), "mount-enomem")),
        ("06:48:05", {f"default/n-{name}": "runtime-down" for name in ("netns", "shim", "mount", "down")}),
        ("06:49:10", {"default/n-cgroup": "cgroup-enomem"}),
        ("06:49:42", {"default/n-noplugin": "cni"}),
        ("06:50:25", dict.fromkeys(("default/n-noplugin", "default/n-nocni"), "cni")),
        ("06:50:31", {}),
    ],
}
"""The rows at a time of the capture, as `kubectl get pods` printed them then."""


class Clock:
    """The time of the capture; it stands still before `run` and while a test looks at the rows."""

    def __init__(self, start: float) -> None:
        self._from = self._stop_at = start
        self._since: float | None = None

    def __call__(self) -> float:
        if self._since is None:
            return self._from
        return min(self._stop_at, self._from + (time.monotonic() - self._since) * FASTER)

    def run_to(self, moment: float) -> None:
        self._from, self._since, self._stop_at = self(), time.monotonic(), moment
        until(lambda: self() >= moment, 60.0)


class Replay:
    def __init__(self, name: str, folder: Path) -> None:
        self.pods = changes(name, "pods")
        self.clock = Clock(self.pods[0].time - 1.0)
        self.updates: list[PodUpdate] = []
        self._ended = threading.Event()
        self._server = ApiServer()
        self._server.pods = listed(name)
        self._server.on_watch = self._send
        (folder / "etc").mkdir()
        (folder / "etc/hostname").write_text("node-1\n")
        self._logs = [folder / "kubelet.log", folder / "containerd.log"]
        self._lines = sorted(
            (
                line
                for log in self._logs
                for line in ((each.time, log, each.line) for each in log_lines(f"{name}/{log.name}"))
            ),
            key=lambda line: line[0],
        )
        for log in self._logs:
            log.write_bytes(b"")
        self.watch = PodWatcher(
            folder,
            ",".join(map(str, self._logs)),
            str(self._server.kubeconfig(folder / "kubeconfig")),
            self.updates.append,
            clock=self.clock,
            hold=True,
        )

    def __enter__(self) -> Replay:
        threading.Thread(target=self._write, daemon=True).start()
        self.watch.start()
        assert until(
            lambda: (
                bool(self.updates)
                and any(source.name == "API" and source.state == "live" for source in self.updates[-1].sources)
            )
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self.watch.stop()
        self._server.close()

    def _due(self, moment: float) -> bool:
        """Wait until that time of the capture; return False if the test has ended."""
        while self.clock() < moment:
            if self._ended.wait(0.01):
                return False
        return True

    def _send(self, watcher: Watcher) -> None:
        for change in self.pods:
            if not self._due(change.time):
                return
            watcher.event(change.kind, change.thing)

    def _write(self) -> None:
        with self._logs[0].open("ab", 0) as kubelet, self._logs[1].open("ab", 0) as containerd:
            files = dict(zip(self._logs, (kubelet, containerd), strict=True))
            for moment, log, line in self._lines:
                if not self._due(moment):
                    return
                files[log].write(line + b"\n")

    def shows(self, rows: Mapping[str, str]) -> bool:
        return until(lambda: self.rows == rows, 10.0)

    @property
    def rows(self) -> dict[str, str]:
        return {pod_name(pod): pod.reason_class.name for pod in self.updates[-1].stuck.pods}


SLOWEST = ("other-layers", "unshare-enomem")


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.by_hand if name in SLOWEST else ()) for name in EXPECTED])
def replay(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Replay]]:
    with Replay(request.param, tmp_path) as replay:
        yield request.param, replay


def test_the_rows_are_those_of_the_node_at_that_time(replay: tuple[str, Replay]) -> None:
    name, node = replay
    day = node.pods[0].time // 86_400 * 86_400
    for at, rows in EXPECTED[name]:
        hours, minutes, seconds = map(int, at.split(":"))
        node.clock.run_to(day + hours * 3600 + minutes * 60 + seconds)
        assert node.shows(rows), f"{at}: {node.rows}, not {rows}"
    every = [pod for update in node.updates for pod in update.stuck.pods]
    assert every and all(pod.name and pod.namespace and pod.uid for pod in every), "none is nameless"
    assert {pod.name for pod in every} <= {change.thing["metadata"].get("name") for change in node.pods}
    by_memory = {pod.name for pod in every if pod.cause is PodCause.MEMORY}
    assert by_memory == ({"n-netns", "n-shim", "n-mount"} if name == "other-layers" else set())
