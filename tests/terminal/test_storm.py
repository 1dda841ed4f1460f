"""Random keys, bursts, pastes, mouse events and sizes end nothing, stop nothing, and write nothing unasked for.

CI runs a share. All of it: FRAGTUI_STORM=100000 .venv/bin/pytest tests/terminal/test_storm.py -s
"""

import json
import os
import random
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.harmless_node import HarmlessNode, harmless_node
from tests.support.storm import Piece, Sent, Storm, storm, unasked
from tests.support.terminal import Terminal, command

EVENTS = int(os.environ.get("FRAGTUI_STORM", "0"))
SHARE = 600
ROUND = 1_000
OWN_FAULT = "fault of its own"


def run_round(argv: list[str], seed: int, events: int, *, remedies: bool) -> Storm:
    """Send one storm to one start of the application, and end it with SIGTERM if it is still there."""
    with closing(Terminal(argv)) as term:
        term.until("N0 Normal")
        sender = Storm(term)
        try:
            sender.send(storm(seed, events, remedies=remedies))
            if not sender.over:
                os.kill(term.pid, 15)
                end = time.monotonic() + 10
                while not sender.over:
                    sender.take(0.05)
                    assert time.monotonic() < end, "SIGTERM does not end it"
            sender.take(0.05)
            assert term.status == 0, "it crashed"
            assert OWN_FAULT not in sender.tail, "a fault of its own"
        except AssertionError as error:
            recent = [one.piece for one in sender.sent[-12:]]
            raise AssertionError(f"seed {seed}, status {term.status}: {error}\n{recent}\n{sender.tail}") from error
        return sender


def intents_of(audit: Path) -> list[tuple[float, str, str]]:
    if not audit.exists():
        return []
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    return [(line["time"], line["remedy"], line["by"]) for line in lines if line["kind"] == "intent"]
