"""The API's child process: it exists only if it has something to do, is small, and never outlives its parent."""

from __future__ import annotations

import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from fragtui.commands.ship.zipapp import build_zipapp
from fragtui.sources.pods.kubernetes.kubeconfig_place import NO_CREDENTIALS
from fragtui.sources.pods.kubernetes.supervisor import ApiSupervisor
from tests.support.api_server import ApiServer, Watcher, pod, status
from tests.support.certificate import needs_openssl
from tests.support.pod_sink import CollectingSink, until

pytest.importorskip("yaml", reason="PyYAML is not installed (extra: k8s)")
pytestmark = needs_openssl

PARENT = """
import sys, time
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from fragtui.sources.pods.kubernetes.supervisor import ApiSupervisor
class Print:
    def observations(self, batch): print("seen", *(each.pod for each in batch), flush=True)
    def all_pods(self, pods): print("all", len(pods), flush=True)
    def state(self, *words): print("state", *words, flush=True)
print(sys.modules[ApiSupervisor.__module__].__file__, flush=True)
ApiSupervisor(Path("/"), Print(), sys.argv[1]).start()
time.sleep(60)
"""


def children() -> list[psutil.Process]:
    found = []
    for each in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # It may end while it is asked.
            if each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
    return found


def given(tmp_path: Path) -> tuple[ApiSupervisor, CollectingSink]:
    """Watch with the kubeconfig in this folder."""
    sink = CollectingSink()
    api = ApiSupervisor(tmp_path, sink, str(tmp_path / "conf"), pace=(0.05, 0.4))
    (tmp_path / "etc").mkdir(exist_ok=True)
    (tmp_path / "etc/hostname").write_text("node-1\n")
    api.start()
    return api, sink


def started(server: ApiServer, tmp_path: Path) -> tuple[ApiSupervisor, CollectingSink]:
    server.kubeconfig(tmp_path / "conf")
    return given(tmp_path)


def test_stop_ends_it_at_once(server: ApiServer, tmp_path: Path) -> None:
    server.pods = [pod("web")]
    api, sink = started(server, tmp_path)
    assert until(lambda: sink.stuck == ["web"] and sink.last_state() == ("live", ""))
    (child,) = children()
    api.stop()
    assert until(lambda: not child.is_running(), 10.0)
    assert sink.last_state() == ("live", "")


@pytest.mark.slow
def test_a_child_that_dies_is_started_again(server: ApiServer, tmp_path: Path) -> None:
    server.pods = [pod("web")]
    api, sink = started(server, tmp_path)
    try:
        assert until(lambda: sink.stuck == ["web"])
        (child,) = children()
        server.pods = [pod("other")]
        child.send_signal(signal.SIGKILL)
        assert until(lambda: sink.stuck == ["other"])
        assert ("API", "waiting", "the API's watch ended (status -9)") in sink.states
    finally:
        api.stop()


def test_the_last_words_of_a_child_that_ends_are_its_state_and_that_of_the_events(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = json.dumps({"state": ["events", "live", "", "", ""]})
    program = f"print({live!r}, flush=True); raise RuntimeError('\\x1b[31mno room')"
    monkeypatch.setattr("fragtui.sources.pods.kubernetes.supervisor._PROGRAM", program)
    api, sink = started(server, tmp_path)
    why = "the API's watch ended (RuntimeError: \\x1b[31mno room)"
    assert until(lambda: sink.last_state("events") == sink.last_state() == ("waiting", why))
    api.stop()


def test_no_child_is_started_without_credentials(tmp_path: Path) -> None:
    sink = CollectingSink()
    for given, why in ((None, NO_CREDENTIALS), (str(tmp_path / "none"), f"{tmp_path}/none: no such file or directory")):
        api = ApiSupervisor(tmp_path, sink, given)
        api.start()
        assert until(lambda why=why: sink.last_state() == ("absent", why))  # type: ignore[misc]
        assert children() == []
        api.stop()


def test_it_is_small_and_the_secret_is_nowhere_to_be_seen(server: ApiServer, tmp_path: Path) -> None:
    server.pods = [pod(f"p{at}") for at in range(110)]
    api, sink = started(server, tmp_path)
    try:
        assert until(lambda: len(sink.stuck) == 110)
        (child,) = children()
        assert child.memory_info().rss < 30 * 1024 * 1024
        seen = repr((child.cmdline(), child.environ(), sink.states, [str(path) for path in tmp_path.iterdir()]))
        assert "s3cr3t" not in seen
        assert set(server.tokens) == {"Bearer s3cr3t-token"}
    finally:
        api.stop()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["installed", "zipapp"])
