"""A remedy on a remote node: what the remote end says, what it does not say, and how it is ended."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from fragtui.commands.cli.parser import parse
from fragtui.model.remedy.effect import Effect
from fragtui.remedies import remote_run
from fragtui.remedies.catalogue import catalogue, compact_all, drop_caches, wake_kcompactd
from fragtui.remedies.remote_run import RemoteEnd, RemoteResult, RemoteRun, RemoteState, remote_words
from fragtui.render.remedy.remote_text import RemoteNames, not_streamed, remote_line, remote_sentence
from fragtui.sources.recording.remote_shell import LinkError, SshNode
from tests.support.remote_node import ScriptNode

BEGUN = """echo '{"schema": 1, "remedy": "compact", "id": "a1", "result": null, "seconds": 0.1}'"""

NAMES = RemoteNames("node-7", "64K", "ssh node-7 fragtui history", "x")


def run(script: str, until: Callable[[RemoteState], object] = lambda state: state.end) -> RemoteRun:
    """Return a run whose remote end is a shell script, once its state meets a condition."""
    started = RemoteRun(compact_all(), "node-7", 4, ScriptNode("sh", "-c", script), lambda _: None)
    end = time.monotonic() + 20
    while not until(started.state) and time.monotonic() < end:
        time.sleep(0.01)
    assert until(started.state), started.state
    return started


def end_of(script: str) -> RemoteEnd:
    end = run(script).state.end
    assert end is not None
    return end


def test_every_remedy_that_a_key_names_has_words_that_the_verbs_take() -> None:
    remedies = [remedy for remedy in catalogue((0, 1)) if remedy.id != "sync"]
    assert len(remedies) == 13
    for remedy in remedies:
        args = parse(remote_words(remedy.effect, "-node;7 $(x)", 4))
        assert args.attached == "-node;7 $(x)" and args.yes and args.order == 4
        if args.verb == "drop-caches":
            made = drop_caches(int(args.value), sync=args.sync)
        else:
            assert args.verb == "compact" and args.gentle == remedy.effect.gentle
            assert args.node == remedy.effect.node and args.sync == remedy.effect.sync
            continue
        assert made == remedy


@pytest.mark.parametrize(
    ("script", "result", "why"),
    [
        (f'echo Welcome; {BEGUN}; echo \'{{"result": "failed", "explanation": "EIO"}}\'; exit 1', "FAILED", "EIO"),
        ("""echo '{"result": "refused", "explanation": "no root: \\u001b["}'; exit 3""", "REFUSED", r"no root: \x1b["),
        ("""echo '{"result": ["x"], "explanation": 7, "blocks": {"before": "x"}}'""", "FAILED", "7"),
        ("echo 'fragtui compact: unknown option --attached. (see ...)' >&2; exit 2", "OLD", "unknown option"),
        (
            "printf 'unknown option --attached\\ncommand terminated with exit code 2\\n' >&2; exit 2",
            "OLD",
            "unknown option",
        ),
        ("echo 'fragtui: not found on this node' >&2; exit 127", "REFUSED", "not found on this node"),
        ("echo 'Permission denied (publickey).' >&2; exit 255", "UNANSWERED", "Permission denied"),
        (f"{BEGUN}; echo 'Connection to node-7 closed.' >&2; exit 255", "LOST", "Connection to node-7 closed."),
        (f"{BEGUN}; head -c 3000000 /dev/zero; echo; echo '[1]'; echo '{{\"result\": null}}'", "LOST", ""),
    ],
)
def test_its_end_is_what_the_remote_end_said_and_never_more(script: str, result: str, why: str) -> None:
    end = end_of(script)
    assert end.result is RemoteResult[result] and why in end.why, end


def test_the_blocks_of_the_result_are_shown() -> None:
    done = '{"result": "done", "explanation": "Compact: done in 0.2s.", "blocks": {"before": 3, "after": 1200}}'
    state = run(f"{BEGUN}; echo '{done}'").state
    assert state.id == "a1"
    assert remote_sentence(state, NAMES) == "✓ node-7: Compact: done in 0.2s. Blocks of 64K: 3 → 1200."


def test_a_program_that_is_missing_here_refuses() -> None:
    started = RemoteRun(compact_all(), "", 4, ScriptNode("/nowhere/ssh"), lambda _: None)
    started._thread.join(20)
    end = started.state.end
    assert end is not None and end.result is RemoteResult.REFUSED and "no such file" in end.why


def test_abort_is_a_byte_and_the_end_of_its_input() -> None:
    aborted = json.dumps({"result": "aborted", "explanation": "Compact: aborted after 1s"})
    started = run(f"{BEGUN}; read line && ! read line && echo '{aborted}'; exit 130", lambda state: state.id)
    started.abort()
    started.abort()
    started.close(10.0)
    assert started.state.end == RemoteEnd(RemoteResult.ABORTED, "Compact: aborted after 1s")


def test_an_abort_that_takes_long_is_waited_for_while_the_remote_end_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_run, "ABORT_SECONDS", 0.4)
    slow = f"for i in 1 2 3 4 5 6 7 8; do {BEGUN}; sleep 0.1; done"
    started = run(f'{BEGUN}; read line; {slow}; echo \'{{"result": "aborted"}}\'', lambda state: state.id)
    started.abort()
    started._thread.join(20)
    assert started.state.end is not None and started.state.end.result is RemoteResult.ABORTED


def test_a_remote_end_that_does_not_answer_an_abort_is_left_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_run, "ABORT_SECONDS", 0.2)
    started = run(f"{BEGUN}; trap '' TERM; sleep 600 & echo $! >&2; wait", lambda state: state.id)
    assert started._child is not None
    child = psutil.Process(started._child.pid)
    left = [child, *child.children(recursive=True)]
    started.abort()
    end = time.monotonic() + 20
    while started.state.end is None and time.monotonic() < end:
        time.sleep(0.02)
    assert started.state.end is not None and started.state.end.result is RemoteResult.LOST
    text = remote_sentence(started.state, NAMES)
    assert "may still run on node-7" in text and "ssh node-7 fragtui history" in text
    assert psutil.wait_procs(left, 10)[1] == [], "not even a command that ignores SIGTERM is left behind"


def test_a_command_that_closes_its_output_and_goes_on_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_run, "_CLOSED_SECONDS", 0.2)
    started = run(f"{BEGUN}; exec sleep 600 >&-")
    assert started.state.end is not None and started.state.end.result is RemoteResult.LOST
    assert started._child is not None and started._child.returncode == -signal.SIGTERM


def test_an_abort_before_the_command_starts_starts_none(tmp_path: Path) -> None:
    begin = threading.Event()

    class Waits(RemoteRun):
        def _run(self, *given: Any) -> None:
            begin.wait(20)
            super()._run(*given)

    asked = tmp_path / "asked"
    states: list[RemoteState | str] = []
    started = Waits(compact_all(), "node-7", 4, ScriptNode("sh", "-c", f"touch {asked}"), states.append)
    started.abort()
    begin.set()
    started.close(20.0)
    started._thread.join(20)
    assert started.state.end is not None and started.state.end.result is RemoteResult.ABORTED
    assert started.state in states and not asked.exists()


def test_numbers_of_the_remote_end_are_bounded() -> None:
    for number in ("-1", "true", "1" + 30 * "0", '"9"'):
        end = end_of(f"""echo '{{"result": "done", "blocks": {{"before": 3, "after": {number}}}}}'""")
        assert (end.before, end.after) == (3, None)


def test_a_link_that_falls_silent_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_run, "SILENT_SECONDS", 0.3)
    started = run(f"{BEGUN}; exec sleep 600")
    assert started.state.end is not None and started.state.end.result is RemoteResult.LOST
    assert started._child is not None and started._child.wait(10) != 0


def test_the_line_says_how_long_and_when_no_message_comes() -> None:
    state = RemoteState(compact_all(), asked=100.0, heard=100.0)
    assert remote_line(state, NAMES, 102.0)[0] == "⟳ Compact all memory on node-7: requested 2.0s ago  (x aborts)"
    running = RemoteState(compact_all(), 100.0, 103.0, id="a1", aborting=True)
    assert remote_line(running, NAMES, 112.0)[0].endswith("12s, no message for 9.0s  (aborting)")


def test_what_a_stream_does_not_know_depends_on_the_remedy() -> None:
    assert "who holds the page cache" in not_streamed(Effect(page_cache=True))
    assert "KSM" in not_streamed(Effect(compact=True)) and "ZFS" not in not_streamed(Effect(compact=True))
    assert "ZFS" in not_streamed(Effect(slab=True))
    assert "root and the policy there" in not_streamed(wake_kcompactd(1, None).effect)


def test_the_words_of_a_node_survive_the_shells(tmp_path: Path) -> None:
    """ssh joins its words and the login shell reads them again: nothing of a node's name may be read as a command."""
    got = tmp_path / "got"
    program = tmp_path / "remote fragtui"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {got}\n')
    program.chmod(0o755)
    words = remote_words(compact_all().effect, 'a\'b "c" $(touch x); `y` #', 4)
    *_, remote = SshNode(("node-7",), str(program)).arguments(words)
    subprocess.run(["sh", "-c", remote], check=True, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"})
    assert got.read_text().splitlines() == list(words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["got", "remote fragtui"]
    for name in ("a\\'; touch x", "a\nb", "a\x1b[2J"):
        with pytest.raises(LinkError):
            SshNode(("node-7",), str(program)).arguments(remote_words(compact_all().effect, name, 4))
