"""Properties of the whole way from log lines to incidents, on the kernel's genuine report and on reports of any era."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident
from tests.support.examples import examples
from tests.support.explained import explain_log
from tests.support.facts import is_part
from tests.support.places import GENUINE

REPORT = GENUINE.read_bytes()
EL7 = b"""\
Jul  1 00:45:31 node kernel: runc:[1:CHILD]: page allocation failure: order:5, mode:0x10c0d0
Jul  1 00:45:31 node kernel: CPU: 27 PID: 70623 Comm: runc:[1:CHILD] Tainted: P  3.10.0-514.el7.x86_64 #1
Jul  1 00:45:31 node kernel: Call Trace:
Jul  1 00:45:31 node kernel: [<ffffffff9f161e41>] dump_stack+0x19/0x1b
Jul  1 00:45:31 node kernel: [<ffffffffc05099a1>] nf_conntrack_init_net+0xf1/0x260 [nf_conntrack]
Jul  1 00:45:31 node kernel: [<ffffffff9f174ddb>] system_call_fastpath+0x22/0x27
Jul  1 00:45:31 node kernel: Mem-Info:
Jul  1 00:45:31 node kernel: active_anon:2546346 inactive_anon:572484#012 active_file:7067019 free:115901
Jul  1 00:45:31 node kernel: Node 0 Normal free:79912kB min:43728kB low:54660kB high:65592kB active_anon:8944080kB
Jul  1 00:45:31 node kernel: lowmem_reserve[]: 0 0 0 0
Jul  1 00:45:31 node kernel: Node 0 Normal: 7662*4kB (UE) 4239*8kB (UEM) 658*16kB (U) 0*32kB = 79912kB
Jul  1 00:45:31 node kernel: 595260 pages reserved
"""
OOM = b"""\
[  100.000001][  T100] php-fpm invoked oom-killer: gfp_mask=0x1100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0
[  100.000002][  T100] CPU: 8 PID: 100 Comm: php-fpm Not tainted 5.15.158-2-pve #1
[  100.000003][  T100] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,\
task_memcg=/a/b,task=php (x,pid=390,uid=1000
[  100.000004][  T100] Memory cgroup out of memory: Killed process 390 (php (x) total-vm:14740176kB, UID:1000
"""
REPORTS = (REPORT, EL7, OOM)
DERIVED = {"explanation", "cause", "lines", "id", "memory", "time", "linked"}


def explained(data: bytes) -> list[Incident]:
    return list(explain_log(io.BytesIO(data), now=1.79e9))


@pytest.mark.slow
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.by_hand)])
def test_a_report_cut_anywhere_gives_a_subset_of_its_facts(step: int) -> None:
    for report in REPORTS:
        (whole,) = (incident.to_json() for incident in explained(report))
        for cut in range(0, len(report), step):
            for incident in explained(report[:cut]):
                for name, value in incident.to_json().items():
                    if name not in DERIVED:
                        assert is_part(value, whole[name]), (
                            cut,
                            report[max(0, cut - 60) : cut],
                            name,
                            value,
                            whole[name],
                        )


def test_a_number_that_may_be_cut_is_unknown() -> None:
    (incident,) = explained(b"java: page allocation failure: order:1")
    assert incident.order is None
    (incident,) = explained(b"java: page allocation failure: order:1\n")
    assert incident.order == 1


NOISE = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=60).map(
    lambda text: ("Jul  1 00:45:31 node app[7]: " + text).encode()
)


@given(st.lists(st.tuples(st.integers(0, len(REPORTS) - 1), st.lists(NOISE, max_size=5)), max_size=4))
@examples(60)
def test_no_incident_is_lost_between_noise(parts: list[tuple[int, list[bytes]]]) -> None:
    data = b"".join(b"".join(line + b"\n" for line in noise) + REPORTS[index] for index, noise in parts)
    kinds = [ReportKind.ALLOCATION_FAILURE, ReportKind.ALLOCATION_FAILURE, ReportKind.OOM]
    found = [incident.kind for incident in explained(data) if incident.report is not None]
    assert found == [kinds[index] for index, _ in parts]


@given(st.lists(NOISE, min_size=1, max_size=8))
@examples(60)
def test_noise_inside_a_report_changes_none_of_its_facts(noise: list[bytes]) -> None:
    (whole,) = (incident.to_json() for incident in explained(EL7))
    mixed = b""
    for index, line in enumerate(EL7.splitlines(True)):
        mixed += line + noise[index % len(noise)] + b"\n"
    found = [incident for incident in explained(mixed) if incident.kind is ReportKind.ALLOCATION_FAILURE]
    assert len(found) == 1
    said = found[0].to_json()
    assert {name: said[name] for name in said if name not in DERIVED} == {
        name: whole[name] for name in whole if name not in DERIVED
    }


@given(st.integers(0, 40), st.data())
@examples(60)
def test_reports_of_two_callers_interleave_in_any_way(seed: int, data: st.DataObject) -> None:
    def report(tid: int, comm: str, order: int) -> list[bytes]:
        head = f"[  100.00000{tid % 10}][ T{tid}] "
        lines = [
            f"{comm}: page allocation failure: order:{order}, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null)",
            f"CPU: {tid} PID: {tid} Comm: {comm} Not tainted 5.15.0 #1",
            "Call Trace:",
            f" caller_of_{tid}+0x1/0x2",
            "Mem-Info:",
            f"Node 0 Normal free:{tid}000kB min:1kB low:2kB high:3kB",
            f"Node 0 Normal: {tid}*4kB (U) 0*8kB = {tid * 4}kB",
        ]
        return [(head + line).encode() for line in lines]

    one, two = report(11, "a b:c", 3), report(22, "swapper/0", 5)
    mixed = []
    while one or two:
        take = one if not two or (one and data.draw(st.booleans())) else two
        mixed.append(take.pop(0))
    found = {incident.comm: incident for incident in explained(b"\n".join(mixed) + b"\n")}
    assert found.keys() == {"a b:c", "swapper/0"}
    for comm, tid, order in (("a b:c", 11, 3), ("swapper/0", 22, 5)):
        incident = found[comm]
        reported = incident.report
        assert reported is not None
        assert (incident.pid, reported.cpu, incident.order) == (tid, tid, order)
        assert incident.stack == (f"caller_of_{tid}",)
        assert reported.zones[0].free_blocks == (tid, 0)


@given(st.binary(max_size=400))
@examples(150)
def test_any_bytes_raise_nothing_and_print(data: bytes) -> None:
    for incident in explained(data + b"\npage allocation failure: order:3, mode:0x20\n" + data):
        assert json.dumps(incident.to_json()).isprintable()


@given(
    st.binary(min_size=1, max_size=15).filter(lambda raw: b"\n" not in raw and raw.strip() == raw and b"\0" not in raw)
)
@examples(150)
def test_any_comm_is_read_as_the_kernel_wrote_it(raw: bytes) -> None:
    escaped = b"".join(bytes((b,)) if 0x20 <= b < 0x7F and b != 0x5C else b"\\x%02x" % b for b in raw)
    line = b"4,1,1000000,-;" + escaped + b": page allocation failure: order:3, mode:0x40cc0(GFP_KERNEL|__GFP_COMP)\n"
    (incident,) = explained(line)
    assert incident.order == 3
    assert incident.comm is not None
    assert incident.comm.isprintable()
    text = raw.decode("utf-8", "surrogateescape").replace("\t", " ").strip(" ")
    if text.isprintable():
        assert incident.comm == text or not text
