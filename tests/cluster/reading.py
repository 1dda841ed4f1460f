"""Reading a whole log into attempts, as `explain` and the watch do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_log_reader import PodLogReader
from fragtui.cluster.sandbox_attempts import Attempt, AttemptAssembler
from fragtui.logs.parser import LogParser

FIXTURES = Path(__file__).parent / "fixtures"
NOV_2026 = 1_795_600_000.0


def observations_of(text: bytes, now: float = NOV_2026) -> list[PodObservation]:
    reader, parser = PodLogReader(), LogParser(now=now)
    told: list[PodObservation] = []
    for number, line in enumerate(text.split(b"\n"), 1):
        if reader.worth_reading(line):
            for record in parser.feed(line, number):
                told.extend(reader.feed(record))
    for record in parser.finish():
        told.extend(reader.feed(record))
    told.extend(reader.finish())
    return told


def assembled(told: Iterable[PodObservation]) -> list[Attempt]:
    assembler, kept = AttemptAssembler(), {}
    for observation in told:
        attempt = assembler.add(observation)
        if attempt is not None:
            kept[attempt.id] = attempt
            for absorbed in attempt.absorbed:
                kept.pop(absorbed, None)
    return list(kept.values())


def attempts_of(text: bytes) -> list[Attempt]:
    return assembled(observations_of(text))


def assemble_by_time(observations: Iterable[PodObservation]) -> tuple[Attempt, ...]:
    """Return the attempts that sightings of one or more logs tell of, in the order of their first times.

    Sightings are put in the order of time first, so that the logs of kubelet and runtime may come one after the
    other; one without a time keeps its place behind the one before it.
    """
    ordered: list[tuple[float, int, PodObservation]] = []
    last = 0.0
    for place, observation in enumerate(observations):
        last = observation.time if observation.time is not None else last
        ordered.append((last, place, observation))
    ordered.sort(key=lambda each: each[:2])
    return tuple(assembled(observation for _, _, observation in ordered))
