from pathlib import Path

import pytest

from tests.support.host_tree import HostTree
from tests.support.screen import make_app


async def test_a_crash_is_told_plainly_and_without_the_values_of_variables(
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
    told = capsys.readouterr().err
    assert "RuntimeError: broken 21" in told
    assert "hunter2hunter2" not in told
    assert app.return_code == 1
