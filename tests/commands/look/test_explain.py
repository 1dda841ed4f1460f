"""``fragtui explain`` as it is called."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from fragtui.commands.look import explain
from tests.support.places import GENUINE

CALL = "import argparse, sys\nfrom fragtui.commands.look import explain as m\n"
CALL += "p = argparse.ArgumentParser(); m.configure(p)\n"
CALL += "code = m.run(p.parse_args()); assert 'textual' not in sys.modules; sys.exit(code)"


def call(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", CALL, *words], input=stdin, capture_output=True, check=False)


@pytest.mark.slow
def test_json_of_the_genuine_report() -> None:
    done = call("--json", str(GENUINE))
    assert done.returncode == 0
    (found,) = (json.loads(line) for line in done.stdout.splitlines())
    assert found["kind"] == "allocation_failure"
    assert (found["comm"], found["pid"], found["cpu"], found["order"]) == ("runc:[1:CHILD]", 8499, 0, 10)
    assert found["mode"] == "0x40cc0"
    assert (found["gfp"], found["gfp_from"]) == (["GFP_KERNEL", "__GFP_COMP"], "printed")
    assert found["kernel"] == "6.18.44-fc-v657"
    assert [zone["zone"] for zone in found["zones"]] == ["DMA", "DMA32", "Normal"]
    assert found["zones"][1]["boost_kb"] == 2048
    assert found["zones"][2]["free_blocks"] == [1934738, 67460, 728, 3186, 206, 11, 3, 0, 0, 0, 0]
    assert "sock_kmalloc" in found["stack"]
    assert found["memory"] is True
    assert "fragmented" in found["explanation"]
    assert found["victim"] is None
    assert found["lines"][0] == 1


@pytest.mark.slow
def test_a_log_on_standard_input_is_explained_as_text() -> None:
    done = call(stdin=b"mysqld: page allocation failure. order:4, mode:0x10c0d0\n")
    assert done.returncode == 0
    assert b"mysqld was denied a 64K block (order 4)" in done.stdout
    assert b"GFP_KERNEL_ACCOUNT" in done.stdout  # The output calls it a candidate.


@pytest.mark.slow
def test_a_release_given_decides_what_the_log_leaves_open() -> None:
    done = call("--json", "--kernel", "3.10.0-514.el7", stdin=b"x: page allocation failure: order:4, mode:0x10c0d0\n")
    found = json.loads(done.stdout)
    assert found["gfp"] == ["GFP_KERNEL", "__GFP_COMP", "__GFP_ZERO", "__GFP_KMEMCG"]
    assert found["gfp_from"] == "decoded"
    assert found["kernel"] is None


@pytest.mark.slow
def test_an_unreadable_log_is_reported_and_the_others_are_read() -> None:
    done = call("/nowhere", str(GENUINE))
    assert done.returncode == 1
    assert b"/nowhere: no such file or directory" in done.stderr
    assert b"runc:[1:CHILD] was denied" in done.stdout


@pytest.mark.slow
def test_a_log_without_incidents_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    done = call("--json", stdin=b"all is well\n" * 10)
    assert (done.returncode, done.stdout) == (0, b"")
    assert explain.HELP


@pytest.mark.by_hand
def test_a_large_compressed_log_is_searched_unpacked(tmp_path: Path) -> None:
    line = b"Jul  1 00:45:30 node systemd[1]: Started Session 3242 of user root.\n"
    log = tmp_path / "messages.1.gz"
    # The first part is only stored, so that the file is large; no byte of the file is one of the report.
    log.write_bytes(gzip.compress(line * (36 << 20 >> 6), 0) + gzip.compress(GENUINE.read_bytes()))
    assert log.stat().st_size > 32 << 20
    done = call("--json", str(log))
    assert done.returncode == 0, done.stderr
    (found,) = done.stdout.splitlines()
    assert json.loads(found)["order"] == 10
