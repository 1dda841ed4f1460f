"""``fragtui ship image``: what the image holds is pinned by hashes, and the zipapp in it needs nothing else."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fragtui import __version__
from fragtui.commands.cli.parser import main
from fragtui.commands.ship.image import containerfile

pytest.importorskip("yaml", reason="PyYAML is not installed (extra: k8s)")
pytest.importorskip("prometheus_client", reason="prometheus-client is not installed (extra: prom)")
pytestmark = pytest.mark.slow

BASE = f"registry.example/python:3@sha256:{'0' * 64}"
MAX_BYTES = 40 << 20
"""The image may be 60 MB beyond its base; journalctl and what it needs were 18 MB (Debian 12)."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("ship") / "new" / "image"
    assert main(["ship", "image", str(made), "--base", BASE, "-q"]) == 0
    return made


def lines(text: str) -> list[str]:
    """Return the instructions, without comments and with continued lines joined."""
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\\\n\s*", "", text).splitlines()


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "Containerfile").read_text()


def test_the_build_ends_if_the_zipapp_is_not_the_one_that_was_shipped(folder: Path, text: str, tmp_path: Path) -> None:
    (check,) = (line.removeprefix("RUN ") for line in lines(text) if "sha256sum" in line)
    assert check.endswith(" && fragtui version")
    zipapp = (folder / "fragtui.pyz").read_bytes()
    for data, status in ((zipapp, 0), (zipapp[:-1], 1)):
        (tmp_path / "fragtui").write_bytes(data)
        here = check.replace("/usr/local/bin/fragtui", str(tmp_path / "fragtui")).removesuffix(" && fragtui version")
        assert subprocess.run(["sh", "-c", here], capture_output=True, check=False).returncode == status


def test_the_base_is_named_by_its_digest_or_when_the_image_is_built(text: str) -> None:
    assert lines(text)[:2] == [f"ARG BASE={BASE}", "FROM ${BASE}"]
    without = lines(containerfile("0" * 64, "f:1", None))
    assert without[:2] == ["ARG BASE", "FROM ${BASE}"], "without a default the build asks for it"


def test_nothing_comes_from_an_index_and_nothing_is_the_latest(text: str) -> None:
    assert "pip" not in text and ":latest" not in text
    assert f"fragtui:{__version__}" in text
    assert f"is of {sys.version_info.major}.{sys.version_info.minor}." in text, "the bytecode is of this Python"
    assert lines(text)[-1] == 'ENTRYPOINT ["/usr/local/bin/fragtui", "--root", "/host"]'


def test_the_zipapp_of_the_image_has_what_the_api_and_the_exporter_need(folder: Path) -> None:
    assert (folder / "fragtui.pyz").stat().st_size < MAX_BYTES
    with zipfile.ZipFile(folder / "fragtui.pyz") as archive:
        packages = {name.split("/")[0] for name in archive.namelist()}
    assert packages >= {"fragtui", "textual", "yaml", "prometheus_client"}


@pytest.mark.parametrize("missing", ["PyYAML", "prometheus-client"])
def test_an_image_without_one_of_them_is_not_made(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.metadata.distribution

    def distribution(name: str) -> Any:
        if name == missing:
            raise importlib.metadata.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(importlib.metadata, "distribution", distribution)
    assert main(["ship", "image", str(tmp_path)]) == 1
    assert f"{missing} is not installed: pip install" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
