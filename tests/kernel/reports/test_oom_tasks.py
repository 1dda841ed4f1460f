"""The OOM killer's table of tasks: the largest of any version's rows, bounded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.reports.collector import ReportCollector
from fragtui.kernel.reports.oom_tasks import MAX_TASKS, TaskTable
from fragtui.kernel.reports.report import KernelReport, ReportedTask, ReportedZone
from fragtui.logs.record import LogRecord
from fragtui.model.failures.from_report import incident_of
from fragtui.render.incident_text import incident_facts

TABLES = {
    "2.6.32": (
        "[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name",
        "[ 9001]   500  9001  2724000  1440000   1       0             0 java",
    ),
    "3.10": (
        "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name",
        "[ 9001]   500  9001  2724000  1440000     700        0          -998 java",
    ),
    "4.13": (
        "[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name",
        "[ 9001]   500  9001  2724000  1440000     700       3        0             0 java",
    ),
    "6.1": (
        "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
        "[   9001]   500  9001  2724000  1440000  2146304        0          1000 java",
    ),
    "6.12": (
        "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj"
        " name",
        "[   9001]   500  9001  2724000  1440000  1400000    40000         0  2146304        0           968 java",
    ),
}


def table(*lines: str) -> TaskTable:
    made = TaskTable()
    for line in lines:
        made.take(line)
    return made


@pytest.mark.parametrize("version", TABLES)
def test_every_version_gives_name_pid_and_resident_pages(version: str) -> None:
    header, row = TABLES[version]
    expected = (ReportedTask("java", 9001, 1_440_000),)
    assert table(header, row).largest == expected
    assert table(row).largest == expected, "a log that lost the header"


def test_names_with_blanks_and_numbers_stay_whole() -> None:
    header, row = TABLES["6.1"]
    names = ("12 a b", "a: (b)", "7", "[/red]evil[b]")
    rows = [row.replace("java", name).replace("9001", str(9001 + place)) for place, name in enumerate(names)]
    assert {task.comm for task in table(header, *rows).largest} == set(names)


def test_only_the_largest_are_kept_and_all_are_counted() -> None:
    header, row = TABLES["6.1"]
    rows = [row.replace("9001", str(9001 + n)).replace("1440000", str(n * 37 % 1009)) for n in range(1000)]
    made = table(header, *rows)
    sizes = [task.rss for task in made.largest]
    assert made.count == 1000 and len(sizes) == MAX_TASKS
    assert sizes == sorted((n * 37 % 1009 for n in range(1000)), reverse=True)[:MAX_TASKS]


FIELDS = st.lists(st.sampled_from(("-1", "0", "7", "9" * 25, "٣", "a b", "name", "[", "uid")), max_size=12).map(
    " ".join
)


@given(
    st.lists(st.text(max_size=40) | FIELDS.map("[ 12 ] {}".format) | FIELDS.map("[ pid ] uid {}".format), max_size=9)
)
def test_no_text_makes_it_raise_or_keep_more(lines: list[str]) -> None:
    made = table(*lines)
    assert len(made.largest) <= MAX_TASKS
    assert all(0 <= task.rss <= 1 << 52 and 0 < len(task.comm) <= 32 for task in made.largest)


def test_a_report_has_the_tasks_of_its_own_table() -> None:
    header, row = TABLES["6.1"]
    lines = (
        "java invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=0",
        "Tasks state (memory values in pages):",
        header,
        row,
        row.replace("java", "small").replace("1440000", "12"),
        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/a,task=java,"
        "pid=9001,uid=0",
        "Out of memory: Killed process 9001 (java) total-vm:1131148kB, anon-rss:1045532kB, file-rss:1372kB",
    )
    collector = ReportCollector()
    reports: dict[int, KernelReport] = {}
    for place, text in enumerate(lines):
        for report in collector.feed(LogRecord(text=text, line=place + 1)):
            reports[report.key] = report
    for report in collector.finish():
        reports[report.key] = report
    (report,) = reports.values()
    assert [task.comm for task in report.tasks] == ["java", "small"] and report.task_count == 2
    facts = dict(incident_facts(incident_of(report)))
    assert facts["largest"] == "java (pid 9001) 1440000 pages, small (pid 9001) 12 pages, of 2 tasks"
    known = replace(report, zones=(ReportedZone(0, "Normal", page_kb=4),))
    assert dict(incident_facts(incident_of(known)))["largest"].startswith("java (pid 9001) 5.49G, small")
    assert "largest" not in dict(incident_facts(incident_of(replace(report, tasks=()))))
