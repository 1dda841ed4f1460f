"""Every written text gives its facts by `fragtui explain --json`, and by the watch's way of reading."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fragtui.cluster.go_text import quoted
from fragtui.commands.parser import main
from fragtui.model.incident import Incident, IncidentKind
from fragtui.model.sandbox_incidents import assemble, sandbox_incident

from .reading import attempts_of, sightings_of
from .written_texts import CASES, UID, VETH, WEB, Case, containerd, journal_json, klog


def explained(paths: list[Path], capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    assert main(["explain", "--json", *map(str, paths)]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_explain_reads_it(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "node.log"
    log.write_text(case.text)
    told = explained([log], capsys)
    assert [((each["namespace"], each["pod"], each["pod_uid"]), each["cause"], each["memory"]) for each in told] == [
        (fact.pod, fact.cause, fact.memory) for fact in case.facts
    ]
    assert [each["sandbox_id"] for each in told] == [fact.sandbox for fact in case.facts]
    assert all(each["kind"] == "sandbox_failure" and each["linked"] == [] for each in told)


@pytest.mark.parametrize("case", [case for case in CASES if "export" not in case.name], ids=lambda case: case.name)
def test_the_watch_reads_the_same(case: Case) -> None:
    told = [sandbox_incident(attempt) for attempt in assemble(sightings_of(case.text.encode()))]
    assert [((each.namespace, each.pod, each.pod_uid), each.cause, each.memory, each.sandbox_id) for each in told] == [
        (fact.pod, fact.cause, fact.memory, fact.sandbox) for fact in case.facts
    ]


def test_an_image_of_a_container_is_read_by_the_watch() -> None:
    error = 'failed to "StartContainer" for "app" with ImagePullBackOff: "Back-off pulling image \\"shop/web:1\\""'
    (attempt,) = attempts_of(
        f'E1124 05:14:59.185427   29426 pod_workers.go:1298] "Error syncing pod, skipping" err={quoted(error)} '
        f'pod="{WEB[0]}/{WEB[1]}" podUID="{UID}"\n'.encode()
    )
    assert (attempt.reason_class.name, attempt.stage, attempt.pod.uid) == ("image-pull", "container", UID)


def test_kubelet_and_runtime_in_files_of_their_own_make_one_incident(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kubelet.json").write_text(journal_json(klog(VETH)))
    (tmp_path / "containerd.log").write_text(
        containerd(VETH, "2.1").replace("2026-11-24T05:14:59.184105331Z", "2026-11-28T05:14:59.184105331Z")
    )
    both = [tmp_path / "containerd.log", tmp_path / "kubelet.json"]
    (one,) = explained(both, capsys)
    assert (one["pod_uid"], one["memory"]) == (UID, True)


def test_incidents_of_other_kinds_are_not_made() -> None:
    told = [sandbox_incident(attempt) for case in CASES for attempt in attempts_of(case.text.encode())]
    assert all(isinstance(each, Incident) and each.kind is IncidentKind.SANDBOX_FAILURE for each in told)
