"""A client of the API server on the standard library: lists are read object by object, watches as bytes arrive."""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from fragtui import __version__
from fragtui.logs.bounded_json import read_json
from fragtui.sources.pods.json_stream import NotAList, read_list
from fragtui.sources.pods.kubernetes.credentials import Credentials
from fragtui.text import printable

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 90.0
"""Seconds without data after which a watch has failed: bookmarks arrive about every minute."""
_PAGE = 500
_CHUNK = 65536
_CERTIFICATES = re.compile("-----BEGIN CERTIFICATE-----[^-]*+-----END CERTIFICATE-----")
WATCH_SECONDS = 270


class ApiError(Exception):
    """The API server failed a request; `status` is the HTTP status, None if it was not reached."""

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.status = status


class ApiClient(Protocol):
    """The part of an API server's interface that is used; raises only `ApiError`."""

    def list_page(
        self, resource: str, query: dict[str, str], on_item: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        """Pass on the objects of a list (``pods`` or ``events`` of all namespaces), then return its metadata."""

    def watch(self, resource: str, query: dict[str, str]) -> Iterator[bytes]:
        """Yield the bytes of a watch as they arrive, until the server ends it."""


class HttpApiClient:
    """An API server over HTTP/1.1; one connection per request, since requests are minutes apart."""

    def __init__(self, credentials: Credentials) -> None:
        """Raises `ApiError` naming what can't be used."""
        url = urlsplit(credentials.host)
        try:
            self._host, self._port = url.hostname or "", url.port
            self._proxy = urlsplit(credentials.proxy) if credentials.proxy else None
            self._tls = _tls_context(credentials) if url.scheme == "https" else None
        except (ValueError, OSError) as error:  # ssl's errors are OSErrors; their texts contain no secret
            raise ApiError(f"the credentials can't be used ({type(error).__name__})") from None
        if self._proxy is not None and self._proxy.scheme != "http":
            raise ApiError(f"the proxy can't be used: it is {printable(self._proxy.scheme, 20)}, not http")
        self._path = url.path.rstrip("/")
        self._server_name = credentials.server_name or self._host
        self._headers = (
            *credentials.headers,
            ("Accept", "application/json"),
            ("User-Agent", f"fragtui/{__version__}"),
            ("Connection", "close"),
        )

    def list_page(
        self, resource: str, query: dict[str, str], on_item: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        """See `ApiClient`."""
        with self._opened(resource, {**query, "limit": str(_PAGE)}) as response:
            try:
                listed = read_list(_chunks(response), on_item)
            except NotAList as error:
                raise ApiError(f"the API server's answer is {error}") from None
        metadata = listed.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    def watch(self, resource: str, query: dict[str, str]) -> Iterator[bytes]:
        """See `ApiClient`."""
        wanted = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_SECONDS)}
        with self._opened(resource, {**query, **wanted}) as response:
            yield from _chunks(response)

    @contextmanager
    def _opened(self, resource: str, query: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
        with closing(self._connection()) as connection:
            try:
                connection.connect()
                if self._tls is not None:
                    connection.sock = self._tls.wrap_socket(connection.sock, server_hostname=self._server_name)
                connection.sock.settimeout(_READ_SECONDS)
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                target = f"{self._path}/api/v1/{resource}?{urlencode(query)}"
                connection.putrequest("GET", target, skip_accept_encoding=True)
                for name, value in self._headers:
                    connection.putheader(name, value)
                connection.endheaders()
                response = connection.getresponse()
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise _unreachable(error) from None
            with closing(response):
                if response.status != 200:
                    raise _refused(response)
                yield response

    def _connection(self) -> http.client.HTTPConnection:
        port = self._port or (443 if self._tls is not None else 80)
        if self._proxy is None:
            return http.client.HTTPConnection(self._host, port, timeout=_CONNECT_SECONDS)
        through = http.client.HTTPConnection(
            self._proxy.hostname or "", self._proxy.port or 80, timeout=_CONNECT_SECONDS
        )
        through.set_tunnel(self._host, port)
        return through


def _tls_context(credentials: Credentials) -> ssl.SSLContext:
    authority = credentials.authority
    if authority is not None:  # Text between the certificates may be in any language, which ssl refuses.
        authority = "\n".join(_CERTIFICATES.findall(authority))
        if not authority:  # An empty text would select the system's certificates.
            raise ApiError("the kubeconfig's certificate-authority holds no certificate")
    context = ssl.create_default_context(cadata=authority)
    # Many clusters' own authorities don't meet RFC 5280; kubectl accepts them, and so does this.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not credentials.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if credentials.certificate is not None:
        # OpenSSL takes a client's key only from a file: this one is in memory and has no name.
        with open(os.memfd_create("client"), "wb+", buffering=0) as pem:
            pem.write(f"{credentials.certificate}\n{credentials.key or ''}".encode())
            # Without a password OpenSSL would ask for an encrypted key's password on the terminal.
            context.load_cert_chain(f"/proc/self/fd/{pem.fileno()}", password="")
    return context


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Yield the server's data as it arrives; raises `ApiError` if it is cut off."""
    try:
        while data := response.read1(_CHUNK):
            yield data
        if response.length:
            raise ApiError("connection broken")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unreachable(error) from None


def _refused(response: http.client.HTTPResponse) -> ApiError:
    if 300 <= response.status < 400:
        return ApiError(f"redirected (HTTP status {response.status}), which is not followed", response.status)
    message = ""
    with suppress(Exception):
        found = read_json(response.read(_CHUNK)).get("message")
        message = found if isinstance(found, str) else ""
    return ApiError(printable(message, 200) or f"HTTP status {response.status}", response.status)


def _unreachable(error: Exception) -> ApiError:
    """Return the error's text. Only known texts are repeated: others might contain secrets."""
    text = f"{error} {type(error).__name__}"
    if "certificate has expired" in text:
        return ApiError("the certificate has expired")
    for words in (
        "certificate verify failed",
        "Connection refused",
        "timed out",
        "No route to host",
        "Name or service not known",
        "Temporary failure in name resolution",
        "Network is unreachable",
        "Connection reset",
        "IncompleteRead",
        "certificate expired",
        "Tunnel connection failed",
    ):
        if words in text:
            return ApiError(words[0].lower() + words[1:])
    return ApiError(type(error).__name__)
