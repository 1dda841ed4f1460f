"""The question on a real terminal, with a step that writes the verb's own coredump_filter."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fragtui.model.remedy.remedy_history import EndEntry, Result
from fragtui.remedies.audit.log import AuditLog

VERB = """
import argparse, os, sys
from pathlib import Path
from fragtui.commands.fix import compact, run_remedy as treatment
from fragtui.commands.cli.parser import common_options
from fragtui.model.remedy.effect import Effect
from fragtui.remedies import escalation, runner as run
from fragtui.remedies.catalogue import Action, Remedy, RemedyStep
run.lock_directories = lambda root, audit: (audit.parent,)
escalation.SETTLE_SECONDS = 0.0
parser = argparse.ArgumentParser(parents=[common_options()])
compact.configure(parser)
write = RemedyStep(Action.WRITE, f"proc/{os.getpid()}/coredump_filter", "0x35")
steps = (write,) if sys.argv[2] == "short" else (RemedyStep(Action.SYNC),) * 4000
remedy = Remedy("x", "Test", steps, Effect(), "", "")
status = treatment.run_remedy(parser.parse_args(["--audit", sys.argv[1]]), remedy)
print("written", Path("/proc/self/coredump_filter").read_text(), flush=True)
sys.exit(status)
"""


def talk(audit: Path, length: str, answer: str, stop: bool = False, ahead: str = "") -> tuple[int, str]:
    """Run the verb on a terminal of its own, answer its question, and return its status and its output.

    What is sent `ahead` waits in the terminal before the verb runs.
    """
    main, side = pty.openpty()
    os.write(main, ahead.encode())
    process = subprocess.Popen(
        [sys.executable, "-c", VERB, str(audit), length], stdin=side, stdout=side, stderr=side, start_new_session=True
    )
    os.close(side)
    said = b""
    answered = False
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([main], [], [], 0.1)[0]:
            try:
                said += os.read(main, 4096)
            except OSError:
                break
        if b"Type 'yes'" in said and not answered:
            answered = True
            time.sleep(0.6)  # as long as it takes to read the question
            os.write(main, answer.encode() + b"\n")
        if stop and b"Ctrl-C aborts" in said:
            stop = False
            process.send_signal(signal.SIGINT)
    os.close(main)
    return process.wait(20), said.decode()


@pytest.mark.slow
def test_yes_runs_the_remedy(tmp_path: Path) -> None:
    status, said = talk(tmp_path / "audit.jsonl", "short", "yes")
    assert status == 0 and "written 00000035" in said and "Test: done in" in said


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["", "y", "no", "yes please"])
def test_any_other_answer_runs_nothing(answer: str, tmp_path: Path) -> None:
    status, said = talk(tmp_path / "audit.jsonl", "short", answer)
    assert status == 2 and "fragtui: not run" in said
    assert not (tmp_path / "audit.jsonl").exists()


@pytest.mark.slow
def test_yes_typed_ahead_or_pasted_with_the_command_does_not(tmp_path: Path) -> None:
    status, said = talk(tmp_path / "audit.jsonl", "short", "", ahead="yes\nyes\n")
    assert status == 2 and "fragtui: not run" in said
    assert not (tmp_path / "audit.jsonl").exists()


@pytest.mark.slow
def test_yes_as_one_line_of_a_pasted_text_does_not(tmp_path: Path) -> None:
    status, said = talk(tmp_path / "audit.jsonl", "short", "yes\nkubectl get pods")
    assert status == 2 and "more input came with the answer" in said
    assert not (tmp_path / "audit.jsonl").exists()


@pytest.mark.slow
def test_ctrl_c_aborts_it_and_the_abort_is_logged(tmp_path: Path) -> None:
    status, said = talk(tmp_path / "audit.jsonl", "long", "yes", stop=True)
    ended = [entry for entry in AuditLog(tmp_path / "audit.jsonl").read().entries if isinstance(entry, EndEntry)]
    assert len(ended) == 1
    # Where the disk is quick enough, it is through before the signal comes.
    assert (status, ended[0].result) in ((130, Result.ABORTED), (0, Result.DONE)), said
