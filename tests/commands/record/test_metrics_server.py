"""The exporter's server: access from the network, its time limits and its credentials."""

from __future__ import annotations

import http.client
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main

pytest.importorskip("prometheus_client", reason="prometheus-client is not installed (extra: prom)")
from prometheus_client import CollectorRegistry, Gauge

from fragtui.commands.record.metrics_server import MAX_CONNECTIONS, MetricsServer, Security, ServerError, exposure

Serve = Callable[..., MetricsServer]
SECONDS = 1.0
"""The limit of a connection in these tests."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[MetricsServer] = []

    def start(**security: Path) -> MetricsServer:
        registry = CollectorRegistry()
        Gauge("answer", "The answer.", registry=registry).set(42)
        server = MetricsServer(("127.0.0.1", 0), registry, Security(**security), SECONDS)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cert.pem and key.pem for 127.0.0.1, signed by themselves."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("pem")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-days",
            "2",
            "-subj",
            "/CN=test",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


def port_of(server: MetricsServer) -> int:
    return int(server.server_address[1])


def connected(server: MetricsServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port_of(server)), timeout=10)


def status(server: MetricsServer, path: str, method: str = "GET", **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_there_are_two_paths_and_no_other(serve: Serve) -> None:
    server = serve()
    paths = ("/metrics", "/metrics?x=1", "/healthz", "/", "/metrics/", "/../etc/passwd")
    assert [status(server, path) for path in paths] == [200, 200, 200, 404, 404, 404]
    assert [status(server, "/metrics", method) for method in ("HEAD", "POST", "PUT", "TRACE")] == [200, 501, 501, 501]


def test_a_scrape_gets_the_metrics_packed_or_not(serve: Serve) -> None:
    server = serve()
    with urllib.request.urlopen(f"http://127.0.0.1:{port_of(server)}/metrics", timeout=10) as page:
        assert b"answer 42.0" in page.read()
    assert status(server, "/metrics", **{"Accept-Encoding": "gzip", "Accept": "application/openmetrics-text"}) == 200


def test_an_unknown_accept_header_gets_the_plain_metrics(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    server = serve()
    for accept in (
        "application/openmetrics-text;version=\xff",
        "application/openmetrics-text;version=a.b",
        ";;,=",
        "*",
    ):
        assert status(server, "/metrics", Accept=accept) == 200
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("drip", [b"", b"GET /metrics HTTP/1.1\r\nHost: "], ids=["silent", "one byte at a time"])
def test_a_connection_ends_at_its_limit_however_slowly_it_speaks(serve: Serve, drip: bytes) -> None:
    stranger = connected(serve())
    began = time.monotonic()
    with pytest.raises(OSError, match=r".*"):
        for at in range(1000):
            if drip:
                stranger.send(drip[at % len(drip) : at % len(drip) + 1])
            stranger.settimeout(0.1)
            try:
                if not stranger.recv(4096):
                    raise ConnectionError("closed")
            except TimeoutError:
                continue
    assert time.monotonic() - began < SECONDS + 3


def test_a_slow_tls_handshake_ends_at_the_limit_too(serve: Serve, pem: Path) -> None:
    stranger = connected(serve(certificate=pem / "cert.pem", key=pem / "key.pem"))
    stranger.send(b"\x16\x03\x01\x02\x00\x01")
    assert stranger.recv(4096) == b""


def test_a_connection_over_the_ceiling_is_closed_and_the_next_is_served_when_there_is_room(serve: Serve) -> None:
    server = serve()
    holders = [connected(server) for _ in range(MAX_CONNECTIONS)]
    end = time.monotonic() + 10
    while threading.active_count() < MAX_CONNECTIONS and time.monotonic() < end:
        time.sleep(0.01)
    with connected(server) as late:
        late.settimeout(10)
        assert late.recv(1) == b""
    for holder in holders:
        holder.close()
    time.sleep(SECONDS / 2)
    assert status(server, "/healthz") == 200


def test_a_request_without_the_token_gets_no_metrics(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret\n")
    server = serve(token=file)
    given = (None, "Bearer wrong", "Basic secret", "Bearer secret", "bearer\xff")
    answers = [status(server, "/metrics", **({"Authorization": each} if each else {})) for each in given]
    assert answers == [401, 401, 401, 200, 401]
    assert status(server, "/healthz") == 200
    file.write_text("rotated")
    assert status(server, "/metrics", Authorization="Bearer rotated") == 200
    file.unlink()
    assert status(server, "/metrics", Authorization="Bearer rotated") == 503


def tls_status(server: MetricsServer, path: str, pem: Path, *, with_certificate: bool) -> int:
    context = ssl.create_default_context(cafile=str(pem / "cert.pem"))
    if with_certificate:
        context.load_cert_chain(pem / "cert.pem", pem / "key.pem")
    try:
        with urllib.request.urlopen(f"https://127.0.0.1:{port_of(server)}{path}", timeout=10, context=context) as page:
            return int(page.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_metrics_need_the_client_certificate_and_the_probe_does_not(serve: Serve, pem: Path) -> None:
    server = serve(certificate=pem / "cert.pem", key=pem / "key.pem", client_authority=pem / "cert.pem")
    assert tls_status(server, "/metrics", pem, with_certificate=True) == 200
    assert tls_status(server, "/metrics", pem, with_certificate=False) == 403
    assert tls_status(server, "/healthz", pem, with_certificate=False) == 200


def test_a_file_that_can_not_be_used_is_named(tmp_path: Path, pem: Path) -> None:
    empty, junk = tmp_path / "empty", tmp_path / "junk"
    empty.touch()
    junk.write_text("no certificate")
    for security, words in (
        (Security(token=tmp_path / "none"), "none: no such file or directory"),
        (Security(token=empty), "empty: contains no token"),
        (Security(certificate=junk), "junk: not usable as certificate and key"),
        (
            Security(certificate=pem / "cert.pem", key=pem / "key.pem", client_authority=tmp_path / "none"),
            "no such file or directory",
        ),
    ):
        with pytest.raises(ServerError, match=words):
            MetricsServer(("127.0.0.1", 0), CollectorRegistry(), security)


def test_tls_options_need_a_certificate(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--listen", "127.0.0.1:0", "--client-ca", "/x"]) == 2
    assert capsys.readouterr().err == "fragtui export: --tls-key and --client-ca need --tls-cert\n"


@pytest.mark.parametrize(
    ("host", "given", "words"),
    [
        ("127.0.0.1", {}, None),
        ("::1", {}, None),
        ("localhost", {}, None),
        ("0.0.0.0", {}, "without TLS: the metrics can be read"),
        ("::", {"token": Path("t")}, "without TLS: the bearer token can be read"),
        ("192.0.2.1", {"certificate": Path("c")}, "everyone who reaches 192.0.2.1 can read the metrics"),
        ("0.0.0.0", {"certificate": Path("c"), "token": Path("t")}, None),
        ("0.0.0.0", {"certificate": Path("c"), "client_authority": Path("a")}, None),
    ],
)
def test_a_server_beyond_loopback_warns_unless_it_is_protected(
    host: str, given: dict[str, Path], words: str | None
) -> None:
    warning = exposure(host, Security(**given))
    assert warning is None if words is None else warning is not None and words in warning
