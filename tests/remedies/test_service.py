"""What the screen's own thread does with the guard, with remedies that write coredump_filter of this very process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fragtui.model.remedy.effect import Effect
from fragtui.remedies import runner as run_module
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import Action, Remedy, RemedyStep
from fragtui.remedies.escalation import EndReason
from fragtui.remedies.guard import loop as guard_module
from fragtui.remedies.guard.policy import Policy
from fragtui.remedies.guard.rules import GuardAction
from fragtui.remedies.service import RemedyService, RemedyState
from fragtui.sources.host.reader import NodeReader

FILTER = f"proc/{os.getpid()}/coredump_filter"
HARMLESS = Remedy("harmless", "Harmless", (RemedyStep(Action.WRITE, FILTER, "0x33"),), Effect(page_cache=True), "", "")


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[RemedyState]:
    for module in (run_module, guard_module):
        monkeypatch.setattr(module, "lock_directories", lambda root, audit: (tmp_path,))
    monkeypatch.setattr(guard_module, "steps_of_node", lambda *_: (HARMLESS,) * 3)
    return []


def until(condition: Callable[[], bool], do: Callable[[], None]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        do()
        time.sleep(0.05)


def test_a_run_of_the_guard_is_aborted_between_its_steps_and_the_guard_continues(
    tmp_path: Path, seen: list[RemedyState]
) -> None:
    before = Path("/", FILTER).read_text()
    changed = threading.Lock()

    def on_change(state: RemedyState | str) -> None:
        assert isinstance(state, RemedyState), state
        with changed:
            seen.append(state)

    reader = NodeReader(Path("/"))
    service = RemedyService(Path("/"), AuditLog(tmp_path / "audit.jsonl"), None, on_change)
    service.start()
    try:
        service.guard(Policy(order=3, blocks=1 << 40, hold=0, pressure=100))

        def look() -> None:
            service.see(reader.sample())

        until(lambda: any(s.decision is not None and s.decision.action is GuardAction.RUNNING for s in seen), look)
        service.abort()
        until(lambda: any(s.guard_end is not None for s in seen), look)
        end = seen[-1].guard_end
        assert end is not None and end.reason is EndReason.ABORTED and len(end.steps) < 3
        until(lambda: seen[-1].decision is not None and seen[-1].decision.topic == "cooldown", look)
        assert seen[-1].guard is not None
    finally:
        service.close(5)
        reader.close()
        Path("/", FILTER).write_text("0x" + before)
