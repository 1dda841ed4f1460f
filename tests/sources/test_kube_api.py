"""List and watch against a server that speaks the real wire format, and fails as real ones do."""

from __future__ import annotations

import base64
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fragtui.sources.backoff import Backoff
from fragtui.sources.kube_api import NO_CREDENTIALS, NO_EVENTS, KubeApi
from fragtui.sources.kubelet_process import find_kubeconfig, find_kubelet, node_of_certificate, read_arguments

from .api_server import ApiServer, Watcher, pod, status
from .telling import Told, until

kubernetes = pytest.importorskip("kubernetes")

FORBIDDEN = status(403, "Forbidden", 'pods is forbidden: User "system:node:node-1" cannot list resource "pods"')
GONE = status(410, "Expired", "too old resource version: 10 (20)")


@pytest.fixture
def server() -> Iterator[ApiServer]:
    started = ApiServer()
    yield started
    started.close()


@pytest.fixture
def node(tmp_path: Path, server: ApiServer) -> Path:
    root = tmp_path / "node"
    (root / "etc/kubernetes").mkdir(parents=True)
    (root / "etc/hostname").write_text("node-1\n")
    server.kubeconfig(root / "etc/kubernetes/kubelet.conf")
    return root


class Watching:
    """A KubeApi that is stopped at the end, with short waits."""

    def __init__(self, root: Path, kubeconfig: Path | None = None, first: float = 0.05) -> None:
        self.told = Told()
        given = None if kubeconfig is None else str(kubeconfig)
        self.api = KubeApi(root, self.told, given, backoff=lambda: Backoff(first, 0.4))

    def __enter__(self) -> Told:
        self.api.start()
        return self.told

    def __exit__(self, *error: object) -> None:
        began = time.monotonic()
        self.api.stop()
        assert time.monotonic() - began < 0.5, "stop waited"


def test_pods_appear_and_leave(node: Path, server: ApiServer) -> None:
    server.pods = [pod("web"), pod("db", ready=True)]
    steps: list[Watcher] = []
    server.on_watch = steps.append
    with Watching(node) as told:
        assert until(lambda: told.stuck == ["web"])
        assert until(lambda: bool(steps))
        steps[0].event("ADDED", pod("new", version=11))
        assert until(lambda: told.stuck == ["new", "web"])
        steps[0].event("MODIFIED", pod("web", ready=True, version=12))
        steps[0].event("DELETED", pod("new", version=13))
        assert until(lambda: told.stuck == [])
        assert told.last_state() == ("live", NO_EVENTS)
    query = server.lists[0]
    assert query["fieldSelector"] == ["spec.nodeName=node-1"]
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
    with Watching(node) as told:
        assert until(lambda: told.stuck == ["first", "half"])
    assert watches[1].version == "21"


@pytest.mark.parametrize("inside", [True, False])
def test_gone_lists_anew(node: Path, server: ApiServer, inside: bool) -> None:
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
    with Watching(node) as told:
        assert until(lambda: told.stuck == ["other"])
    assert len(server.lists) >= 2


def test_refused_says_so_and_comes_back_without_a_busy_loop(node: Path, server: ApiServer) -> None:
    server.refuse = FORBIDDEN
    with Watching(node) as told:
        assert until(lambda: told.last_state()[0] == "refused")
        assert "is forbidden" in told.last_state()[1]
        before = len(server.requests)
        time.sleep(1.0)
        assert len(server.requests) - before <= 8
        server.pods = [pod("web")]
        server.refuse = None
        assert until(lambda: told.stuck == ["web"])


def test_a_server_that_ends_every_watch_is_not_asked_in_a_circle(node: Path, server: ApiServer) -> None:
    server.on_watch = Watcher.end
    with Watching(node) as told:
        assert until(lambda: told.last_state()[0] == "live")
        before = len(server.requests)
        time.sleep(1.5)
        assert len(server.requests) - before <= 12


def test_a_server_that_is_down_is_waited_for(node: Path, server: ApiServer) -> None:
    server.close()
    threads = threading.active_count()
    with Watching(node) as told:
        assert until(lambda: told.last_state()[0] == "waiting")
        assert "refused" in told.last_state()[1]
        time.sleep(1.0)
        assert sum(state == "waiting" for _, state, _ in told.states) <= 10
        assert threading.active_count() <= threads + 2


