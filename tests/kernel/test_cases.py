"""Texts of real kinds give the right facts and words: each stands for its kind."""

from __future__ import annotations

import io

import pytest

from fragtui.model.failures.incident import Incident
from tests.support.explained import explain_log
from tests.support.facts import is_part
from tests.support.kernel_cases import CASES, FOLDER, NOW, faults

DERIVED = {"explanation", "cause", "lines", "id", "memory", "time", "linked", "reason", "repeated", "suppressed"}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_text_of_its_kind_is_explained_right(name: str) -> None:
    assert faults(name) == []


def test_every_text_has_its_case() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(CASES)


def incidents(data: bytes) -> list[Incident]:
    return list(explain_log(io.BytesIO(data), now=NOW))


WHOLE = {name: [incident.to_json() for incident in incidents((FOLDER / name).read_bytes())] for name in sorted(CASES)}
LINES = [name for name in WHOLE if "oneline" not in name and "utf16" not in name and "reversed" not in name]


@pytest.mark.slow
@pytest.mark.parametrize("name", LINES)
def test_a_text_cut_after_a_line_has_no_fact_that_the_whole_has_not(name: str) -> None:
    lines = (FOLDER / name).read_bytes().splitlines(True)
    for end in range(1, len(lines), 1 + len(lines) // 60):
        found = incidents(b"".join(lines[:end]))
        assert len(found) <= len(WHOLE[name])
        for incident, whole in zip(found, WHOLE[name], strict=False):
            for key, value in incident.to_json().items():
                if key not in DERIVED:
                    assert is_part(value, whole[key]), (end, key, value, whole[key])


NOISE = (
    b"Feb 20 10:00:00 node7 systemd[1]: Started Session 4 of user root.\n",
    b"Feb 20 10:00:00 node7 kubelet[77]: I0220 10:00:00.000001      77 kubelet.go:1] syncing\n",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in LINES if "json" not in name and "mail" not in name])
def test_lines_of_others_within_a_text_make_none_of_its_facts_wrong(name: str) -> None:
    lines = (FOLDER / name).read_bytes().splitlines(True)
    mixed = b"".join(line + NOISE[place % len(NOISE)] for place, line in enumerate(lines))
    found = [incident.to_json() for incident in incidents(mixed)]
    assert len(found) == len(WHOLE[name])
    for said, whole in zip(found, WHOLE[name], strict=True):
        assert [key for key in said if key not in DERIVED and not is_part(said[key], whole[key])] == []
