"""``fragtui replay``: the installed command on a terminal, and one line for what can't be replayed."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

from tests.support.places import REPOSITORY
from tests.support.terminal import command, terminal

INCIDENT = REPOSITORY / "screenshots/incident.rec"


@pytest.mark.slow
def test_an_incident_on_a_terminal() -> None:
    with terminal("replay", str(INCIDENT)) as term:
        term.until(" replay ")
        term.press(" ")
        term.until("paused")
        term.press(">")
        term.until("runc:[1:CHILD]")
        term.until("FRAGMENTED")
        term.press("$")
        term.until("■ end")
        term.until("✓ Blocks of 4M (order 10): 0 → 1255")
        term.press("3")
        term.until("replaying a recording")
        term.press("q")
        assert term.wait() == 0


@pytest.mark.slow
def test_a_cut_recording_plays_up_to_the_cut_and_reports_it(tmp_path: Path) -> None:
    file = tmp_path / "cut.rec"
    file.write_bytes(INCIDENT.read_bytes()[:-2000])
    with terminal("replay", str(file)) as term:
        term.until(" replay ")
        assert term.written.count(b"cut.rec: cut off or still being written") == 1
        term.press("q")
        assert term.wait() == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"fragtui recording 1\nabc", "a recording of an older fragtui; record again"),
        (
            gzip.compress(b'["fragtui recording",7,\n', mtime=0),
            "a recording of version 7, this fragtui reads version 2",
        ),
        (b"hello", "not a recording of fragtui"),
        (b"", "no whole sample in this recording"),
        (None, "no such file or directory"),
    ],
)
def test_a_file_that_cannot_be_replayed_gets_one_line(tmp_path: Path, data: bytes | None, why: str) -> None:
    file = tmp_path / "x.rec"
    if data is not None:
        file.write_bytes(data)
    found = subprocess.run([*command(), "replay", str(file)], capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert found.stderr.startswith(f"fragtui replay: {file}: {why}")
    assert found.stderr.count("\n") == 1
    assert found.stdout == ""


@pytest.mark.slow
def test_replay_without_a_terminal_is_refused() -> None:
    found = subprocess.run([*command(), "replay", str(INCIDENT)], capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert found.stderr == "fragtui replay: a replay needs a terminal\n"
