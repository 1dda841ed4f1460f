"""No input, however hostile, makes a parser fail, hand on what can't be shown, or take longer than 50 ms of a CPU.

`FRAGTUI_FUZZ=1000000 pytest tests/fuzz -m slow -s` makes a million inputs; `FRAGTUI_FUZZ_SEED` makes those of a seed.
"""

from __future__ import annotations

import os
import re
import time

import pytest

from tests.fuzz.mutations import Mutator
from tests.fuzz.targets import TARGETS

SHARE = 4000
"""Inputs of a run in CI."""
WHOLE = int(os.environ.get("FRAGTUI_FUZZ", "20000"))
SEED = os.environ.get("FRAGTUI_FUZZ_SEED", "1")
MAX_CPU = 0.05
"""Seconds that one call may take on the machine that this was measured on; no input is longer than 64 KiB."""
WORK_SECONDS = 0.0032
"""Seconds that `work` takes there."""
_TEXT = "a " * 8192
_WORK = re.compile(r"\b(?:b|c|\d++:|a (?=a))")


def work() -> None:
    """Do for some milliseconds what parsers do."""
    for _ in range(4):
        _WORK.findall(_TEXT)


def slowness() -> float:
    """Return how many times as long as there the processor takes now, at least 1."""
    began = time.thread_time()
    work()
    return max(1.0, (time.thread_time() - began) / WORK_SECONDS)


def slow_calls(name: str, data: bytes) -> list[float]:
    """Make all calls of an input; return the CPU seconds of those that took too long for the processor as it is."""
    found = []
    for call in TARGETS[name].calls(data):
        began = time.thread_time()
        call()
        if (took := time.thread_time() - began) > MAX_CPU and took > MAX_CPU * slowness():
            found.append(took)
    return found


def fuzz(name: str, inputs: int, seed: str) -> None:
    target = TARGETS[name]
    mutator = Mutator(f"{name} {seed}", target.texts())
    for number in range(inputs):
        data = mutator.next()
        try:
            # A busy machine, or a collection of garbage, makes a call slow now and then, an expression every time.
            slow = all(slow_calls(name, data) for _ in range(5))
        except Exception as error:
            error.add_note(f"{name}, FRAGTUI_FUZZ_SEED={seed}, input {number}: {data[:300]!r} ({len(data)} bytes)")
            raise
        assert not slow, f"{name}, FRAGTUI_FUZZ_SEED={seed}, input {number} is slow: {data[:300]!r} ({len(data)} bytes)"


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_hostile_input_costs_nothing_but_itself(name: str) -> None:
    fuzz(name, SHARE * TARGETS[name].share // 100, SEED)


@pytest.mark.by_hand
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", TARGETS)
def test_a_great_many_hostile_inputs_cost_nothing_but_themselves(name: str) -> None:
    fuzz(name, WHOLE * TARGETS[name].share // 100, f"{SEED} whole")
    print(f"{name}: {WHOLE * TARGETS[name].share // 100} inputs of seed {SEED}")
