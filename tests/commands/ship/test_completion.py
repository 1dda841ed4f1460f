"""Completions and the man page, in the hands of the shells and of groff themselves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import VERBS, build, main
from fragtui.commands.ship import command_tree


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
        ("fragtui drop-caches ", {"1", "2", "3", "--yes", "--sync"}, {"--node"}),
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
    ask = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _fragtui; printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    told = set(ran("bash", given=script(capsys, "completion", "bash") + ask, where=tmp_path).split())
    assert wanted <= told
    assert not unwanted & told


def test_fish_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("fish")
    (tmp_path / "f.fish").write_text(script(capsys, "completion", "fish"))
    ask = (
        "source f.fish; complete -C 'fragtui che'; complete -C 'fragtui check --j'; complete -C 'fragtui completion z'"
    )
    told = [line.split("\t")[0] for line in ran("fish", "--no-config", "-c", ask, where=tmp_path).splitlines()]
    assert told == ["check", "--json", "zsh"]


def test_zsh_takes_the_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("zsh")
    (tmp_path / "_fragtui").write_text(script(capsys, "completion", "zsh"))
    ran("zsh", "-n", "_fragtui", where=tmp_path)
    ask = "autoload -U compinit; compinit -u -d dump; source ./_fragtui; print $_comps[fragtui]"
    assert ran("zsh", "-f", "-c", ask, where=tmp_path).strip() == "_fragtui"


def test_every_verb_and_option_is_in_the_man_page(capsys: pytest.CaptureFixture[str]) -> None:
    needs("groff")
    page = script(capsys, "man")
    shown = ran("groff", "-man", "-Tutf8", "-ww", "-P-cbou", given=page)
    tree = command_tree.command_tree(build((), whole=True))
    assert {verb.name for verb in tree.verbs} == set(VERBS)
    flags = {flag for command in (tree, *tree.verbs) for option in command.options for flag in option.flags}
    plain = shown.replace("‐", "-").replace("−", "-")
    assert len(flags) > 25
    assert not {word for word in (*VERBS, *flags) if word not in plain}
    assert "exit status" in plain.lower()


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["completion", "tcsh"])
    assert stopped.value.code == 2
    assert "tcsh" in capsys.readouterr().err
