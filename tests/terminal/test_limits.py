"""A node in trouble: hardly any descriptors, tasks, CPU or memory."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.cgroup import limited
from tests.support.host_tree import HostTree
from tests.support.terminal import Terminal, command

pytestmark = pytest.mark.slow

VERBS = [
    ["check"],
    ["check", "--json"],
    ["report"],
    ["history"],
    ["gfp", "0xcc0"],
    ["explain", "LOG"],
    ["record", "--for", "1s", "FILE"],
    ["guard", "--dry-run", "--once"],
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return HostTree.small(tmp_path / "host").root


def ran(argv: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)


def called(words: list[str], tmp_path: Path) -> list[str]:
    (tmp_path / "log").write_text("java: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL|__GFP_COMP)\n")
    places = {"LOG": str(tmp_path / "log"), "FILE": str(tmp_path / "new.rec")}
    return [*command(), *(places.get(word, word) for word in words)]


def is_answered(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether a verb did its work, or ended with one line that gives the reason."""
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert done.returncode in (0, 1, 2, 3)
    return bool(done.stdout) or len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_a_verb_works_with_sixteen_descriptors(words: list[str], tmp_path: Path) -> None:
    assert is_answered(ran(["prlimit", "--nofile=16", *called(words, tmp_path)]))


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_a_verb_runs_without_another_task_or_reports_it_in_a_line(words: list[str], tmp_path: Path) -> None:
    with limited("pids", 1) as group:
        assert is_answered(ran(group.command(called(words, tmp_path))))


def test_the_screen_ends_with_a_line_if_it_gets_too_few_descriptors(root: Path) -> None:
    terminal = Terminal(["prlimit", "--nofile=16", *command(), "--root", str(root)])
    try:
        assert terminal.wait() == 2
        assert terminal.text.strip() == "fragtui: the full screen needs 40 open files, the limit is 16 (ulimit -n)"
    finally:
        terminal.close()


@pytest.mark.parametrize("tasks", [1, 3, 5])
def test_the_screen_ends_with_a_line_if_it_gets_too_few_threads(root: Path, tasks: int) -> None:
    with limited("pids", tasks) as group:
        terminal = Terminal(group.command([*command(), "--root", str(root)]))
        try:
            assert terminal.wait() == 1
            assert terminal.text.strip() == (
                "fragtui: no thread can be started: the limit of tasks (pids cgroup, ulimit -u) or memory is reached"
            )
        finally:
            terminal.close()


@pytest.mark.parametrize("tasks", [6, 7, 8])
def test_the_screen_without_reader_threads_reports_it_and_continues(tasks: int) -> None:
    with limited("pids", tasks) as group:
        terminal = Terminal(group.command(command()))
        try:
            text = terminal.until("no thread can be started")
            assert "Normal" in text
            text = terminal.until(lambda text: "looking for the kubelet's log" not in text)
            assert "none in the kernel log" not in text
            terminal.press("q")
            assert terminal.wait() == 0
        finally:
            terminal.close()


@pytest.mark.by_hand
def test_the_screen_draws_and_ends_on_a_twentieth_of_a_cpu(root: Path) -> None:
    with limited("cpu", 5) as group:
        terminal = Terminal(group.command([*command(), "--root", str(root)]))
        try:
            terminal.until("Normal", 90)
            terminal.press("q")
            assert terminal.wait(60) == 0
        finally:
            terminal.close()


def test_64_mib_hold_check_and_the_screen_without_children() -> None:
    with limited("memory", 64 << 20) as group:
        done = ran(group.command([*command(), "check"]))
        assert done.returncode in (0, 1, 2) and "order" in done.stdout, done.stderr
        terminal = Terminal(group.command([*command(), "--kubelet-log", "none"]))
        try:
            terminal.until("Normal")
            terminal.pump(2)
            terminal.press("q")
            assert terminal.wait() == 0
        finally:
            terminal.close()
        assert group.most_memory() <= 64 << 20
