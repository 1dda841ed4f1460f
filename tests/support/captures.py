"""Captures of real nodes: logs of kubelet and containerd, and what their API server sent, in the order of time.

`node` is a node with 19 pods of every kind of failure; the other two are a node whose runtime was denied memory: at
unshare (`unshare-enomem`), and layer by layer (`other-layers`). Lines that no reader of pods looks at are left out, and
of objects the fields that say nothing of a start.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from fragtui.cluster.observation import PodObservation
from fragtui.sources.pods.paced_reader import PodLineParser
from tests.support.places import REPOSITORY

_ARCHIVE = REPOSITORY / "tests/support/captures.tar.xz"
_LATER = 1_800_000_000.0


class ApiChange(NamedTuple):
    """An object that the API server sent."""

    time: float
    kind: str
    thing: dict[str, Any]


class LogLine(NamedTuple):
    """A line and what it reports."""

    time: float
    line: bytes
    observations: tuple[PodObservation, ...]


@cache
def captured(path: str) -> bytes:
    """Return a file of the captures."""
    with tarfile.open(_ARCHIVE) as archive:
        file = archive.extractfile(path)
        assert file is not None
        return file.read()


def listed(name: str) -> list[dict[str, Any]]:
    """Return the pods that the API server listed before the capture's first change."""
    pods: list[dict[str, Any]] = json.loads(captured(f"{name}/list.json"))
    return pods


def changes(name: str, kind: str) -> list[ApiChange]:
    """Return the changes of ``pods`` or ``events``."""
    return [ApiChange(*json.loads(line)) for line in captured(f"{name}/{kind}.jsonl").splitlines()]


def log_lines(path: str) -> Iterator[LogLine]:
    """Yield the lines of a log that report on pods; each with the time of the last one that has a time."""
    parser, time = PodLineParser(lambda: _LATER, 0.0), 0.0
    for line in captured(path).splitlines():
        observations = (*parser.feed(line), *parser.finish())
        time = next((each.time for each in reversed(observations) if each.time is not None), time)
        yield LogLine(time, line, observations)
