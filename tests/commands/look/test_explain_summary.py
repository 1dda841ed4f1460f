"""The totals, groups and closing line of `fragtui explain`, on a terminal and without one."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from fragtui.commands.cli.progress import progress_words
from fragtui.render.terminal_text import cells
from fragtui.sources.saved.explain import OpenLog, explain_logs
from tests.support.big8 import DENIED, LINES, NOT_LOGGED, OOM_KILLS, SANDBOXES, big8_logs
from tests.support.terminal import command, terminal

KERNEL = b"Jul  1 00:00:%02d n kernel: java: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL)\n"
COUNTS = f"{DENIED} allocation failures, {OOM_KILLS} OOM kill, {SANDBOXES} failed sandboxes"


def explained(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["explain", *words]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out.splitlines()


@pytest.mark.slow
def test_a_large_log_is_totals_then_groups_then_typical_reports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = explained(capsys, *big8_logs(tmp_path))
    assert lines[0] == f"Failures  {COUNTS}"
    assert lines[1] == "When      2026-11-28 19:56:25 to 20:43:43 UTC (47 min)"
    assert lines[2].startswith(f"Hidden    at least {NOT_LOGGED} more")
    assert [line.split()[0] for line in lines[3:9] if line[:1] != " "] == ["Who", "Size", "Cause", "Pods"]
    heads = [place for place, line in enumerate(lines) if line.startswith("Last ")]
    first = lines[heads[0] + 1 : heads[1]]
    times = [line.split()[0] for line in first if line[:2] == "20"]
    assert times == sorted(times, reverse=True) and times[0] == "20:43:43"
    counts = [int(line.split()[1]) for line in first if line[:2] == "20"]
    (rest,) = (line for line in first if line.startswith("and "))
    assert sum(counts) + int(rest.split()[-2]) == DENIED + OOM_KILLS
    assert sum(line.startswith(("/", "lines")) and "failure" in line for line in lines) <= 5
    assert len(lines) < 120
    assert lines[-1] == f"{COUNTS} in {LINES:,} lines"
    assert all(cells(line) <= 80 or max(map(len, line.split())) > 40 for line in lines)


def test_with_all_every_failure_comes_in_the_order_of_the_log_and_the_totals_after(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = big8_logs(tmp_path)
    lines = explained(capsys, "--all", logs[0])
    numbers = [int(found[1]) for line in lines if (found := re.match(r"lines (\d+)-\d+, 2026", line))]
    assert len(numbers) == DENIED + OOM_KILLS
    assert numbers == sorted(numbers)
    totals = lines.index(f"Failures  {DENIED} allocation failures, {OOM_KILLS} OOM kill")
    assert totals > max(place for place, line in enumerate(lines) if line.startswith("lines "))
    assert not any(line.startswith("and ") for line in lines), "all groups are in the table"


@pytest.mark.slow
def test_json_has_one_object_a_line_and_no_totals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (log, _) = big8_logs(tmp_path)
    lines = explained(capsys, "--json", log)
    with open(log, "rb") as stream:
        wanted = [each.incident.to_json() for each in explain_logs([OpenLog(stream, now=Path(log).stat().st_mtime)])]
    assert len(lines) == len(wanted) == DENIED + OOM_KILLS
    for line, each in zip(lines, wanted, strict=True):
        assert line.startswith("{") and line.endswith(json.dumps(each, ensure_ascii=False)[1:])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"hello\n", "no failure in 1 line: not understood 1\n"),
        (b"hello", "no failure in 1 line: not understood 1\n"),
        (b"", "no failure in 0 lines: the input is empty\n"),
        (bytes(range(256)) * 40, "no failure in 41 lines: not understood 41 (binary data, not a log)\n"),
        (
            b"Jul  1 10:00:00 n kernel: eth0: up\n" * 2
            + b"Jul  1 10:00:00 n kubelet[12]: I0701 all is well\n" * 3
            + b"?\n",
            "no failure in 6 lines: kernel 2, kubelet 3, not understood 1\n",
        ),
        (b"[   12.500000] eth0: up\n" * 200_000, "no failure in 200,000 lines; the first 10,922: kernel 10,922\n"),
    ],
    ids=["text", "torn", "empty", "binary", "syslog", "long"],
)
def test_there_is_always_a_closing_line(data: bytes, said: str) -> None:
    done = subprocess.run([*command(), "explain"], input=data, capture_output=True, check=False)
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, said, b"")


def test_a_cut_stream_is_explained_and_the_closing_line_reports_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "x.gz"
    log.write_bytes(gzip.compress(b"".join(KERNEL % second for second in range(60)) + os.urandom(9000))[:-4000])
    assert main(["explain", str(log), str(tmp_path / "none")]) == 1
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        f"fragtui explain: {tmp_path}/none: no such file or directory",
        f"fragtui explain: {log}: it is cut off",
    ]
    assert said.out.startswith("Failures  60 allocation failures\n")
    assert re.search(r"^60 allocation failures in \d+ lines; not everything could be read$", said.out, re.MULTILINE)


@pytest.mark.slow
def test_ctrl_c_ends_a_stream_with_the_totals_so_far() -> None:
    with subprocess.Popen([*command(), "explain"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None
        for second in range(3):
            program.stdin.write(KERNEL % second)
        program.stdin.flush()
        waiting = Path(f"/proc/{program.pid}/wchan")
        until = time.monotonic() + 20
        while "pipe" not in waiting.read_text() and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.1)
        program.send_signal(signal.SIGINT)
        out, _ = program.communicate(timeout=20)
    assert program.returncode == 130
    lines = out.decode().splitlines()
    assert lines[0] == "Failures  3 allocation failures"
    assert lines[-1] == "3 allocation failures in 3 lines; ended by Ctrl-C"


@pytest.mark.slow
def test_on_a_terminal_standard_input_is_announced_and_the_text_is_coloured() -> None:
    with terminal("explain", columns=60) as screen:
        screen.until("reading standard input; Ctrl-D ends it")
        screen.press((KERNEL % 1).decode().replace("\n", "\r"))
        screen.press("\x04")
        assert screen.wait() == 0
        assert "1 allocation failure in 1 line" in screen.text
        assert b"\x1b[1;31m64K\x1b[0m" in screen.written
        assert "  java was denied a 64K block (order 4); the report shows no\n" in screen.text, "wrapped at 60"


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["NO_COLOR", "TERM"])
def test_no_color_and_a_dumb_terminal_get_no_colour(tmp_path: Path, variable: str) -> None:
    (tmp_path / "log").write_bytes(KERNEL % 1)
    with terminal(argv=["env", f"{variable}=dumb", *command(), "explain", str(tmp_path / "log")]) as screen:
        assert screen.wait() == 0
        assert b"1 allocation failure in 1 line" in screen.written
        assert b"\x1b" not in screen.written


@pytest.mark.slow
def test_progress_is_one_line_on_a_terminal_that_leaves_nothing() -> None:
    # More than a pipe holds: the program reads the first lines before the shell sleeps.
    line = "for i in 1 2 3 4; do seq 10000 22000; sleep 0.4; done"
    program = " ".join(command())
    with terminal(argv=["sh", "-c", f"({line}) | {program} explain >/dev/null"]) as screen:
        assert screen.wait() == 0
    drawn = [part for part in screen.written.decode().split("\r") if part.strip()]
    assert all(re.fullmatch(r"\d+\.\d [KM]B · 0 incidents · \d s\x1b\[K|\x1b\[K", part) for part in drawn), drawn
    assert len(drawn) >= 2 and drawn[-1] == "\x1b[K"
    assert not screen.text.strip(), "nothing is left"
    done = subprocess.run(["sh", "-c", f"({line}) | {program} explain"], capture_output=True, check=False)
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("read", "whole", "seconds", "said"),
    [
        (1288490188, 4294967296, 1.28, "1.2 of 4.0 GB · 131 incidents · 3 s left"),
        (1288490188, None, 7.4, "1.2 GB · 131 incidents · 7 s"),
        (0, 4096, 1.0, "0.0 of 4.0 KB · 131 incidents"),
        (9000, 4096, 1.0, "8.8 KB · 131 incidents · 1 s"),
    ],
)
def test_progress_has_the_size_the_count_and_what_is_left(
    read: int, whole: int | None, seconds: float, said: str
) -> None:
    assert progress_words(read, whole, "131 incidents", seconds) == said
