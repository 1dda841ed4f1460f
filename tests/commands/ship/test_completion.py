"""Completions and the man page, in the hands of the shells and of groff themselves."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest
import shtab

from fragtui.commands.cli.parser import build, main
from fragtui.commands.cli.verbs import VERBS
from fragtui.commands.ship import man


def script(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(list(words)) == 0
    return capsys.readouterr().out


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def ran(*command: str, given: str = "", where: Path | None = None) -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=30, cwd=where)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("line", "wanted", "unwanted"),
    [
        ("fragtui che", {"check"}, {"compact"}),
        ("fragtui --root / che", {"check"}, set()),
        ("fragtui --ord", {"--order"}, set()),
        ("fragtui check --j", {"--json"}, set()),
        ("fragtui drop-caches ", {"1", "2", "3"}, set()),
        ("fragtui drop-caches --", {"--yes", "--sync"}, {"--node"}),
        ("fragtui completion ", {"bash", "zsh", "fish"}, set()),
        ("fragtui check --root ro", {"roots"}, {"rofile"}),
        ("fragtui report -o ro", {"roots", "rofile"}, set()),
    ],
)
def test_bash_completes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, wanted: set[str], unwanted: set[str]
) -> None:
    needs("bash")
    (tmp_path / "roots").mkdir()
    (tmp_path / "rofile").touch()
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    ask = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _shtab_fragtui; printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    ran("bash", "-n", given=script(capsys, "completion", "bash"))
    offered = set(ran("bash", given=script(capsys, "completion", "bash") + ask, where=tmp_path).split())
    assert wanted <= offered
    assert not unwanted & offered


@pytest.mark.parametrize("shell", shtab.SUPPORTED_SHELLS)
def test_every_verb_and_option_is_in_the_script_of_every_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(capsys, "completion", shell)
    assert not {word for word in (*VERBS, "root", "read-only", "kubeconfig", "manifests") if word not in text}


def test_fish_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("fish")
    (tmp_path / "f.fish").write_text(script(capsys, "completion", "fish"))
    ask = (
        "source f.fish; complete -C 'fragtui che'; complete -C 'fragtui check --j'; complete -C 'fragtui completion z'"
    )
    offered = [line.split("\t")[0] for line in ran("fish", "--no-config", "-c", ask, where=tmp_path).splitlines()]
    assert offered == ["check", "--json", "zsh"]


def test_zsh_takes_the_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("zsh")
    (tmp_path / "_fragtui").write_text(script(capsys, "completion", "zsh"))
    ran("zsh", "-n", "_fragtui", where=tmp_path)
    start = "fpath=($PWD $fpath); autoload -U compinit; compinit -u -d dump"
    ask = f'{start}; print $_comps[fragtui]; eval "$(<_fragtui)"; print $_comps[fragtui]'
    assert ran("zsh", "-f", "-c", ask, where=tmp_path).split() == ["_fragtui", "_shtab_fragtui"]


def test_every_verb_and_option_is_in_the_man_page(capsys: pytest.CaptureFixture[str]) -> None:
    needs("groff")
    page = script(capsys, "man")
    shown = ran("groff", "-man", "-Tutf8", "-ww", "-P-cbou", given=page)
    parser = build((), whole=True)
    (verbs,) = (action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    assert set(verbs) == set(VERBS)
    flags = {
        flag
        for command in (parser, *verbs.values())
        for action in command._actions
        for flag in action.option_strings
        if flag not in ("-h", "--help")
    }
    plain = shown.replace("‐", "-").replace("−", "-")
    assert len(flags) > 25
    assert not {word for word in (*VERBS, *flags) if word not in plain}
    assert {"EXIT STATUS", "ENVIRONMENT", "FILES"} <= set(plain.splitlines())
    assert "/var/log/fragtui/audit.jsonl" in plain
    statuses = [verb.epilog for verb in verbs.values() if verb.epilog]
    assert len(statuses) == len(VERBS)
    assert " ".join(plain.split()).count("Exit status: ") == len(VERBS)


def test_without_its_library_the_man_page_is_one_line_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(man, "Manpage", None)
    assert main(["man"]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert err.count("\n") == 1
    assert "fragtui[man]" in err


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["completion", "ksh"])
    assert stopped.value.code == 2
    assert "ksh" in capsys.readouterr().err
