"""The client of Prometheus' API, against servers that are wrong, slow or hostile."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from fragtui.model.fleet.fleet import FleetError
from fragtui.sources.prometheus.client import MAX_ROWS, Access, Answer, PrometheusClient
from tests.support.certificate import make_certificate, needs_openssl, server_certificate

Handler = BaseHTTPRequestHandler
Respond = Callable[[Handler, str], None]
"""Answers a request with this body."""
ROW = {"metric": {"instance": "a", "job": "n"}, "value": [1000.5, "42"]}


def vector(*rows: object) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": rows}}).encode()


def sending(body: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> Respond:
    def respond(handler: Handler, _: str) -> None:
        handler.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **named}.items():
            handler.send_header(name, value)
        handler.end_headers()
        with suppress(OSError):
            handler.wfile.write(body)

    return respond


@contextmanager
def server(respond: Respond, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            respond(self, self.rfile.read(int(self.headers["Content-Length"])).decode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    with Quiet(("127.0.0.1", 0), Answering) as found:
        if tls is not None:
            found.socket = tls.wrap_socket(found.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{found.server_address[1]}"
        found.shutdown()


def error_of(respond: Respond, seconds: float = 5.0) -> str:
    with server(respond) as url, pytest.raises(FleetError) as caught:
        PrometheusClient(Access(url), seconds).query("up")
    text = str(caught.value)
    assert text.startswith(f"{url}: ") and text.isprintable()
    return text.removeprefix(f"{url}: ")


@pytest.mark.parametrize(
    ("respond", "words"),
    [
        (sending(b"<html>a page</html>", kind="text/html"), "not the API of a Prometheus: it answers text/html"),
        (sending(b" " * 25_000_000), "the answer is larger than 8M; --match selects nodes"),
        (sending(b"", 302, Location="https://u:secret@evil.example/"), "it redirects to https://evil.example (HTTP"),
        (sending(b"", 302, Location="https://["), "it does not speak HTTP"),
        (sending(b"Unauthorized", 401, "text/plain"), "HTTP 401: unauthorized; --token-file or --client-cert"),
        (sending(b"", 404), "HTTP 404: no Prometheus API at this URL"),
        (sending(b'{"error":"too many \\u001b[31m queries"}', 503), "HTTP 503: too many \\x1b[31m queries"),
        (sending(b"<html>", 503, "text/html"), "HTTP 503: Service Unavailable"),
        (sending(b"[" * 200_000, 500), "HTTP 500: Internal Server Error"),
        (sending(vector(ROW)[:-9]), "the answer is not that of a Prometheus"),
        (sending(vector(ROW), Content_Length="9999", Connection="close"), "the answer was cut off"),
        (sending(b"[" * 100_000), "the answer is not that of a Prometheus"),
        (sending(b"[" + b"{}," * 2_000_000), "the answer has too many values; --match selects nodes"),
        (sending(b"[]"), "the answer is not that of a Prometheus"),
        (sending(b'{"data":{"resultType":"scalar","result":[1,"1"]}}'), "the answer is not that of a Prometheus"),
        (sending(vector({"metric": {"instance": ["a"]}, "value": [1, "1"]})), "the answer is not that of a Prometheus"),
        (sending(vector({"metric": {}, "value": [1, None]})), "the answer is not that of a Prometheus"),
        (sending(vector({"metric": {}, "value": [1]})), "the answer is not that of a Prometheus"),
        (sending(vector({"metric": 7, "value": [1, "1"]})), "the answer is not that of a Prometheus"),
        (sending(vector("x")), "the answer is not that of a Prometheus"),
        (sending(b"\xff\xfe\x00"), "the answer is not that of a Prometheus"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_one_clear_line(respond: Respond, words: str) -> None:
    assert error_of(respond).startswith(words)


def test_a_redirect_is_not_followed_and_a_secret_in_it_is_not_repeated() -> None:
    asked: list[str] = []
    with server(lambda handler, body: (asked.append(body), sending(vector(ROW))(handler, body))[1]) as other:  # type: ignore[func-returns-value]
        assert "secret" not in error_of(sending(b"", 307, Location=f"{other}/?token=secret"))
    assert not asked


def test_a_server_that_sends_a_byte_now_and_then_is_left() -> None:
    def drip(handler: Handler, _: str) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        with suppress(OSError):
            while True:
                handler.wfile.write(b" ")
                time.sleep(0.05)

    started = time.monotonic()
    assert error_of(drip, 0.4) == "no answer within 0 s"
    assert time.monotonic() - started < 3


def test_a_server_whose_head_comes_byte_by_byte_is_left() -> None:
    def drip(handler: Handler, _: str) -> None:
        with suppress(OSError):
            for _byte in range(60):
                handler.wfile.write(b"H")
                time.sleep(0.05)

    started = time.monotonic()
    assert error_of(drip, 0.4) == "no answer within 0 s"
    assert time.monotonic() - started < 2


def test_a_server_that_never_answers_is_left() -> None:
    assert error_of(lambda handler, _: time.sleep(1.5), 0.3) == "no answer within 0 s"


def test_where_nothing_listens_the_connection_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = PrometheusClient(Access(f"http://127.0.0.1:{taken.getsockname()[1]}"))
        with pytest.raises(FleetError, match="connection refused"):
            client.query("up")


@pytest.mark.parametrize("url", ["http://..:80", "http://[::1", "ftp://x", "https://", "http://127.0.0.1:99999"])
def test_what_is_no_url_is_one_line(url: str) -> None:
    with pytest.raises(FleetError) as caught:
        PrometheusClient(Access(url, insecure_http=True)).query("up")
    assert str(caught.value).isprintable()


def test_numbers_that_are_none_are_left_out() -> None:
    rows = [{"metric": {"instance": text}, "value": [1, text]} for text in ("NaN", "+Inf", "-Inf", "1e999", "7")]
    with server(sending(vector(*rows))) as url:
        assert [value.number for value in PrometheusClient(Access(url)).query("up").values] == [7.0]


def test_rows_above_the_limit_are_not_read_and_are_noted() -> None:
    with server(sending(vector(*[ROW] * (MAX_ROWS + 5)))) as url:
        answer = PrometheusClient(Access(url)).query("up")
    assert len(answer.values) == MAX_ROWS
    assert answer.notes == (f"only {MAX_ROWS} of {MAX_ROWS + 5} rows are read; --match selects nodes",)


def test_warnings_of_the_server_are_notes() -> None:
    body = json.loads(vector(ROW)) | {"warnings": ["results truncated \x1b[2J", 7, {"a": []}]}
    with server(sending(json.dumps(body).encode())) as url:
        assert PrometheusClient(Access(url)).query("up").notes == ("results truncated \\x1b[2J",)


def test_the_token_is_read_again_at_each_request_and_never_shown(tmp_path: Path) -> None:
    seen: list[tuple[str | None, str | None]] = []

    def respond(handler: Handler, body: str) -> None:
        seen.append((handler.headers["Authorization"], handler.headers["X-Scope-OrgID"]))
        assert parse_qs(body)["query"] == ["up"]
        sending(vector(ROW))(handler, body)

    file = tmp_path / "token"
    with server(respond) as url:
        client = PrometheusClient(Access(url, token_file=file, tenant="team-a"))
        for token in ("first", "second"):
            file.write_text(f"{token}\n")
            client.query("up")
        for wrong in ("", "two words", "a\nb: c", "é"):
            file.write_text(wrong)
            with pytest.raises(FleetError, match="does not contain a token"):
                client.query("up")
        file.unlink()
        with pytest.raises(FleetError, match="no such file"):
            client.query("up")
    assert seen == [("Bearer first", "team-a"), ("Bearer second", "team-a")]


@pytest.mark.parametrize("token", ["short-secret", "secret" * 100])
def test_a_token_that_the_server_repeats_is_not_shown(token: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(token)
    refused = json.dumps({"error": f"{'x' * 180} {token}"}).encode()
    with server(sending(refused, 401)) as url, pytest.raises(FleetError) as caught:
        PrometheusClient(Access(url, token_file=file)).query("up")
    assert str(caught.value).endswith(f"{'x' * 180} [token]")
    body = json.dumps(json.loads(vector(ROW)) | {"warnings": [f"you sent {token}"]}).encode()
    with server(sending(body)) as url:
        assert PrometheusClient(Access(url, token_file=file)).query("up").notes == ("you sent [token]",)


def test_a_connection_is_kept_and_opened_again_when_the_server_closed_it() -> None:
    ports: list[int] = []

    def respond(handler: Handler, body: str) -> None:
        ports.append(handler.client_address[1])
        sending(vector(ROW))(handler, body)
        handler.close_connection = len(ports) == 2

    with server(respond) as url:
        client = PrometheusClient(Access(url))
        for _ in range(3):
            assert client.query("up").values
            time.sleep(0.05)
    assert ports[0] == ports[1] != ports[2]


def test_several_queries_come_back_in_order_and_one_error_ends_them() -> None:
    def respond(handler: Handler, body: str) -> None:
        name = parse_qs(body)["query"][0]
        if name == "bad":
            return sending(b'{"error":"parse error"}', 400)(handler, body)
        return sending(vector({"metric": {"q": name}, "value": [1, "1"]}))(handler, body)

    names = [f"q{number}" for number in range(9)]
    with server(respond) as url:
        client = PrometheusClient(Access(url))
        assert [answer.values[0].labels["q"] for answer in client.query_all(names)] == names
        with pytest.raises(FleetError, match="HTTP 400: parse error"):
            client.query_all([*names, "bad"])


def test_an_error_in_the_second_thread_is_raised_in_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: PrometheusClient, expression: str) -> Answer:
        time.sleep(0.02)  # So that both threads have one.
        if threading.current_thread().name == "fragtui-fleet":
            raise RuntimeError("can't start new thread")
        return Answer([])

    monkeypatch.setattr(PrometheusClient, "query", fail)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        PrometheusClient(Access("http://localhost")).query_all(["a", "b", "c"])


def test_http_to_another_machine_needs_to_be_allowed() -> None:
    for url in ("http://prometheus.example:9090", "http://10.0.0.1", "http://127.0.0.1.evil.example"):
        with pytest.raises(FleetError, match="--insecure-http"):
            PrometheusClient(Access(url))
        assert "without TLS" in (PrometheusClient(Access(url, insecure_http=True)).warning or "")
    for url in ("http://localhost:9090", "http://[::1]:9090", "http://127.9.9.9", "prometheus.example"):
        assert PrometheusClient(Access(url)).warning is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://me:secret@prometheus.example", "password"),
        ("https://me:secret@prometheus.example:99x", "not a URL"),
        ("https://me:secret@[prometheus.example", "not a URL"),
        ("http://localhost\\:secret@evil.example", "password"),
        ("https://prometheus.example/?token=secret", "must not contain ?"),
        ("http://127.0.0.1#secret@evil.example", "must not contain ? or #"),
    ],
)
def test_a_secret_in_the_url_is_refused_and_not_repeated(url: str, words: str) -> None:
    with pytest.raises(FleetError) as caught:
        PrometheusClient(Access(url))
    assert "secret" not in str(caught.value) and words in str(caught.value)


@pytest.mark.parametrize("path", ["/a b", "/\x1b[2J", "/é"])
def test_a_path_that_no_request_may_have_is_refused(path: str) -> None:
    with pytest.raises(FleetError, match="expected https://HOST") as caught:
        PrometheusClient(Access(f"https://prometheus.example{path}"))
    assert str(caught.value).isprintable()


def test_a_tenant_can_add_no_header() -> None:
    with pytest.raises(FleetError, match="tenant"):
        PrometheusClient(Access("http://localhost", tenant="a\r\nX: b"))


def test_the_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with server(sending(vector(ROW))) as url:
        assert PrometheusClient(Access(url)).query("up").values


@needs_openssl
def test_tls_needs_the_authority_and_shows_the_client_certificate(tmp_path: Path) -> None:
    certificate, key = server_certificate()
    client_certificate = make_certificate(tmp_path, "client")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    tls.load_verify_locations(client_certificate)
    tls.verify_mode = ssl.CERT_REQUIRED
    with server(sending(vector(ROW)), tls) as url:
        own = Access(url, None, certificate, client_certificate, client_certificate.with_suffix(".key"))
        assert PrometheusClient(own).query("up").values
        with pytest.raises(FleetError, match=r"not signed by a known authority.*--ca"):
            PrometheusClient(own._replace(authority=None)).query("up")
        with pytest.raises(FleetError, match=r"--client-cert|closes the connection|connection reset"):
            PrometheusClient(Access(url, authority=certificate)).query("up")
        with pytest.raises(FleetError, match=r"it closes the connection|does not speak|connection reset"):
            PrometheusClient(Access(url.replace("https", "http"))).query("up")


def test_files_that_are_no_certificates_are_named(tmp_path: Path) -> None:
    wrong, missing = tmp_path / "wrong.pem", tmp_path / "missing.pem"
    wrong.write_text("no certificate")
    for access, name in (
        (Access("https://x", authority=missing), "missing.pem: no such file"),
        (Access("https://x", authority=wrong), "wrong.pem: "),
        (Access("https://x", certificate=wrong), "wrong.pem: "),
    ):
        with pytest.raises(FleetError, match=name):
            PrometheusClient(access)


def test_a_server_without_tls_is_named(tmp_path: Path) -> None:
    with server(sending(vector(ROW))) as url, pytest.raises(FleetError, match="does not speak TLS"):
        PrometheusClient(Access(url.replace("http", "https"))).query("up")


@pytest.mark.parametrize("text", ["".join(map(chr, range(128))), 'a{b=~"x|\\\\.y"} + 2 % 3 & é', "\ud800 lone", "日本"])
def test_every_sign_of_an_expression_arrives(text: str) -> None:
    seen: list[str] = []

    def respond(handler: Handler, body: str) -> None:
        seen.extend(parse_qs(body, strict_parsing=True)["query"])
        sending(vector())(handler, body)

    with server(respond) as url:
        PrometheusClient(Access(url)).query(text)
    assert seen == [text.encode("utf-8", "replace").decode()]
