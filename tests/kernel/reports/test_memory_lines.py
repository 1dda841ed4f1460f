"""Single lines about missing memory, in the shapes of the kernel's and the drivers' sources."""

from __future__ import annotations

import io

import pytest

from fragtui.kernel.reports.memory_lines import parse_memory_line
from fragtui.model.failures.incident import Incident
from tests.support.explained import explain_log

LINES: list[tuple[str, str, str | None, dict[str, str], str]] = [
    ("HugeTLB: allocating 512 of page size 32.0 MiB failed.  Only allocated 3 hugepages.", "hugetlb_shortage",
     "hugetlb",
     {"wanted": "512", "got": "3", "size": "32.0 MiB"}, "compact"),
    ("HugeTLB: allocating 2 of page size 16.0 GiB failed node7.  Only allocated 0 hugepages.", "hugetlb_shortage",
     "hugetlb", {"node": "7"}, "at boot"),
    ("cma: cma_alloc: alloc failed, req-size: 128 pages, ret: -12", "cma_failure", "cma", {"pages": "128"}, "cma="),
    ("cma: __cma_alloc: reserved: alloc failed, req-size: 257 pages, ret: -16", "cma_failure", "cma",
     {"area": "reserved", "error": "-16"}, "could not be moved"),
    ("cma: cma_alloc: linux,cma: alloc failed, req-size: 1 pages, ret: -12", "cma_failure", "cma",
     {"area": "linux,cma"}, "linux,cma"),
    ("percpu: allocation failed, size=40 align=8 atomic=1, atomic alloc failed, no space left", "percpu_failure", None,
     {"size": "40", "atomic": "1"}, "retry"),
    ("PERCPU: allocation failed, size=256 align=256, failed to populate", "percpu_failure", None, {"size": "256"},
     "per-CPU"),
    ("WARNING: CPU: 3 PID: 99 at mm/page_alloc.c:5534 __alloc_pages+0x1f5/0x220", "order_too_large", None,
     {"cpu": "3", "pid": "99"}, "no remedy"),
    ("WARNING: CPU: 3 PID: 99 at mm/page_alloc.c:4700 __alloc_pages_noprof+0x1f5/0x220", "order_too_large", None, {},
     "no remedy"),
    ("INFO: task kcompactd1:77 blocked in I/O wait for more than 245 seconds.", "hung_task", None,
     {"comm": "kcompactd1", "pid": "77"}, "Do not compact"),
    ("INFO: task a:b c:77 blocked for more than 120 seconds.", "hung_task", None, {"comm": "a:b c"}, "does not show"),
    ("NVRM: GPU0 nvCheckOkFailedNoLog: Check failed: Out of memory [NV_ERR_NO_MEMORY] (0x00000051) returned from "
     "f(a, b) @ mem.c:7", "device_failure", "nvidia", {"call": "f(a, b)", "place": "mem.c:7"}, "NVIDIA"),
    ("NVRM: nvAssertOkFailedNoLog: Assertion failed: Out of memory [NV_ERR_NO_MEMORY] (0x00000051) returned from "
     "rmStatus @ gpu.c:12", "device_failure", "nvidia", {"place": "gpu.c:12"}, "NVIDIA"),
    ("nvme 0000:01:00.0: swiotlb buffer is full (sz: 4096 bytes), total 32768 (slots), used 32760 (slots)",
     "device_failure", "swiotlb", {"device": "nvme 0000:01:00.0"}, "is full"),
    ("ast 0000:07:00.0: swiotlb buffer is full (sz: 3145728 bytes), total 32768 (slots), used 0 (slots)",
     "device_failure", "swiotlb", {"used": "0"}, "limit"),
    ("hpsa 0000:03:00.0: DMAR: Allocating 1-page iova failed", "device_failure", "iommu",
     {"device": "hpsa 0000:03:00.0", "pages": "1"}, "IOMMU"),
    ("DMAR: Allocating 16-page iova for 0000:02:00.0 failed", "device_failure", "iommu", {"target": "0000:02:00.0"},
     "16 pages"),
    ("DMA: failed to allocate 128 KiB GFP_KERNEL|GFP_DMA pool for atomic allocation", "device_failure", "dma-pool",
     {"size": "128"}, "crash kernel"),
    ("virtio_mem virtio4: adding memory failed, error -12", "device_failure", "virtio_mem", {"device": "virtio4"},
     "-12"),
    ("nf_conntrack: falling back to vmalloc.", "device_failure", "nf_conntrack", {}, "early sign"),
    ("kmem_cache_create(nf_conntrack_12) failed with error -12", "device_failure", "slab-cache",
     {"cache": "nf_conntrack_12"}, "nf_conntrack_12"),
    ("mlx5_core 0000:3b:00.1: mlx5_cmd_alloc_uar failed -12", "device_failure", "mlx5", {"driver": "mlx5_core"},
     "3b:00.1"),
    ("qla2xxx 0000:04:00.0: Failed to allocate request queue: -12", "device_failure", "qla2xxx", {}, "qla2xxx"),
    ("mlx5_core 0000:3b:00.0 ens1f0: mlx5e_open_locked: mlx5e_open_channels failed, -12", "device_failure", "mlx5",
     {"device": "0000:3b:00.0 ens1f0"}, "failed, -12"),
    ("infiniband mlx5_0: create_qp:2921:(pid 77): Create QP type 2 failed, -12", "device_failure", "infiniband",
     {"device": "mlx5_0"}, "QP type 2"),
    ("usb 1-4.1: cannot submit urb 0, error -12: internal error", "device_failure", "usb", {"device": "1-4.1"}, "urb"),
    ("ixgbe 0000:04:00.0: Unable to allocate memory for the Rx descriptor ring", "device_failure", "ixgbe", {}, "ring"),
    ("kmem_cache_create_usercopy(nf_expect) failed with error -12", "device_failure", "slab-cache",
     {"cache": "nf_expect"}, "nf_expect"),
]  # fmt: skip