def test_a_slow_server_holds_up_nobody(node: Path, server: ApiServer) -> None:
    server.delay = 1.0
    server.pods = [pod("web")]
    began = time.monotonic()
    with Watching(node) as told:
        assert time.monotonic() - began < 0.5
        assert told.last_state() in [("connecting", ""), ("", "")]
        assert until(lambda: told.stuck == ["web"])


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
    with Watching(node) as told:
        assert until(lambda: told.stuck == ["web"])


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
    with Watching(node, server.kubeconfig(tmp_path / "admin.conf")) as told:
        assert until(lambda: any(each.attempts for each in told.board.snapshot(time.time()).pods))
        (stuck,) = told.board.snapshot(time.time()).pods
        assert stuck.attempts == 17 and stuck.reason_class.name == "netns-highorder" and stuck.memory is True
        assert len([each for each in told.seen if each.event_id]) == 1
        assert told.last_state("events")[0] == "live"


def test_forbidden_events_leave_the_pods_alone(tmp_path: Path, node: Path, server: ApiServer) -> None:
    server.pods = [pod("web")]
    server.refuse_events = status(403, "Forbidden", "events is forbidden")
    with Watching(node, server.kubeconfig(tmp_path / "some.conf")) as told:
        assert until(lambda: told.stuck == ["web"] and told.last_state("events")[0] == "refused")
        assert told.last_state("API")[0] == "live"


def test_long_lists_come_in_pages(node: Path, server: ApiServer) -> None:
    server.pods = [pod(f"p{at}") for at in range(110)]
    server.page = 25
    with Watching(node) as told:
        assert until(lambda: len(told.stuck) == 110)
        assert len(told.listed) == 1


def test_no_credentials_says_what_to_give(tmp_path: Path) -> None:
    with Watching(tmp_path) as told:
        assert until(lambda: told.last_state() == ("absent", NO_CREDENTIALS))


def test_no_secret_is_ever_told(tmp_path: Path, node: Path, server: ApiServer) -> None:
    server.close()
    (node / "etc/kubernetes/kubelet.conf").write_text("users: [{name: u, user: {token: s3cr3t-token}}]\nclusters: 5")
    with Watching(node) as told:
        assert until(lambda: bool(told.states) and told.last_state()[0] != "connecting")
        assert told.last_state()[1]
        assert "s3cr3t" not in repr(told.states)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_an_expired_certificate_is_named(tmp_path: Path) -> None:
    key, request, certificate = tmp_path / "key.pem", tmp_path / "req.pem", tmp_path / "cert.pem"
    (tmp_path / "index.txt").write_text("")
    (tmp_path / "serial").write_text("01")
    (tmp_path / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={tmp_path}/index.txt\nserial={tmp_path}/serial\nnew_certs_dir={tmp_path}\n"
        "default_md=sha256\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=IP:127.0.0.1\n"
    )
    asked = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", request]
    dates = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"]
    signed = ["ca", "-batch", "-selfsign", "-config", tmp_path / "ca.cnf", "-keyfile", key, "-in", request, *dates]
    subprocess.run(["openssl", *map(str, asked)], capture_output=True, check=True)
    subprocess.run(["openssl", *map(str, signed), "-out", str(certificate)], capture_output=True, check=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hostname").write_text("node-1\n")
    server = ApiServer((certificate, key))
    try:
        with Watching(tmp_path, server.kubeconfig(tmp_path / "conf", certificate)) as told:
            assert until(lambda: told.last_state() == ("waiting", "the certificate has expired"))
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


def test_credentials_are_found_through_the_process_and_its_links(tmp_path: Path) -> None:
    process = tmp_path / "proc/4321"
    process.mkdir(parents=True)
    (process / "comm").write_text("kubelet\n")
    (process / "cmdline").write_bytes(b"/opt/kubelet\0--kubeconfig=/opt/conf/here\0")
    (tmp_path / "opt/real").mkdir(parents=True)
    (tmp_path / "opt/conf").symlink_to("/opt/real")
    (tmp_path / "opt/real/here").write_text("x")
    kubelet = find_kubelet(tmp_path)
    assert kubelet is not None
    assert find_kubeconfig(tmp_path, kubelet) == tmp_path / "opt/real/here"


def test_the_node_is_named_by_the_kubelets_certificate() -> None:
    name = b"system:node:ip-10-0-0-1.ec2.internal"
    der = b"\x30\x82\x01\x0a\x0c" + bytes([len(name)]) + name + b"\x30\x59rest"
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
    assert node_of_certificate(pem) == "ip-10-0-0-1.ec2.internal"
    assert node_of_certificate(b"nothing") is None
