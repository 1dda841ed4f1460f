"""A small API server for tests: pods and events by list and watch, in the real wire format, with real failures."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.certificate import server_certificate

Json = dict[str, Any]


def pod(
    name: str, *, ready: bool | None = False, version: int = 1, phase: str = "Pending", node: str = "node-1"
) -> Json:
    """A Pod object as the API server sends it, reduced to the fields about its start."""
    moment = "2026-11-24T05:14:59Z"
    state: Json = {"running": {"startedAt": moment}} if ready else {"waiting": {"reason": "ContainerCreating"}}
    conditions = [] if ready is None else [condition("PodReadyToStartContainers", ready, moment)]
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"{abs(hash(name)) % 10**8:08d}-0000-0000-0000-000000000000",
            "resourceVersion": str(version),
            "creationTimestamp": moment,
        },
        "spec": {"nodeName": node},
        "status": {
            "phase": "Running" if ready else phase,
            "startTime": moment,
            "conditions": conditions,
            "containerStatuses": [{"name": "main", "ready": bool(ready), "restartCount": 0, "state": state}],
        },
    }


def condition(kind: str, true: bool, moment: str) -> Json:
    return {"type": kind, "status": "True" if true else "False", "lastTransitionTime": moment}


def status(code: int, reason: str, message: str) -> Json:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }


class Watcher:
    """One open watch: what a test sends on it."""

    def __init__(self, handler: BaseHTTPRequestHandler, query: dict[str, list[str]]) -> None:
        self._handler = handler
        self.query = query
        self.done = threading.Event()

    @property
    def version(self) -> str:
        return self.query.get("resourceVersion", [""])[0]

    def raw(self, data: bytes) -> None:
        self._handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self._handler.wfile.flush()

    def event(self, kind: str, thing: Json) -> None:
        self.raw(json.dumps({"type": kind, "object": thing}).encode() + b"\n")

    def bookmark(self, version: int) -> None:
        self.event("BOOKMARK", {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": str(version)}})

    def end(self) -> None:
        self._handler.wfile.write(b"0\r\n\r\n")
        self._handler.wfile.flush()
        self.done.set()

    def cut(self, reset: bool = False) -> None:
        """Close the connection without the end of the answer, or reset it, as a dying load balancer does."""
        if reset:
            self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self._handler.connection.shutdown(socket.SHUT_RDWR)
        self._handler.connection.close()
        self.done.set()


class ApiServer:
    """Serves ``/api/v1/pods`` and ``/api/v1/events`` on 127.0.0.1; counts what it was asked."""

    def __init__(
        self, certificate: tuple[Path, Path] | None = None, clients: Path | None = None, *, tls: bool = True
    ) -> None:
        """With `tls` it has a certificate and key; with `clients` it speaks only to those with such a certificate."""
        self.pods: list[Json] = []
        self.events: list[Json] = []
        self.version = 10
        self.refuse: Json | None = None
        self.refuse_events: Json | None = None
        self.delay = 0.0
        self.token: str | None = None
        """If set, a client with another token gets 401."""
        self.location: str | None = None
        """If set, every request is redirected there."""
        self.page: int | None = None
        self.lists: list[dict[str, list[str]]] = []
        self.requests: list[tuple[float, str]] = []
        self.tokens: list[str | None] = []
        self.on_watch: Callable[[Watcher], None] = lambda watcher: None
        self._closing = threading.Event()
        self._watchers: list[Watcher] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server._answer(self)

            def log_message(self, *arguments: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._scheme = "http"
        self.authority: Path | None = None
        if tls:
            certificate = certificate or server_certificate()
            self.authority = certificate[0]
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            if clients is not None:
                context.load_verify_locations(clients)
                context.verify_mode = ssl.CERT_REQUIRED
            # The handshake is done by the thread of the connection: a client that stops in it holds up no other.
            listening = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
            self._server.socket = listening
            self._scheme = "https"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def watched(self) -> int:
        """Number of watches that were started."""
        return len(self._watchers)

    def end_watches(self) -> None:
        """End every running watch in the normal way."""
        for watcher in self._watchers:
            if not watcher.done.is_set():
                watcher.end()

    def kubeconfig(
        self,
        path: Path,
        authority: Path | None = None,
        token: str = "s3cr3t-token",
        user: Json | None = None,
        inline: bool = False,
    ) -> Path:
        """Write a kubeconfig for this server; `inline`: the certificate lies in it, as without `authority`."""
        cluster: Json = {"server": self.url}
        if authority is None:
            authority, inline = self.authority, True
        if authority is not None and inline:
            cluster["certificate-authority-data"] = base64.b64encode(authority.read_bytes()).decode()
        elif authority is not None:
            cluster["certificate-authority"] = str(authority)
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "c", "cluster": cluster}],
                    "users": [{"name": "u", "user": {"token": token} if user is None else user}],
                    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                    "current-context": "x",
                }
            )
        )
        return path

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        query = parse_qs(parts.query)
        self.requests.append((time.monotonic(), handler.path))
        self.tokens.append(handler.headers.get("Authorization"))
        if self._closing.wait(self.delay):
            return
        resource = parts.path.rsplit("/", 1)[-1]
        refused = self.refuse or (self.refuse_events if resource == "events" else None)
        if self.token is not None and handler.headers.get("Authorization") != f"Bearer {self.token}":
            refused = status(401, "Unauthorized", "Unauthorized")
        if self.location is not None:
            self._send(handler, 302, {})
        elif refused is not None:
            self._send(handler, refused["code"], refused)
        elif query.get("watch") == ["True"] or query.get("watch") == ["true"]:
            self._watch(handler, query, resource)
        else:
            self.lists.append(query)
            self._list(handler, query, resource)

    def _list(self, handler: BaseHTTPRequestHandler, query: dict[str, list[str]], resource: str) -> None:
        items = self.pods if resource == "pods" else self.events
        metadata: Json = {"resourceVersion": str(self.version)}
        if self.page is not None:
            start = int(query.get("continue", ["0"])[0])
            if start + self.page < len(items):
                metadata["continue"] = str(start + self.page)
            items = items[start : start + self.page]
        kind = "PodList" if resource == "pods" else "EventList"
        self._send(handler, 200, {"kind": kind, "apiVersion": "v1", "metadata": metadata, "items": items})

    def _watch(self, handler: BaseHTTPRequestHandler, query: dict[str, list[str]], resource: str) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.flush()
        watcher = Watcher(handler, query)
        self._watchers.append(watcher)
        try:
            if resource == "pods":
                self.on_watch(watcher)
            while not watcher.done.wait(0.05) and not self._closing.is_set():
                continue
        except OSError:
            pass
        handler.close_connection = True

    def _send(self, handler: BaseHTTPRequestHandler, code: int, thing: Json) -> None:
        body = json.dumps(thing).encode()
        handler.send_response(code)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        if self.location is not None:
            handler.send_header("Location", self.location)
        handler.end_headers()
        with suppress(OSError):
            handler.wfile.write(body)
