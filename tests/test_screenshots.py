"""The README's pictures come from the recorded incident, and show what they are for."""

from __future__ import annotations

import html
import importlib.util
import re
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent.parent / "screenshots"
WORDS = {
    "fragmented-120x40": ("node-7", "FRAGMENTED", "No free 4M block", "runc:[1:CHILD]", "replaying", "fragmented"),
    "recovery-80x24": ("Recovery: Drop page cache and slab", "Blocks of 4M", "before", "done in"),
}


def words_of(svg: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", svg)).replace("\xa0", " ").split())


@pytest.mark.parametrize("name", WORDS)
def test_a_picture_is_made_from_the_recording(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    spec = importlib.util.spec_from_file_location("screenshots_make", HERE / "make.py")
    assert spec is not None and spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    kind, size = name.rsplit("-", 1)
    width, height = map(int, size.split("x"))
    try:
        make.make(tmp_path, (kind,), ((width, height),))
    finally:
        monkeypatch.undo()
        time.tzset()
    text = words_of((tmp_path / f"{name}.svg").read_text())
    for word in WORDS[name]:
        assert word in text
    assert capsys.readouterr().out == f"{tmp_path / name}.svg\n"
    committed = words_of((HERE / f"{name}.svg").read_text())
    for word in WORDS[name]:
        assert word in committed


def test_the_recording_names_no_person() -> None:
    from fragtui.sources.recording.reader import read_recording

    found = read_recording(HERE / "incident.rec")
    assert (HERE / "incident.rec").stat().st_size < 300_000
    assert found.host.name == "node-7"
    recorded = " ".join(str(event.facts) for event in found.events)
    assert "/work" not in recorded
    assert "/home" not in recorded
    assert not re.search(r'"login": "|"boot": "', recorded)
