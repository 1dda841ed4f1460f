"""A client of Prometheus' HTTP API on the standard library, for a server that may be wrong, slow or hostile."""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode, urlsplit

from fragtui import __version__
from fragtui.logs.bounded_json import read_json
from fragtui.model.fleet.fleet import FleetError
from fragtui.text import epoch_seconds, format_bytes, printable

MAX_BYTES = 8 << 20
"""Bytes of an answer; a larger one is an error. 20,000 rows are 3 MB."""
MAX_NUMBER = 1e18
"""Larger numbers, infinite ones and NaN are unknown; bytes of memory are below it."""
MAX_ROWS = 20_000
"""Rows of an answer; later ones are not read."""
_MAX_VALUES = 1_500_000
"""Objects, lists and their members in an answer: eight million bytes of ``{},{},`` take 200 MB."""
_SECONDS = 30.0
"""From a request to the end of its answer."""
_TOKEN_BYTES, _ERROR_BYTES, _CHUNK = 8192, 65536, 1 << 18
_HINTS = {
    401: "unauthorized; --token-file or --client-cert",
    403: "forbidden; --token-file or --client-cert",
    404: "no Prometheus API at this URL",
}
_KNOWN = {
    "certificate verify failed": "its certificate is not signed by a known authority, or is not for this name; --ca",
    "certificate has expired": "its certificate has expired",
    "Connection refused": "connection refused",
    "timed out": "timed out",
    "No route to host": "no route to this host",
    "Name or service not known": "no such host",
    "No address associated": "no such host",
    "Temporary failure in name resolution": "the name server does not answer",
    "Network is unreachable": "the network is unreachable",
    "Connection reset": "connection reset",
    "Broken pipe": "it closes the connection without an answer",
    "RemoteDisconnected": "it closes the connection without an answer",
    "WRONG_VERSION_NUMBER": "it does not speak TLS at this port",
    "CERTIFICATE_REQUIRED": "it requires a client certificate; --client-cert",
    "SSLEOFError": "it ends the TLS connection; it may require --client-cert",
    "IncompleteRead": "the answer was cut off",
    "BadStatusLine": "it does not speak HTTP",
    "UnknownProtocol": "it does not speak HTTP/1",
    "ValueError": "it does not speak HTTP",
}
"""Words of errors, and what is said for them: the errors' own text might contain a secret."""
_ESCAPES = [(bytes([sign]), b"%%%02X" % sign) for sign in (*b"%+&;#\"'<>[]{}|\\^`,:/?@=!$()*", *range(0x20), 0x7F)]
"""Signs that a form escapes; the percent sign comes first."""
T = TypeVar("T")
NOW = "vector(time())"
"""The expression whose answer has nothing but the time, and as its value the time up to which samples are read."""


class Access(NamedTuple):
    """Where the server is and how to reach it."""

    url: str
    """Without the ``/api/v1``."""
    token_file: Path | None = None
    """Read again at each request: tokens are rotated."""
    authority: Path | None = None
    """PEM; None: the system's."""
    certificate: Path | None = None
    key: Path | None = None
    tenant: str | None = None
    """The header X-Scope-OrgID, by which Mimir and Cortex separate their users."""
    insecure_http: bool = False
    """Whether plain http to another machine is allowed."""


class Value(NamedTuple):
    """One series of an instant query."""

    labels: dict[str, str]
    """As the server sent them: not printable."""
    number: float
    """At most `MAX_NUMBER`, with any sign."""
    time: float
    """Seconds since the epoch: that of the query."""


class Row(NamedTuple):
    """One series with its history."""

    labels: dict[str, str]
    """As the server sent them: not printable."""
    points: tuple[tuple[float, float], ...]
    """Time in seconds since the epoch, and value, at most `MAX_NUMBER` with any sign."""


class Answer(NamedTuple):
    """The series of an answer; those that have no finite value are not among them."""

    values: list[Value]
    notes: tuple[str, ...] = ()
    """What the server warns of, and whether rows were left out; printable."""


