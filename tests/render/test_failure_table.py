"""The totals and tables of `explain` and of the report."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.groups import FailureGroups, group_failures
from fragtui.model.failures.incident import SANDBOX_FAILURE, Incident
from fragtui.render.facts import Fact
from fragtui.render.failure_table import (
    LogsRead,
    closing_lines,
    length_words,
    span_words,
    tables,
    total_facts,
    total_lines,
    typical_lines,
)
from fragtui.render.terminal_text import Line, Role, cells, painted, table, wrapped
from fragtui.text import HARD_SPACE
from tests.support.examples import examples
from tests.support.incidents import kernel_incident

NAMES = st.sampled_from(
    ("vhost-1", "vhost-22", "runc:[1:CHILD]", "日本語プロセス", "[/red]evil[b]", "java", "a b c", None)
)
TIMES = st.none() | st.floats(1.7e9, 1.7e9 + 2e5)
DENIALS = st.builds(
    kernel_incident,
    kind=st.sampled_from(list(ReportKind)),
    comm=NAMES,
    order=st.none() | st.integers(-1, 10),
    cause=st.sampled_from((None, "vhost", "netns/nf_conntrack")),
    time=TIMES,
    monotonic=st.none() | st.floats(0.0, 1e6),
    explanation=st.none() | st.text("ab c", max_size=300),
    lines=st.none() | st.just((3, 9)),
    repeated=st.none() | st.integers(0, 5000),
    suppressed=st.none() | st.integers(0, 5),
)
PODS = st.builds(
    Incident,
    time=TIMES,
    namespace=st.sampled_from((None, "shop")),
    pod=st.sampled_from((None, "web-0", "checkout-recommendation-service-canary-deployment-20-7f9c6d5b8-x020z")),
    memory=st.sampled_from((None, True, False)),
    cause=st.sampled_from((None, "image-pull")),
    repeated=st.none() | st.integers(0, 5),
)
INCIDENTS = st.lists(DENIALS | PODS, min_size=1, max_size=40)
TOTAL = re.compile(r"\(([\d,]+)\)")


def text_of(line: Line) -> str:
    return painted(line, colour=False)


def number(text: str) -> int:
    return int(text.replace(",", ""))


def total_of(facts: dict[str, str], label: str) -> int:
    return sum(number(count) for count in TOTAL.findall(facts.get(label, "")))


@pytest.mark.slow
@examples(200)
@given(INCIDENTS, st.integers(1, 12))
def test_each_line_of_totals_adds_up_to_all_failures(incidents: list[Incident], limit: int) -> None:
    failures = group_failures(incidents, limit)
    facts = {label: text.replace(HARD_SPACE, " ") for label, text in total_facts(failures)}
    pods = failures.by_kind[SANDBOX_FAILURE]
    for label in ("Who", "Size", "Cause"):
        assert total_of(facts, label) == failures.count - pods, facts
    assert total_of(facts, "Pods") == pods, facts
    assert sum(map(number, re.findall(r"([\d,]+) [a-zA-Z]", facts["Failures"]))) == failures.count, facts
    assert ("Hidden" in facts) == bool(failures.suppressed)


@pytest.mark.slow
@examples(200)
@given(INCIDENTS, st.integers(1, 12), st.integers(1, 8))
def test_the_rows_and_what_they_leave_out_add_up_to_all_failures(
    incidents: list[Incident], limit: int, rows: int
) -> None:
    failures = group_failures(incidents, limit)
    shown = 0
    for line in tables(failures, 400, rows):
        if found := re.match(r"and .*?([\d,]+) failures?$", text_of(line)):
            shown += number(found[1])
        elif len(line) > 3 and line[0][0] != "Last":
            shown += number(next(text for text, role in line if role is Role.TITLE))
    assert shown == failures.count


@pytest.mark.slow
@examples(200)
@given(INCIDENTS, st.integers(60, 160))
def test_no_line_is_wider_than_asked_for_but_for_a_name(incidents: list[Incident], width: int) -> None:
    failures = group_failures(incidents)
    lines = [*total_lines(failures, width), *tables(failures, width), *typical_lines(failures, width)]
    for line in lines:
        assert not line or line[-1][0] == line[-1][0].rstrip()
        text = text_of(line)
        assert cells(text) <= width or max(map(cells, text.split())) > 24, text


def test_the_groups_are_listed_newest_first_and_pods_by_blame() -> None:
    denials = [kernel_incident(comm=f"{name}", order=3, time=1.7e9 + place) for place, name in enumerate("abc")]
    pods = [
        Incident(pod=name, namespace="shop", memory=memory, time=1.7e9 + place)
        for place, (name, memory) in enumerate((("old", True), ("unknown", None), ("no", False), ("new", True)))
    ]
    lines = [text_of(line) for line in tables(group_failures([*denials, *pods]), 80)]
    assert lines == [
        "",
        "Last      Times  Size           Who  Cause",
        "22:13:22      1  32K (order 3)  c    unknown",
        "22:13:21      1  32K (order 3)  b    unknown",
        "22:13:20      1  32K (order 3)  a    unknown",
        "",
        "Last      Times  Memory   Why      Pod",
        "22:13:23      1  denied   unknown  shop/new",
        "22:13:20      1  denied   unknown  shop/old",
        "22:13:21      1  unknown  unknown  shop/unknown",
        "22:13:22      1  no       unknown  shop/no",
    ]


def test_a_pod_is_denied_memory_if_one_of_its_attempts_was() -> None:
    # Only the attempt next to the kernel's report is linked to it; the next ones of the pod say as little as before.
    attempts = [
        Incident(pod="web", namespace="shop", cause="runc-init-died", memory=memory, time=1.7e9 + 12.0 * place)
        for place, memory in enumerate((None, True, None))
    ]
    failures = group_failures(attempts)
    assert text_of(tables(failures, 80)[-1]) == "22:13:44      3  denied  runc-init-died  shop/web"
    assert dict(total_facts(failures))["Pods"].startswith("1 pod, 1 denied memory")


def test_a_pod_with_two_causes_is_one_and_unknown_is_not_zero() -> None:
    attempts = [
        Incident(pod=name, namespace="shop", cause=cause, memory=memory)
        for name, cause, memory in (
            ("web", "timeout", None),
            ("web", "network-enomem", True),
            ("api", "timeout", None),
            ("api", "name-conflict", None),
            ("db", "volume", False),
        )
    ]
    assert dict(total_facts(group_failures(attempts)))["Pods"].startswith("3 pods, 1 denied memory, 1 unknown: timeout")


def test_sizes_and_causes_are_exact_in_a_flood_of_names() -> None:
    names = ["".join(chr(97 + int(digit)) for digit in str(number)) for number in range(2000)]
    flood = [kernel_incident(comm=name, order=place % 3, cause="vhost") for place, name in enumerate(names)]
    facts = {label: text.replace(HARD_SPACE, " ") for label, text in total_facts(group_failures(flood, 20))}
    assert sorted(facts["Size"].split(", ")) == ["16K (666)", "4K (667)", "8K (667)"]
    assert facts["Cause"] == "vhost (2,000)"
    assert re.fullmatch(r"(\w+ \(1\), ){5}at least \d+ more \(1,995\)", facts["Who"])


def test_a_row_without_a_time_has_the_kernels_stamp_or_its_line() -> None:
    rows = [
        kernel_incident(comm="a", order=3, monotonic=12.5),
        kernel_incident(comm="b", order=3, lines=(7, 9)),
        kernel_incident(ReportKind.OOM, comm="c", order=0),
    ]
    shown = [text_of(line) for line in tables(group_failures(rows), 80)[2:]]
    assert [row.split()[0] for row in shown] == ["?", "line", "[12"]
    assert "OOM 4K (order 0)" in shown[0]


def test_the_totals_of_one_name_have_the_name_and_those_of_many_the_pattern() -> None:
    one = group_failures([kernel_incident(comm="vhost-41", order=order) for order in (3, 4)])
    assert Fact("Who", f"vhost-41{HARD_SPACE}(2)") in total_facts(one)
    many = group_failures([kernel_incident(comm=f"vhost-{order}", order=order) for order in (3, 4)])
    assert Fact("Who", f"vhost-*{HARD_SPACE}(2)") in total_facts(many)


@pytest.mark.parametrize(
    ("read", "said", "role"),
    [
        (LogsRead(0), "no failure in 0 lines: the input is empty", Role.WARN),
        (
            LogsRead(0, missing="not everything could be read"),
            "no failure in 0 lines; not everything could be read",
            Role.WARN,
        ),
        (LogsRead(1, writers={"not understood": 1}), "no failure in 1 line: not understood 1", Role.WARN),
        (
            LogsRead(1204, writers={"not understood": 94, "kubelet": 900, "kernel": 210}),
            "no failure in 1,204 lines: kernel 210, kubelet 900, not understood 94",
            Role.GOOD,
        ),
        (
            LogsRead(5, writers={"kernel": 4}, missing="ended by Ctrl-C"),
            "no failure in 5 lines; the first 4: kernel 4; ended by Ctrl-C",
            Role.WARN,
        ),
        (LogsRead(0, objects=2), "no failure in 2 Kubernetes objects", Role.GOOD),
        (
            LogsRead(9, writers={"binary": 6, "not understood": 3}),
            "no failure in 9 lines: not understood 9 (binary data, not a log)",
            Role.WARN,
        ),
        (
            LogsRead(70, writers={"kernel": 1} | {f"p{place}": 10 + place for place in range(6)}),
            "no failure in 70 lines: kernel 1, p5 15, p4 14, p3 13, p2 12, other programs 21",
            Role.GOOD,
        ),
    ],
)
def test_the_closing_line_without_a_failure_says_what_was_read(read: LogsRead, said: str, role: Role) -> None:
    (line,) = closing_lines(FailureGroups(), read, 120)
    assert (text_of(line), line[0][1]) == (said, role)


def test_the_closing_line_counts_failures_and_lines() -> None:
    failures = group_failures([kernel_incident(comm="a", order=3, repeated=1)])
    (line,) = closing_lines(failures, LogsRead(1204), 120)
    assert text_of(line) == "2 allocation failures in 1,204 lines"
    assert closing_lines(failures, LogsRead(3, missing="not everything could be read"), 120)[0][0][0].endswith(
        "in 3 lines; not everything could be read"
    )


def test_spans_and_lengths_of_time() -> None:
    assert span_words(None, None) == ""
    assert span_words(1.7e9, 1.7e9) == "2023-11-14 22:13:20 UTC"
    assert span_words(1.7e9, 1.7e9 + 3000) == "2023-11-14 22:13:20 to 23:03:20 UTC (50 min)"
    assert span_words(1.7e9, 1.7e9 + 9e5) == "2023-11-14 22:13:20 to 2023-11-25 08:13:20 UTC (10 days)"
    assert [length_words(seconds) for seconds in (0, 8.4, 119, 120, 7199, 7200, 172_800)] == [
        "0 s",
        "8 s",
        "119 s",
        "2 min",
        "120 min",
        "2 h",
        "2 days",
    ]


@examples(200)
@given(st.text(" ab日\xa0", max_size=200), st.integers(1, 40), st.integers(0, 8))
def test_wrapping_loses_no_word(text: str, width: int, indent: int) -> None:
    lines = wrapped(text, width, indent=indent)
    words = " ".join(text_of(line) for line in lines).split()
    assert words == text.replace(HARD_SPACE, " ").split()
    for line in lines:
        shown = line[-1][0]
        assert cells(shown) <= max(1, width - indent) or " " not in shown or HARD_SPACE in text


def test_a_number_and_its_unit_are_in_one_line() -> None:
    lines = wrapped("the kernel denied memory to it, 13 s apart", 34)
    assert [text_of(line) for line in lines] == ["the kernel denied memory to it,", "13 s apart"]


def test_a_table_aligns_wide_characters_and_wraps_its_last_column() -> None:
    rows = [[("日本", Role.TEXT), ("7", Role.BAD), ("one two three four five", Role.TEXT)], [("x", Role.TEXT)] * 3]
    lines = table(("who", "n", "why"), rows, 24, right=(1,))
    assert [text_of(line) for line in lines] == [
        "who   n  why",
        "日本  7  one two three",
        "         four five",
        "x     x  x",
    ]
    assert [text_of(line) for line in table(("who", "n", "why"), rows, 14, right=(1,))] == [
        "who   n",
        "    why",
        "日本  7",
        "    one two",
        "    three four",
        "    five",
        "x     x",
        "    x",
    ]
    assert painted(lines[1], colour=True).startswith("日本  \x1b[1;31m7\x1b[0m  one")
