"""A process named kubelet: root reads, runs and sends nothing for it unless it is root's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.places import REPOSITORY
from tests.support.pod_sink import until

NOBODY = 65534
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or Path("/etc/kubernetes").exists() or Path("/var/lib/kubelet").exists(),
    reason="needs root on a machine that is no node of a cluster",
)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everyone can read."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def kubelet(
    place: Path, kubeconfig: str, *before: str, user: int | None = None, cwd: str = "/", mode: int = 0o755
) -> Iterator[int]:
    """A process with the name and the arguments of a kubelet, which does nothing; yields its pid.

    `before` is a command that starts it.
    """
    program = Path(tempfile.mkdtemp(dir=place)) / "kubelet"
    program.parent.chmod(0o755)
    shutil.copy("/bin/sh", program)
    program.chmod(mode)
    argv = [*before, str(program), "-c", "read line", "kubelet", f"--kubeconfig={kubeconfig}"]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, user=user, group=user, cwd=cwd)
    try:
        assert before or until(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "kubelet\n")
        yield process.pid
    finally:
        process.communicate()


def evil_kubeconfig(place: Path, server: str, user: dict[str, object]) -> Path:
    path = place / "EVIL.yaml"
    path.write_text(
        json.dumps(
            {
                "clusters": [{"name": "c", "cluster": {"server": server}}],
                "users": [{"name": "u", "user": user}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    os.chown(path, NOBODY, NOBODY)
    return path


def report() -> str:
    """Run ``fragtui report`` on this machine and return the page."""
    command = [sys.executable, "-m", "fragtui", "report"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY, timeout=120).stdout


@pytest.mark.slow
def test_a_plugin_of_another_users_kubelet_is_not_run(place: Path) -> None:
    ran = place / "ran"
    ran.touch()
    ran.chmod(0o666)
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "/bin/sh",
        "args": ["-c", f"id -u >> {ran}"],
        "interactiveMode": "Never",
    }
    evil = evil_kubeconfig(place, "https://127.0.0.1:1", {"exec": plugin})
    with kubelet(place, str(evil), user=NOBODY) as pid:
        page = report()
    assert ran.read_text() == "", "the plug-in ran, as this user"
    assert f"a process named kubelet (pid {pid}) runs as uid 65534 and was not trusted" in page


@pytest.mark.slow
def test_a_file_that_another_users_kubelet_names_is_not_sent(place: Path) -> None:
    secret = place / "secret"
    secret.write_text("for root's eyes only")
    secret.chmod(0o600)
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(str(self.headers))
            self.send_error(404)

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        evil = evil_kubeconfig(place, f"http://127.0.0.1:{server.server_address[1]}", {"tokenFile": str(secret)})
        with kubelet(place, str(evil), user=NOBODY) as pid:
            page = report()
    finally:
        server.shutdown()
        server.server_close()
    assert heard == []
    assert f"a process named kubelet (pid {pid}) runs as uid 65534 and was not trusted" in page