class PrometheusClient:
    """Queries of one server, from several threads; connections are kept. Raises only `FleetError`."""

    def __init__(self, access: Access, seconds: float = _SECONDS) -> None:
        """Raises `FleetError` naming what can't be used."""
        self._access = access
        self._seconds, self._token = seconds, ""
        try:
            url = urlsplit(access.url if "://" in access.url else f"https://{access.url}")
            self._host, self._port = url.hostname or "", url.port
        except ValueError:  # It is not repeated: it may contain a password.
            raise FleetError("not a URL; expected https://HOST[:PORT][/PATH]") from None
        if url.username is not None or url.password is not None:
            raise FleetError("the URL must not contain a name or password: every user of this machine sees it")
        if url.query or url.fragment:
            raise FleetError("the URL must not contain ? or #; expected https://HOST[:PORT][/PATH]")
        if url.scheme not in ("http", "https") or not self._host or not all("!" <= sign <= "~" for sign in url.path):
            raise FleetError(f"{printable(access.url, 100)}: expected https://HOST[:PORT][/PATH]")
        self._path = url.path.rstrip("/").removesuffix("/api/v1")
        self._shown = printable(f"{url.scheme}://{url.netloc.lower()}{self._path}", 200)
        if not all(" " <= sign <= "~" for sign in access.tenant or ""):
            raise FleetError("the tenant's name contains characters that no header may have")
        plain = url.scheme == "http"
        if plain and not access.insecure_http and not is_loopback(self._host):
            raise FleetError(f"{self._shown}: http is neither private nor authentic; https, or --insecure-http")
        self.warning = f"{self._shown} is read without TLS" if plain and not is_loopback(self._host) else None
        """What the user should know of the way to the server."""
        self._tls = None if plain else self._context()
        self._idle: list[http.client.HTTPConnection] = []

    @property
    def url(self) -> str:
        """The server's URL as it is shown, without credentials."""
        return self._shown

    def query(self, expression: str, at: float | None = None) -> Answer:
        """Return the value of an expression now, or at that time."""
        fields = {"query": expression} | ({"time": f"{at:.3f}"} if at is not None else {})
        return Answer(*self._results("query", fields, "vector", _values))

    def time_of(self, answer: Answer) -> float:
        """Return the server's time, by the answer to `NOW`."""
        now = epoch_seconds(answer.values[0].time) if answer.values else None
        if now is None:
            raise self._error("the answer is not that of a Prometheus")
        return now

    def query_all(self, expressions: Sequence[str]) -> list[Answer]:
        """Return the values of the expressions, in order; two are in work, so that one is parsed meanwhile."""
        answers: list[Answer | Exception | None] = [None] * len(expressions)
        left = iter(range(len(expressions)))

        def work() -> None:
            for place in left:  # A range's iterator gives each number to one thread.
                try:
                    answers[place] = self.query(expressions[place])
                except Exception as error:  # It is raised in the caller's thread: here it would be lost.
                    answers[place] = error
                    return

        other = threading.Thread(target=work, name="fragtui-fleet", daemon=True)
        if len(expressions) > 1:
            other.start()
        work()
        if len(expressions) > 1:
            other.join()
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return [answer for answer in answers if isinstance(answer, Answer)]

    def query_past(self, expression: str, now: float, seconds: float, step: float) -> list[Row]:
        """Return the values of an expression in the seconds before `now`, at each step back from it."""
        start = now - seconds // step * step
        fields = {"query": expression, "start": f"{start:.3f}", "end": f"{now:.3f}", "step": f"{step:.3f}"}
        return self._results("query_range", fields, "matrix", _rows)[0]

    def close(self) -> None:
        """Close the connections; the next query opens another one."""
        while self._idle:
            self._idle.pop().close()

    def _results(
        self, path: str, fields: dict[str, str], kind: str, take: Callable[[list[Any]], list[T]]
    ) -> tuple[list[T], tuple[str, ...]]:
        fields |= {"timeout": f"{self._seconds:.0f}s", "limit": str(MAX_ROWS)}
        body = self._post(path, _form(fields))
        if sum(map(body.count, (b"{", b"[", b","))) > _MAX_VALUES:
            raise self._error("the answer has too many values; --match selects nodes")
        try:
            answer = json.loads(body)
            del body  # Megabytes, as are the rows.
            data = answer["data"]
            results = data["result"]
            if data["resultType"] != kind or not isinstance(results, list):
                raise ValueError
            rows = take(results[:MAX_ROWS])
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            raise self._error("the answer is not that of a Prometheus") from None
        warnings = answer.get("warnings")
        texts = warnings[:3] if isinstance(warnings, list) else []
        notes = [self._quoted(text) for text in texts if isinstance(text, str)]
        if len(results) > MAX_ROWS:
            notes.append(f"only {MAX_ROWS} of {len(results)} rows are read; --match selects nodes")
        return rows, tuple(notes)

    def _post(self, path: str, body: bytes) -> bytes:
        headers = self._headers()
        end = time.monotonic() + self._seconds
        while True:
            try:
                connection, kept = self._idle.pop(), True
            except IndexError:
                connection, kept = self._new_connection(), False
            try:
                with _ended_at(connection, end):
                    answer = self._exchange(connection, path, body, headers, end)
            except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: no name of a host.
                connection.close()
                late = time.monotonic() >= end or isinstance(error, TimeoutError)
                if late or not kept:
                    raise self._unreachable(error, late) from None
                # The server has closed a connection that was kept since the last refresh.
                continue
            except FleetError:
                connection.close()
                raise
            self._idle.append(connection)
            return answer

    def _exchange(
        self, connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str], end: float
    ) -> bytes:
        connection.request("POST", f"{self._path}/api/v1/{path}", body, headers)
        response = connection.getresponse()
        if response.status != 200:
            raise self._refused(response, end)
        if (kind := response.headers.get_content_type()) != "application/json":
            raise self._error(f"not the API of a Prometheus: it answers {printable(kind, 40)}")
        return self._read(response, end, MAX_BYTES)

    def _read(self, response: http.client.HTTPResponse, end: float, most: int) -> bytes:
        """Return the body. Raises `FleetError` if it has more bytes than `most`."""
        chunks: list[bytes] = []
        size = 0
        while data := response.read1(_CHUNK):
            chunks.append(data)
            size += len(data)
            if time.monotonic() > end:
                raise TimeoutError
            if size > most:
                raise self._error(f"the answer is larger than {format_bytes(most)}; --match selects nodes")
        if response.length:
            raise http.client.IncompleteRead(b"")
        response.close()  # Else the connection would not take another request.
        return b"".join(chunks)

    def _new_connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._seconds)
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._seconds, context=self._tls)

    def _headers(self) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": f"fragtui/{__version__}",
        }
        if (tenant := self._access.tenant) is not None:
            headers["X-Scope-OrgID"] = tenant
        if (file := self._access.token_file) is not None:
            try:
                with open(file, "rb") as stream:
                    token = stream.read(_TOKEN_BYTES).strip()
            except OSError as error:
                raise FleetError(f"{printable(str(file))}: {(error.strerror or str(error)).lower()}") from None
            if not token or not all(0x21 <= byte < 0x7F for byte in token):
                raise FleetError(f"{printable(str(file))}: it does not contain a token")
            self._token = token.decode("ascii")
            headers["Authorization"] = f"Bearer {self._token}"
        return headers

    def _context(self) -> ssl.SSLContext:
        access = self._access
        file = access.authority
        try:
            context = ssl.create_default_context(cafile=file)
            if (file := access.certificate) is not None:
                # Without a password OpenSSL would ask for an encrypted key's password on the terminal.
                context.load_cert_chain(file, access.key, password="")
        except OSError as error:  # ssl's errors are OSErrors; their texts contain no secret.
            why = error.strerror if error.filename or not isinstance(error, ssl.SSLError) else error.reason
            raise FleetError(f"{printable(str(file))}: {printable(str(why or 'not PEM').lower(), 100)}") from None
        return context

    def _refused(self, response: http.client.HTTPResponse, end: float) -> FleetError:
        if 300 <= (status := response.status) < 400:
            place = urlsplit(response.getheader("Location") or "")
            where = f" to {place.scheme}://{place.hostname or ''}" if place.scheme else ""
            return self._error(f"it redirects{printable(where, 100)} (HTTP {status}), which is not followed")
        message = None
        with suppress(Exception):  # Of a server that is faulty anyway, only the text that is fine counts.
            message = read_json(self._read(response, end, _ERROR_BYTES))["error"]
        text = message if isinstance(message, str) else _HINTS.get(status, response.reason)
        return self._error(f"HTTP {status}: {self._quoted(text)}")

    def _quoted(self, text: str) -> str:
        """Return a text of the server without the token, which some repeat, before a cut hides that it is one."""
        return printable(text.replace(self._token, "[token]") if self._token else text, 200)

    def _unreachable(self, error: Exception, late: bool) -> FleetError:
        if late:
            return self._error(f"no answer within {self._seconds:.0f} s")
        text = f"{error} {type(error).__name__}"
        return self._error(next((known for words, known in _KNOWN.items() if words in text), type(error).__name__))

    def _error(self, text: str) -> FleetError:
        return FleetError(f"{self._shown}: {text}")


