"""The verdict against kernels of this machine, booted under qemu: texts and a request right after them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.guest import KERNELS, boot, kernels
from tests.support.pairs import ANSWERS_THAT_FIT, confusion, confusion_rows, read_pairs
from tests.support.places import REPOSITORY

pytestmark = [
    pytest.mark.by_hand,
    pytest.mark.skipif(not kernels(), reason=f"no qemu, or no kernel {KERNELS} (FRAGTUI_GUEST_KERNELS)"),
]
MIN_SHARE = 0.97
"""A row of texts and its request are not of one moment: one in fifty may differ."""


@pytest.mark.parametrize("kernel", kernels(), ids=lambda path: path.name)
def test_a_booted_kernel_does_what_the_verdict_says(kernel: Path, tmp_path: Path) -> None:
    console = boot(kernel, REPOSITORY / "tests/lab/guest_pairs.py", tmp_path)
    rows = re.findall(r"\{\"kernel\": .*\}", console)
    assert json.dumps({"end": "done"}) in console, f"{len(rows)} rows, then: {console[-300:]}"
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(rows))
    pairs = list(read_pairs(path))
    for without in ((), ("pagetypeinfo",)):
        table = confusion(pairs, without)
        told = "\n".join(confusion_rows(table))
        print(f"{kernel.name}, without {without}\n{told}")
        fit = sum(count for (outcome, answer), count in table.items() if answer in ANSWERS_THAT_FIT[outcome])
        assert fit >= MIN_SHARE * len(pairs), told
    assert {pair.answer for pair in pairs} >= {"at once", "refused"}, "the states are too easy"
