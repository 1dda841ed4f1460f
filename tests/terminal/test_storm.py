"""Random keys, bursts, pastes, mouse events and sizes end nothing, stop nothing, and write nothing unasked for.

CI runs a share. The whole, three quarters on a live node and a quarter on a recording; a failure names its seed:
FRAGTUI_STORM=100000 [FRAGTUI_STORM_SEED=1] .venv/bin/pytest tests/terminal/test_storm.py -m slow -s
"""

import json
import os
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from fragtui.sources.host.reader import NodeReader
from fragtui.sources.host.snapshot_builder import Tick
from fragtui.sources.recording.recorder import Recorder
from tests.support.harmless_node import HarmlessNode, harmless_node
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.storm import Deaf, Piece, Sent, Storm, storm, unasked
from tests.support.terminal import Terminal, command

pytestmark = [pytest.mark.slow, pytest.mark.by_hand]

EVENTS = int(os.environ.get("FRAGTUI_STORM", "5000"))
SEED = int(os.environ.get("FRAGTUI_STORM_SEED", "1"))
ROUND = 2_500
SHARE = 400
OWN_FAULT = "fault of its own"


def run_round(argv: list[str], ready: str, seed: int, events: int, *, remedies: bool) -> Storm:
    """Send one storm to one start of the application; end it with SIGTERM if it is still there."""
    with closing(Terminal(argv, 80, 24)) as term:
        term.until(ready, 120.0)
        sender = Storm(term)
        try:
            sender.send(storm(seed, events, remedies=remedies))
            if not sender.over:
                term.kill(signal.SIGTERM)
            end = time.monotonic() + 30
            while not sender.over:
                sender.take(0.05)
                assert time.monotonic() < end, "SIGTERM does not end it"
            sender.take(0.05)
            assert term.status == 0, "it crashed"
            assert OWN_FAULT not in sender.tail, "it met an internal error"
        except AssertionError as error:
            recent = "\n".join(str(one.piece) for one in sender.sent[-12:])
            raise AssertionError(f"seed {seed}, status {term.status}: {error}\n{recent}\n{sender.tail}") from error
        return sender


def intents_of(audit: Path) -> list[tuple[float, str, str]]:
    if not audit.exists():
        return []
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    return [(line["time"], line["remedy"], line["by"]) for line in lines if line["kind"] == "intent"]


def storm_live(node: HarmlessNode, folder: Path, seed: int, events: int) -> tuple[int, int]:
    """Send a storm to the screen of a live node; return the events sent and the remedies run."""
    node.forget()
    sender = run_round(in_folder(folder, node.command()), "N0 Normal", seed, events, remedies=True)
    intents = intents_of(node.audit)
    assert unasked(sender.sent, intents) == [], f"seed {seed}"
    assert intents or not node.written, f"seed {seed}: written without an intent: {node.written}"
    return sender.events, len(intents)


def storm_replay(recording: Path, folder: Path, seed: int, events: int) -> int:
    """Send a storm to the screen of a recording; return the events sent."""
    argv = in_folder(folder, [*command(), "replay", str(recording)])
    return run_round(argv, " replay ", seed, events, remedies=False).events


def in_folder(folder: Path, argv: list[str]) -> list[str]:
    """Return the command line that runs `argv` where its pictures, reports and recordings may be written."""
    folder.mkdir(exist_ok=True)
    return ["env", "-C", str(folder), *argv]


def recording_in(folder: Path) -> Path:
    """Make a recording of a minute."""
    tree = HostTree.small(folder / "recorded", FRAGMENTED)
    reader = NodeReader(folder / "recorded")
    texts: list[Tick] = []
    reader.on_tick = texts.append
    recorder = Recorder(reader.host)
    for second in range(60):
        tree.write()
        reader.sample(page_types=second % 30 == 0)
        recorder.take_tick(texts[-1]._replace(time=1_700_000_000.0 + second, monotonic=5_000.0 + second))
    recorder.save(folder / "x.rec")
    recorder.end()
    return folder / "x.rec"