def _form(fields: Mapping[str, str]) -> bytes:
    """Return the fields as a form: as urlencode, which takes 2 ms of CPU for an expression with 250 names."""
    pairs = []
    for name, value in fields.items():
        escaped = value.encode("utf-8", "surrogatepass")
        if not escaped.isascii():
            return urlencode(fields, errors="replace").encode()
        for sign, code in _ESCAPES:
            escaped = escaped.replace(sign, code)
        pairs.append(name.encode() + b"=" + escaped.replace(b" ", b"+"))
    return b"&".join(pairs)


def is_loopback(host: str) -> bool:
    """Return whether a name or address is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def _ended_at(connection: http.client.HTTPConnection, end: float) -> Iterator[None]:
    """End the connection at a time: a server whose head comes byte by byte passes every limit of a single read."""

    def shut() -> None:
        if (taken := connection.sock) is not None:
            with suppress(OSError):
                # The plain call: a TLS connection would first wait for its peer's close_notify.
                socket.socket.shutdown(taken, socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, end - time.monotonic()), shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _values(results: list[Any]) -> list[Value]:
    found = []
    new = tuple.__new__  # In half of the time of a call of the class; there are thousands of rows.
    for result in results:
        at, text = result["value"]
        if abs(number := float(text)) <= MAX_NUMBER:  # Not if it is NaN.
            found.append(new(Value, (_labels(result), number, float(at))))
    return found


def _rows(results: list[Any]) -> list[Row]:
    return [
        Row(
            _labels(result),
            tuple(
                (time, number)
                for at, text in result["values"]
                if abs(number := float(text)) <= MAX_NUMBER and (time := epoch_seconds(float(at))) is not None
            ),
        )
        for result in results
    ]


def _labels(result: dict[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = result["metric"]
    "".join(labels.values())  # Raises TypeError if one is no string, in a third of the time of a loop.
    return labels