def incidents(text: str) -> list[Incident]:
    return list(explain_log(io.BytesIO(text.encode()), now=1.79e9))


@pytest.mark.parametrize(("line", "kind", "cause", "facts", "words"), LINES, ids=[line[0][:50] for line in LINES])
def test_a_line_is_an_incident_with_its_advice(
    line: str, kind: str, cause: str | None, facts: dict[str, str], words: str
) -> None:
    for prefix in ("", "[   12.345678] ", "Feb 20 10:00:00 node kernel: [   12.345678] ", "node07: "):
        (incident,) = incidents(f"{prefix}{line}\n")
        assert (incident.kind, incident.cause) == (kind, cause)
        assert incident.report is not None and incident.report.line is not None
        assert facts.items() <= incident.report.line.facts.items()
        assert words in (incident.explanation or "")


@pytest.mark.parametrize(
    "line",
    [
        "page_owner is disabled",
        "WARNING: CPU: 1 PID: 2 at mm/page_alloc.c:4300 __alloc_pages_slowpath.constprop.0+0x1/0x2",
        "WARNING: CPU: 1 PID: 2 at mm/page_alloc.c:1300 free_pages_ok+0x1/0x2",
        "mlx5_core 0000:3b:00.1: allocated 12 queues, queue-12",
        "HugeTLB: registered 2.00 MiB page size, pre-allocated 0 pages",
        "percpu: Embedded 56 pages/cpu s192512 r8192 d28672 u262144 alloc=1*2097152",
        "virtio_mem virtio0: memory plugged",
        "Out of memory: a text about it",
        "modprobe: page allocation failure",
        "I see page allocation failure",
        "I see page allocation failure: order:5, mode:0x20 all day",
        'a: page allocation failure: order:5, mode:0x20" is in my log',
        "pci 0000:00:1c.0: BAR 13: failed to allocate I/O",
        "the driver ixgbe 0000:04:00.0: was replaced because it failed to allocate memory",
    ],
)
def test_a_line_that_says_something_else_is_none(line: str) -> None:
    assert parse_memory_line(line) is None
    assert incidents(f"[   12.345678] {line}\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "Fix page allocation failure: order:4 on our nodes",
        '* Fix "veth: page allocation failure: order:5" in container start',
        "- [ ] node07: page allocation failure: order:5 (ask Bob)",
        'printk("%s: page allocation failure: order:%u, mode:%#x", comm, order, mode);',
        "failed to create pod sandbox means that the kubelet could not start it",
    ],
)
def test_prose_is_no_incident(text: str) -> None:
    assert incidents(f"{text}\n") == []


