"""Reading a whole log into attempts, as `explain` and the watcher do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_log_reader import PodLogReader
from fragtui.cluster.sandbox_attempts import Attempt, AttemptAssembler
from fragtui.logs.parser import LogParser
from fragtui.model.pods.known_pods import KnownPods

FIXTURES = Path(__file__).parent / "fixtures"
NOV_2026 = 1_795_600_000.0


def observations_of(text: bytes, now: float = NOV_2026) -> list[PodObservation]:
    reader, parser = PodLogReader(), LogParser(now=now)
    observations: list[PodObservation] = []
    for number, line in enumerate(text.split(b"\n"), 1):
        if reader.worth_reading(line):
            for record in parser.feed(line, number):
                observations.extend(reader.feed(record))
    for record in parser.finish():
        observations.extend(reader.feed(record))
    observations.extend(reader.finish())
    return observations


def assembled(observations: Iterable[PodObservation]) -> list[Attempt]:
    known, assembler, kept = KnownPods(), AttemptAssembler(), {}
    for observation in observations:
        completed = observation if observation.step == "pleg" else known.take(observation)
        attempt = assembler.add(completed) if completed is not None else None
        if attempt is not None:
            kept[attempt.id] = attempt
            for absorbed in attempt.absorbed:
                kept.pop(absorbed, None)
    return list(kept.values())


def attempts_of(text: bytes) -> list[Attempt]:
    return assembled(observations_of(text))
