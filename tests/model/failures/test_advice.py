"""Who asked is never the task that an interrupt interrupted, and the advice follows the request."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest

from fragtui.model.failures.incident import Incident
from tests.support.explained import explain_log

TASK = "CPU: 1 PID: 9 Comm: java Not tainted {} #1\n"
ZONES = """\
Mem-Info:
Node 0 Normal free:140744kB min:44112kB low:55140kB high:66168kB managed:8200000kB
lowmem_reserve[]: 0 0 0
Node 0 Normal: 26040*4kB (UME) 4200*8kB (UME) 187*16kB (UM) 0*32kB 0*64kB 0*128kB = 140752kB
"""


def explained(text: str) -> Incident:
    (incident,) = explain_log(io.BytesIO(text.encode()), now=1.79e9)
    return incident


def report(request: str, *frames: str, release: str = "5.10.0-8-amd64", zones: str = ZONES) -> str:
    stack = "".join(f" {frame}\n" if "<" in frame else f" {_frame(frame)}\n" for frame in frames)
    return f"java: page allocation failure: {request}\n{TASK.format(release)}Call Trace:\n{stack}{zones}"


def _frame(frame: str) -> str:
    mark, name, module = ("? " if frame.startswith("? ") else ""), *f"{frame.removeprefix('? ')} ".split(" ", 1)
    return f"{mark}{name}+0x1a/0x80 {module}".rstrip()


ATOMIC = "order:{}, mode:0xa20(GFP_ATOMIC), nodemask=(null)"
KERNEL = "order:{}, mode:0xcc0(GFP_KERNEL), nodemask=(null)"
ALLOCATOR = ("dump_stack", "warn_alloc", "__alloc_pages_slowpath", "__alloc_pages_nodemask")
RECEIVE = ("__netdev_alloc_skb", "{0}_clean_rx [{0}]", "{0}_poll [{0}]", "net_rx_action", "__do_softirq")


@pytest.mark.parametrize(
    ("driver", "cause"),
    [
        ("vmxnet3", "vmxnet3"),
        ("gve", "gve"),
        ("bnx2", "broadcom-nic"),
        ("ena", "ena"),
        ("e100", "e100"),
        ("r8169", "r8169"),
    ],
)
@pytest.mark.parametrize(
    "interrupted",
    [
        ("</IRQ>", "<TASK>", "asm_common_interrupt", "ext4_write_begin [ext4]"),
        ("irq_exit", "do_IRQ", "<EOI>", "nfsd_dispatch [nfsd]"),
        ("irq_exit", "el1_irq", "xfs_do_writepage [xfs]"),
        ("run_ksoftirqd", "kthread"),
    ],
)
def test_the_receiving_driver_is_named_not_the_interrupted_task(
    driver: str, cause: str, interrupted: tuple[str, ...]
) -> None:
    frames = [frame.format(driver) for frame in (*ALLOCATOR, *RECEIVE)]
    for order in (0, 3):
        incident = explained(report(ATOMIC.format(order), *frames, *interrupted))
        assert incident.cause == cause
        text = incident.explanation or ""
        assert f"the {driver} driver, receiving packets" in text
        assert "vm.min_free_kbytes" in text
        assert ("MTU" in text) == (order == 3)


def test_a_mark_in_front_of_a_frame_ends_the_interrupt() -> None:
    frames = (*ALLOCATOR, "__netdev_alloc_skb", "e100_poll [e100]", "net_rx_action")
    text = report(ATOMIC.format(1), *(f"? {frame}" for frame in frames), zones="")
    text += " <EOI>  [<ffffffff8111aaaa>] ? arc_evict+0x1/0x2 [zfs]\n"
    assert explained(text).cause == "e100"


@pytest.mark.parametrize(
    ("frames", "cause"),
    [
        (("ring_net_init [pf_ring]", "ops_init", "setup_net", "copy_net_ns"), "pf_ring"),
        (("p9_fcall_init", "p9_client_rpc", "__x64_sys_getdents64"), "9p"),
        (("ceph_msg_new [libceph]", "ceph_con_workfn [libceph]"), "ceph"),
        (("cfs_alloc [libcfs]", "ptlrpc_main [ptlrpc]"), "lustre"),
        (("mlx5_buf_alloc_node [mlx5_core]", "create_kernel_qp [mlx5_ib]", "ib_create_qp [ib_core]"), "rdma"),
        (("vmbus_alloc_ring", "vmbus_open", "hvs_probe"), "vmbus"),
        (("vmbus_alloc_ring", "vmbus_open", "netvsc_device_add [hv_netvsc]"), "netvsc"),
        (("check_partition", "rescan_partitions", "zvol_create_minor [zfs]"), "partition"),
        (("dma_alloc_attrs", "my_probe [mydrv]", "do_one_initcall"), "mydrv"),
        (("dma_alloc_attrs", "my_probe", "do_one_initcall"), "dma"),
        (("atomic_pool_expand", "__dma_atomic_pool_init"), "dma-pool"),
        (("layout_and_allocate", "load_module", "__do_sys_finit_module"), "module"),
        (("os_alloc_mem [nvidia]", "nvidia_ioctl [nvidia]"), "nvidia"),
        (("? alloc_fdmem", "? alloc_fdtable", "? expand_files"), "file-table"),
        (("x_alloc [spl]", "zfs_read [zfs]"), "zfs"),
    ],
)
def test_the_one_who_asked_is_named(frames: tuple[str, ...], cause: str) -> None:
    assert explained(report(KERNEL.format(4), *ALLOCATOR, *frames)).cause == cause


def test_a_work_item_names_dm_crypt() -> None:
    text = report(KERNEL.format(4), *ALLOCATOR, "mempool_alloc").replace(
        "Call Trace", "Workqueue: kcryptd/253:0 kcryptd_crypt [dm_crypt]\nCall Trace"
    )
    assert explained(text).cause == "dm-crypt"


def test_a_request_that_waits_gets_no_advice_about_atomic_ones() -> None:
    for frames in (("vmbus_alloc_ring", "hvs_probe"), ("netvsc_probe [hv_netvsc]",), ("virtnet_open [virtio_net]",)):
        text = explained(report(KERNEL.format(4), *ALLOCATOR, *frames)).explanation or ""
        assert "drop caches" in text and "compact" in text
        assert "atomic" not in text and "min_free" not in text


def test_order_0_has_advice() -> None:
    assert "vm.min_free_kbytes" in (explained(report(ATOMIC.format(0), *ALLOCATOR)).explanation or "")
    assert "Free memory on the node" in (explained(report(KERNEL.format(0), *ALLOCATOR, zones="")).explanation or "")


def test_a_fix_is_named_for_a_kernel_that_lacks_it_only() -> None:
    stack = (*ALLOCATOR, "alloc_fdmem", "dup_fd")
    for release, said in (("3.10.0-957.el7.x86_64", True), ("6.1.0", False)):
        assert ("4.13" in (explained(report(KERNEL.format(4), *stack, release=release)).explanation or "")) is said
    unknown = f"java: page allocation failure: {KERNEL.format(4)}\n"
    assert "Fixed" not in (explained(unknown).explanation or "")


ARM = {
    "6.x": " {0} from {1}+0x18/0x1c\n",
    "with modules": " {0} [drv] from {1}+0x18/0x1c [drv]\n",
    "4.x": "[<c010ef68>] ({0}) from [<c010ac14>] ({1}+0x10/0x14)\n",
    "4.x with modules": "[<c010ef68>] ({0} [drv]) from [<c010ac14>] ({1}+0x10/0x14 [drv])\n",
    "3.x": "[<c00137c4>] ({0}+0x0/0xe0) from [<c008d9e0>] ({1}+0xf8/0x124)\n",
}


@pytest.mark.parametrize("shape", ARM.values(), ids=ARM.keys())
@pytest.mark.parametrize("with_task", [True, False])
def test_arms_frames_are_read_in_every_shape(shape: str, with_task: bool) -> None:
    names = ("unwind_backtrace", "show_stack", "warn_alloc", "__alloc_pages", "drv_open", "do_open")
    stack = "".join(shape.format(*pair) for pair in pairwise(names))
    incident = explained(
        f"java: page allocation failure: {KERNEL.format(4)}\n{TASK.format('5.4.0') * with_task}{stack}{ZONES}"
    )
    assert incident.stack == names[:-1]


TWO_NODES = ZONES + """\
Node 1 Normal free:4000000kB min:44112kB low:55140kB high:66168kB managed:8200000kB
lowmem_reserve[]: 0 0 0
Node 1 Normal: 0*4kB 0*8kB 0*16kB 0*32kB 0*64kB 31250*128kB (M) = 4000000kB
"""  # fmt: skip


def test_a_request_for_one_node_is_judged_by_that_node() -> None:
    request = "order:5, mode:0x200cc0(GFP_KERNEL|__GFP_THISNODE), nodemask=(null)"
    text = explained(report(request, *ALLOCATOR, zones=TWO_NODES)).explanation or ""
    assert "because memory is fragmented: Normal of NUMA node 0 had 137M free" in text
    text = explained(report(KERNEL.format(5), *ALLOCATOR, zones=TWO_NODES)).explanation or ""
    assert "freed just after" in text


def test_gfp_nowait_may_not_go_below_the_watermark() -> None:
    zones = ZONES.replace("free:140744", "free:40000")
    for names, said in (("GFP_NOWAIT", "memory was short"), ("GFP_ATOMIC", "freed just after")):
        text = explained(report(f"order:0, mode:0x800({names})", *ALLOCATOR, zones=zones)).explanation or ""
        assert said in text
        assert ("watermark_scale_factor" in text) is (names == "GFP_NOWAIT")


def test_a_boost_that_makes_a_zone_short_is_named() -> None:
    zones = ZONES.replace("kB min:44112kB", "kB boost:98304kB min:142416kB")
    text = (
        explained(report(KERNEL.format(3), *ALLOCATOR, "copy_net_ns", release="6.8.0", zones=zones)).explanation or ""
    )
    assert "96M of that of Normal is a boost" in text
    assert "not fragmentation" not in text


def test_a_module_that_2_6_18_writes_before_its_function_is_named() -> None:
    frames = "".join(f" [<ffffffff8823d7c3>] {name}+0x4a/0x110\n" for name in (":bnx2:bnx2_poll", "net_rx_action"))
    text = f"swapper: page allocation failure. order:1, mode:0x20\n\nCall Trace:\n <IRQ> {frames[1:]}"
    assert explained(text).cause == "broadcom-nic"


def test_advice_fits_huge_pages_and_what_came_free() -> None:
    light = "order:4, mode:0x1c20ca(GFP_TRANSHUGE_LIGHT), nodemask=(null)"
    text = explained(report(light, *ALLOCATOR, "do_huge_pmd_anonymous_page")).explanation or ""
    assert "Harmless" in text and "min_free_kbytes" not in text
    assert "Act if it repeats" in (explained(report(KERNEL.format(1), *ALLOCATOR)).explanation or "")


def test_an_order_above_the_largest_is_no_fragmentation() -> None:
    text = explained(report(KERNEL.format(6), *ALLOCATOR)).explanation or ""
    assert "no block is larger than 128K (order 5)" in text and "fragmented" not in text and "drop caches" not in text


CMA = ZONES.replace("managed", "free_cma:136000kB managed").replace("0*128kB", "1000*128kB (C)")


def test_free_memory_in_cma_is_not_for_the_kernel_itself() -> None:
    text = explained(report(KERNEL.format(3), *ALLOCATOR, zones=CMA)).explanation or ""
    assert "memory was short: Normal had 4.63M free outside CMA (133M of CMA is not for this request)" in text
    movable = "order:3, mode:0x100cca(GFP_HIGHUSER_MOVABLE), nodemask=(null)"
    assert "outside CMA" not in (explained(report(movable, *ALLOCATOR, zones=CMA)).explanation or "")


@pytest.mark.parametrize("flag", ["GFP_DMA", "GFP_DMA32"])
def test_a_request_for_a_low_zone_is_judged_by_its_own_reserve(flag: str) -> None:
    zones = ZONES.replace("Normal", "DMA").replace("_reserve[]: 0 0 0", "_reserve[]: 0 9 90000 90000")
    text = explained(report(f"order:4, mode:0xcc1(GFP_KERNEL|{flag})", *ALLOCATOR, zones=zones)).explanation or ""
    assert "because memory is fragmented" in text


def test_a_zone_without_memory_is_a_crash_kernels() -> None:
    zones = "Mem-Info:\nNode 0 DMA free:0kB min:0kB low:0kB high:0kB managed:0kB\nlowmem_reserve[]: 0 0 0\n"
    zones += "Node 0 DMA: 0*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB = 0kB\n" + ZONES.partition("\n")[2]
    text = explained(report("order:5, mode:0xcc1(GFP_KERNEL|GFP_DMA)", *ALLOCATOR, zones=zones)).explanation or ""
    assert "zone DMA has no memory at all" in text and "harmless" in text


VMALLOC = {
    "vmalloc: allocation failure: 425984 bytes, mode:0x14000c0(GFP_KERNEL)": ("address space", "vmalloc="),
    "vmalloc error: size 20480, vm_struct allocation failed, mode:0xcc0(GFP_KERNEL)": ("address space", "vmalloc="),
    "vmalloc: allocation failure, allocated 4096 of 77824 bytes, mode:0xcc0(GFP_KERNEL)": (
        "single pages",
        "Free memory",
    ),
    "vmalloc error: size 4096, failed to allocated page array size 8192, mode:0xcc0": ("single pages", "Free memory"),
    "vmalloc error: size 8192, page order 0, failed to allocate pages, mode:0xcc0": ("single pages", "Free memory"),
    "vmalloc error: size 1125899906842624, exceeds total pages, mode:0xcc0": ("larger than", "module"),
    "vmalloc: allocation failure: 34359738352 bytes, mode:0xd2": ("larger than", "module"),
    "vmalloc: allocation failure: 0 bytes, mode:0xd2": ("nothing", "module"),
}


@pytest.mark.parametrize(("line", "words"), VMALLOC.items())
def test_vmallocs_words_decide_what_was_missing(line: str, words: tuple[str, str]) -> None:
    text = explained(f"insmod: {line}\n").explanation or ""
    assert all(word in text for word in words), text
