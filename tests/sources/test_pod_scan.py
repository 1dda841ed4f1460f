"""Scanning a saved log finds what reading every line finds, and ties it to the kernel's line."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest

from fragtui.model.incident import Incident
from fragtui.model.sandbox_incidents import assemble, link_sides
from fragtui.sources.incident_stream import IncidentStream
from fragtui.sources.log_scan import scan_log
from fragtui.sources.pod_scan import scan_pods
from tests.cluster.reading import FIXTURES, NOV_2026, SAMPLES, attempts_of

FILES = sorted(FIXTURES.glob("*.log"))
if SAMPLES.is_dir():
    FILES += sorted(path for path in SAMPLES.iterdir() if "kubelet" in path.name or path.name.startswith("mixed-"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scanning_finds_what_reading_finds(path: Path) -> None:
    log = path.read_bytes()
    scanned = assemble(scan_pods(io.BytesIO(log), NOV_2026))
    read = attempts_of(log)
    assert [(each.pod, each.reason_class, each.lines, each.sandbox_id) for each in scanned] == [
        (each.pod, each.reason_class, each.lines, each.sandbox_id) for each in read
    ]


def test_a_described_pod_far_above_its_events_is_named() -> None:
    log = b"Name:             api-1\nNamespace:        shop\n" + b"Status: x\n" * 80
    log += b"  Warning  FailedCreatePodSandBox  4m1s   kubelet  Failed to create pod sandbox: exit status 6\n"
    (attempt,) = assemble(scan_pods(io.BytesIO(log)))
    assert str(attempt.pod) == "shop/api-1" and attempt.lines == (83, 83)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the public samples are not here")
def test_the_seeds_second_is_one_incident_linked_on_both_sides() -> None:
    log = (SAMPLES / "mixed-syslog-1.txt").read_bytes()
    kernel: list[Incident] = []
    stream = IncidentStream("", None, None, now=NOV_2026)
    scan_log(io.BytesIO(log), stream)
    kernel = list(stream.news("x", 0).incidents)
    assert kernel
    told, pods = link_sides(kernel, assemble(scan_pods(io.BytesIO(log), NOV_2026)))
    (pod,) = pods
    assert (pod.namespace, pod.pod) == ("job-app", "turing-schedule-46-20200701004530-zhq44")
    assert pod.memory is True and pod.linked
    first = next(incident for incident in told if incident.id == pod.linked[0])
    assert first.order == 5 and first.comm == "runc:[1:CHILD]" and pod.id in first.linked
    assert first.pod == pod.pod
    assert "proven" in (pod.explanation or "")
    json.dumps(pod.to_json())


def test_what_tells_nothing_is_passed_over_fast() -> None:
    log = b"Nov 24 05:14:59 node-1 systemd[1]: Started Session 4711 of user someone with a long name.\n" * 200_000
    began = time.process_time()
    assert list(scan_pods(io.BytesIO(log))) == []
    assert time.process_time() - began < len(log) / 1e9 * 20
