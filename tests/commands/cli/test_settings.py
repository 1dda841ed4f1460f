"""Settings on the command line: precedence, `fragtui config`, mistakes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main, parse
from fragtui.commands.cli.settings import read_only_because
from tests.support.host_tree import HostTree
from tests.support.trusted import trusted_folder


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the place of the user's file."""
    with trusted_folder() as folder:
        (folder / "fragtui").mkdir(0o755)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
        yield folder / "fragtui/config.toml"


def write(path: Path, text: str, mode: int = 0o644) -> None:
    path.write_text(text)
    path.chmod(mode)


def called(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    try:
        status = main(list(words))
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.slow
def test_option_over_variable_over_file_over_default(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = ["record", "x.rec"]
    assert parse(line).interval == 1.0
    write(user, "interval = 5\norder = 7\n")
    assert parse(line).interval == 5.0
    assert parse(["check"]).order == 7
    assert parse(["--order", "2", "check"]).order == parse(["check", "--order", "2"]).order == 2
    monkeypatch.setenv("FRAGTUI_INTERVAL", "4")
    assert parse(line).interval == 4.0
    assert parse([*line, "--interval", "3"]).interval == 3.0
    assert parse([]).interval == 4.0
    assert parse([]).order == 7


def test_the_guards_order_is_that_of_its_policy(user: Path) -> None:
    write(user, "order = 7\n")
    assert parse(["guard"]).order is None


def test_read_only_names_its_source(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_only_because(parse(["compact"])) is None
    write(user, "read_only = true\n")
    assert read_only_because(parse(["compact"])) == f"read_only of {user}:1"
    assert read_only_because(parse(["compact", "--read-only"])) == "--read-only"
    monkeypatch.setenv("FRAGTUI_READ_ONLY", "0")
    assert read_only_because(parse([])) == f"read_only of {user}:1"


def test_a_users_read_only_stops_a_verb(user: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(user, "read_only = true\n")
    root = HostTree.small(tmp_path).root
    status, _, err = called(capsys, "compact", "--yes", "--root", str(root))
    assert (status, err) == (3, f"fragtui compact: compact not run: read_only of {user}:1\n")


@pytest.mark.parametrize(
    ("text", "verb", "status", "error"),
    [
        ("interval = 500", "record x.rec", 2, "{0}:1: interval: 500: expected 0.2 to 60 seconds"),
        ("order = 99", "check", 3, "{0}:1: order: 99: expected an order, 0 to 30"),
        ("ordr = 9", "check", 3, "{0}: line 1: ordr: expected one of"),
        ("ordr = 9", "", 2, "{0}: line 1: ordr: expected one of"),
        ("[keys]\nzoom = 'c'", "config", 2, "{0}:2: keys.zoom: c is a key of compact, too"),
        ("[keys]\n\nzom = 'c'", "config", 2, "{0}:3: keys.zom: expected one of abort, "),
        ("theme = 'pink'", "config", 2, "{0}:1: theme: pink: expected one of auto, "),
        ("ordr = 9", "config", 2, "{0}: line 1: ordr: expected one of"),
    ],
)
def test_a_mistake_is_one_line_and_the_status_of_wrong_usage(
    user: Path, capsys: pytest.CaptureFixture[str], text: str, verb: str, status: int, error: str
) -> None:
    write(user, text)
    found = called(capsys, *verb.split())
    assert found[:2] == (status, "")
    command = f"fragtui {verb}".split(" x.rec", maxsplit=1)[0].strip()
    assert found[2].startswith(f"{command}: {error.format(user)}")
    assert found[2].count("\n") == 1


@pytest.mark.parametrize(
    "line", ["--help", "check --help", "help check", "version", "--version", "gfp 0xcc0 --kernel 4.19"]
)
def test_what_needs_no_setting_works_with_a_broken_file(
    user: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    write(user, "broken")
    status, out, err = called(capsys, *line.split())
    assert (status, err) == (0, "")
    assert out


def test_a_file_that_is_not_trusted_is_named_and_not_used(
    user: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(user, "order = 9\n", 0o666)
    status, out, err = called(capsys, "check", "--root", str(HostTree.small(tmp_path).root), "--json")
    assert (status, json.loads(out)["order"]) == (0, 3)
    assert err == f"fragtui check: not used: {user} can be written by others than root (mode 0666)\n"
    assert called(capsys, "config")[0] == 3


def test_config_prints_each_setting_with_its_source(
    user: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(user, 'order = 7\n[keys]\ncompact = ["B", "f5"]\n')
    monkeypatch.setenv("FRAGTUI_ASCII", "1")
    site = tmp_path / "etc/fragtui/config.toml"
    site.parent.mkdir(parents=True)
    write(site, 'confirm = "type"\nallowed_remedies = ["sync", "compact"]\n')
    words = ["config", "--interval", "2", "--root", str(tmp_path)]
    status, out, err = called(capsys, *words)
    assert (status, err) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert rows["interval"] == ["2.0", "--interval"]
    assert rows["order"] == ["7", f"{user}:1"]
    assert rows["ascii"] == ["true", "FRAGTUI_ASCII"]
    assert rows["read_only"] == ["false", "default"]
    assert rows["confirm"] == ["type", str(site)]
    assert rows["allowed_remedies"] == ["sync", "compact", str(site)]
    assert rows["keys.compact"] == ["B", "f5", f"{user}:3"]
    assert rows["idle_exit"] == ["off", "default"]
    rows = {line.split()[0]: line.split()[1:] for line in called(capsys, "config")[1].splitlines()}
    assert rows["allowed_remedies"] == ["all", "default"], "not as if none were allowed"
    status, out, _ = called(capsys, *words, "--read-only", "-o", "json")
    settings = json.loads(out)["settings"]
    assert settings["read_only"] == {"value": True, "from": "--read-only"}
    assert settings["theme"] == {"value": "auto", "from": "default"}
    assert settings["allowed_remedies"] == {"value": ["sync", "compact"], "from": str(site)}


@pytest.mark.parametrize(("given", "seconds"), [("30m", 1800.0), ("90", 90.0), ("1s", 1.0), ("30d", 2_592_000.0)])
def test_idle_exit_is_off_until_a_setting_has_a_duration(
    user: Path, capsys: pytest.CaptureFixture[str], given: str, seconds: float
) -> None:
    def found(*words: str) -> dict[str, object]:
        entry = json.loads(called(capsys, "config", "-o", "json", *words)[1])["settings"]["idle_exit"]
        assert isinstance(entry, dict)
        return entry

    assert found() == {"value": None, "from": "default"}
    write(user, f'idle_exit = "{given}"\n')
    assert found() == {"value": seconds, "from": f"{user}:1"}
    assert found("--idle-exit", "off") == {"value": None, "from": "--idle-exit"}


@pytest.mark.parametrize("given", ["0", "0.5s", "31d", "-5m", "soon", "", "nan", "1e3"])
def test_idle_exit_takes_no_other_text(capsys: pytest.CaptureFixture[str], given: str) -> None:
    status, _, err = called(capsys, f"--idle-exit={given}")
    assert status == 2
    assert "expected off, or 1s to 30d" in err


def test_config_says_why_no_remedy_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "etc/fragtui/config.toml"
    site.parent.mkdir(parents=True)
    write(site, "read_only = true\n", 0o666)
    status, _, err = called(capsys, "config", "--root", str(tmp_path))
    assert status == 3
    assert err.startswith("fragtui config: no remedy runs: the site's policy can't be read: ")


def test_check_report_and_metrics_follow_the_thresholds(
    user: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(HostTree.small(tmp_path / "host").root)
    plain = ["--order", "9", "--root", root]
    status, out, _ = called(capsys, "check", *plain, "--plugin", "nagios")
    (blocks,) = re.findall(r"blocks=(\d+);16:;1:;0", out)
    assert status == 0
    write(user, f"[thresholds]\nlow_blocks = {int(blocks) + 1}\n")
    status, out, _ = called(capsys, "check", *plain, "--json")
    assert (status, json.loads(out)["state"]) == (1, "low")
    assert f"blocks={blocks};{int(blocks) + 1}:;1:;0" in called(capsys, "check", *plain, "--plugin", "nagios")[1]
    assert "LOW" in called(capsys, "report", *plain)[1]
    assert called(capsys, "export", *plain, "--textfile", str(tmp_path / "node.prom"))[0] == 0
    assert 'fragtui_state{order="9",state="low"} 1.0' in (tmp_path / "node.prom").read_text()
    assert f"< {int(blocks) + 1}\n" in called(capsys, "export", *plain, "--rules")[1]


def test_config_prints_thresholds_with_their_source(user: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(user, "[thresholds]\nlow_share = 90\n")
    status, out, _ = called(capsys, "config")
    rows = [line.split() for line in out.splitlines() if line.startswith("thresholds.")]
    assert status == 0
    assert rows == [
        ["thresholds.low_blocks", "16", "default"],
        ["thresholds.low_share", "90.0", f"{user}:2"],
        ["thresholds.recovering_seconds", "300.0", "default"],
    ]
