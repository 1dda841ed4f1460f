"""Failures grouped by who, size and cause."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.failure_list import combined
from fragtui.model.failures.groups import (
    MAX_EXACT,
    FailureGroups,
    failures_of,
    group_failures,
    key_of,
    of_anyone,
    typical,
)
from fragtui.model.failures.incident import SANDBOX_FAILURE, Incident
from tests.support.examples import examples
from tests.support.incidents import kernel_incident

NAMES = st.sampled_from(("vhost-1", "vhost-22", "runc:[1:CHILD]", "日本語", "", None))
DENIALS = st.builds(
    kernel_incident,
    kind=st.sampled_from(list(ReportKind)),
    comm=NAMES,
    order=st.none() | st.integers(0, 10),
    cause=st.sampled_from((None, "vhost", "netns")),
    time=st.none() | st.floats(1.0, 1e9),
    repeated=st.none() | st.integers(0, 5),
    suppressed=st.none() | st.integers(0, 5),
)
PODS = st.builds(
    Incident,
    time=st.none() | st.floats(1.0, 1e9),
    namespace=st.sampled_from((None, "shop")),
    pod=st.sampled_from((None, "web-0", "web-1")),
    pod_uid=st.sampled_from((None, "uid-1")),
    repeated=st.none() | st.integers(0, 5),
)
INCIDENTS = st.lists(DENIALS | PODS, max_size=60)


def denial(comm: str, time: float | None = None, order: int = 4, **facts: Any) -> Incident:
    return kernel_incident(comm=comm, time=time, order=order, **facts)


@examples(200)
@given(INCIDENTS, st.integers(1, 12))
def test_the_groups_and_what_was_forgotten_add_up_to_the_totals(incidents: list[Incident], limit: int) -> None:
    groups = group_failures(incidents, limit)
    kept = groups.newest_first
    assert len(kept) <= limit
    assert groups.incidents == len(incidents)
    assert groups.count == sum(map(failures_of, incidents))
    of_kinds = Counter[str]()
    for group in kept:
        of_kinds[group.key.kind] += group.count
    for key, count in groups.forgotten_failures.items():
        assert key.who is None
        of_kinds[key.kind] += count
    assert of_kinds == groups.by_kind
    of_sizes = Counter((key_of(incident).order, key_of(incident).cause) for incident in incidents)
    assert len(groups.forgotten_failures) <= len(of_sizes) * len(of_kinds)
    assert groups.suppressed == sum(incident.suppressed or 0 for incident in incidents)
    times = [incident.time for incident in incidents if incident.time is not None]
    assert (groups.first, groups.last) == ((min(times), max(times)) if times else (None, None))


@examples(200)
@given(INCIDENTS)
def test_a_group_is_the_incidents_of_its_key(incidents: list[Incident]) -> None:
    groups = group_failures(incidents)
    assert groups.forgotten == 0
    assert {group.key for group in groups.newest_first} == {key_of(incident) for incident in incidents}
    ages = [0.0 if group.last is None else group.last for group in groups.newest_first]
    assert ages == sorted(ages, reverse=True)
    for group in groups.newest_first:
        members = [incident for incident in incidents if key_of(incident) == group.key]
        assert group.count == sum(map(failures_of, members))
        assert group.example in members
        assert group.last == max((each.time for each in members if each.time is not None), default=None)


def test_names_that_differ_in_numbers_only_are_one_group_and_a_single_name_stays_whole() -> None:
    (group,) = group_failures([denial("vhost-4121", 1.0), denial("vhost-4121", 2.0)]).newest_first
    assert (group.who, group.count) == ("vhost-4121", 2)
    (group,) = group_failures([denial("vhost-4121", 2.0), denial("vhost-9", 1.0)]).newest_first
    assert (group.who, group.example.comm) == ("vhost-*", "vhost-4121")


@pytest.mark.parametrize(
    ("names", "who"),
    [
        (("kworker/3:1", "kworker/u64:3", "kworker/u17:0-events_unbound", "kworker/0:1H"), "kworker"),
        (("runc:[2:INIT]", "runc:[1:CHILD]", "runc:[0:PARENT]", "runc"), "runc"),
        (("ksoftirqd/3", "ksoftirqd/11"), "ksoftirqd/*"),
        (("CPU 0/KVM", "CPU 17/KVM"), "CPU */KVM"),
        (("kswapd0", "kswapd1"), "kswapd*"),
        (("runc:[2:INIT] x", "runc"), None),
        (("kworkers", "kworker"), None),
    ],
)
def test_threads_of_one_program_are_one_group(names: tuple[str, ...], who: str | None) -> None:
    groups = group_failures([denial(name, float(at)) for at, name in enumerate(names)]).newest_first
    if who is None:
        assert len(groups) == len(names)
        return
    (group,) = groups
    assert (group.who, group.count) == (who, len(names))
    (row,) = combined([denial(name, float(at)) for at, name in enumerate(names)])
    assert row.who == (who, 0)


@pytest.mark.slow
@examples(200)
@given(INCIDENTS)
def test_many_groups_are_listed_by_size_and_cause_and_lose_nothing(incidents: list[Incident]) -> None:
    groups = group_failures(incidents)
    listed, exact = groups.listed, groups.newest_first
    of_kernel = [group for group in exact if group.key.kind != SANDBOX_FAILURE]
    if len(of_kernel) <= MAX_EXACT:
        assert listed == exact
    else:
        keys = [group.key for group in listed]
        assert len(set(keys)) == len(keys) and {of_anyone(group.key) for group in exact} == {*map(of_anyone, keys)}
    assert sum(group.count for group in listed) == groups.count
    assert sum(group.suppressed for group in listed) == groups.suppressed
    for group in listed:
        members = [incident for incident in incidents if group.key in (key_of(incident), of_anyone(key_of(incident)))]
        assert group.count == sum(map(failures_of, members))
        assert group.example in members
        times = [incident.time for incident in members if incident.time is not None]
        assert (group.first, group.last) == (min(times, default=None), max(times, default=None))
    assert {row.count for row in combined(incidents)} == {group.count for group in listed}


@examples(40)
@given(st.lists(DENIALS, min_size=30, max_size=60))
def test_the_screens_rows_and_the_reports_have_the_same_names(incidents: list[Incident]) -> None:
    in_order = [replace(incident, time=1e9 + place) for place, incident in enumerate(incidents)]
    rows = {row.key: row for row in combined(in_order)}
    for group in group_failures(in_order).listed:
        # A group of one task has the task's own key in the report.
        row = rows.get(group.key) or rows[of_anyone(group.key)]
        who, others = row.who
        assert (f"{who or 'unknown'}, +{others}" if others else who or "") == (group.who or "")
        assert (row.count, row.last.time) == (group.count, group.last)


def test_a_row_of_several_tasks_names_the_one_of_most_failures() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    denied = [denial(letter * 3, float(at), cause="xfs") for at, letter in enumerate(letters)]
    (group,) = group_failures([*denied, denial("ccc", 99.0, cause="xfs")]).listed
    assert (group.who, group.count, group.last) == ("ccc, +25", 27, 99.0)
    (row,) = combined([*denied, denial("ccc", 99.0, cause="xfs")])
    assert (row.who, row.count) == (("ccc", 25), 27)
    assert row.key == group.key
    assert len(group_failures(denied[:MAX_EXACT]).listed) == len(combined(denied[:MAX_EXACT])) == MAX_EXACT


def test_pods_with_numbers_are_different_pods() -> None:
    web = [Incident(namespace="shop", pod=f"web-{number}", cause="x") for number in (0, 1, 1)]
    assert [(group.who, group.count) for group in group_failures(web).newest_first] == [
        ("shop/web-1", 2),
        ("shop/web-0", 1),
    ]
    assert key_of(Incident()).who is None
    assert key_of(Incident()).kind == SANDBOX_FAILURE


def test_an_oom_kill_by_a_limit_is_not_one_of_the_node() -> None:
    kinds = [kernel_incident(ReportKind.OOM, comm="java", order=0, constraint=limit) for limit in ("A", "B", "A")]
    assert [group.count for group in group_failures(kinds).newest_first] == [2, 1]


def test_a_flood_of_names_leaves_the_large_group() -> None:
    groups = FailureGroups(limit=16)
    for number in range(1000):
        groups.take(denial("".join(chr(97 + int(digit)) for digit in str(number)), float(number)))
        groups.take(denial("java", float(number)))
    kept = {group.who: group.count for group in groups.newest_first}
    assert kept["java"] == 1000
    assert len(kept) <= 16
    assert groups.forgotten_failures.total() + sum(kept.values()) == groups.count == 2000


def test_a_flood_of_names_and_causes_is_bounded_too() -> None:
    groups = FailureGroups(limit=4)
    for number in range(3000):
        groups.take(denial("java", 1.0, order=number % 9, cause=f"cause{number}"))
    assert len(groups.forgotten_failures) <= 260
    assert groups.forgotten_failures.total() + sum(group.count for group in groups.newest_first) == 3000


def test_the_typical_groups_are_the_newest_and_the_largest() -> None:
    incidents = [denial("new", 9.0), *[denial("many", 1.0)] * 5, *[denial("some", 2.0)] * 3, denial("once", 3.0)]
    groups = group_failures(incidents).newest_first
    assert [group.who for group in groups] == ["new", "once", "some", "many"]
    assert [group.who for group in typical(groups, 3)] == ["new", "some", "many"]
    assert [group.who for group in typical(groups, 1)] == ["new"]
    assert typical(groups, 0) == typical((), 3) == ()
