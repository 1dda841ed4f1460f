"""Options may be before the verb or after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fragtui import __version__
from fragtui.commands.cli.parser import build, main
from fragtui.commands.cli.verbs import VERBS
from tests.support.host_tree import HostTree


@pytest.mark.parametrize("before", [True, False])
def test_a_common_option_is_kept_on_either_side_of_the_verb(tmp_path: Path, before: bool) -> None:
    options = ["--root", str(tmp_path), "--order", "5", "--read-only", "--audit", "a.jsonl"]
    words = [*options, "compact"] if before else ["compact", *options]
    args = build(words).parse_args(words)
    assert (args.root, args.order, args.read_only, args.audit) == (tmp_path, 5, True, Path("a.jsonl"))


def test_after_the_verb_wins_and_without_either_the_defaults_hold(tmp_path: Path) -> None:
    words = ["--order", "5", "check", "--order", "7"]
    assert build(words).parse_args(words).order == 7
    args = build(["check"]).parse_args(["check"])
    assert (args.root, args.order, args.read_only, args.audit) == (Path("/"), None, False, None)


def test_read_only_before_the_verb_disables_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--read-only", "--root", str(HostTree.small(tmp_path).root), "compact", "--yes"]) == 3
    assert "--read-only" in capsys.readouterr().err


def test_a_directory_that_is_called_like_a_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    HostTree.small(tmp_path / "compact")
    monkeypatch.chdir(tmp_path)
    words = ["--root", "compact", "check"]
    args = build(words).parse_args(words)
    assert args.root == tmp_path / "compact"
    assert main(words) == 0


def test_help_names_every_verb_and_version_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    for word, wanted in (("--help", VERBS), ("--version", (__version__,))):
        with pytest.raises(SystemExit):
            main([word])
        shown = capsys.readouterr().out
        assert all(each in shown for each in wanted)
