"""List and watch against a server that speaks the real wire format, and fails as real ones do."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from fragtui.sources.backoff import Backoff
from fragtui.sources.pods.kubernetes import watch as kube_watch
from fragtui.sources.pods.kubernetes.client import ApiError
from fragtui.sources.pods.kubernetes.kubeconfig_place import NO_CREDENTIALS
from fragtui.sources.pods.kubernetes.kubelet import node_of_certificate, read_arguments
from fragtui.sources.pods.kubernetes.pods import NO_EVENTS
from fragtui.sources.pods.kubernetes.supervisor import ApiSupervisor
from tests.support.api_server import ApiServer, Watcher, pod, status
from tests.support.certificate import make_certificate, needs_openssl
from tests.support.pod_sink import CollectingSink, until
from tests.support.trusted import umask

pytest.importorskip("yaml", reason="PyYAML is not installed (extra: k8s)")
pytestmark = needs_openssl

FORBIDDEN = status(403, "Forbidden", 'pods is forbidden: User "system:node:node-1" cannot list resource "pods"')
GONE = status(410, "Expired", "too old resource version: 10 (20)")


@pytest.fixture(autouse=True)
def mask() -> Iterator[None]:
    """Make files that no other user may write, for any umask of the caller."""
    with umask(0o022):
        yield


@pytest.fixture
def node(tmp_path: Path, server: ApiServer) -> Path:
    root = tmp_path / "node"
    (root / "etc/kubernetes").mkdir(parents=True)
    (root / "etc/hostname").write_text("node-1\n")
    server.kubeconfig(root / "etc/kubernetes/kubelet.conf")
    return root


class FakeLoop:
    """A `WatchLoop` whose watches are cut after so many seconds of a clock of its own, without a child."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        monkeypatch.setattr(kube_watch, "time", SimpleNamespace(monotonic=lambda: self.now, sleep=self.waits.append))
        self._loop = kube_watch.WatchLoop(
            "pods", "", connect=lambda renew: self, on_begin=lambda: None, on_item=lambda item: None,
            on_listed=lambda: None, on_change=lambda kind, thing: None, on_state=lambda state, why: None, cached=True,
            backoff=Backoff(), refused=Backoff(),
        )  # fmt: skip

    def watch_for(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop.step()

    def list_page(self, *asked: object) -> dict[str, object]:
        return {"resourceVersion": "1"}

    def watch(self, *asked: object) -> Iterator[bytes]:
        self.now += self._seconds
        raise ApiError("connection reset")
        yield b""


class Watching:
    """A KubeApi that is stopped at the end, with short waits."""

    def __init__(self, root: Path, kubeconfig: Path | None = None, first: float = 0.05) -> None:
        self.sink = CollectingSink()
        given = None if kubeconfig is None else str(kubeconfig)
        self.api = ApiSupervisor(root, self.sink, given, pace=(first, 0.4))

    def __enter__(self) -> CollectingSink:
        self.api.start()
        return self.sink

    def __exit__(self, *error: object) -> None:
        began = time.monotonic()
        self.api.stop()
        assert time.monotonic() - began < 2, "stop waited"


def test_pods_appear_and_leave(node: Path, server: ApiServer) -> None:
    server.pods = [pod("web"), pod("db", ready=True)]
    steps: list[Watcher] = []
    server.on_watch = steps.append
    with Watching(node) as sink:
        assert until(lambda: sink.stuck == ["web"])
        assert until(lambda: bool(steps))
        steps[0].event("ADDED", pod("new", version=11))
        assert until(lambda: sink.stuck == ["new", "web"])
        steps[0].event("MODIFIED", pod("web", ready=True, version=12))
        steps[0].event("DELETED", pod("new", version=13))
        assert until(lambda: sink.stuck == [])
        assert sink.last_state() == ("live", NO_EVENTS)
    query = server.lists[0]
    assert query["fieldSelector"] == ["spec.nodeName=node-1"]
    assert query["resourceVersion"] == ["0"], "of the server's memory, not by a search of its disks"
    assert steps[0].query["allowWatchBookmarks"] in (["True"], ["true"])
    assert set(server.tokens) == {"Bearer s3cr3t-token"}
    assert all("events" not in path for _, path in server.requests)


def test_watch_resumes_from_the_last_bookmark(node: Path, server: ApiServer) -> None:
    versions: list[str] = []

    def once(watcher: Watcher) -> None:
        versions.append(watcher.version)
        if len(versions) == 1:
            watcher.bookmark(77)
            watcher.end()

    server.on_watch = once
    with Watching(node):
        assert until(lambda: len(versions) >= 2)
    assert versions[:2] == ["10", "77"]
    assert len(server.lists) == 1


@pytest.mark.slow
@pytest.mark.parametrize("reset", [True, False])
def test_a_watch_cut_in_mid_event_is_taken_up_again(node: Path, server: ApiServer, reset: bool) -> None:
    watches: list[Watcher] = []

    def cut(watcher: Watcher) -> None:
        watches.append(watcher)
        if len(watches) == 1:
            watcher.event("ADDED", pod("first", version=21))
            watcher.raw(b'{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"ha')
            time.sleep(0.3)  # a reset throws away what the client has not read yet
            watcher.cut(reset)
        elif len(watches) == 2:
            watcher.event("ADDED", pod("half", version=22))

    server.on_watch = cut
    with Watching(node) as sink:
        assert until(lambda: sink.stuck == ["first", "half"])
    assert watches[1].version == "21"


@pytest.mark.slow
@pytest.mark.parametrize("inside", [True, False])
def test_a_gone_watch_lists_again(node: Path, server: ApiServer, inside: bool) -> None:
    server.pods = [pod("old")]
    watches = 0

    def gone(watcher: Watcher) -> None:
        nonlocal watches
        watches += 1
        if watches == 1:
            server.pods = [pod("other")]
            server.version = 99
            if inside:
                watcher.event("ERROR", GONE)
                watcher.end()
            else:
                watcher.cut()
                server.refuse = GONE
                threading.Timer(0.3, lambda: setattr(server, "refuse", None)).start()

    server.on_watch = gone
    with Watching(node) as sink:
        assert until(lambda: sink.stuck == ["other"])
    assert len(server.lists) >= 2
    assert "resourceVersion" not in server.lists[1], "what the server has in memory may be what was too old"


@pytest.mark.slow
def test_a_server_that_always_answers_gone_is_not_asked_in_a_loop(node: Path, server: ApiServer) -> None:
    def gone(watcher: Watcher) -> None:
        watcher.event("ERROR", GONE)
        watcher.end()

    server.on_watch = gone
    with Watching(node):
        assert until(lambda: len(server.requests) >= 4)
        before = len(server.requests)
        time.sleep(1.5)
        assert len(server.requests) - before <= 24  # two a round, 0.2 to 0.4 s apart


@pytest.mark.slow
def test_a_refused_request_is_reported_and_retried_without_a_busy_loop(node: Path, server: ApiServer) -> None:
    server.refuse = FORBIDDEN
    with Watching(node) as sink:
        assert until(lambda: sink.last_state()[0] == "refused")
        assert "is forbidden" in sink.last_state()[1]
        before = len(server.requests)
        time.sleep(1.0)
        assert len(server.requests) - before <= 8
        server.pods = [pod("web")]
        server.refuse = None
        assert until(lambda: sink.stuck == ["web"])


@pytest.mark.slow
@pytest.mark.parametrize("sends", ["nothing", "a bookmark", "a pod"])
def test_a_server_that_ends_every_watch_is_not_asked_in_a_circle(node: Path, server: ApiServer, sends: str) -> None:
    def end(watcher: Watcher) -> None:
        if sends == "a bookmark":
            watcher.bookmark(77)
        elif sends == "a pod":
            watcher.event("MODIFIED", pod("web", version=78))
        watcher.end()

    server.on_watch = end
    with Watching(node) as sink:
        assert until(lambda: sink.last_state()[0] == "live")
        before = len(server.requests)
        time.sleep(1.5)
        assert len(server.requests) - before <= 12


def test_a_watch_that_lived_long_is_taken_up_soon_however_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load balancer that resets every connection after a minute must not make the waits grow to a minute."""
    loop = FakeLoop(monkeypatch)
    for _ in range(20):
        loop.watch_for(60.0)
    assert max(loop.waits) <= 1.0
    for _ in range(20):
        loop.watch_for(0.1)
    assert max(loop.waits) > 20.0


def test_a_server_that_is_down_is_waited_for(node: Path, server: ApiServer) -> None:
    server.close()
    threads = threading.active_count()
    with Watching(node) as sink:
        assert until(lambda: sink.last_state()[0] == "waiting")
        assert "refused" in sink.last_state()[1]
        time.sleep(1.0)
        assert sum(state == "waiting" for _, state, _ in sink.states) <= 10
        assert threading.active_count() <= threads + 2


def test_a_slow_server_does_not_block(node: Path, server: ApiServer) -> None:
    server.delay = 3.0
    server.pods = [pod("web")]
    began = time.monotonic()
    with Watching(node) as sink:
        assert time.monotonic() - began < 2
        assert sink.last_state() in [("connecting", ""), ("", "")]
        assert until(lambda: sink.stuck == ["web"])


@pytest.mark.slow
def test_broken_answers_are_waited_out(node: Path, server: ApiServer) -> None:
    answers = iter([b"not json\n", b"[1,2]\n", b'{"type":"ADDED","object":7}\n', b"\n\n", b"\xff\xfe\n"])

    def nonsense(watcher: Watcher) -> None:
        answer = next(answers, None)
        if answer is None:
            watcher.event("ADDED", pod("web", version=11))
        else:
            watcher.raw(answer)
            watcher.end()

    server.on_watch = nonsense
    with Watching(node) as sink:
        assert until(lambda: sink.stuck == ["web"])


def test_events_give_reasons_with_a_kubeconfig_that_may(tmp_path: Path, node: Path, server: ApiServer) -> None:
    web = pod("web")
    about = {"kind": "Pod", "namespace": "shop", "name": "web", "uid": web["metadata"]["uid"]}
    event = {
        "kind": "Event",
        "metadata": {"name": "web.1", "uid": "e-1", "resourceVersion": "5"},
        "involvedObject": about,
        "reason": "FailedCreatePodSandBox",
        "type": "Warning",
        "message": "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create network namespace "
        f'for sandbox "{7:064x}": cannot allocate memory',
        "source": {"component": "kubelet", "host": "node-1"},
        "firstTimestamp": "2026-11-24T05:15:00Z",
        "lastTimestamp": "2026-11-24T05:19:00Z",
        "count": 17,
    }
    elsewhere = {**event, "source": {"component": "kubelet", "host": "node-2"}, "metadata": {"uid": "e-2"}}
    server.pods, server.events, server.page = [web], [elsewhere] * 3 + [event], 2
    with Watching(node, server.kubeconfig(tmp_path / "admin.conf")) as sink:
        assert until(lambda: any(each.attempts for each in sink.tracker.snapshot(time.time()).pods))
        (stuck,) = sink.tracker.snapshot(time.time()).pods
        assert stuck.attempts == 17 and stuck.reason_class.name == "netns-highorder" and stuck.memory is True
        assert len([each for each in sink.seen if each.event_id]) == 1
        assert until(lambda: sink.last_state("events")[0] == "live")


def test_forbidden_events_leave_the_pods_alone(tmp_path: Path, node: Path, server: ApiServer) -> None:
    server.pods = [pod("web")]
    server.refuse_events = status(403, "Forbidden", "events is forbidden")
    with Watching(node, server.kubeconfig(tmp_path / "some.conf")) as sink:
        assert until(lambda: sink.stuck == ["web"] and sink.last_state("events")[0] == "refused")
        assert sink.last_state("API")[0] == "live"


@pytest.mark.slow
def test_long_lists_come_in_pages(node: Path, server: ApiServer) -> None:
    server.pods = [pod(f"p{at}") for at in range(110)]
    server.page = 25
    with Watching(node) as sink:
        assert until(lambda: len(sink.stuck) == 110)
        # Each pod is reported when it is read; the complete list once, after the last page.
        assert until(lambda: [len(pods) for pods in sink.listed] == [110])


def test_missing_credentials_name_the_option_to_use(tmp_path: Path) -> None:
    with Watching(tmp_path) as sink:
        assert until(lambda: sink.last_state() == ("absent", NO_CREDENTIALS))


def test_no_secret_is_ever_reported(tmp_path: Path, node: Path, server: ApiServer) -> None:
    server.close()
    (node / "etc/kubernetes/kubelet.conf").write_text("users: [{name: u, user: {token: s3cr3t-token}}]\nclusters: 5")
    with Watching(node) as sink:
        assert until(lambda: bool(sink.states) and sink.last_state()[0] != "connecting")
        assert sink.last_state()[1]
        assert "s3cr3t" not in repr(sink.states)


@pytest.mark.slow
def test_an_expired_certificate_is_named(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "server", end="20200102000000Z")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hostname").write_text("node-1\n")
    server = ApiServer((certificate, certificate.with_suffix(".key")))
    try:
        with Watching(tmp_path, server.kubeconfig(tmp_path / "conf", certificate)) as sink:
            assert until(lambda: sink.last_state() == ("waiting", "the certificate has expired"))
            time.sleep(1.0)
            assert sum(state == "waiting" for _, state, _ in sink.states) <= 20  # pods and events
            assert server.requests == []
    finally:
        server.close()


@pytest.mark.slow
@pytest.mark.parametrize("inline", [False, True])
def test_a_kubelet_comes_with_its_certificate_and_is_named_by_it(tmp_path: Path, inline: bool) -> None:
    """As on a real node: under another root, the certificate a link to an absolute path, or data in the file."""
    root = tmp_path / "host"
    pki = root / "var/lib/kubelet/pki"
    pki.mkdir(parents=True)
    (root / "etc/kubernetes").mkdir(parents=True)
    authority, client = make_certificate(tmp_path, "server"), make_certificate(tmp_path, "client")
    both = client.read_text() + client.with_suffix(".key").read_text()
    (pki / "real.pem").write_text(both)
    (pki / "kubelet-client-current.pem").symlink_to("/var/lib/kubelet/pki/real.pem")
    server = ApiServer((authority, authority.with_suffix(".key")), client)
    server.pods = [pod("web")]
    link = "/var/lib/kubelet/pki/kubelet-client-current.pem"
    (tmp_path / "server.crt").write_text("# Zertifikat für den Prüfstand\n" + authority.read_text())
    user = {"client-certificate": link, "client-key": link}
    if inline:
        data = base64.b64encode(both.encode()).decode()
        user = {"client-certificate-data": data, "client-key-data": data}
    server.kubeconfig(root / "etc/kubernetes/kubelet.conf", authority, user=user, inline=True)
    try:
        with Watching(root) as sink:
            assert until(lambda: sink.stuck == ["web"])
        assert server.lists[0]["fieldSelector"] == ["spec.nodeName=node-1"]
        assert server.tokens[0] is None
    finally:
        server.close()


def test_kubelet_arguments_in_all_spellings() -> None:
    for arguments in (
        ["/usr/bin/kubelet", "--kubeconfig=/etc/k.conf", "--hostname-override=n1"],
        ["kubelet", "--kubeconfig", "/etc/k.conf", "-hostname-override", "n1"],
    ):
        kubelet = read_arguments(arguments)
        assert (kubelet.kubeconfig, kubelet.hostname_override) == ("/etc/k.conf", "n1")
    assert read_arguments(["kubelet", "--kubeconfig"]).kubeconfig is None


def test_the_node_is_named_by_the_kubelets_certificate() -> None:
    name = b"system:node:ip-10-0-0-1.ec2.internal"
    der = b"\x30\x82\x01\x0a\x0c" + bytes([len(name)]) + name + b"\x30\x59rest"
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
    assert node_of_certificate(pem) == "ip-10-0-0-1.ec2.internal"
    assert node_of_certificate(b"nothing") is None
