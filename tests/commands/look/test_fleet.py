"""The command line of ``fragtui fleet``: one line for each error, and nothing but JSON for a program."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from fragtui.commands.cli.parser import main
from fragtui.sources.prometheus.client import NOW
from tests.sources.prometheus.test_client import Handler, Respond, sending, server, vector


def row(instance: str, number: float) -> object:
    return {"metric": {"instance": instance, "job": "n"}, "value": [1000.0, str(number)]}


def gauges(severities: dict[str, int], down: str = "") -> Respond:
    """Return an API that knows nodes by fragtui's gauges: 40 blocks each."""

    def respond(handler: Handler, body: str) -> None:
        query = parse_qs(body)["query"][0]
        rows: list[object] = []
        if query == NOW:
            rows = [row("", 1000)]
        elif query.startswith("count by (job) (fragtui_severity"):
            rows = [{"metric": {"job": "n"}, "value": [1000.0, str(len(severities))]}]
        elif query.startswith("up{"):
            rows = [row(down, 0)] if down else []
        elif query.startswith("timestamp(up{"):
            rows = [row(name, 990 * (name != down)) for name in severities]
        elif query.startswith("max by (instance, job) (fragtui_target_blocks"):
            rows = [row(name, 40) for name, severity in severities.items() if name != down and severity < 3]
        elif query.startswith("fragtui_severity") and query.endswith("> 0"):
            rows = [row(name, severity) for name, severity in severities.items() if name != down and severity]
        sending(vector(*rows))(handler, body)

    return respond


@pytest.mark.parametrize(
    ("severities", "down", "status"),
    [
        ({"a": 0, "b": 0}, "", 0), ({"a": 0, "b": 1}, "", 1), ({"a": 2, "b": 3}, "", 1), ({"a": 0, "b": 3}, "", 3),
        ({"a": 0, "b": 2}, "b", 3), ({"a": 1, "b": 0}, "b", 1),
    ],
)  # fmt: skip
def test_the_exit_status_says_whether_all_nodes_are_fine(
    severities: dict[str, int], down: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with server(gauges(severities, down)) as url:
        assert main(["fleet", "--prometheus", url, "--once", "--order", "9"]) == status
    printed = capsys.readouterr()
    assert printed.out.startswith("2 nodes, blocks of 2M (order 9), by fragtui on each node: ") and not printed.err


def test_json_is_one_object_with_a_schema(capsys: pytest.CaptureFixture[str]) -> None:
    with server(gauges({"a": 0, "b": 2})) as url:
        assert main(["fleet", "--prometheus", url, "-o", "json", "--size", "32M"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["order"], found["block_bytes"]) == (1, 13, 32 << 20)
    assert [(node["name"], node["severity"], node["blocks"]) for node in found["nodes"]] == [("b", 2, 40), ("a", 0, 40)]


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        ((), 2, "the following arguments are required: --prometheus"),
        (("--prometheus", "http://localhost:1", "--size", "3M"), 2, "--size: 3M: expected a power of two from 4K on"),
        (("--prometheus", "x", "--size", "2M", "--order", "4"), 2, "--size and --order exclude each other"),
        (("--prometheus", "x", "--interval", "0.1s"), 2, "--interval: 0.1s: expected a time from 1s to 1h"),
        (("--prometheus", "x", "--group-by", "a b"), 2, "--group-by: a b: expected the name of a label"),
        (("--prometheus", "x", "--client-key", "k"), 2, "--client-key needs --client-cert"),
        (("--prometheus", "https://u:secret@h", "--once"), 3, "must not contain a name or password"),
        (("--prometheus", "http://prometheus.example", "--once"), 3, "--insecure-http"),
        (("--prometheus", "http://127.0.0.1:1", "--once"), 3, "http://127.0.0.1:1: connection refused"),
        (("--prometheus", "http://127.0.0.1:1", "--once", "--order", "20"), 3, "no kernel has blocks of order 20"),
        (("--prometheus", "https://h", "--ca", "/none"), 3, "/none: no such file or directory"),
    ],
)
def test_what_can_not_be_done_is_one_line(
    words: tuple[str, ...], status: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        assert main(["fleet", *words]) == status
    except SystemExit as ended:
        assert ended.code == status
    printed = capsys.readouterr()
    assert text in printed.err and "secret" not in printed.err and not printed.out
    assert printed.err.startswith("fragtui fleet: ") and printed.err.count("\n") == 1


def test_a_wrong_endpoint_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret-token")
    with server(sending(b"<html>", kind="text/html")) as url:
        assert main(["fleet", "--prometheus", f"{url}/grafana", "--once", "--token-file", str(token)]) == 3
    err = capsys.readouterr().err
    assert err == f"fragtui fleet: {url}/grafana: not the API of a Prometheus: it answers text/html\n"
