"""The facts of texts in the shape of public threads, read from each of them, from cuts and from mixtures."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.model.failures.incident import Incident
from fragtui.sources.saved.explain import OpenLog, explain_logs
from tests.cluster.reading import FIXTURES
from tests.support.examples import examples
from tests.support.log_pieces import SINGLE
from tests.support.pod_cases import faults_of

SAVED = 1_707_220_000.0
"""When the texts were saved, 2024-02-06T11:46:40Z: it dates stamps without a year."""


def cases() -> dict[str, tuple[str, bytes]]:
    """Return the expected facts and the text of each case, by its name; see `faults_of`."""
    parts = (FIXTURES / "public-texts.txt").read_bytes().split(b"\n=== ")
    parts[0] = parts[0].removeprefix(b"=== ")
    found = {}
    for part in parts:
        head, _, text = part.partition(b"\n")
        name, _, expected = head.decode().partition("\t")
        found[name] = (expected, text.rstrip(b"\n") + b"\n")
    return found


CASES = cases()
NOISE = [line for line in SINGLE if not line.startswith((b"Name", b"  Warning"))]


def incidents_of(text: bytes) -> list[Incident]:
    log = OpenLog(io.BytesIO(text), now=SAVED)
    return [explained.incident for explained in explain_logs([log], on_error=lambda log, error: None)]


@pytest.mark.parametrize("name", CASES)
def test_explain_reports_the_facts_of_a_public_text(name: str) -> None:
    expected, text = CASES[name]
    assert faults_of(expected, incidents_of(text)) == []


def said(incidents: Sequence[Incident]) -> set[tuple[object, ...]]:
    """Return what the incidents state about the pods: names and uids, ids, whether memory."""
    return {(each.namespace, each.pod, each.pod_uid, each.memory) for each in incidents if each.report is None}


def is_within(part: tuple[object, ...], whole: set[tuple[object, ...]]) -> bool:
    """Return whether all that is stated is also stated about one pod of the whole text; nothing may be None."""
    return any(all(mine is None or mine == theirs for mine, theirs in zip(part, full, strict=True)) for full in whole)


@pytest.mark.parametrize("name", CASES)
def test_a_text_that_is_cut_after_any_line_states_nothing_else(name: str) -> None:
    _, text = CASES[name]
    whole = said(incidents_of(text))
    lines = text.splitlines(keepends=True)
    for end in range(1, len(lines)):
        for part in said(incidents_of(b"".join(lines[:end]))):
            assert is_within(part, whole), (end, part)


@given(st.sampled_from(sorted(CASES)), st.lists(st.integers(0, 40), max_size=6), st.data())
@examples(120)
def test_lines_of_other_programs_in_between_change_no_fact_into_another(
    name: str, places: list[int], data: st.DataObject
) -> None:
    _, text = CASES[name]
    whole = said(incidents_of(text))
    lines = text.splitlines(keepends=True)
    for place in places:
        lines.insert(min(place, len(lines)), data.draw(st.sampled_from(NOISE)))
    for part in said(incidents_of(b"".join(lines))):
        assert is_within(part, whole), part
