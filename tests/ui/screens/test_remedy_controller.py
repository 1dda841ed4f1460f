"""No way through the keyboard runs a write that is not in the audit log first."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fragtui.model.remedy.remedy_history import IntentEntry
from fragtui.remedies import runner as remedy_run
from fragtui.remedies.audit.log import AuditLog
from fragtui.ui.keys import KEYS
from tests.support.person import press
from tests.support.screen import make_app, running

QUIET = {"quit", "picture", "save", "app.record", "app.focus_next"}
PRESSED = [key.keys.split(",")[0] for key in KEYS if key.action not in QUIET]
PRESSED += ["y", "y", "enter", "escape", "tab", "s"]
REAL = subprocess.Popen


class Recorded:
    """Replaces the child process: notes that it would have been started and whether the intent was on disk."""

    starts: ClassVar[list[bool]] = []
    audit: ClassVar[Path] = Path()

    def __init__(self, argv: list[str], **options: Any) -> None:
        entries = AuditLog(self.audit).read().entries if self.audit.exists() else ()
        open_intents = sum(isinstance(entry, IntentEntry) for entry in entries)
        Recorded.starts.append(open_intents == len(Recorded.starts) + 1)
        self._child = REAL(["true"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.stdout = self._child.stdout
        self.pid = self._child.pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        self.returncode = self._child.poll()
        return self.returncode

    def wait(self, seconds: float | None = None) -> int:
        self.returncode = self._child.wait(seconds)
        return self.returncode

    def terminate(self) -> None:
        self._child.terminate()

    def kill(self) -> None:
        self._child.kill()


@pytest.mark.by_hand
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(presses=st.lists(st.sampled_from(PRESSED), min_size=5, max_size=20))
def test_any_keys_any_order(presses: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    Recorded.audit = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    Recorded.starts = []

    async def press_all() -> None:
        app = make_app(Path("/"), audit=Recorded.audit)
        async with running(app, (80, 24)) as pilot:
            for key in presses:
                await press(pilot, key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", Recorded)
        patch.setattr("fragtui.ui.terminal.key_gate.ANSWER_DELAY_SECONDS", 0.0)
        patch.setattr(remedy_run, "disabled_because", lambda *_: None)
        asyncio.run(press_all())
    assert all(Recorded.starts)


@pytest.mark.slow
async def test_the_property_above_sees_a_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Recorded.audit, Recorded.starts = tmp_path / "audit.jsonl", []
    monkeypatch.setattr(subprocess, "Popen", Recorded)
    monkeypatch.setattr("fragtui.ui.terminal.key_gate.ANSWER_DELAY_SECONDS", 0.0)
    app = make_app(Path("/"), audit=Recorded.audit)
    async with running(app, (80, 24)) as pilot:
        await pilot.pause(0.5)
        if app.main.session.remedies is None or app.main.session.disabled_reason:
            pytest.skip("remedies can't be run here")
        await press(pilot, "1", "y")
        await pilot.pause(1.0)
    assert Recorded.starts == [True]
