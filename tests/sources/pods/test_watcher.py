"""The watcher as the screen uses it: updates arrive at a limited rate, and no call waits."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.node.source_state import Sight
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.tracker import IncidentTracker
from fragtui.sources.pods.watcher import UPDATE_SECONDS, PodWatcher
from fragtui.ui.panels.pods import PodsPanel
from fragtui.ui.session import Session
from tests.sources.pods.test_runtime_log import failure
from tests.support.api_server import ApiServer, Watcher, pod
from tests.support.certificate import needs_openssl
from tests.support.incidents import kernel_incident
from tests.support.kernel_update import brought
from tests.support.pod_sink import until


class Watching:
    def __init__(self, root: Path, kubeconfig: str | None = None, hold: bool = False) -> None:
        self.updates: list[tuple[float, PodUpdate]] = []
        self.watch = PodWatcher(root, kubeconfig=kubeconfig, on_update=self._take, hold=hold)

    def _take(self, update: PodUpdate) -> None:
        self.updates.append((time.monotonic(), update))

    @property
    def last(self) -> PodUpdate:
        return self.updates[-1][1] if self.updates else PodUpdate((), ())  # type: ignore[arg-type]

    @property
    def stuck(self) -> list[str | None]:
        return [each.name for each in self.last.stuck.pods] if self.updates else []

    def __enter__(self) -> Watching:
        began = time.monotonic()
        self.watch.start()
        assert time.monotonic() - began < 2
        return self

    def __exit__(self, *error: object) -> None:
        began = time.monotonic()
        self.watch.stop()
        assert time.monotonic() - began < 2


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "var/log").mkdir(parents=True)
    path = tmp_path / "var/log/kubelet.log"
    path.write_text("")
    return path


def test_every_source_is_named_with_what_it_cannot_show(tmp_path: Path) -> None:
    with Watching(tmp_path) as watching:
        assert until(lambda: len([each for each in watching.last.sources if each.cannot_tell]) == 4)
        states = {source.name: source for source in watching.last.sources}
    assert set(states) == {"kubelet log", "runtime log", "API", "crictl"}
    assert "--kubelet-log" in states["kubelet log"].remedy and "--kubeconfig" in states["API"].remedy


def test_a_source_without_a_thread_reports_it_and_starts_later(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed, start = threading.Event(), threading.Thread.start

    def scarce(thread: threading.Thread) -> None:
        if thread.name in ("fragtui-kubelet-log", "fragtui-crictl") and not allowed.is_set():
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    monkeypatch.setattr("fragtui.sources.pods.watcher._REVIEW_SECONDS", 0.1)
    with Watching(tmp_path) as watching:

        def unstarted() -> set[str]:
            sources = watching.last.sources
            return {source.name for source in sources if "no thread can be started" in source.cannot_tell}

        assert until(lambda: unstarted() == {"kubelet log", "crictl"})
        states = {source.name: source.state for source in watching.last.sources}
        assert states["kubelet log"] == states["crictl"] == "waiting" != states["API"]
        allowed.set()
        log.write_text(failure("web", 1))
        assert until(lambda: not unstarted() and watching.last.sources[0].state == "live")
        assert watching.last.sources[0].name == "kubelet log"


def test_only_the_observation_on_which_the_tracker_fails_is_lost(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    observe = IncidentTracker.observe

    def failing(tracker: IncidentTracker, observation: PodObservation, now: float) -> bool:
        if observation.pod.name == "bad":
            raise ZeroDivisionError
        return observe(tracker, observation, now)

    monkeypatch.setattr(IncidentTracker, "observe", failing)
    log.write_text(failure("one", 1) + failure("bad", 2) + failure("two", 3))
    with Watching(tmp_path) as watching:
        assert until(lambda: watching.stuck == ["one", "two"])
        assert until(lambda: watching.last.unread > 0)
    pods = PodsPanel(Session(pods=watching.last))
    assert "sighting could not be read" in "".join(text for text, _ in pods.heading(200))


def test_log_kernel_and_remedy_meet_in_the_tracker(tmp_path: Path, log: Path) -> None:
    uid = "cdf499e7-4060-46d6-9f6f-e85ffadf0cbc"
    (tmp_path / f"var/log/pods/shop_web_{uid}").mkdir(parents=True)
    moment = time.time()
    refusal = kernel_incident(ReportKind.ALLOCATION_FAILURE, time=moment, comm="containerd", order=4, id="k1",
                       stack=("copy_net_ns",))  # fmt: skip
    with Watching(tmp_path) as watching:
        watching.watch.kernel_update(brought(refusal))
        log.write_text(failure("web", 1, moment))
        assert until(lambda: watching.stuck == ["web"] and bool(watching.last.stuck.pods[0].links))
        assert watching.last.stuck.linked_to("k1")
        assert str(watching.last.pod_of(f"/kubepods/pod{uid}/x")) == "shop/web"
        watching.watch.remedy_ran("drop_caches 3")
        stamp = time.strftime("%m%d %H:%M:%S", time.localtime(moment + 5))
        with log.open("a") as more:
            more.write(f'I{stamp}.5 1 a.go:1] "SyncLoop (PLEG): event for pod" pod="shop/web" event={{"ID":"{uid}",'
                       f'"Type":"ContainerStarted","Data":"{9:064x}"}}\n')  # fmt: skip
        assert until(lambda: bool(watching.last.stuck.started))
        assert watching.stuck == [] and watching.last.stuck.started[0].after_remedy == "drop_caches 3"


def test_rows_wait_until_the_past_is_read(tmp_path: Path) -> None:
    """The log of the last half hour has a pod that fails and, later, that it runs: it must not appear meanwhile."""
    began = time.time()
    runs, stuck = PodRef("shop", "runs"), PodRef("shop", "stuck")
    with Watching(tmp_path, hold=True) as watching:
        for second in range(10):
            failed = PodObservation(PodFact.FAILED, "kubelet", "worker", runs, began - 300 + second, error="x")
            watching.watch.observations((failed, replace(failed, pod=stuck)))
            time.sleep(0.1)
        assert watching.updates and not any(update.stuck.pods for _, update in watching.updates)
        assert not any(source.sight is Sight.LOOKED for source in watching.last.sources)
        watching.watch.observations((PodObservation(PodFact.SANDBOX_RUNS, "kubelet", "x", runs, began - 200),))
        assert until(lambda: watching.stuck == ["stuck"], 2.0)
        late = PodObservation(PodFact.FAILED, "kubelet", "worker", PodRef("shop", "late"), time.time(), error="x")
        watching.watch.observations((late,))
        assert until(lambda: watching.stuck == ["stuck", "late"], 1.0)
    assert not any("runs" in [pod.name for pod in update.stuck.pods] for _, update in watching.updates)


def test_a_source_that_never_answers_holds_no_row_for_long(tmp_path: Path) -> None:
    with Watching(tmp_path, hold=True) as watching:
        watching.watch.state("API", "connecting", "")
        failed = PodObservation(PodFact.FAILED, "kubelet", "worker", PodRef("shop", "web"), time.time() - 9, error="x")
        end = time.monotonic() + 10
        while not watching.stuck and time.monotonic() < end:
            watching.watch.observations((failed,))
            time.sleep(0.1)
        assert watching.stuck == ["web"] and time.monotonic() < end - 6


@pytest.mark.slow
def test_a_thousand_lines_a_tick_make_few_updates(tmp_path: Path, log: Path) -> None:
    with Watching(tmp_path) as watching:
        assert until(lambda: bool(watching.updates))
        end = time.monotonic() + 3.0
        written = 0
        with log.open("a") as more:
            while time.monotonic() < end:
                more.write("".join(failure(f"p{at % 110}", written + at) for at in range(1000)))
                more.flush()
                written += 1000
                time.sleep(0.1)
        assert until(lambda: len(watching.stuck) == 110)
        times = [at for at, _ in watching.updates]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= UPDATE_SECONDS * 0.9
    assert len(times) <= 5 / UPDATE_SECONDS


def test_a_slow_screen_holds_up_only_itself(tmp_path: Path, log: Path) -> None:
    release = threading.Event()

    def slow(update: PodUpdate) -> None:
        release.wait(20)

    watch = PodWatcher(tmp_path, on_update=slow)
    watch.start()
    began = time.monotonic()
    for at in range(500):
        watch.remedy_ran(f"r{at}")
    assert time.monotonic() - began < 8
    watch.stop()
    release.set()
    assert time.monotonic() - began < 10


def test_no_update_after_stop(tmp_path: Path, log: Path) -> None:
    with Watching(tmp_path) as watching:
        assert until(lambda: bool(watching.updates))
    count = len(watching.updates)
    log.write_text(failure("late", 1))
    time.sleep(0.8)
    assert len(watching.updates) <= count + 1


def test_a_screen_that_ends_during_an_update_leaves_no_traceback(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[object] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    called, gone = threading.Event(), threading.Event()

    def leaving(update: PodUpdate) -> None:
        called.set()
        gone.wait(5)
        raise RuntimeError("no active app")

    watch = PodWatcher(tmp_path, on_update=leaving)
    before = set(threading.enumerate())
    watch.start()
    assert called.wait(5)
    watch.stop()
    gone.set()
    assert until(lambda: not (set(threading.enumerate()) - before), 3.0), "a thread went on after stop"
    assert raised == []


@pytest.mark.slow
@needs_openssl
def test_pods_of_a_full_node_come_and_go_by_the_api(tmp_path: Path, log: Path) -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed (extra: k8s)")
    server = ApiServer()
    watchers: list[Watcher] = []
    server.on_watch = watchers.append
    server.pods = [pod(f"p{at}") for at in range(110)]
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hostname").write_text("node-1")
    try:
        with Watching(tmp_path, kubeconfig=str(server.kubeconfig(tmp_path / "conf"))) as watching:
            assert until(lambda: len(watching.stuck) == 110)
            assert until(lambda: bool(watchers))
            for at in range(110):
                watchers[0].event("MODIFIED", pod(f"p{at}", ready=True, version=20 + at))
            assert until(lambda: bool(watching.updates) and watching.stuck == [])
            assert len(watching.last.stuck.started) == 32
    finally:
        server.close()
