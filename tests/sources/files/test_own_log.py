"""fragtui's own logs: each line is read once, and an unchanged file is not opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from fragtui.sources.files.own_files import OwnFile
from fragtui.sources.files.own_log import OwnLog


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that were opened for reading."""
    names: list[str] = []
    real = OwnFile.open

    def counted(self: OwnFile, name: str, folder: int) -> int:
        names.append(name)
        return real(self, name, folder)

    monkeypatch.setattr(OwnFile, "open", counted)
    return names


def texts(log: OwnLog) -> list[bytes | None]:
    return [line.data for line in log.read().lines]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path / "own.log"


def write(path: Path, data: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(data)
    path.chmod(0o600)


def test_an_unchanged_log_is_not_opened_again(path: Path, opened: list[str]) -> None:
    write(path, b"one\n")
    log = OwnLog(OwnFile(path), kept=1)
    assert texts(log) == [b"one"]
    del opened[:]
    assert texts(log) == []
    assert opened == []
    write(path, b"two\n")
    assert texts(log) == [b"two"]


def test_a_line_without_its_end_is_looked_for_again(path: Path) -> None:
    write(path, b"one\ntw")
    log = OwnLog(OwnFile(path), kept=1)
    assert texts(log) == [b"one"]
    assert log.read().torn == log.read().torn == f"{path}: line 2"
    write(path, b"o\n")
    assert texts(log) == [b"two"]


def test_a_problem_is_reported_until_it_is_gone(path: Path) -> None:
    write(path, b"one\n")
    path.chmod(0o666)
    log = OwnLog(OwnFile(path), kept=1)
    assert log.read().problems == log.read().problems != ()
    path.chmod(0o600)
    assert texts(log) == [b"one"]


def test_a_log_that_appears_rotates_or_is_replaced_is_seen(path: Path) -> None:
    log = OwnLog(OwnFile(path), kept=1)
    assert texts(log) == texts(log) == []
    write(path, b"one\n")
    assert texts(log) == [b"one"]
    path.rename(f"{path}.1")
    assert texts(log) == []
    write(path, b"two\n")
    assert texts(log) == [b"two"]
    new = path.with_name("new")
    write(new, b"ten\n")
    new.replace(path)
    added = log.read()
    assert added.restarted
    assert [line.data for line in added.lines] == [b"one", b"ten"]
