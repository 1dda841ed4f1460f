"""Options for output: equal for every verb, and JSON with the number of its schema."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest

from fragtui.commands.cli.output import takes_colour
from fragtui.commands.cli.parser import main, parse
from fragtui.json_line import SCHEMA, json_line
from fragtui.model.remedy.remedy_history import EndEntry, EvidenceEntry, IntentEntry, Result
from fragtui.remedies.audit.log import AuditLog
from tests.support.host_tree import HostTree


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    log, now = AuditLog(tmp_path / "audit.jsonl"), time.time()
    for name, ago, gain, result in (
        ("old", 9000, 80, Result.DONE),
        ("none", 90, 0, Result.DONE),
        ("bad", 30, 5, Result.FAILED),
    ):
        log.append(IntentEntry(name, now - ago, "compact", (), (), "command", 1, 0, order=4, blocks=10))
        log.append(EndEntry(name, now - ago + 1, result, 0.1))
        log.append(EvidenceEntry(name, now - ago + 2, 0, 4, 10 + gain))
    return tmp_path / "audit.jsonl"


@pytest.mark.parametrize(
    ("choice", "no_color", "term", "terminal", "other"),
    [
        ("auto", None, "xterm", True, False),
        ("auto", "1", "xterm", False, False),
        ("auto", "", "xterm", True, False),
        ("auto", None, "dumb", False, False),
        ("auto", None, None, False, False),
        ("always", "1", "dumb", True, True),
        ("never", None, "xterm", False, False),
    ],
)
def test_colour_follows_option_then_no_color_then_terminal(
    monkeypatch: pytest.MonkeyPatch, choice: str, no_color: str | None, term: str | None, terminal: bool, other: bool
) -> None:
    for name, value in (("NO_COLOR", no_color), ("TERM", term)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert takes_colour(Terminal(), choice) is terminal
    assert takes_colour(io.StringIO(), choice) is other
    closed = io.StringIO()
    closed.close()
    assert takes_colour(closed, choice) is other


@pytest.mark.parametrize("verb", ["check", "history"])
def test_colour_is_as_asked_for(
    verb: str, tmp_path: Path, audit: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    words = [verb, "--root", str(HostTree.small(tmp_path / "host").root)]
    words += ["--audit", str(audit)] if verb == "history" else []
    seen = []
    for choice in ("auto", "never", "always"):
        main([*words, "--color", choice])
        seen.append(capsys.readouterr().out)
    assert seen[0] == seen[1]
    assert "\x1b" not in seen[0]
    assert "\x1b[" in seen[2]


def test_history_is_green_with_a_gain_yellow_without_and_red_after_a_failure(
    audit: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["history", "--color", "always", "--audit", str(audit)])
    assert [line[:5] for line in capsys.readouterr().out.splitlines()] == ["\x1b[32m", "\x1b[33m", "\x1b[31m"]


def test_history_takes_the_remedies_of_a_range_only(audit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, ids in (
        (["--since", "1h ago"], ["none", "bad"]),
        (["--until", "-1h"], ["old"]),
        (["--since", "-1h", "--last", "1"], ["bad"]),
        (["--since", "+1h"], []),
    ):
        assert main(["history", "-o", "json", "--audit", str(audit), *words]) == 0
        assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == ids
    main(["history", "--audit", str(audit), "--since", "tomorrow"])
    assert "has none since 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line",
    [
        "check --root HOST",
        "explain LOG",
        "gfp 0xcc0 --kernel 4.19",
        "history --audit AUDIT",
        "compact --read-only",
        "report --root HOST",
    ],
)
def test_every_json_object_begins_with_its_schema_by_either_option(
    line: str, tmp_path: Path, audit: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "kern.log"
    log.write_text("a: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL)\n")
    host = HostTree.small(tmp_path / "host").root
    words = line.replace("HOST", str(host)).replace("LOG", str(log)).replace("AUDIT", str(audit)).split()
    printed = []
    for option in (["--json"], ["-o", "json"], ["-ojson"]):
        main([*words, *option])
        printed.append([json.loads(row) for row in capsys.readouterr().out.splitlines()])
    assert printed[0]
    for objects in printed:
        assert [next(iter(item.items())) for item in objects] == [("schema", SCHEMA)] * len(printed[0])
    assert parse(["gfp", "0", "--json", "-o", "text"]).json is False


@pytest.mark.parametrize("line", ["check --root HOST", "report --root HOST", "explain LOG"])
def test_wide_is_the_format_with_more_rows(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kern.log").write_text("a: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL)\n")
    host = HostTree.small(tmp_path / "host").root
    words = line.replace("HOST", str(host)).replace("LOG", str(tmp_path / "kern.log")).split()
    switch = {"check": "--wide", "report": "--full", "explain": "--all"}[words[0]]
    shown = []
    for options in ([], ["-o", "wide"], [switch]):
        main([*words, *options])
        shown.append(capsys.readouterr().out)
    assert shown[1] == shown[2] != shown[0]
    with pytest.raises(SystemExit):
        main(["gfp", "0", "-o", "wide"])
    assert "wide: expected text or json" in capsys.readouterr().err


def test_schema_is_never_another_field() -> None:
    assert json.loads(json_line({"a": 1})) == {"schema": SCHEMA, "a": 1}
    assert json_line({"a": "é"}, ascii_only=False).isascii() is False


def test_quiet_prints_only_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = str(HostTree.small(tmp_path / "host").root)
    assert main(["check", "-q", "--root", host]) == 0
    assert capsys.readouterr() == ("", "")
    assert main(["compact", "-q", "-y", "--root", host]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("fragtui compact: compact not run: ")
    assert main(["record", str(tmp_path / "x.rec"), "-q", "--root", host, "--for", "0.1", "--kubelet-log", "none"]) == 0
    assert capsys.readouterr() == ("", "")
    assert (tmp_path / "x.rec").exists()


def test_a_plan_that_is_not_printed_needs_its_confirmation_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drop-caches", "-q", "--root", str(HostTree.small(tmp_path).root)]) == 2
    assert "add --yes" in capsys.readouterr().err
