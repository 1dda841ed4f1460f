"""The gate on a real kernel: its results, and its count held against the huge pages that the kernel then grants."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fragtui.commands.cli.parser import main
from tests.lab.test_remedies import held, held_by_pipes, hogged
from tests.support.fragment_cache import HUGE_POOL
from tests.support.lab import alone, lab, long

pytestmark = lab
RUNS = 20
MORE_THAN_ANY = 1 << 20


@pytest.fixture(autouse=True)
def one_at_a_time() -> Iterator[None]:
    with alone():
        yield


def gate(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    status = main(["gate", "-o", "json", *words])
    said = capsys.readouterr()
    with capsys.disabled():
        print(said.out, said.err)
    return status, json.loads(said.out)


def blocks(capsys: pytest.CaptureFixture[str]) -> int:
    """Return the blocks of 2M that the gate counts."""
    status, fields = gate(capsys, "--need", "1x2M")
    assert fields["have"]["blocks"] == fields["have"]["possible"], "root knows the migratetypes"
    assert (status == 0) == (fields["have"]["blocks"] > 0)
    return int(fields["have"]["blocks"])


def in_large_blocks() -> int:
    """Return the blocks of 2M that all free blocks of that size and above make."""
    rows = [line.split()[4:] for line in Path("/proc/buddyinfo").read_text().splitlines()]
    return sum(int(row[order]) << order - 9 for row in rows for order in range(9, len(row)))


def granted(before: int) -> int:
    """Return the huge pages that the kernel adds to a pool of `before`, asked for all it can give."""
    HUGE_POOL.write_text(str(MORE_THAN_ANY))
    return int(HUGE_POOL.read_text()) - before


def counted_and_granted(capsys: pytest.CaptureFixture[str], before: int) -> tuple[int, int, int]:
    """Return what the gate counts, what other processes took until the kernel was asked, and what it granted."""
    time.sleep(1.2)  # The kernel's counters are up to date after it.
    counted, have = in_large_blocks(), blocks(capsys)
    taken = max(0, counted - in_large_blocks())
    return have, taken, granted(before)


@long
def test_memory_that_is_pinned_requires_a_reboot(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with hogged(5000), held_by_pipes(400, 3):
        time.sleep(1.2)
        have = blocks(capsys)
        words = ("--need", f"{have + 300}x2M", "--heal", "-y", "--wait", "1m", "--audit", str(tmp_path / "audit"))
        status, fields = gate(capsys, *words)
    assert (status, fields["result"]) == (5, "reboot-required")
    assert {"sync", "drop-caches-1", "drop-caches-2", "sync-compact"} <= set(fields["remedies"])


def test_memory_that_is_filled_with_page_cache_recovers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with hogged(5000), held("hold_page_cache.py", str(tmp_path), "1000"):
        time.sleep(1.2)
        fields = gate(capsys, "--need", "1x2M")[1]
        have, forecast = fields["have"]["blocks"], fields["forecast"]
        # The low end may be next to nothing beside other tasks' pages.
        more = max(forecast["low"] // 2, forecast["blocks"] // 8)
        assert more > 50
        words = ("--need", f"{have + more}x2M", "--audit", str(tmp_path / "audit"))
        assert gate(capsys, *words)[0] == 4
        status, fields = gate(capsys, *words, "--heal", "-y")
        assert (status, fields["result"]) == (0, "healed")
        # Waking kcompactd may be enough.
        assert (
            {"sync", fields["remedies"][-1]} <= set(fields["remedies"]) <= {"sync", "nudge-kcompactd", "drop-caches-1"}
        )
        assert gate(capsys, *words)[1]["result"] == "ready"


@long
def test_the_kernel_grants_what_the_gate_counts_and_with_memory_pinned_hardly_more(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    drawn = random.Random(17)
    try:
        with hogged(5000), held_by_pipes(400, 3):
            for run in range(RUNS // 2):
                # Each time another part of the large blocks is in the pool already.
                HUGE_POOL.write_text(str(drawn.randrange(0, 6000)))
                before = int(HUGE_POOL.read_text())
                have, taken, more = counted_and_granted(capsys, before)
                with capsys.disabled():
                    print(f"pinned {run}: counted {have}, {taken} taken meanwhile, granted {more}")
                assert have - taken <= more <= have * 1.02
        for run in range(RUNS // 2):
            HUGE_POOL.write_text("0")
            with hogged(5000), held("hold_page_cache.py", str(tmp_path), str(drawn.randrange(500, 2500))):
                before = int(HUGE_POOL.read_text())
                have, taken, more = counted_and_granted(capsys, before)
                with capsys.disabled():
                    print(f"page cache {run}: counted {have}, {taken} taken meanwhile, granted {more}")
                assert have - taken <= more
    finally:
        HUGE_POOL.write_text("0")
