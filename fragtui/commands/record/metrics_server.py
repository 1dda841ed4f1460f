"""The exporter's HTTP server: two paths, few connections, each with a time limit; optional TLS and credentials."""

from __future__ import annotations

import gzip
import hmac
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any

from fragtui import __version__
from fragtui.sources.files.host_files import os_reason
from fragtui.text import printable

if TYPE_CHECKING:
    from prometheus_client.registry import CollectorRegistry

MAX_CONNECTIONS = 16
"""Connections served at a time; others are closed without an answer. Prometheus needs one, a probe another."""
CONNECTION_SECONDS = 10.0
"""From the first byte of a connection to its end, with the TLS handshake: Prometheus's default scrape timeout."""
_TOKEN_BYTES = 8192
_ACCEPT_PAUSE = 0.2


class ServerError(Exception):
    """The server can't start; the message names the file or address."""


@dataclass(frozen=True, slots=True)
class Security:
    """Protection of a scrape: PEM files, and a file with the bearer token; None for each that is not used."""

    certificate: Path | None = None
    key: Path | None = None
    client_authority: Path | None = None
    token: Path | None = None


def exposure(host: str, security: Security) -> str | None:
    """Return a warning about a server that other machines can reach, or None if it is protected."""
    if _is_loopback(host):
        return None
    if security.certificate is None:
        what = "the bearer token" if security.token is not None else "the metrics"
        return f"other machines reach {host} without TLS: {what} can be read in transit (--tls-cert)"
    if security.token is None and security.client_authority is None:
        return f"everyone who reaches {host} can read the metrics (--token-file or --client-ca)"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class MetricsServer(ThreadingMixIn, TCPServer):
    """Serves one registry. Raises `ServerError` if the address or a file can't be used."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = MAX_CONNECTIONS

    def __init__(
        self,
        address: tuple[str, int],
        registry: CollectorRegistry,
        security: Security,
        seconds: float = CONNECTION_SECONDS,
    ) -> None:
        """`seconds` is the limit of a connection."""
        self.registry = registry
        self.security = security
        self._seconds = seconds
        self._open: dict[threading.Thread | None, tuple[socket.socket, float]] = {}
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._lock = threading.Lock()
        self._tls: tuple[tuple[float, ...], ssl.SSLContext] | None = None
        host, port = address
        try:
            self._context()
            read_token(security.token)
            family, _, _, _, bound = socket.getaddrinfo(
                host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            self.address_family = family
            super().__init__(bound[:2], _Handler)  # type: ignore[arg-type]  # an IPv6 address has four parts
        except OSError as error:
            name = error.filename or f"{host}:{port}"
            raise ServerError(f"{printable(str(name))}: {os_reason(error)}") from None

    def _context(self) -> ssl.SSLContext | None:
        """Return the TLS settings, read again if their files were replaced; None if TLS is not used."""
        files = [self.security.certificate, self.security.key, self.security.client_authority]
        if files[0] is None:
            return None
        stamp = tuple(file.stat().st_mtime for file in files if file is not None)
        with self._lock:
            if self._tls is None or self._tls[0] != stamp:
                self._tls = (stamp, _tls_context(self.security))
            return self._tls[1]

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; if no descriptor is free, wait a little: the connection stays ready to be accepted."""
        try:
            return super().get_request()
        except OSError:
            time.sleep(_ACCEPT_PAUSE)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection on its own thread if a slot is free, else close it."""
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread can be started
            self._slots.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end."""
        me = threading.current_thread()
        deadline = time.monotonic() + self._seconds
        try:
            request.settimeout(self._seconds)
            self._open[me] = (request, deadline)
            context = self._context()
            if context is not None:
                request = context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
                self._open[me] = (request, deadline)
                request.do_handshake()
            self.finish_request(request, client_address)
        except OSError:
            pass  # The connection or its TLS failed (ssl.SSLError is an OSError); the client sees the error too.
        finally:
            self._open.pop(me, None)
            self.shutdown_request(request)
            self._slots.release()

    def service_actions(self) -> None:
        """Close connections past their time limit; `serve_forever` calls this twice a second."""
        now = time.monotonic()
        for request, deadline in list(self._open.values()):
            if now > deadline:
                _shut(request)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        _shut(request)
        self.close_request(request)


class _Handler(BaseHTTPRequestHandler):
    """Answers one request for each connection."""

    server: MetricsServer
    server_version = f"fragtui/{__version__}"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer /metrics and /healthz, and 404 for any other path."""
        path = self.path.partition("?")[0]
        if path == "/healthz":
            self._answer(HTTPStatus.OK, b"ok\n")
        elif path != "/metrics":
            self._answer(HTTPStatus.NOT_FOUND, b"only /metrics and /healthz\n")
        elif self._may_read():
            self._metrics()

    do_HEAD = do_GET

    def _may_read(self) -> bool:
        security = self.server.security
        if security.client_authority is not None:
            peer = self.connection
            if not isinstance(peer, ssl.SSLSocket) or not peer.getpeercert():
                self._answer(HTTPStatus.FORBIDDEN, b"a client certificate is required\n")
                return False
        try:
            token = read_token(security.token)
        except OSError:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"the token file can't be read\n")
            return False
        given = self.headers.get("Authorization", "").encode("latin-1", "replace")
        if token is not None and not hmac.compare_digest(given, b"Bearer " + token):
            self._answer(HTTPStatus.UNAUTHORIZED, b"a bearer token is required\n", {"WWW-Authenticate": "Bearer"})
            return False
        return True

    def _metrics(self) -> None:
        from prometheus_client.exposition import choose_encoder  # noqa: PLC0415  # Of the extra prom.

        try:
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
        except (TypeError, ValueError):  # The header names a version that is no number.
            encode, kind = choose_encoder("")
        body = encode(self.server.registry)
        headers = {"Content-Type": kind}
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        self._answer(HTTPStatus.OK, body, headers)

    def _answer(self, status: HTTPStatus, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.close_connection = True
        self.send_response(status)
        for name, value in ({"Content-Type": "text/plain"} | (headers or {})).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: a line for each scrape would fill the node's log."""


def read_token(file: Path | None) -> bytes | None:
    """Return the token of a file, stripped of white space. Raises OSError, also for an empty token."""
    if file is None:
        return None
    with open(file, "rb") as stream:
        token = stream.read(_TOKEN_BYTES).strip()
    if not token:
        raise OSError(22, "contains no token", str(file))
    return token


def _tls_context(security: Security) -> ssl.SSLContext:
    assert security.certificate is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(security.certificate, security.key)
        if security.client_authority is not None:
            context.load_verify_locations(security.client_authority)
            # Optional here, required for /metrics: the kubelet's probe of /healthz has no certificate.
            context.verify_mode = ssl.CERT_OPTIONAL
    except ssl.SSLError as error:
        name = str(security.certificate)
        raise OSError(22, f"not usable as certificate and key ({error.reason or 'PEM'})", name) from None
    return context


def _shut(request: socket.socket) -> None:
    with suppress(OSError):  # It is closed already, or was never connected.
        # The plain call: a TLS connection would first wait for its peer's close_notify.
        socket.socket.shutdown(request, socket.SHUT_RDWR)