def test_a_task_that_hangs_elsewhere_is_none() -> None:
    head = "[ 9.100000] INFO: task jbd2/sda1-8:300 blocked for more than 120 seconds.\n[ 9.100000] Call Trace:\n"
    assert incidents(f"{head}[ 9.100000]  __schedule+0x1/0x2\n[ 9.100000]  jbd2_journal_commit+0x1/0x2\n") == []
    (incident,) = incidents(f"{head}[ 9.100000]  __schedule+0x1/0x2\n[ 9.100000]  shrink_node+0x1/0x2\n")
    assert (incident.comm, incident.pid, incident.memory) == ("jbd2/sda1-8", 300, True)


def test_a_failed_slab_cache_follows_from_the_report_above_it() -> None:
    report = "[ 1.100000] runc: page allocation failure: order:6, mode:0xc0d0\n"
    (incident,) = incidents(f"{report}[ 1.100000] kmem_cache_create(nf_conntrack_7) failed with error -12\n")
    assert incident.reason == "kmem_cache_create(nf_conntrack_7) failed with error -12"


def test_swiotlb_of_old_kernels_writes_two_lines_about_one_failure() -> None:
    text = "[ 1.100000] ipu3 0000:00:05.0: swiotlb buffer is full (sz: 4096 bytes)\n"
    text += "[ 1.200000] DMA: Out of SW-IOMMU space for 4096 bytes at device 0000:00:05.0\n"
    assert len(incidents(text)) == 1


PANIC = "[ 2.100000] Kernel panic - not syncing: {}\n"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (PANIC.format("Out of memory and no killable processes..."), "no task to kill"),
        (PANIC.format("System is deadlocked on memory"), "went down"),
        (PANIC.format("Out of memory: compulsory panic_on_oom is enabled"), "went down"),
        ("[ 2.000000] Out of memory and no killable processes...\n", "no task to kill"),
    ],
)
def test_an_oom_without_a_kill_says_so(lines: str, words: str) -> None:
    head = "[ 1.900000] java invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0\n"
    alone = [] if "deadlocked" in lines else [lines]  # A line without a needle is found within its report.
    for text in (*alone, head + lines):
        (incident,) = incidents(text)
        assert incident.kind == "oom" and incident.victim is None
        assert words in (incident.explanation or "")


def test_an_event_about_a_kill_that_the_kernel_logged_is_no_second_kill() -> None:
    kill = "[ 2.000000] Out of memory: Killed process 77 (java) total-vm:1kB, UID:0\n"
    event = "2m  Warning  SystemOOM  node/a  System OOM encountered, victim process: java, pid: 77\n"
    assert len(incidents(kill + event)) == 1
    assert len(incidents(kill + event.replace("77", "78"))) == 2


TITLES = ("", "Bug 4711 - ", "Subject: ", "[PATCH] Re: ")


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("stamp", ["", "[   12.345678] "])
def test_the_title_of_a_page_is_no_second_report(title: str, stamp: str) -> None:
    head = "kswapd0: page allocation failure. order:1, mode:0x20"
    lines = (head, "Pid: 77, comm: kswapd0 Not tainted 2.6.32 #1", "Call Trace:", " [<c0>] ? sk_prot_alloc+0x1/0x2")
    text = f"{title}{head}\n\nHello,\n" + "".join(f"{stamp}{line}\n" for line in lines)
    found = incidents(text)
    if title or stamp:
        assert [(incident.comm, incident.pid, len(incident.stack)) for incident in found] == [("kswapd0", 77, 1)]
