"""The README's pictures come from the recorded incident, and show what they are for."""

from __future__ import annotations

import html
import importlib.util
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from screenshots import states
from tests.support.contrast import XTERM

HERE = Path(__file__).parent.parent / "screenshots"
WORDS = {
    "fragmented-120x40": ("node-7", "FRAGMENTED", "No free 4M block", "runc:[1:CHILD]", "replay", "✗ none · denied"),
    "recovery-80x24": (
        "Before and after: Drop page cache and slab",
        "IT WORKED",
        "4M blocks went from 0 to 1255",
        "before",
    ),
}


def words_of(svg: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", svg)).replace("\xa0", " ").split())


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.setenv("TZ", "UTC")
    spec = importlib.util.spec_from_file_location("screenshots_make", HERE / "make.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("name", WORDS)
def test_a_picture_is_made_from_the_recording(
    tmp_path: Path, name: str, make: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, size = name.rsplit("-", 1)
    width, height = map(int, size.split("x"))
    make.make(tmp_path, (kind,), ((width, height),))
    text = words_of((tmp_path / f"{name}.svg").read_text())
    for word in WORDS[name]:
        assert word in text
    assert capsys.readouterr().out == f"{tmp_path / name}.svg\n"
    committed = words_of((HERE / f"{name}.svg").read_text())
    for word in WORDS[name]:
        assert word in committed


def test_the_pictures_of_a_fleet_show_its_worst_nodes_and_one_of_them(
    tmp_path: Path, make: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "FLEET", {"fleet": ((80, 24),)})
    make.make_fleet(tmp_path, ("fleet",))
    for picture in (tmp_path / "fleet-80x24.svg", *(HERE / f"fleet-{size}.svg" for size in ("120x40", "200x60"))):
        text = words_of(picture.read_text())
        for word in ("Can a 64K block be allocated?", "5,000 nodes", "98 FRAGMENTED", "OUT OF MEMORY"):
            assert word in text
    node = words_of((HERE / "fleet-node-120x40.svg").read_text())
    assert "Blocks of 64K" in node and "FRAGMENTED" in node


def test_the_animation_shows_each_line_while_it_is_on_screen(make: ModuleType) -> None:
    frames = [make.Frame(1, ("<a/>", "<b/>")), make.Frame(3, ("<a/>", "<c/>"))]
    svg = make.animation(frames, 80, "#000000", still=1)
    assert svg.count("<a/>") == svg.count("<b/>") == svg.count("<c/>") == 1
    assert re.search(r'<g class="k0" visibility="hidden"><g [^>]*><b/>', svg)
    assert re.search(r'<g class="k1" visibility="visible"><g [^>]*><c/>', svg)
    assert "@keyframes k0{0.000%{visibility:visible}25.000%{visibility:hidden}}" in svg
    assert "@keyframes k1{0.000%{visibility:hidden}25.000%{visibility:visible}}" in svg


def test_the_committed_animation_shows_the_denial_the_question_and_the_recovery() -> None:
    film = words_of((HERE / "incident.svg").read_text())
    for word in ("runc:[1:CHILD]", "Drop page cache and slab", "Cancel", "/proc/sys/vm/drop_caches", "0 → 1255"):
        assert word in film


def test_the_recording_names_no_person() -> None:
    from fragtui.sources.recording.reader import read_recording

    found = read_recording(HERE / "incident.rec")
    assert (HERE / "incident.rec").stat().st_size < 300_000
    assert found.host.name == "node-7"
    recorded = " ".join(str(event.facts) for event in found.events)
    assert "/work" not in recorded
    assert "/home" not in recorded
    assert not re.search(r'"login": "|"boot": "', recorded)


@pytest.mark.slow
def test_a_state_is_drawn_as_a_terminal_shows_it_and_listed_on_the_page(tmp_path: Path) -> None:
    states.write_roots(tmp_path)
    (tmp_path / "notes").mkdir()
    size, depth = (80, 24), "16"
    found = states.cases(tmp_path)
    assert list(found) == ["healthy", "keeps", *states.REPLAYED]
    (path,) = states.draw_case("keeps", found["keeps"], tmp_path, (size,), {depth: states.DEPTHS[depth]})
    picture = path.read_text()
    for word in ("keeps · 80×24 · 16", "RESERVED", "Denied", "Stuck", "Try", "none"):
        assert word in words_of(picture)
    assert set(re.findall(r"#[0-9a-f]{6}", picture)) <= {*XTERM, "#888888"}
    page = states.index(["keeps"])
    assert page.count("<img") == len(states.SIZES) * len(states.DEPTHS)
    assert f'src="{path.name}"' in page


def test_an_unknown_state_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no case frga; there are healthy, keeps, denied, recovering"):
        states.main(tmp_path, tmp_path / "out", "frga")
    assert not (tmp_path / "out").exists()
