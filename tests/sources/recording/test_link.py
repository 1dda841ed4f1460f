"""A stream on the output of a command: what it starts ends with it, and no output of it stops the reader."""

from __future__ import annotations

import threading
import time

import psutil
import pytest

from fragtui.sources.recording.link import CommandLink
from fragtui.sources.recording.remote_shell import LinkError
from tests.support.remote_node import ScriptNode


def shell(script: str) -> CommandLink:
    return CommandLink("ssh://node-7", ScriptNode("sh", "-c", script))


def read_until(link: CommandLink, wanted: bytes) -> bytes | None:
    """Return what was read up to the wanted bytes, None if the output ended before."""
    data, end = b"", time.monotonic() + 30
    while wanted not in data and time.monotonic() < end:
        if (piece := link.read(1.0)) is None:
            return None
        data += piece
    return data


def test_a_command_that_never_stops_its_error_output_does_not_stop_the_reader() -> None:
    link = shell("yes error >&2 & yes data")
    link.open()
    try:
        silent, end = "the command closed its output", time.monotonic() + 30
        reads = 0
        while ((why := link.why_ended()) == silent or reads < 20) and time.monotonic() < end:
            assert (read_until(link, b"data") or b"").startswith(b"data")
            reads += 1
        assert why and "error".startswith(why), "the last line may not be whole yet"
    finally:
        link.close()


def test_the_last_line_of_its_errors_says_why_it_ended_else_its_status() -> None:
    for script, why in (("echo first >&2; echo 'no\033[1m route' >&2", r"no\x1b[1m route"), ("exit 3", "status 3")):
        link = shell(script)
        link.open()
        assert read_until(link, b"x") is None and why in link.why_ended()
        link.close()


def test_another_thread_ends_what_the_command_started_and_its_pipe_stays_the_readers() -> None:
    link = shell("sleep 600 & echo $!; wait")
    link.open()
    try:
        started = psutil.Process(int(read_until(link, b"\n") or b""))
        stopper = threading.Thread(target=link.end)
        stopper.start()
        stopper.join()
        assert read_until(link, b"x") is None, "the pipe was closed under the reader"
        assert not psutil.wait_procs([started], timeout=20)[1]
    finally:
        link.close()


def test_no_signal_goes_to_a_group_whose_leader_was_reaped(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr("os.killpg", lambda group, _: sent.append(group))
    link = shell("exit 3")
    link.open()
    assert read_until(link, b"x") is None and "status 3" in link.why_ended()
    link.close()
    assert sent == []


def test_a_command_that_is_missing_is_named() -> None:
    link = CommandLink("ssh://node-7", ScriptNode("/nowhere/ssh"))
    with pytest.raises(LinkError, match=r"nowhere/ssh: no such file"):
        link.open()
