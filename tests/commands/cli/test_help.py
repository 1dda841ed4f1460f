"""The help: what exists, in groups, with examples that work as they are printed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from fragtui.commands.cli.exit_status import EXIT_MEANINGS, Exit
from fragtui.commands.cli.parser import main, parse
from fragtui.commands.cli.suggestions import did_you_mean
from fragtui.commands.cli.verbs import SCREEN, VERBS, Verb
from tests.support.places import REPOSITORY

EXAMPLES = [example.command for verb in (SCREEN, *VERBS.values()) for example in verb.examples]


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    try:
        status = main(list(words))
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    out, err = capsys.readouterr()
    assert (status, err) == (Exit.DONE, "")
    return out


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_is_the_same_by_word_and_by_option(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "help", verb)
    assert text == printed(capsys, verb, "--help")
    assert "\nexamples:\n  # " in text
    assert all(f"\n  {example.command}\n" in text for example in VERBS[verb].examples)
    assert max(map(len, text.splitlines())) <= 80


def test_the_help_has_groups_and_a_line_to_start_with(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "help")
    assert text == printed(capsys, "--help") == printed(capsys, "-h")
    headings = re.findall(r"^(\w+):$", text, re.MULTILINE)
    assert headings == ["Look", "Fix", "Record", "Automate", "Ship", "options", "examples"]
    assert text.count("Start here: sudo fragtui") == 1
    assert max(map(len, text.splitlines())) <= 80


def test_version_is_the_same_by_word_and_by_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "version") == printed(capsys, "--version")


@pytest.mark.parametrize("command", EXAMPLES)
def test_every_example_is_right_usage(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("sosreport-node7", "must-gather"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path)
    line = re.sub(r"--root /host\b", "--root .", command)
    words = [word for word in shlex.split(line, comments=True) if word != "sudo"]
    begin = next(index for index, word in enumerate(words) if word.endswith("fragtui"))
    end = next((index for index, word in enumerate(words) if word in ("|", "||", ">") and index > begin), len(words))
    args = parse([word.rstrip(")") for word in words[begin + 1 : end]])
    assert callable(args.run)


@pytest.mark.parametrize(("name", "verb"), [("", SCREEN), *VERBS.items()])
def test_every_verb_has_examples_and_statuses_of_the_one_table(name: str, verb: Verb) -> None:
    assert verb.examples
    assert Exit.DONE in verb.statuses
    assert Exit.USAGE in verb.statuses
    assert set(verb.statuses) <= {status for status, *_ in EXIT_MEANINGS}


def test_the_readme_has_the_table_of_exit_statuses() -> None:
    assert [status for status, *_ in EXIT_MEANINGS] == list(Exit)
    rows = "".join(f"| {status.value} | {meaning} | {check} |\n" for status, meaning, check in EXIT_MEANINGS)
    assert rows in (REPOSITORY / "README.md").read_text()


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("chekc", " Did you mean check?"),
        ("repot", " Did you mean report?"),
        ("replya", " Did you mean replay?"),
        ("dropcaches", " Did you mean drop-caches?"),
        ("GUARD", " Did you mean guard?"),
        ("xyzzy", ""),
        ("", ""),
        ("guard" * 100_000, ""),
    ],
)
def test_an_unknown_word_gets_the_nearest_known_ones(word: str, meant: str) -> None:
    assert did_you_mean(word, VERBS) == meant


def test_options_are_offered_only_where_they_mean_something(capsys: pytest.CaptureFixture[str]) -> None:
    for verb, entry in VERBS.items():
        text = printed(capsys, "help", verb)
        for option in ("root", "audit", "read-only"):
            assert (f"--{option}" in text.partition("\n\n")[0]) == (option in entry.common), verb