def test_it_is_gone_when_its_parent_is_killed(server: ApiServer, tmp_path: Path, form: str) -> None:
    server.pods = [pod("web")]
    path = []
    if form == "zipapp":
        build_zipapp(tmp_path / "fragtui.pyz")
        path = [str(tmp_path / "fragtui.pyz")]
    kubeconfig = server.kubeconfig(tmp_path / "conf")
    command = [sys.executable, "-c", PARENT, str(kubeconfig), *path]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        assert ("fragtui.pyz" in parent.stdout.readline()) is (form == "zipapp")
        # The node's name depends on the machine; the test server does not check it.
        assert any(line == "all 1\n" for line in iter(parent.stdout.readline, ""))
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(family) == 1
        os.kill(parent.pid, signal.SIGKILL)
        assert until(lambda: not family[0].is_running() or family[0].status() == psutil.STATUS_ZOMBIE, 10.0)
    finally:
        parent.kill()
        parent.wait()
        assert parent.stdout is not None
        parent.stdout.close()


@pytest.mark.slow
def test_an_expired_token_is_read_again_without_a_message(server: ApiServer, tmp_path: Path) -> None:
    server.pods = [pod("web")]
    api, sink = started(server, tmp_path)
    try:
        assert until(lambda: sink.stuck == ["web"] and server.watched == 2)  # pods and events
        server.kubeconfig(tmp_path / "conf", token="another")
        server.pods = [pod("new")]

        def changes(watcher: Watcher) -> None:
            """The server sends this to a watch that continues: the other watch may have read the new token already."""
            watcher.event("DELETED", pod("web", version=11))
            watcher.event("ADDED", pod("new", version=12))

        server.on_watch = changes
        server.token = "another"
        server.end_watches()
        assert until(lambda: sink.stuck == ["new"])
        assert {state for _, state, _ in sink.states} == {"connecting", "live"}
        server.token = "nobody's"
        server.end_watches()
        assert until(lambda: sink.last_state()[0] == "refused")
        before = len(server.requests)
        time.sleep(1.0)
        assert len(server.requests) - before <= 14  # of pods and events, 0.2 to 0.4 s apart
    finally:
        api.stop()


@pytest.mark.slow
def test_the_screen_side_imports_no_client(tmp_path: Path) -> None:
    code = "import fragtui.sources.pods.watcher, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    brought = set(done.stdout.split())
    assert not brought & {"yaml", "ssl", "http.client", "fragtui.sources.pods.kubernetes.client"}


def test_a_refusal_keeps_its_message(server: ApiServer, tmp_path: Path) -> None:
    server.refuse = status(403, "Forbidden", "pods is forbidden: \x1b[31mno")
    api, sink = started(server, tmp_path)
    try:
        assert until(lambda: sink.last_state() == ("refused", "pods is forbidden: \\x1b[31mno"))
    finally:
        api.stop()


def with_plugin(server: ApiServer, tmp_path: Path, script: str) -> None:
    """Make the kubeconfig's user one with a credential plug-in."""
    plugin = tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\n{script}\n")
    plugin.chmod(0o700)
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}
    server.kubeconfig(tmp_path / "conf", user={"exec": command})


def test_a_credential_plugin_is_asked(server: ApiServer, tmp_path: Path) -> None:
    server.pods, server.token = [pod("web")], "from-the-plug-in"
    credential = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}'
    with_plugin(server, tmp_path, f"echo chatter >&2; echo '{credential % server.token}'")
    api, sink = given(tmp_path)
    try:
        assert until(lambda: sink.stuck == ["web"])
    finally:
        api.stop()


def test_a_credential_plugin_that_hangs_is_ended_with_the_rest(server: ApiServer, tmp_path: Path) -> None:
    with_plugin(server, tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 300")
    api, sink = given(tmp_path)
    assert until(lambda: (tmp_path / "pid").exists() and bool((tmp_path / "pid").read_text().strip()))
    plugin = psutil.Process(int((tmp_path / "pid").read_text()))
    began = time.monotonic()
    api.stop()
    assert time.monotonic() - began < 2
    assert until(lambda: not plugin.is_running() or plugin.status() == psutil.STATUS_ZOMBIE, 10.0)
    assert sink.stuck == []


class Proxy(socketserver.StreamRequestHandler):
    """An HTTP proxy that supports CONNECT only."""

    asked: ClassVar[list[str]] = []

    def handle(self) -> None:
        target = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            continue
        Proxy.asked.append(target)
        host, port = target.split(":")
        with socket.create_connection((host, int(port))) as server:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            there = threading.Thread(target=self._pass, args=(self.connection, server), daemon=True)
            there.start()
            self._pass(server, self.connection)

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)


def test_the_proxy_of_the_kubeconfig_is_gone_through(server: ApiServer, tmp_path: Path) -> None:
    server.pods = [pod("web")]
    path = server.kubeconfig(tmp_path / "conf")
    described = json.loads(path.read_text())
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as proxy:
        proxy.daemon_threads = True
        threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
        described["clusters"][0]["cluster"]["proxy-url"] = f"http://127.0.0.1:{proxy.server_address[1]}"
        path.write_text(json.dumps(described))
        api, sink = given(tmp_path)
        try:
            assert until(lambda: sink.stuck == ["web"])
            assert set(Proxy.asked) == {server.url.removeprefix("https://")}
        finally:
            api.stop()
            proxy.shutdown()