def test_a_storm_on_the_live_screen_ends_nothing_and_writes_nothing_without_consent(tmp_path: Path) -> None:
    with harmless_node(tmp_path) as node:
        storm_live(node, tmp_path / "out", SEED, SHARE)


def test_a_storm_on_a_replay_ends_nothing(tmp_path: Path) -> None:
    storm_replay(recording_in(tmp_path), tmp_path / "out", SEED, SHARE // 2)


@pytest.mark.by_hand
@pytest.mark.timeout(0)
def test_the_whole_storm_ends_nothing_and_writes_nothing_without_consent(tmp_path: Path) -> None:
    recording = recording_in(tmp_path)
    sent = ran = 0
    seed = SEED
    with harmless_node(tmp_path) as node:
        while sent < EVENTS:
            seed += 1
            if seed % 4 == 0:
                sent += storm_replay(recording, tmp_path / "out", seed, ROUND)
            else:
                events, remedies = storm_live(node, tmp_path / "out", seed, ROUND)
                sent, ran = sent + events, ran + remedies
            print(f"seed {seed}: {sent} events, {ran} remedies run", flush=True)
    assert ran > 0, "of what was asked for deliberately, nothing was run"


def at(seconds: float, *tokens: bytes) -> Sent:
    return Sent(Piece(b"".join(tokens), tokens), seconds)


RAN = [(10.8, "compact", "screen")]


@pytest.mark.parametrize(
    ("sent", "intents"),
    [
        ([at(9.0, b"c"), at(10.5, b"y")], RAN),
        ([at(9.0, b"c"), at(9.5, b"s"), at(10.5, b"y")], [(10.8, "sync-compact", "screen")]),
        ([at(8.0, b"paste"), at(9.1, b"c"), at(10.5, b"y")], RAN),
        ([at(9.0, b"A"), at(10.5, b"y")], [(500.0, "drop-caches-1", "guard")]),
        ([at(9.0, b"l"), at(10.5, b"y")], [(10.8, "sync", "screen"), (14.0, "drop-caches-2", "screen")]),
    ],
)
def test_a_lone_deliberate_pair_asks_for_a_remedy(sent: list[Sent], intents: list[tuple[float, str, str]]) -> None:
    assert unasked(sent, intents) == []


@pytest.mark.parametrize(
    ("sent", "intents"),
    [
        ([], RAN),
        ([at(9.0, b"c", b"y")], RAN),
        ([at(9.0, b"c"), at(9.1, b"y")], RAN),
        ([at(9.0, b"c"), at(10.5, b"y", b"y")], RAN),
        ([at(9.0, b"c"), at(10.4, b"x"), at(10.5, b"y")], RAN),
        ([at(9.0, b"c"), at(10.5, b"y"), at(10.6, b"x")], RAN),
        ([at(9.0, b"c"), at(9.8, b"paste"), at(10.5, b"y")], RAN),
        ([at(8.5, b"paste"), at(9.0, b"c"), at(10.5, b"y")], RAN),
        ([at(9.0, b"3"), at(10.5, b"y")], RAN),
        ([at(10.5, b"y"), at(10.7, b"c")], RAN),
        ([at(9.0, b"c"), at(10.5, b"y")], [(500.0, "drop-caches-1", "guard")]),
    ],
)
def test_anything_else_asks_for_nothing(sent: list[Sent], intents: list[tuple[float, str, str]]) -> None:
    assert len(unasked(sent, intents)) == len(intents)


def test_an_application_that_spins_is_found(tmp_path: Path) -> None:
    spins = "import sys, time; print('ready', flush=True); [0 for _ in iter(int, 1)]"
    with closing(Terminal(["python3", "-c", spins])) as term:
        term.until("ready")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tests.support.storm.QUIET", 0.3)
            with pytest.raises(Deaf):
                Storm(term).calm()
