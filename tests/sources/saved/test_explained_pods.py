"""A search for needles in a saved log finds the same as reading every line, linked to the kernel's line."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest

from fragtui.model.failures.incident import Incident
from fragtui.model.log_linker import sandbox_incident
from tests.cluster.reading import NOV_2026, attempts_of
from tests.support.explained import explain_log
from tests.support.places import FIXTURES, SAMPLES

FILES = sorted(FIXTURES.glob("*.log"))
if SAMPLES.is_dir():
    FILES += sorted(path for path in SAMPLES.iterdir() if "kubelet" in path.name or path.name.startswith("mixed-"))


def explained(log: bytes) -> list[Incident]:
    return list(explain_log(io.BytesIO(log), now=NOV_2026))


def failed_sandboxes(incidents: list[Incident]) -> list[tuple[object, ...]]:
    return [
        (each.namespace, each.pod, each.pod_uid, each.cause, each.sandbox_id)
        for each in incidents
        if each.report is None
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scanning_finds_what_reading_finds(path: Path) -> None:
    log = path.read_bytes()
    read = failed_sandboxes([sandbox_incident(attempt) for attempt in attempts_of(log)])
    assert sorted(failed_sandboxes(explained(log)), key=repr) == sorted(read, key=repr)


def test_a_described_pod_far_above_its_events_is_named() -> None:
    log = b"Name:             api-1\nNamespace:        shop\n" + b"Status: x\n" * 80
    log += b"  Warning  FailedCreatePodSandBox  4m1s   kubelet  Failed to create pod sandbox: exit status 6\n"
    (one,) = explained(log)
    assert (one.namespace, one.pod, one.lines) == ("shop", "api-1", (83, 83))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the public samples are not here")
def test_the_seeds_second_is_one_incident_linked_on_both_sides() -> None:
    incidents = explained((SAMPLES / "mixed-syslog-1.txt").read_bytes())
    (pod,) = [each for each in incidents if each.report is None]
    assert (pod.namespace, pod.pod) == ("job-app", "turing-schedule-46-20200701004530-zhq44")
    assert pod.memory is True and pod.linked
    first = next(incident for incident in incidents if incident.id == pod.linked[0])
    assert first.order == 5 and first.comm == "runc:[1:CHILD]" and pod.id in first.linked
    assert first.pod == pod.pod
    assert "proven" in (pod.explanation or "")
    json.dumps(pod.to_json())


def test_irrelevant_lines_are_skipped_fast() -> None:
    log = b"Nov 24 05:14:59 node-1 systemd[1]: Started Session 4711 of user someone with a long name.\n" * 200_000
    began = time.process_time()
    assert explained(log) == []
    assert time.process_time() - began < len(log) / 1e9 * 20
