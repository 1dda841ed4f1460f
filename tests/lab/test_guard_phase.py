"""The guard for a phase: page cache floods the memory while a process asks for huge pages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from fragtui.model.remedy.remedy_history import IntentEntry
from fragtui.remedies.audit.log import AuditLog
from tests.lab.test_remedies import HERE, hogged
from tests.support.lab import alone, lab, long

pytestmark = lab
DEFRAG = Path("/sys/kernel/mm/transparent_hugepage/defrag")
BURSTS, PAGES, FULL_MB, FLOOD_MIB = 12, 30, 300, 200
GUARD = [
    *("--order", "9", "--blocks", "600", "--for", "0", "--steps", "drop-page-cache,compact"),
    *("--cooldown", "1", "--per-hour", "60", "--pressure", "100", "--interval", "0.2"),
]


@pytest.fixture(autouse=True)
def no_help_for_huge_pages() -> Iterator[None]:
    """Have the kernel give a huge page only if a block is free."""
    with alone():
        chosen = DEFRAG.read_text().partition("[")[2].partition("]")[0]
        DEFRAG.write_text("never")
        try:
            yield
        finally:
            DEFRAG.write_text(chosen)


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def line_of(process: subprocess.Popen[str], wanted: str) -> str:
    """Return the next line with that text, after those before it."""
    assert process.stdout is not None
    lines = ""
    for line in process.stdout:
        lines += line
        if wanted in line:
            return lines
    raise AssertionError(lines)


def asked_and_denied(folder: Path, *guard: str) -> tuple[int, int, str]:
    """Return how many huge pages a process asked for in a flood of page cache, those denied, the guard's lines."""
    with (
        hogged(8000),
        running(str(HERE / "ask_huge_pages.py"), str(BURSTS), str(PAGES)) as job,
        running(str(HERE / "flood_page_cache.py"), str(folder), str(FULL_MB), str(FLOOD_MIB)) as flood,
        ExitStack() as stack,
    ):
        line_of(flood, "READY")
        guarding, lines = None, ""
        if guard:
            words = ("-m", "fragtui", "guard", *guard, "--until", f"pid:{job.pid}")
            guarding = stack.enter_context(running(*words))
            lines = line_of(guarding, "run over")
        asked, denied = (int(word) for word in job.communicate("\n", timeout=200)[0].split())
        if guarding is not None:
            lines += guarding.communicate(timeout=20)[0]
            assert guarding.returncode == 0, lines
    return asked, denied, lines


@long
def test_no_huge_page_is_denied_while_the_guard_keeps_blocks_free(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, denied, _ = asked_and_denied(tmp_path)
    with capsys.disabled():
        print(f"without a guard {denied} of {asked} denied")
    audit = tmp_path / "audit.jsonl"
    guarded, denied_guarded, lines = asked_and_denied(tmp_path, *GUARD, "--audit", str(audit))
    runs = [entry for entry in AuditLog(audit).read().entries if isinstance(entry, IntentEntry)]
    with capsys.disabled():
        print(lines)
        print(f"with it {denied_guarded} of {guarded}, {len(runs)} remedies")
    assert denied > 0 and denied_guarded == 0
    assert asked == guarded == BURSTS * PAGES
    assert runs and {run.by for run in runs} == {"guard"}
    assert "stopped: " in lines, "it ends with the job"
