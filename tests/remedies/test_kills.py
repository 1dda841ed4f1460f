"""However and whenever fragtui or its child is killed or stopped: no write without an intent, no process left."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.places import REPOSITORY

pytestmark = pytest.mark.slow

DRIVER = REPOSITORY / "tests/support/kill_driver.py"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a mount namespace")
MUST_BE_NONE = ("writes without an intent", "writes before their intent", "writes unseen", "left", "hung", "failed")


@pytest.mark.parametrize("rounds", [20, pytest.param(300, marks=[pytest.mark.by_hand, pytest.mark.timeout(900)])])
@as_root
def test_kills_and_stops_at_random_instants_leave_no_write_without_an_intent_and_no_child(
    rounds: int, tmp_path: Path
) -> None:
    command = [sys.executable, str(DRIVER), str(tmp_path), str(rounds), "7"]
    ended = subprocess.run(
        command, check=False, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    counts = json.loads(ended.stdout)
    assert {name: counts.get(name, 0) for name in MUST_BE_NONE} == dict.fromkeys(MUST_BE_NONE, 0), ended.stderr
    # The instants were spread over the whole of a remedy.
    assert 0 < counts["writes"] < rounds and counts["ends"] < counts["intents"] <= rounds
    assert sum(number for name, number in counts.items() if " of the " in name) == rounds


ONE = """
import os, sys
from pathlib import Path
from fragtui.model.remedy.effect import Effect
from fragtui.remedies import runner as run
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import Action, Remedy, RemedyStep
run.lock_directories = lambda root, audit: (audit.parent,)
step = RemedyStep(Action.WRITE, f"proc/{os.getpid()}/coredump_filter", "0x2b")
remedy = Remedy("test", "Test", (step,), Effect(), "", "")
running = run.RemedyRun.start(remedy, Path("/"), AuditLog(Path(sys.argv[1])), run.RunRequest("screen"))
while running.wait(1.0) is None:
    pass
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_intent_is_on_disk_before_the_child_is_even_started(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    calls = "trace=write,fsync,execve"
    command = ["strace", "-f", "-s", "200", "-e", calls, "-o", str(trace), sys.executable, "-c", ONE]
    subprocess.run([*command, str(tmp_path / "audit.jsonl")], check=True, cwd=REPOSITORY)
    lines = trace.read_text().splitlines()

    def first(pattern: str, after: int = 0) -> int:
        return next(n for n, line in enumerate(lines) if n > after and re.search(pattern, line))

    intent = first(r'write\(\d+, "\{\\"v\\": 1, \\"kind\\": \\"intent\\"')
    descriptor = re.search(r"write\((\d+)", lines[intent])
    assert descriptor is not None
    synced = first(rf"fsync\({descriptor[1]}\) += 0", intent)
    started = first(r"execve\(.*worker\.py", synced)
    assert first(r'write\(\d+, "0x2b"') > started == first(r"execve\(.*worker\.py")
