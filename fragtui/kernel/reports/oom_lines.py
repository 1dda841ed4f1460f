"""Lines of the OOM killer, 2.4 to 6.19 (mm/oom_kill.c, mm/memcontrol.c)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fragtui.kernel.reports.report import KilledTask
from fragtui.kernel.reports.request import ReportedRequest, intact_part, parse_request
from fragtui.logs.wrapper import comm_in

_INVOKED = re.compile(r"(?:^| invoked )oom-killer: +gfp_mask=")
_SUMMARY = re.compile(r"oom-kill:constraint=(\w+)(?=,|$)", re.ASCII)
# (?>.*? matches from the start of a line to the first place of its words: a search that continued from each other
# place would take quadratic time on a line that repeats them.
_OOM_MEMCG = re.compile(r"(?>.*?,oom_memcg=)(.*?),(?:global_oom,)?task_memcg=")
_TASK_MEMCG = re.compile(r"(?>.*?,task_memcg=)(.*?),task=")
_TASK = re.compile(r"(?>.*?,task=)(.*),pid=(\d++)(?=,uid=)", re.ASCII)
_NODEMASK = re.compile(
    r"(?>.*?,nodemask=)(\(null\)|\d[\d,-]*?),cpuset=(.*?),mems_allowed=(\d[\d,-]*?)(?=,[a-z])", re.ASCII
)
_KILL = re.compile(
    r"(?>(.*?)[Kk]ill(ed)? process (\d++)(?:, UID \d++,)? \()(.*)\)"
    r"(?=,? (?:total-vm|score|vsz)|,? UID|,|\.|$)",
    re.ASCII,
)
_KILLING_24 = re.compile(r"VM: killing process (\S.{0,14}?)\s*$")
_TASK_IN = re.compile(r"Task in (\S+) killed as a result of limit of (\S+)(?=\s|$)")
_STATS_FOR = re.compile(r"Memory cgroup stats for (\S+?):")
_EVENT = re.compile(r"(System|Cgroup) OOM encountered, victim process: (.{1,15}), pid: (\d{1,12})", re.ASCII)
"""The kubelet's events (cAdvisor's oomparser reads the kernel log)."""
_NO_VICTIM = "Out of memory and no killable processes"
_PANIC = re.compile(r"Kernel panic - not syncing: (?:System is deadlocked on memory|[Oo]ut of memory)")
_ALREADY = re.compile(r"(?>.*?OOM victim (\d++) \()(.*)\) is already exiting")
_REAPED = re.compile(
    r"(?>.*?oom_reaper: (?=reaped|unable))(?:reaped process (\d++) \((.*)\), now|unable to reap pid:(\d++) \((.*)\))",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class OomInvoked:
    """``COMM invoked oom-killer: gfp_mask=..., order=...``; order -1 is sysrq-f."""

    comm: str | None
    request: ReportedRequest


@dataclass(frozen=True, slots=True)
class OomSummary:
    """``oom-kill:constraint=...`` (5.0 and later), possibly cut anywhere."""

    constraint: str | None
    nodemask: str | None = None
    cpuset: str | None = None
    mems_allowed: str | None = None
    oom_memcg: str | None = None
    task_memcg: str | None = None
    victim: KilledTask | None = None


@dataclass(frozen=True, slots=True)
class OomVictim:
    """A line that names the victim.

    `killed` is False for the first of two lines (``Kill process ... or sacrifice``), which may name the parent of the
    task that is killed in the end. `memcg` says that a cgroup's limit was hit.
    """

    victim: KilledTask
    killed: bool
    memcg: bool | None


def parse_oom_invoked(text: str, torn: bool = False) -> OomInvoked | None:
    """Return who invoked the OOM killer for what, or None."""
    text = intact_part(text, torn)
    if (found := _INVOKED.search(text)) is None:
        return None
    return OomInvoked(comm_in(text[: found.start()].strip()), parse_request(text[found.start() :]))


def parse_oom_summary(text: str, torn: bool = False) -> OomSummary | None:
    """Return the facts of an ``oom-kill:`` line, which may be cut, or None. 5.0 prints NONE for memcg kills too."""
    text = intact_part(text, torn)
    if (found := _SUMMARY.search(text)) is None:
        return None
    mask = _NODEMASK.match(text)
    limit = _OOM_MEMCG.match(text)
    own = _TASK_MEMCG.match(text)
    task = _TASK.match(text)
    constraint = found[1]
    if limit and constraint == "CONSTRAINT_NONE":
        constraint = "CONSTRAINT_MEMCG"
    return OomSummary(
        constraint=constraint,
        nodemask=mask[1] if mask else None,
        cpuset=mask[2] if mask else None,
        mems_allowed=mask[3] if mask else None,
        oom_memcg=limit[1] if limit else None,
        task_memcg=own[1] if own else None,
        victim=KilledTask(task[1], int(task[2][:9])) if task else None,
    )


def parse_oom_victim(text: str, torn: bool = False) -> OomVictim | None:
    """Return the victim that a line names, in any of the shapes since 2.4, or None."""
    text = intact_part(text, torn)
    if (found := _KILL.match(text)) is not None:
        before = found[1]
        memcg = True if "emory cgroup" in before else False if "ut of " in before else None
        return OomVictim(KilledTask(found[4], int(found[3][:9])), found[2] is not None, memcg)
    if (found := _KILLING_24.search(text)) is not None and not torn:
        return OomVictim(KilledTask(found[1], None), True, False)
    if (found := _ALREADY.match(text)) is not None:
        return OomVictim(KilledTask(found[2], int(found[1][:9])), True, "emory cgroup" in text)
    return None


def parse_event_victim(text: str) -> tuple[KilledTask, bool] | None:
    """Return the victim that an event of the kubelet names, and whether it was a cgroup's; None for another line."""
    if (found := _EVENT.search(text)) is None:
        return None
    return KilledTask(found[2], int(found[3][:9])), found[1] == "Cgroup"


def has_no_victim(text: str) -> bool:
    """Return whether a line says that the OOM killer found no task."""
    return _NO_VICTIM in text


def is_oom_panic(text: str) -> bool:
    """Return whether a line is the kernel's panic for lack of memory (panic_on_oom, or no task to kill)."""
    return _PANIC.search(text) is not None


def parse_reaped(text: str) -> KilledTask | None:
    """Return the task that the OOM reaper names, or None."""
    if (found := _REAPED.match(text)) is None:
        return None
    pid, comm = found[1] or found[3], found[2] if found[1] else found[4]
    return KilledTask(comm, int(pid[:9]))


def parse_memcg_limit(text: str) -> tuple[str | None, str] | None:
    """Return the task's cgroup and the cgroup whose limit was hit; None if the line has neither.

    The lines are ``Task in A killed as a result of limit of B`` and ``Memory cgroup stats for B``, which names no task.
    """
    if found := _TASK_IN.search(text):
        return found[1], found[2]
    if found := _STATS_FOR.search(text):
        return None, found[1]
    return None
