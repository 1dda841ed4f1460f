"""A read that blocks in the kernel is reported, and no thread waits for it."""

import threading
import time
from pathlib import Path

import pytest

from fragtui.sources.files.host_files import HostFile
from tests.support.host_tree import HostTree
from tests.support.screen import make_app, running, text_of, until


@pytest.mark.slow
async def test_it_is_named_and_does_not_prevent_quitting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    HostTree.small(tmp_path)
    let_go, hangs = threading.Event(), threading.Event()
    read = HostFile.read

    def blocked(file: HostFile) -> str:
        if hangs.is_set() and file.path.name == "vmstat":
            let_go.wait(60)
        return read(file)

    monkeypatch.setattr(HostFile, "read", blocked)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        hangs.set()
        await until(pilot, lambda: "no answer from vmstat" in text_of(app))
        start = time.monotonic()
        await pilot.press("q")
    assert time.monotonic() - start < 20
    let_go.set()
