"""Calls of crictl: a child process that may be absent, fail, hang or print nonsense."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fragtui.model.node.source_state import AS_ROOT
from fragtui.sources.pods import crictl
from fragtui.sources.pods.crictl import CRICTL_CANNOT_SHOW, CrictlSource
from tests.support.pod_sink import CollectingSink, until
from tests.support.trusted import trusted_folder

METADATA = '{"name": "web", "namespace": "shop", "uid": "u"}'
ANSWER = f'{{"items": [{{"id": "{1:064x}", "metadata": {METADATA}, "state": "SANDBOX_READY", '
ANSWER += '"createdAt": "1795497076136076744"}]}'


def asking(directory: Path, body: str | None, every: float = 0.1) -> tuple[CrictlSource, CollectingSink]:
    if body is not None:
        program = directory / "crictl"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    sink = CollectingSink()
    return CrictlSource(Path("/"), sink, folders=(str(directory),), every=every), sink


@pytest.fixture
def folder() -> Iterator[Path]:
    with trusted_folder() as folder:
        yield folder


def test_running_sandboxes_are_reported(tmp_path: Path, folder: Path) -> None:
    source, sink = asking(folder, f"echo \"$@\" >> {tmp_path}/asked\ncat <<'X'\n{ANSWER}\nX")
    source.start()
    assert until(lambda: len(sink.seen) >= 2)
    source.stop()
    assert sink.last_state("crictl") == ("live", CRICTL_CANNOT_SHOW)
    assert (str(sink.seen[0].pod), sink.seen[0].time) == ("shop/web", 1795497076.136076744)
    assert (tmp_path / "asked").read_text().splitlines()[0] == "--timeout=10s pods -o json"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("echo first >&2; echo 'validate service connection: no such file' >&2; exit 1", "no such file"),
        ("echo nonsense", "not its JSON"),
        ("exit 3", "ended with status 3"),
        ("printf '\\033[31mred' >&2; exit 1", "\\x1b[31mred"),
    ],
)
def test_the_reason_for_no_answer_is_reported(folder: Path, body: str, why: str) -> None:
    source, sink = asking(folder, body)
    source.start()
    assert until(lambda: sink.last_state("crictl")[0] == "waiting")
    source.stop()
    assert why in sink.last_state("crictl")[1]


def test_absent_and_under_another_root(folder: Path, tmp_path: Path) -> None:
    source, sink = asking(folder, None)
    source.start()
    assert until(lambda: sink.last_state("crictl") == ("nothing", "crictl is not installed"))
    source.stop()
    sink = CollectingSink()
    CrictlSource(tmp_path, sink).start()
    assert until(lambda: sink.last_state("crictl")[0] == "off")


def test_a_crictl_that_hangs_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crictl, "LIMIT_SECONDS", -1.5)
    source, sink = asking(folder, "exec sleep 30")
    began = time.monotonic()
    source.start()
    assert until(lambda: sink.last_state("crictl")[0] == "waiting")
    assert time.monotonic() - began < 15 and "did not answer" in sink.last_state("crictl")[1]
    source.stop()


def test_a_crictl_that_another_user_may_have_planted_is_not_run(folder: Path, tmp_path: Path) -> None:
    source, sink = asking(folder, f"touch {tmp_path}/ran")
    (folder / "crictl").chmod(0o777)
    source.start()
    assert until(lambda: sink.last_state("crictl")[0] == "refused")
    assert sink.last_state("crictl")[1] == (f"not run: {folder}/crictl can be written by others than root (mode 0777)")
    assert not (tmp_path / "ran").exists()


def test_path_is_not_searched_for_crictl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, sink = asking(tmp_path, f"touch {tmp_path}/ran")
    monkeypatch.setenv("PATH", str(tmp_path))
    source.start()
    assert until(lambda: sink.last_state("crictl")[0] == "refused")
    assert not (tmp_path / "ran").exists()


def test_a_crictl_that_is_installed_later_is_run(folder: Path) -> None:
    source, sink = asking(folder, None)
    source.start()
    assert until(lambda: sink.last_state("crictl")[0] == "nothing")
    asking(folder, f"cat <<'X'\n{ANSWER}\nX")
    assert until(lambda: sink.last_state("crictl")[0] == "live")
    assert sink.sources["crictl"].proof == "1 sandbox"
    asking(folder, "echo 'dial unix /run/containerd.sock: connect: permission denied' >&2; exit 1")
    assert until(lambda: sink.last_state("crictl")[0] == "waiting")
    source.stop()
    assert sink.sources["crictl"].remedy == ("" if os.geteuid() == 0 else AS_ROOT)
