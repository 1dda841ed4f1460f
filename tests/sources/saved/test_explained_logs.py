"""Several logs read as one: kernel log and kubelet log in two files, each incident with the ids of the other side."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident
from fragtui.model.log_linker import Explained, LogLinker
from fragtui.sources.saved.explain import OpenLog, explain_logs
from tests.cluster.reading import NOV_2026
from tests.support.explained import explain_log
from tests.support.incidents import kernel_incident
from tests.support.places import FIXTURES, SAMPLES, SHARED

CAPTURES = SHARED / "k8s"
REPORT = b"""\
kernel: runc:[1:CHILD]: page allocation failure: order:5, mode:0x10c0d0
kernel: CPU: 27 PID: 70623 Comm: runc:[1:CHILD] Tainted: P  3.10.0-514.el7.x86_64 #1
kernel: Call Trace:
kernel: [<ffffffff9f161e41>] dump_stack+0x19/0x1b
kernel: [<ffffffffc05099a1>] nf_conntrack_init_net+0xf1/0x260 [nf_conntrack]
kernel: [<ffffffff9f02e765>] copy_net_ns+0xb5/0x180
kernel: [<ffffffff9f174ddb>] system_call_fastpath+0x22/0x27
"""
FAILED = (
    '{stamp} node kubelet: E1124 05:14:59.796006   29426 kuberuntime_sandbox.go:72] "Failed to create sandbox for pod"'
    ' err="rpc error: code = Unknown desc = failed to create containerd task: failed to create shim task: OCI runtime'
    " create failed: runc create failed: unable to start container process: can't get final child's PID from pipe: EOF:"
    ' unknown" pod="shop/{pod}"\n'
)


def report_at(stamp: str) -> bytes:
    return b"".join(stamp.encode() + b" node " + line + b"\n" for line in REPORT.splitlines())


def read(logs: Sequence[bytes]) -> list[Explained]:
    return list(explain_logs([OpenLog(io.BytesIO(log), f"log{n}", NOV_2026) for n, log in enumerate(logs)]))


def kinds(found: Iterable[Explained]) -> tuple[list[Incident], list[Incident]]:
    incidents = [each.incident for each in found]
    pods = [each for each in incidents if each.report is None]
    return [each for each in incidents if each.report is not None], pods


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")
@pytest.mark.parametrize("kernel_first", [True, False])
def test_the_seeds_second_in_two_files_is_linked_on_both_sides(kernel_first: bool) -> None:
    lines = (SAMPLES / "mixed-syslog-1.txt").read_bytes().splitlines(keepends=True)
    logs = [b"".join(line for line in lines if (b" kernel: " in line) is kernel) for kernel in (True, False)]
    (kernel,), (pod,) = kinds(read(logs if kernel_first else logs[::-1]))
    assert kernel.linked == (pod.id,)
    assert pod.linked == (kernel.id,)
    assert (kernel.namespace, kernel.pod) == ("job-app", "turing-schedule-46-20200701004530-zhq44")
    assert kernel.pod_uid == pod.pod_uid == "1bcd0d00-baf1-11ea-88c6-0242c0219250"
    assert pod.memory is True
    assert pod.repeated is None
    assert kernel.lines is not None and pod.lines is not None
    assert kernel.lines[0] == 1 and pod.lines[1] <= lines.__len__()


def test_kubelet_and_runtime_of_a_capture_report_each_attempt_once_and_the_kernel_its_pod() -> None:
    kubelet, runtime = ((FIXTURES / name).read_bytes() for name in ("unshare-kubelet.log", "unshare-containerd.log"))
    both = read([kubelet, runtime])
    assert len({each.incident.sandbox_id for each in both}) == len(both) > 10
    kern = report_at("2026-11-24T05:14:59.70+00:00")
    (report,), pods = kinds(read([kubelet, runtime, kern]))
    assert len(pods) == len(both)
    assert report.linked
    for pod in pods:
        assert (report.id in pod.linked) is (pod.id in report.linked)
        assert pod.memory is True or not pod.linked


@pytest.mark.slow
@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the shared captures are not here")
@pytest.mark.parametrize("capture", ["unshare-enomem", "other-layers"])
def test_whole_captures_by_the_command(capture: str, tmp_path: Path) -> None:
    kern = tmp_path / "kern.log"
    kern.write_bytes(report_at("2026-11-24T05:14:59.70+00:00"))
    names = [str(CAPTURES / capture / name) for name in ("kubelet.log", "containerd.log")]
    call = [sys.executable, "-m", "fragtui", "explain", "--json", *names, str(kern)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    linked = {each["id"]: set(each["linked"]) for each in found}
    assert len(linked) == len(found) > 20
    assert all(one in linked[other] for one, others in linked.items() for other in others)
    assert any(linked.values()) is (capture == "unshare-enomem")
    apart = []
    for name in names:
        with Path(name).open("rb") as log:
            apart.append(sum(1 for _ in explain_log(log, now=NOV_2026)))
    assert len(found) == 1 + max(apart)


def test_lines_are_those_of_the_log_that_reported_first() -> None:
    stamp = "2026-11-24T05:14:59+00:00"
    line = FAILED.format(stamp=stamp, pod="api-1").encode()
    found = read([b"x\n" * 50 + line, b"y\n" * 7 + line.replace(b"kubelet:", b"kubelet[7]:")])
    (only,) = found
    assert (only.log, only.incident.lines) == (0, (51, 51))


def test_a_file_given_twice_loses_nothing() -> None:
    log = report_at("2026-11-24T05:14:59+00:00")
    assert len(read([log, log])) == 2


def test_a_log_without_stamps_is_read_with_one_that_has_them() -> None:
    bare = REPORT.replace(b"kernel: ", b"")
    found = read([bare, FAILED.format(stamp="2026-11-24T05:14:59+00:00", pod="api-1").encode()])
    assert sorted(each.log for each in found) == [0, 1]


def long_log(count: int, apart: int) -> bytes:
    parts = []
    for number in range(count):
        second = number * apart
        stamp = datetime.fromtimestamp(NOV_2026 - 900_000 + second, UTC).isoformat()
        parts += [report_at(stamp), FAILED.format(stamp=stamp, pod=f"api-{number}").encode()]
    return b"".join(parts)


@pytest.mark.slow
@pytest.mark.parametrize("apart", [0, 1, 20, 400])
def test_however_dense_both_sides_name_each_other_and_none_is_lost(apart: int) -> None:
    count = 300
    kernel, pods = kinds(Explained(each, 0) for each in explain_log(io.BytesIO(long_log(count, apart)), now=NOV_2026))
    assert (len(kernel), len({pod.pod for pod in pods})) == (count, count)
    by_id = {each.id: each for each in (*kernel, *pods)}
    assert len(by_id) == 2 * count
    for each in by_id.values():
        assert all(each.id in by_id[other].linked for other in each.linked)
    if apart >= 20:
        assert all(pod.linked for pod in pods)


@pytest.mark.slow
@pytest.mark.parametrize("apart", [0.0, 0.01, 1.0, 1000.0])
def test_what_waits_does_not_grow_with_the_log(apart: float) -> None:
    digest, out, most = LogLinker(), 0, 0
    for number in range(20_000):
        incident = kernel_incident(ReportKind.ALLOCATION_FAILURE, time=NOV_2026 + number * apart, id=str(number))
        out += len(digest.feed(incident))
        most = max(most, number + 1 - out)
    assert out + len(digest.finish()) == 20_000
    assert most <= 1_300


EVERY_LINE = """\
foo: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL), nodemask=(null),cpuset=/,mems_allowed=0
CPU: 1 PID: 5 Comm: foo Not tainted 5.4.0
Mem-Info:
Node 0 Normal free:100kB boost:0kB min:8kB low:1kB high:2kB reserved_highatomic:0KB managed:5kB free_cma:0kB
lowmem_reserve[]: 0 7 0
Node 0 Normal: 6*4kB (UME) 1*8kB (U) = 32kB
5 pages RAM
foo: page allocation stalls for 10000ms, order:0, mode:0xcc0(GFP_KERNEL)
vmap allocation for size 8192 failed: use vmalloc=<size> to increase size
SLUB: Unable to allocate memory on node -1, gfp=0x480020(GFP_ATOMIC)
  cache: x, object size: 232, buffer size: 256, default order: 2, min order: 0
  node 0: slabs: 940, objs: 40864, free: 144
warn_alloc: 59 callbacks suppressed
Out of memory: Killed process 7 (x) total-vm:1kB, anon-rss:1kB
"""


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["", "[    1.000000] ", "4,7,1000000,-;", "Jan 17 11:08:33 host kernel[4]: "])
def test_no_number_of_a_report_is_too_long_to_read(prefix: str) -> None:
    """Python refuses to convert more than 4300 digits, and a log may contain any text."""
    text = "".join(f"{prefix}{line}\n" for line in EVERY_LINE.splitlines())
    for number in re.finditer(r"\d+", text):
        long = text[: number.start()] + "9" * 4400 + text[number.end() :]
        list(explain_log(io.BytesIO(long.encode()), now=1.79e9))
