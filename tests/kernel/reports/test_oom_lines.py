"""Lines of the OOM killer of every era."""

from __future__ import annotations

import pytest

from fragtui.kernel.reports.oom_lines import parse_oom_invoked, parse_oom_summary, parse_oom_victim
from fragtui.kernel.reports.report import KilledTask


@pytest.mark.parametrize(
    ("text", "comm", "order"),
    [
        ("oom-killer: gfp_mask=0x201d2, order=0", None, 0),
        ("java invoked oom-killer:  gfp_mask=0x201d2, order=2, oomkilladj=0", "java", 2),
        ("a b invoked oom-killer: gfp_mask=0xd0, order=0, oom_adj=0, oom_score_adj=0", "a b", 0),
        ("x invoked oom-killer: gfp_mask=0x6000c0(GFP_KERNEL), nodemask=(null),  order=3, oom_score_adj=-998", "x", 3),
        ("bash invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0", "bash", -1),
    ],
)
def test_each_invocation_line_gives_its_request(text: str, comm: str | None, order: int) -> None:
    found = parse_oom_invoked(text)
    assert found is not None
    assert (found.comm, found.request.order) == (comm, order)


@pytest.mark.parametrize(
    ("text", "comm", "pid", "killed", "memcg"),
    [
        ("Out of Memory: Kill process 12 (x) score 99 and children.", "x", 12, False, False),
        ("Out of memory: Kill process 456 (python) score 50 or sacrifice child", "python", 456, False, False),
        ("Killed process 456 (a) b) total-vm:1kB, anon-rss:1kB, file-rss:4kB", "a) b", 456, True, None),
        ("Killed process 9 (x), UID 48, total-vm:1kB", "x", 9, True, None),
        ("Out of memory: Killed process 123, UID 48, (httpd).", "httpd", 123, True, False),
        (
            "Memory cgroup out of memory: Killed process 128 (stress-ng-vm) total-vm:1kB, UID:0",
            "stress-ng-vm",
            128,
            True,
            True,
        ),
        ("VM: killing process layers", "layers", None, True, False),
        ("Out of memory: OOM victim 77 (x) is already exiting. Skip killing the task", "x", 77, True, False),
    ],
)
def test_each_kill_line_gives_its_victim(
    text: str, comm: str, pid: int | None, killed: bool, memcg: bool | None
) -> None:
    found = parse_oom_victim(text)
    assert found is not None
    assert (found.victim, found.killed, found.memcg) == (KilledTask(comm, pid), killed, memcg)


def test_summary_with_an_odd_task_and_cut_anywhere() -> None:
    text = (
        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=x,mems_allowed=0-1,oom_memcg=/a,"
        "task_memcg=/a/b,task=next-build (v16,pid=3963629,uid=1000"
    )
    whole = parse_oom_summary(text)
    assert whole is not None
    assert whole.constraint == "CONSTRAINT_MEMCG"  # 5.0 prints NONE for every kill; the cgroup says otherwise.
    assert whole.victim == KilledTask("next-build (v16", 3963629)
    for cut in range(len(text)):
        part = parse_oom_summary(text[:cut], torn=True)
        if part is not None:
            assert part.constraint in {"CONSTRAINT_NONE", "CONSTRAINT_MEMCG"}
            for name in ("nodemask", "cpuset", "mems_allowed", "oom_memcg", "task_memcg", "victim"):
                assert getattr(part, name) in {None, getattr(whole, name)}
