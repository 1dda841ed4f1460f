from dataclasses import replace
from pathlib import Path

import pytest

from fragtui.ui.screens.live import LiveScreen
from tests.support.host_tree import HostTree
from tests.support.screen import make_app, running, text_of, until


async def test_a_crash_is_printed_plainly_and_without_the_values_of_variables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)

    def fail() -> None:
        secret_token = "hunter2" * 3
        raise RuntimeError(f"broken {len(secret_token)}")

    with pytest.raises(RuntimeError, match="broken"):
        async with app.run_test() as pilot:
            app.main.call_later(fail)
            await pilot.pause(1)
    app.say_failure()
    printed = capsys.readouterr().err
    assert "RuntimeError: broken 21" in printed
    assert "hunter2hunter2" not in printed
    assert app.return_code == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("can't start new thread"), "no thread can be started"),
        (LookupError("broken \x1b[31m"), r"LookupError: broken \x1b[31m"),
        (OSError(28, "No space left on device", "/x.md"), "No space left on device: /x.md"),
    ],
)
async def test_a_report_that_can_not_be_written_shows_the_reason(tmp_path: Path, error: Exception, words: str) -> None:
    def fail(_: Path) -> None:
        raise error

    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    assert isinstance(app.main, LiveScreen)
    app.main._dependencies = replace(app.dependencies, write_report=fail)
    async with running(app) as pilot:
        await pilot.press("w", "t")
        await until(pilot, lambda: "No report" in text_of(app))
        assert words[:25] in text_of(app)
