"""The command that is shown before a node is reached is the one that is run."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from fragtui.sources.recording.link import link_of
from fragtui.sources.recording.remote_shell import LinkError
from tests.terminal.test_remote_screen import program


def ran(tmp_path: Path, host: str) -> list[str]:
    """Return the words of each command that a link runs."""
    link = link_of(host)
    link.open()
    while link.read(5.0) is not None:
        continue
    link.close()
    return (tmp_path / "ran").read_text().splitlines()


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = f'printf "%s\\037" "${{0##*/}}" "$@" >> {tmp_path}/ran; echo >> {tmp_path}/ran'
    program(tmp_path / "bin/ssh", log)
    program(
        tmp_path / "bin/kubectl",
        f'{log}\ncase "$*" in *"get pods"*) echo prod/fragtui-x2k ;; *current-context) exit 1 ;; esac',
    )
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")


@pytest.mark.parametrize("host", ["ssh://node-7", "ssh://root@node-7:2222"])
def test_of_ssh_it_is_the_same_word_for_word(tmp_path: Path, host: str) -> None:
    (line,) = ran(tmp_path, host)
    assert shlex.split(link_of(host).shown()) == line.split("\037")[:-1]


@pytest.mark.parametrize("host", ["kube://node-7", "kube://prod/node-7"])
def test_of_kubectl_each_word_of_both_is_run(tmp_path: Path, host: str) -> None:
    get, run = (line.split("\037")[:-1] for line in ran(tmp_path, host)[-2:])
    asked, execute = (shlex.split(words) for words in link_of(host).shown().split(";"))
    # What the question is printed as, and its timeout, say nothing of what is run.
    assert asked == [word for word in get if not word.startswith(("--output=", "--request-timeout="))]
    places = {"--namespace=NAMESPACE": "--namespace=prod", "POD": "fragtui-x2k"}
    assert [places.get(word, word) for word in execute] == run


def test_with_an_image_the_debug_pod_is_shown_that_is_made_without_one() -> None:
    shown = link_of("kube://node-7", image="registry/fragtui:1").shown()
    assert "; without such a pod kubectl debug node/node-7 --image=registry/fragtui:1 " in shown


def test_what_this_machine_lacks_has_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    for host in ("ssh://node-7", "kube://node-7"):
        with pytest.raises(LinkError, match="is not on PATH"):
            link_of(host).shown()
