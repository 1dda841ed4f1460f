"""The save menu: what it lists, where each file goes, and what its keys do."""

from __future__ import annotations

from pathlib import Path

import pytest

from fragtui.sources.recording.reader import read_recording
from tests.support.host_tree import HostTree
from tests.support.screen import SIZES, make_app, running, text_of, until

LOG = "<4>[  1.0] sh: page allocation failure: order:6, mode:0xdc0(GFP_KERNEL)\n"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, beside a host and its kernel log with one failure."""
    HostTree.small(tmp_path / "host")
    (tmp_path / "kern.log").write_text(LOG)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def files_in(work: Path) -> list[str]:
    return sorted(path.suffix for path in work.iterdir() if path.suffix != ".tmp")


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])
async def test_it_names_all_files_and_their_folder_at_every_size(work: Path, size: tuple[int, int]) -> None:
    app = make_app(work.parent / "host", kernel_log=str(work.parent / "kern.log"))
    async with running(app, size) as pilot:
        await until(pilot, lambda: len(app.main.session.failures.rows) == 1)
        await pilot.press("w")
        await until(pilot, lambda: "Esc goes back" in text_of(app))
        text = text_of(app)
        assert "The 1 failure listed, as JSON lines" in text
        assert "there is no live node to report on" in text
        for suffix in (".svg", ".jsonl", ".rec"):
            assert suffix in text
        assert f"{work.name} " in text
        await pilot.press("escape")
        assert app.screen is app.main
    assert files_in(work) == []


@pytest.mark.slow
async def test_each_key_saves_its_own_file(work: Path) -> None:
    app = make_app(
        work.parent / "host",
        kernel_log=str(work.parent / "kern.log"),
        write_report=lambda path: path.write_text("a report"),
    )
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.main.session.failures.rows) == 1)
        for key, suffix in (("t", ".md"), ("p", ".svg"), ("f", ".jsonl"), ("r", ".rec")):
            await pilot.press("w", key)
            await until(pilot, lambda wanted=suffix: wanted in files_in(work))  # type: ignore[misc]
            assert app.screen is app.main
        await pilot.press("w")
        await until(pilot, lambda: "End the recording" in text_of(app))
        await pilot.press("r")
        await until(pilot, lambda: "Recorded" in text_of(app))
    assert files_in(work) == [".jsonl", ".md", ".rec", ".svg"]
    assert {path.stem[: len("fragtui-node-7-2")] for path in work.iterdir()} == {"fragtui-node-7-2"}
    picture = next(work.glob("*.svg")).read_text()
    assert "goes" not in picture, "the menu is not in the picture"
    assert not read_recording(next(work.glob("*.rec"))).damaged


@pytest.mark.slow
async def test_what_can_not_be_saved_keeps_the_menu_open_and_says_why(work: Path) -> None:
    app = make_app(work.parent / "host")
    async with running(app) as pilot:
        await pilot.press("w", "f")
        await until(pilot, lambda: "no failure is listed" in text_of(app))
        assert app.screen is not app.main
        await pilot.press("t")
        assert app.screen is not app.main
        await pilot.press("down", "enter")
        await until(pilot, lambda: files_in(work) == [".svg"])
        assert app.screen is app.main


@pytest.mark.slow
async def test_a_click_saves_and_a_click_beside_the_options_does_not(work: Path) -> None:
    app = make_app(work.parent / "host")
    async with running(app) as pilot:
        await pilot.press("w")
        await until(pilot, lambda: "Esc goes back" in text_of(app))
        await pilot.click("#save-options", offset=(3, 9))
        await pilot.pause()
        assert app.screen is not app.main
        await pilot.click("#save-options", offset=(3, 3))
        await until(pilot, lambda: files_in(work) == [".svg"])


@pytest.mark.slow
async def test_a_working_directory_that_is_gone_is_reported(work: Path) -> None:
    app = make_app(work.parent / "host")
    async with running(app) as pilot:
        work.rmdir()
        await pilot.press("w")
        await until(pilot, lambda: "into the working directory (No such file" in text_of(app))
        await pilot.press("p")
        await until(pilot, lambda: "Not saved" in text_of(app))
        await pilot.press("w", "r")
        await until(pilot, lambda: "Not recorded" in text_of(app))


@pytest.mark.slow
async def test_other_keys_open_it_and_choose_in_it(work: Path) -> None:
    app = make_app(work.parent / "host", keymap={"save": ("f9",), "save-picture": ("x",)})
    async with running(app) as pilot:
        await pilot.press("w")
        assert app.screen is app.main
        await pilot.press("f9", "p")
        assert app.screen is not app.main
        await pilot.press("x")
        await until(pilot, lambda: files_in(work) == [".svg"])
