# ruff: noqa: E501 - the lines of a log are as long as they are.
"""Reports of the kernel in the shape of every era, with what they say: written for the tests, one table.

The shapes are those of mm/page_alloc.c, lib/dump_stack.c, arch show_stack and mm/show_mem.c of the release named.
A message is what one printk wrote; it may hold newlines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Era:
    """The messages of one incident and the fields of `explain --json` that they give."""

    name: str
    messages: tuple[str, ...]
    facts: Facts = field(hash=False)


NOTHING: Facts = {
    "comm": None, "pid": None, "cpu": None, "order": None, "mode": None, "gfp": None, "kernel": None,
    "nodemask": None, "cpuset": None, "mems_allowed": None, "zones": None, "stack": None, "suppressed": None,
    "repeated": None, "victim": None, "constraint": None,
}  # fmt: skip


def zone(
    node: int, name: str, blocks: list[int], free: int, low: tuple[int, int, int], boost: int | None = None
) -> Facts:
    """Return a zone as the JSON gives it; `low` is min, low, high in KiB."""
    return {
        "node": node, "zone": name, "free_blocks": blocks, "free_kb": free,
        "min_kb": low[0], "low_kb": low[1], "high_kb": low[2], "boost_kb": boost,
    }  # fmt: skip


def mem_info(
    zones: list[Facts], *, node: bool = True, page_kb: int = 4, letters: str = "", heading: str = "Mem-Info:"
) -> tuple[str, ...]:
    """Return the messages of Mem-Info for zones, as show_free_areas prints them."""
    lines = [heading]
    lines.append("active_anon:11 inactive_anon:12 isolated_anon:0\n active_file:13 inactive_file:14 isolated_file:0\n"
                 " unevictable:0 dirty:1 writeback:0 unstable:0\n free:9 free_pcp:8 free_cma:0")  # fmt: skip
    for each in zones:
        place = f"Node {each['node']} {each['zone']}" if node else each["zone"]
        boost = "" if each["boost_kb"] is None else f" boost:{each['boost_kb']}kB"
        lines.append(
            f"{place} free:{each['free_kb']}kB{boost} min:{each['min_kb']}kB low:{each['low_kb']}kB"
            f" high:{each['high_kb']}kB active_anon:0kB inactive_anon:4kB present:65536kB managed:60000kB"
            f" mlocked:0kB bounce:0kB free_pcp:0kB local_pcp:0kB free_cma:0kB"
        )
        lines.append("lowmem_reserve[]: 0 0 0 0")
    for each in zones:
        place = f"Node {each['node']} {each['zone']}" if node else each["zone"]
        blocks, total = "", 0
        for order, count in enumerate(each["free_blocks"]):
            size = page_kb << order
            total += count * size
            blocks += f"{count}*{size}kB " + (f"({letters}) " if letters and count else "")
        lines.append(f"{place}: {blocks}= {total}kB")
    return tuple(lines)


SWAP = ("7 total pagecache pages", "0 pages in swap cache", "Swap cache stats: add 0, delete 0, find 0/0",
        "Free swap  = 0kB", "Total swap = 0kB")  # fmt: skip
X86_OLD = (" [<ffffffff8112c207>] ? __alloc_pages_nodemask+0x757/0x8d0", " [<ffffffff8116b1a9>] __kmalloc+0x1a9/0x230",
           " [<ffffffffa0123456>] rx_refill+0x26/0x90 [e1000e]", " <EOI>  [<ffffffff81014877>] ? cpu_idle+0x77/0x110")  # fmt: skip
OLD_STACK = ["? __alloc_pages_nodemask", "__kmalloc", "rx_refill", "? cpu_idle"]
X86_NEW = (" <TASK>", " dump_stack_lvl+0x44/0x5c", " warn_alloc+0x138/0x160",
           " __alloc_pages_slowpath.constprop.0+0xd5e/0xd90", " ? __kmalloc_node+0x2d/0x90",
           " alloc_netdev_mqs+0x4e/0x3f0", " veth_newlink+0x1c1/0x3b0 [veth]",
           " entry_SYSCALL_64_after_hwframe+0x6e/0xd8", "RIP: 0033:0x7f6ecb72a3e5", "RAX: ffffffffffffffda RBX: 1",
           " </TASK>")  # fmt: skip
NEW_STACK = ["dump_stack_lvl", "warn_alloc", "__alloc_pages_slowpath.constprop.0", "? __kmalloc_node",
             "alloc_netdev_mqs", "veth_newlink", "entry_SYSCALL_64_after_hwframe"]  # fmt: skip
LOW = (44, 55, 66)
DMA = zone(0, "DMA", [1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 3], 15900, (12, 15, 18))
NORMAL = zone(0, "Normal", [34178, 20118, 412, 115, 46, 6, 0, 0, 0, 0, 0], 311640, (5000, 6000, 7000))
BOOSTED = zone(1, "Normal", [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 12], 50000, (9000, 11000, 13000), 2048)
EARLY = zone(0, "DMA", [2, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0], 80, (44, 55, 66), 0)
HIGH = [
    zone(0, "DMA", [3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0], 3556, (68, 84, 100)),
    zone(0, "Normal", [700, 30, 2, 0, 0, 0, 0, 0, 0, 0, 0], 3072, (3756, 4692, 5632)),
    zone(0, "HighMem", [0, 1, 0, 4, 5, 0, 0, 0, 2, 0, 9], 402000, (512, 900, 1200)),
]
BIG_PAGES = [zone(0, "DMA", [5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2], 2100000, (1024, 2048, 4096), 0)]
NUMA = [
    zone(0, "DMA32", [1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0], 9000, (100, 125, 150)),
    zone(0, "Normal", [1000, 500, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8000, (100, 125, 150)),
    zone(2, "Normal", [2000, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0], 8020, (100, 125, 150)),
    zone(11, "Movable", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4], 16384, (100, 125, 150)),
]

ERAS: tuple[Era, ...] = (
    Era("2.4", ("__alloc_pages: 3-order allocation failed (gfp=0x1f0/0)",), {"order": 3, "mode": "0x1f0"}),
    Era(
        "2.6.18 without a task line",
        ("kjournald: page allocation failure. order:1, mode:0x20", "", "Call Trace:",
         " <IRQ>  [<ffffffff8020f2b1>] __alloc_pages+0x2b5/0x2ce", " [<ffffffff80287555>] cache_grow+0x137/0x395",
         " [<ffffffff8029d0f2>] ip_rcv+0x12/0x90", "Mem-info:", "Node 0 DMA per-cpu:",
         "cpu 0 hot: high 0, batch 1 used:0", "cpu 0 cold: high 0, batch 1 used:0", "Node 0 HighMem per-cpu: empty",
         "Free pages:      326996kB (0kB HighMem)", "Active:10 inactive:20 dirty:3 writeback:0 unstable:0 free:81749",
         "Node 0 DMA free:15900kB min:12kB low:15kB high:18kB active:0kB inactive:0kB present:10000kB"
         " pages_scanned:0 all_unreclaimable? yes",
         "lowmem_reserve[]: 0 3000 3000 3000",
         "Node 0 DMA: 1*4kB 0*8kB 1*16kB 1*32kB 1*64kB 1*128kB 1*256kB 0*512kB 1*1024kB 1*2048kB 3*4096kB = 15860kB",
         "Node 0 HighMem: empty", "Swap cache: add 0, delete 0, find 0/0, race 0+0", "Free swap  = 2000kB",
         "Total swap = 2000kB", "Free swap:            2000kB", "524288 pages of RAM", "9000 reserved pages",
         "4000 pages shared", "0 pages swap cached"),
        {"comm": "kjournald", "order": 1, "mode": "0x20", "gfp": ["GFP_ATOMIC"], "stack": ["__alloc_pages", "cache_grow", "ip_rcv"],
         "zones": [DMA]},
    ),
    Era(
        "2.6.32 el6, suppressed",
        ("__ratelimit: 17 callbacks suppressed", "swapper: page allocation failure. order:1, mode:0x20",
         "Pid: 0, comm: swapper Not tainted 2.6.32-358.2.1.el6.x86_64 #1", "Call Trace:", *X86_OLD, "Mem-Info:",
         "Node 0 DMA per-cpu:", "CPU    0: hi:    0, btch:   1 usd:   0", *mem_info([DMA, NORMAL])[1:], *SWAP,
         "1042643 pages RAM", "16693 pages reserved", "90 pages shared", "80 pages non-shared"),
        {"comm": "swapper", "pid": 0, "order": 1, "mode": "0x20", "gfp": ["GFP_ATOMIC"], "suppressed": 17,
         "kernel": "2.6.32-358.2.1.el6.x86_64", "stack": OLD_STACK, "zones": [DMA, NORMAL]},
    ),
    Era(
        "2.6.39 i386 with HighMem, comm with a space and a dot",
        ("Xorg v1. 2: page allocation failure. order:4, mode:0xc0d0",
         "Pid: 1533, comm: Xorg v1. 2 Tainted: P            2.6.39-5-686-pae #1", "Call Trace:",
         " [<c10a8b4e>] ? __alloc_pages_nodemask+0x5a2/0x60e", " [<f8a1b2c3>] drm_ioctl+0x1a3/0x2f0 [drm]",
         " [<c12fa25f>] sysenter_do_call+0x12/0x28", *mem_info(HIGH, node=False), *SWAP, "261872 pages RAM",
         "34562 pages HighMem", "4321 pages reserved", "1 pages shared", "2 pages non-shared"),
        {"comm": "Xorg v1. 2", "pid": 1533, "order": 4, "mode": "0xc0d0", "gfp": ["GFP_KERNEL", "__GFP_COMP", "__GFP_ZERO"],
         "kernel": "2.6.39-5-686-pae", "stack": ["? __alloc_pages_nodemask", "drm_ioctl", "sysenter_do_call"],
         "zones": HIGH},
    ),
    Era(
        "3.0 comm that begins with CPU and a digit",
        ("CPU 0/KVM: page allocation failure: order:5, mode:0x40d0",
         "Pid: 4211, comm: CPU 0/KVM Not tainted 3.0.101-63-default #1", "Call Trace:",
         " [<ffffffff81004935>] dump_trace+0x75/0x300", " [<ffffffff810fbc4d>] __alloc_pages_slowpath+0x7ad/0x7c0",
         " [<ffffffffa05d1a2b>] kvm_vm_ioctl+0x1b/0x40 [kvm]", *mem_info([NORMAL]), *SWAP, "1000 pages RAM",
         "9 pages reserved", "8 pages shared", "7 pages non-shared"),
        {"comm": "CPU 0/KVM", "pid": 4211, "order": 5, "mode": "0x40d0", "gfp": ["GFP_KERNEL", "__GFP_COMP"],
         "kernel": "3.0.101-63-default", "stack": ["dump_trace", "__alloc_pages_slowpath", "kvm_vm_ioctl"],
         "zones": [NORMAL]},
    ),
    Era(
        "3.10 el7 of the pod sandbox",
        ("runc:[1:CHILD]: page allocation failure: order:6, mode:0x10c0d0",
         "CPU: 27 PID: 70623 Comm: runc:[1:CHILD] Kdump: loaded Tainted: G               ------------ T"
         " 3.10.0-1160.el7.x86_64 #1",
         "Hardware name: Maker Model/Board, BIOS 1.0 01/01/2016", "Call Trace:",
         " [<ffffffff9f161e41>] dump_stack+0x19/0x1b", " [<ffffffff9ebbcaa0>] warn_alloc_failed+0x110/0x180",
         " [<ffffffffc05099a1>] nf_conntrack_init_net+0xf1/0x260 [nf_conntrack]",
         " [<ffffffff9f174ddb>] system_call_fastpath+0x22/0x27", *mem_info([DMA, NORMAL], letters="UEM"), *SWAP,
         "2000 pages RAM", "0 pages HighMem/MovableOnly", "127323 pages reserved",
         "kmem_cache_create(nf_conntrack_ffff8803eef66180) failed with error -12", "Unable to create nf_conn slab cache"),
        {"comm": "runc:[1:CHILD]", "pid": 70623, "cpu": 27, "order": 6, "mode": "0x10c0d0",
         "gfp": ["GFP_KERNEL_ACCOUNT", "__GFP_COMP", "__GFP_ZERO"],
         "kernel": "3.10.0-1160.el7.x86_64", "zones": [DMA, NORMAL], "cause": "netns/nf_conntrack",
         "stack": ["dump_stack", "warn_alloc_failed", "nf_conntrack_init_net", "system_call_fastpath"]},
    ),
    Era(
        "3.18 arm without NUMA",
        ("mmcqd/0: page allocation failure: order:4, mode:0x2040d0",
         "CPU: 1 PID: 104 Comm: mmcqd/0 Not tainted 3.18.31 #1", "Hardware name: Generic DT based system",
         "[<c0015b40>] (unwind_backtrace) from [<c0011f44>] (show_stack+0x10/0x14)",
         "[<c0011f44>] (show_stack) from [<c04a9b14>] (dump_stack+0x84/0x98)",
         "[<c04a9b14>] (dump_stack) from [<c00b9b94>] (warn_alloc_failed+0xd8/0x110)",
         "[<c00b9b94>] (warn_alloc_failed) from [<c0387d10>] (mmc_alloc_sg+0x18/0x38)",
         *mem_info(HIGH[1:2], node=False, letters="UEMC"), *SWAP, "262144 pages of RAM", "4096 free pages",
         "6000 reserved pages", "2000 slab pages", "300 pages shared", "0 pages swap cached"),
        {"comm": "mmcqd/0", "pid": 104, "cpu": 1, "order": 4, "mode": "0x2040d0", "gfp": ["GFP_KERNEL", "__GFP_COMP", "__GFP_NOTRACK"], "kernel": "3.18.31",
         "stack": ["unwind_backtrace", "show_stack", "dump_stack", "warn_alloc_failed"], "zones": HIGH[1:2]},
    ),
    Era(
        "4.4 s390",
        ("a(b)[c: page allocation failure: order:4, mode:0x24040c0",
         "CPU: 3 PID: 2204 Comm: a(b)[c Not tainted 4.4.0-21-generic #37-Ubuntu",
         "       00000001f8b4b5a8 00000001f8b4b638 0000000000000002 0000000000000000 ", "Call Trace:",
         "([<0000000000112d9a>] show_trace+0xf2/0x148)", " [<0000000000112e6a>] show_stack+0x7a/0x100",
         " [<000000000051da86>] dump_stack+0x66/0x98", " [<000003ff801f2f2a>] qeth_init_qdio_queues+0x32/0x2d8 [qeth]",
         " [<00000000007b0c06>] system_call+0xd6/0x264", *mem_info([DMA], letters="UE"), *SWAP, "2000 pages RAM",
         "0 pages HighMem/MovableOnly", "12 pages reserved"),
        {"comm": "a(b)[c", "pid": 2204, "cpu": 3, "order": 4, "mode": "0x24040c0", "gfp": ["GFP_KERNEL", "__GFP_COMP"], "kernel": "4.4.0-21-generic",
         "zones": [DMA],
         "stack": ["show_trace", "show_stack", "dump_stack", "qeth_init_qdio_queues", "system_call"]},
    ),
    Era(
        "4.6 with names",
        ("Node 0 worker: page allocation failure: order:3, mode:0x26040c0(GFP_KERNEL|__GFP_COMP|__GFP_NOTRACK)",
         "CPU: 0 PID: 9 Comm: Node 0 worker Not tainted 4.6.7-300.fc24.x86_64 #1",
         " 0000000000000286 000000005e1c3d4b ffff8800c3d3b9d8 ffffffff813d35af",
         " 0000000000000000 0000000000000003 ffff8800c3d3ba68 ffffffff811b0c52", "Call Trace:",
         " [<ffffffff813d35af>] dump_stack+0x63/0x84", " [<ffffffff811b0c52>] warn_alloc_failed+0xe2/0x150",
         " [<ffffffff8124a1d7>] seq_buf_alloc+0x17/0x40", *mem_info([NORMAL], letters="UMEH"), *SWAP,
         "1 pages RAM", "0 pages HighMem/MovableOnly", "2 pages reserved", "0 pages cma reserved", "0 pages hwpoisoned"),
        {"comm": "Node 0 worker", "pid": 9, "cpu": 0, "order": 3, "mode": "0x26040c0",
         "gfp": ["GFP_KERNEL", "__GFP_COMP", "__GFP_NOTRACK"], "kernel": "4.6.7-300.fc24.x86_64",
         "stack": ["dump_stack", "warn_alloc_failed", "seq_buf_alloc"], "zones": [NORMAL]},
    ),
    Era(
        "4.9 torn into three pieces",
        ("rsync: ", "page allocation failure: order:2", ", mode:0x26040d0(GFP_TEMPORARY|__GFP_COMP|__GFP_NOTRACK)",
         "CPU: 2 PID: 20383 Comm: rsync Tainted: G           O    4.9.0-beget #1", "Call Trace:",
         " [<ffffffff81345fe8>] ? dump_stack+0x46/0x5e", " [<ffffffff811c2e2c>] ext4_readdir+0x2c/0x8f0 [ext4]",
         *mem_info([NORMAL], letters="UME"), *SWAP, "1 pages RAM", "2 pages reserved", "0 pages hwpoisoned"),
        {"comm": "rsync", "pid": 20383, "cpu": 2, "order": 2, "mode": "0x26040d0",
         "gfp": ["GFP_TEMPORARY", "__GFP_COMP", "__GFP_NOTRACK"], "kernel": "4.9.0-beget",
         "stack": ["? dump_stack", "ext4_readdir"], "zones": [NORMAL]},
    ),
    Era(
        "4.12 with a cpuset line of its own",
        ("docker-containe: page allocation failure: order:5, mode:0x14000c0(GFP_KERNEL), nodemask=(null)",
         "docker-containe cpuset=0f3a:b c mems_allowed=0-1",
         "CPU: 6 PID: 31 Comm: docker-containe Not tainted 4.12.14-197.el8 #1", "Call Trace:",
         " dump_stack+0x5c/0x84", " warn_alloc+0xfc/0x180", " ret_from_fork+0x35/0x40",
         *mem_info([NORMAL], letters="UME"), *SWAP, "1 pages RAM", "2 pages reserved", "0 pages hwpoisoned"),
        {"comm": "docker-containe", "pid": 31, "cpu": 6, "order": 5, "mode": "0x14000c0", "gfp": ["GFP_KERNEL"],
         "nodemask": "(null)", "cpuset": "0f3a:b c", "mems_allowed": "0-1", "kernel": "4.12.14-197.el8",
         "stack": ["dump_stack", "warn_alloc", "ret_from_fork"], "zones": [NORMAL]},
    ),
    Era(
        "4.14 stall",
        ("warn_alloc: 4 callbacks suppressed",
         "kworker/u96:0: page allocation stalls for 20165ms, order:0, mode:0x14200ca(GFP_HIGHUSER_MOVABLE),"
         " nodemask=0,2-3",
         "kworker/u96:0 cpuset=/ mems_allowed=0-3", "CPU: 90 PID: 15 Comm: kworker/u96:0 Not tainted 4.14.177+ #2",
         "Workqueue: writeback wb_workfn (flush-8:0)", "Call trace:", " dump_backtrace+0x0/0x1a8",
         " show_stack+0x14/0x20", " el0_svc_naked+0x34/0x38", *mem_info(NUMA, letters="UME"), *SWAP,
         "1 pages RAM", "2 pages reserved", "0 pages hwpoisoned"),
        {"kind": "stall", "comm": "kworker/u96:0", "pid": 15, "cpu": 90, "order": 0, "mode": "0x14200ca",
         "gfp": ["GFP_HIGHUSER_MOVABLE"], "nodemask": "0,2-3", "cpuset": "/", "mems_allowed": "0-3", "suppressed": 4,
         "kernel": "4.14.177+", "stack": ["dump_backtrace", "show_stack", "el0_svc_naked"], "zones": NUMA},
    ),
    Era(
        "4.19 ppc64 with 64 KiB pages",
        ("irq/30-eth0: page allocation failure: order:4, mode:0x6040c0(GFP_KERNEL|__GFP_COMP), nodemask=(null)",
         "irq/30-eth0 cpuset=/ mems_allowed=0", "CPU: 8 PID: 1205 Comm: irq/30-eth0 Not tainted 4.19.0-5-powerpc64le #1",
         "Call Trace:", "[c0000000f6a1b5a0] [c000000000a0b1c4] dump_stack+0xb0/0xf4 (unreliable)",
         "[c0000000f6a1b5e0] [c00000000032c2a8] warn_alloc+0x138/0x1d0",
         "[c0000000f6a1b6c0] [d00000000d3a1b2c] bnx2x_alloc_rx+0x6c/0x120 [bnx2x]",
         *mem_info(BIG_PAGES[:1], page_kb=64, letters="UM"), *SWAP, "1 pages RAM", "2 pages reserved"),
        {"comm": "irq/30-eth0", "pid": 1205, "cpu": 8, "order": 4, "mode": "0x6040c0", "gfp": ["GFP_KERNEL", "__GFP_COMP"],
         "nodemask": "(null)", "cpuset": "/", "mems_allowed": "0", "kernel": "4.19.0-5-powerpc64le",
         "stack": ["dump_stack", "warn_alloc", "bnx2x_alloc_rx"], "zones": BIG_PAGES[:1]},
    ),
    Era(
        "5.4, comm ends with a colon and a closing bracket",
        ("(sd-pam) x]: : page allocation failure: order:4, mode:0x40dc0(GFP_KERNEL|__GFP_COMP|__GFP_ZERO),"
         " nodemask=1,cpuset=kubepods-burstable-pod0,1.slice,mems_allowed=0-1",
         "CPU: 2 PID: 1444647 Comm: (sd-pam) x]:  Tainted: G        W         5.4.19-100.fc30.x86_64 #1",
         "Hardware name: x", "Call Trace:", *X86_NEW[1:8], *mem_info([DMA, NORMAL], letters="UME"), *SWAP,
         "1 pages RAM", "0 pages HighMem/MovableOnly", "2 pages reserved", "0 pages cma reserved", "0 pages hwpoisoned"),
        {"comm": "(sd-pam) x]: ", "pid": 1444647, "cpu": 2, "order": 4, "mode": "0x40dc0",
         "gfp": ["GFP_KERNEL", "__GFP_COMP", "__GFP_ZERO"], "nodemask": "1",
         "cpuset": "kubepods-burstable-pod0,1.slice", "mems_allowed": "0-1", "kernel": "5.4.19-100.fc30.x86_64",
         "stack": NEW_STACK, "zones": [DMA, NORMAL], "cause": "veth"},
    ),
    Era(
        "5.10 arm64 of 64 KiB pages and 14 orders",
        ("dockerd: page allocation failure: order:5, mode:0x440dc0(GFP_KERNEL_ACCOUNT|__GFP_COMP|__GFP_ZERO),"
         " nodemask=(null),cpuset=docker.service,mems_allowed=0",
         "CPU: 56 PID: 361309 Comm: dockerd Not tainted 5.10.0-60.18.0.50.oe2203.aarch64 #1",
         "Call trace:", " dump_backtrace+0x0/0x1e4", " show_stack+0x20/0x2c", " dump_stack+0xd8/0x140",
         " veth_alloc_queues+0x34/0x80 [veth]", " el0_sync+0x160/0x180",
         *mem_info(BIG_PAGES, page_kb=64, letters="UMEHC"), *SWAP, "1 pages RAM", "2 pages reserved",
         "3 pages cma reserved", "0 pages hwpoisoned"),
        {"comm": "dockerd", "pid": 361309, "cpu": 56, "order": 5, "mode": "0x440dc0",
         "gfp": ["GFP_KERNEL_ACCOUNT", "__GFP_COMP", "__GFP_ZERO"], "nodemask": "(null)", "cpuset": "docker.service",
         "mems_allowed": "0", "kernel": "5.10.0-60.18.0.50.oe2203.aarch64", "zones": BIG_PAGES,
         "stack": ["dump_backtrace", "show_stack", "dump_stack", "veth_alloc_queues", "el0_sync"]},
    ),
    Era(
        "6.1 riscv, no cpusets",
        ("kworker/0:1H: page allocation failure: order:7, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null)",
         "CPU: 0 PID: 21 Comm: kworker/0:1H Not tainted 6.1.31 #8", "Hardware name: StarFive VisionFive V2 (DT)",
         "Workqueue: kblockd blk_mq_run_work_fn", "Call Trace:", "[<ffffffff80005b2c>] dump_backtrace+0x1c/0x24",
         "[<ffffffff8087b2a0>] show_stack+0x2c/0x38", "[<ffffffff8000345a>] ret_from_exception+0x0/0x16",
         *mem_info([EARLY], node=False, letters="U"), "9 total pagecache pages", "1 pages RAM",
         "0 pages HighMem/MovableOnly", "2 pages reserved"),
        {"comm": "kworker/0:1H", "pid": 21, "cpu": 0, "order": 7, "mode": "0x40cc0", "gfp": ["GFP_KERNEL", "__GFP_COMP"],
         "nodemask": "(null)", "kernel": "6.1.31", "zones": [EARLY],
         "stack": ["dump_backtrace", "show_stack", "ret_from_exception"]},
    ),
    Era(
        "6.12 with UID",
        ("7zip: 1: page allocation failure: order:4, mode:0x40dc0(GFP_KERNEL|__GFP_COMP|__GFP_ZERO|0x4000000),"
         " nodemask=(null),cpuset=a b,mems_allowed=0-3,8",
         "CPU: 11 UID: 1000 PID: 77 Comm: 7zip: 1 Kdump: loaded Tainted: G     U     OE      6.12.8-arch1-1 #1"
         " PREEMPT(voluntary) 0123456789abcdef",
         "Tainted: [U]=USER, [O]=OOT_MODULE, [E]=UNSIGNED_MODULE", "Hardware name: Maker X/Y, BIOS F1 01/01/2024",
         "Call Trace:", *X86_NEW, *mem_info([BOOSTED], letters="UME"), "9 total pagecache pages",
         "0 pages in swap cache", "Free swap  = 0kB", "Total swap = 0kB", "1 pages RAM",
         "0 pages HighMem/MovableOnly", "2 pages reserved", "0 pages cma reserved", "0 pages hwpoisoned"),
        {"comm": "7zip: 1", "pid": 77, "cpu": 11, "order": 4, "mode": "0x40dc0",
         "gfp": ["GFP_KERNEL", "__GFP_COMP", "__GFP_ZERO", "0x4000000"], "nodemask": "(null)", "cpuset": "a b",
         "mems_allowed": "0-3,8", "kernel": "6.12.8-arch1-1", "stack": NEW_STACK, "zones": [BOOSTED]},
    ),
    Era(
        "6.18 with an allocation profile",
        ("v4l2src0:src: page allocation failure: order:5, mode:0xcc0(GFP_KERNEL), nodemask=(null),cpuset=/,mems_allowed=0",
         "CPU: 1 UID: 1000 PID: 1256 Comm: v4l2src0:src Not tainted 6.18.5-1.qubes.fc41.x86_64 #1 PREEMPT(full) ",
         "Hardware name: x", "Call Trace:", *X86_NEW, *mem_info([EARLY, BOOSTED], letters="UM"),
         "Node 0 hugepages_total=0 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB",
         "11692 total pagecache pages", "0 pages in swap cache", "Free swap  = 891356kB", "Total swap = 0kB",
         "72535 pages RAM", "0 pages HighMem/MovableOnly", "18876 pages reserved", "0 pages cma reserved",
         "0 pages hwpoisoned", "Memory allocations (profiling is currently turned on):",
         "    38.4 MiB     5505 mm/slub.c:3075 func:alloc_slab_page",
         "     1.0 MiB        1 drivers/x.c:9 [mod] func:page_allocation_failure"),
        {"comm": "v4l2src0:src", "pid": 1256, "cpu": 1, "order": 5, "mode": "0xcc0", "gfp": ["GFP_KERNEL"],
         "nodemask": "(null)", "cpuset": "/", "mems_allowed": "0", "kernel": "6.18.5-1.qubes.fc41.x86_64",
         "stack": NEW_STACK, "zones": [EARLY, BOOSTED]},
    ),
    Era(
        "6.18 vmemmap",
        ("kworker/u8:3: vmemmap alloc failure: order:9, mode:0x4cc0(GFP_KERNEL|__GFP_RETRY_MAYFAIL),"
         " nodemask=(null),cpuset=/,mems_allowed=0",
         "CPU: 1 UID: 0 PID: 40 Comm: kworker/u8:3 Not tainted 6.18.2 #1", "Call Trace:", *X86_NEW,
         *mem_info([EARLY], letters="UM"), "1 pages RAM", "2 pages reserved", "0 pages hwpoisoned"),
        {"comm": "kworker/u8:3", "pid": 40, "cpu": 1, "order": 9, "mode": "0x4cc0",
         "gfp": ["GFP_KERNEL", "__GFP_RETRY_MAYFAIL"], "nodemask": "(null)", "cpuset": "/", "mems_allowed": "0",
         "kernel": "6.18.2", "stack": NEW_STACK, "zones": [EARLY]},
    ),
    Era(
        "3.10 vmalloc in two lines",
        ("vmalloc: allocation failure: 4194304 bytes", "modprobe: page allocation failure: order:0, mode:0xd2",
         "CPU: 3 PID: 812 Comm: modprobe Not tainted 3.10.108 #1", "Call Trace:",
         " [<ffffffff815f2e9e>] dump_stack+0x19/0x1b", " [<ffffffff810d05c1>] load_module+0x11/0x90",
         *mem_info([NORMAL], letters="UEM"), *SWAP, "1 pages RAM", "2 pages reserved"),
        {"kind": "vmalloc_failure", "comm": "modprobe", "pid": 812, "cpu": 3, "order": 0, "mode": "0xd2",
         "gfp": ["GFP_KERNEL", "__GFP_HIGHMEM"], "kernel": "3.10.108", "stack": ["dump_stack", "load_module"],
         "zones": [NORMAL]},
    ),
    Era(
        "6.6 vmalloc error",
        ("insmod: vmalloc error: size 16384, vm_struct allocation failed, mode:0xcc0(GFP_KERNEL),"
         " nodemask=(null),cpuset=/,mems_allowed=0",
         "CPU: 1 PID: 812 Comm: insmod Not tainted 6.6.30 #1", "Call Trace:", *X86_NEW),
        {"kind": "vmalloc_failure", "comm": "insmod", "pid": 812, "cpu": 1, "mode": "0xcc0", "gfp": ["GFP_KERNEL"],
         "nodemask": "(null)", "cpuset": "/", "mems_allowed": "0", "kernel": "6.6.30", "stack": NEW_STACK},
    ),
    Era(
        "4.19 slub",
        ("SLUB: Unable to allocate memory on node -1, gfp=0x480020(GFP_ATOMIC)",
         "  cache: a b(960:x-y), object size: 232, buffer size: 256, default order: 2, min order: 0",
         "  node 0: slabs: 940, objs: 40864, free: 144"),
        {"kind": "slab_failure", "order": 0, "mode": "0x480020", "gfp": ["GFP_ATOMIC"]},
    ),
    Era(
        "6.12 slub",
        ("SLUB: Unable to allocate memory on CPU 3 (of node 0) on node -1, gfp=0x820(GFP_ATOMIC)",
         "  cache: skbuff_head_cache, object size: 232, buffer size: 256, default order: 1, min order: 1",
         "  node 0: slabs: 1, objs: 2, free: 3"),
        {"kind": "slab_failure", "order": 1, "mode": "0x820", "gfp": ["GFP_ATOMIC"]},
    ),
    Era(
        "2.6.18 oom",
        ("oom-killer: gfp_mask=0x201d2, order=0", "", "Call Trace:",
         " [<ffffffff800c3a6a>] out_of_memory+0x8e/0x2f5", " [<ffffffff8000f2eb>] __alloc_pages+0x245/0x2ce",
         "Mem-info:", "Node 0 DMA free:15900kB min:12kB low:15kB high:18kB active:0kB inactive:0kB present:10000kB"
         " pages_scanned:0 all_unreclaimable? yes", "lowmem_reserve[]: 0 0 0 0",
         "Node 0 DMA: 1*4kB 0*8kB 1*16kB 1*32kB 1*64kB 1*128kB 1*256kB 0*512kB 1*1024kB 1*2048kB 3*4096kB = 15860kB",
         "Free swap  = 0kB", "Total swap = 0kB", "9 pages of RAM", "0 pages swap cached",
         "Out of Memory: Kill process 2110 (squid (main)) score 99521 and children.",
         "Out of memory: Killed process 2115 (squid (main))."),
        {"kind": "oom", "order": 0, "mode": "0x201d2", "gfp": ["GFP_HIGHUSER", "__GFP_COLD"], "zones": [DMA],
         "stack": ["out_of_memory", "__alloc_pages"], "victim": {"comm": "squid (main)", "pid": 2115}},
    ),
    Era(
        "2.6.32 oom of two lines",
        ("java invoked oom-killer: gfp_mask=0x280da, order=0, oom_adj=0, oom_score_adj=0",
         "java cpuset=/ mems_allowed=0-1", "Pid: 9001, comm: java Not tainted 2.6.32-754.el6.x86_64 #1", "Call Trace:",
         " [<ffffffff8113b1ed>] ? dump_header+0x8d/0x1b0", *mem_info([NORMAL]), *SWAP, "1 pages RAM", "2 pages reserved",
         "3 pages shared", "4 pages non-shared", "[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name",
         "[  701]     0   701     2724      144   0     -17         -1000 udevd",
         "[ 9001]   500  9001  2724000  1440000   1       0             0 java",
         "Out of memory: Kill process 9001 (java) score 910 or sacrifice child",
         "Killed process 9044, UID 500, (java child) total-vm:10896000kB, anon-rss:5760000kB, file-rss:12kB"),
        {"kind": "oom", "comm": "java", "pid": 9001, "order": 0, "mode": "0x280da", "cpuset": "/", "mems_allowed": "0-1",
         "gfp": ["GFP_HIGHUSER_MOVABLE", "__GFP_ZERO"], "kernel": "2.6.32-754.el6.x86_64", "stack": ["? dump_header"],
         "zones": [NORMAL], "victim": {"comm": "java child", "pid": 9044}},
    ),
    Era(
        "3.10 el7 oom of a cgroup",
        ("a: (b) invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=936",
         "a: (b) cpuset=docker-7.scope mems_allowed=0",
         "CPU: 1 PID: 17 Comm: a: (b) Tainted: G            E  ------------   3.10.0-1160.el7.x86_64 #1", "Call Trace:",
         " [<ffffffff9f161e41>] dump_stack+0x19/0x1b", " [<ffffffff9f15c86a>] dump_header+0x90/0x229",
         "Task in /kubepods/burstable/pode501ca8a-ec23-11e8-b17a-0a586444015a/f24766bc9d6d killed as a result of limit of"
         " /kubepods/burstable/pode501ca8a-ec23-11e8-b17a-0a586444015a",
         "memory: usage 524288kB, limit 524288kB, failcnt 90", "memory+swap: usage 524288kB, limit 9007199254740988kB, failcnt 0",
         "kmem: usage 0kB, limit 9007199254740988kB, failcnt 0",
         "Memory cgroup stats for /kubepods/burstable/pode501ca8a-ec23-11e8-b17a-0a586444015a: cache:0KB rss:0KB",
         "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name",
         "[   17]     0    17      256        1       4        0          -998 a: (b)",
         "Memory cgroup out of memory: Kill process 99 (tini) score 1936 or sacrifice child",
         "Killed process 101 (node), UID 1000, total-vm:1049000kB, anon-rss:520000kB, file-rss:4kB, shmem-rss:0kB"),
        {"kind": "oom", "comm": "a: (b)", "pid": 17, "cpu": 1, "order": 0, "mode": "0xd0", "gfp": ["GFP_KERNEL"],
         "cpuset": "docker-7.scope", "mems_allowed": "0", "kernel": "3.10.0-1160.el7.x86_64",
         "stack": ["dump_stack", "dump_header"], "constraint": "CONSTRAINT_MEMCG", "memory": False,
         "pod_uid": "e501ca8a-ec23-11e8-b17a-0a586444015a", "victim": {"comm": "node", "pid": 101}},
    ),
    Era(
        "4.13 oom with pieces and a reaper",
        ("Out of mem 1 invoked oom-killer: gfp_mask=0x14200ca(GFP_HIGHUSER_MOVABLE), nodemask=(null),  order=0, oom_score_adj=0",
         "Out of mem 1 cpuset=/ mems_allowed=0", "CPU: 3 PID: 4 Comm: Out of mem 1 Not tainted 4.13.0-46-generic #51", "Call Trace:",
         " dump_stack+0x63/0x8b", " oom_kill_process+0x20e/0x3d0", *mem_info([NORMAL], letters="UME"), *SWAP,
         "1 pages RAM", "2 pages reserved", "0 pages hwpoisoned",
         "[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name",
         "[  300]     0   300    11000        0      20       3        0             0 invoked oom-kil",
         "Out of memory: Kill process 300 (invoked oom-kil) score 3 or sacrifice child",
         "Killed process 300 (invoked oom-kil) total-vm:44000kB, anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
         "oom_reaper: reaped process 300 (invoked oom-kil), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB"),
        {"kind": "oom", "comm": "Out of mem 1", "pid": 4, "cpu": 3, "order": 0, "mode": "0x14200ca", "nodemask": "(null)",
         "gfp": ["GFP_HIGHUSER_MOVABLE"], "cpuset": "/", "mems_allowed": "0", "kernel": "4.13.0-46-generic",
         "stack": ["dump_stack", "oom_kill_process"], "zones": [NORMAL], "victim": {"comm": "invoked oom-kil", "pid": 300}},
    ),
    Era(
        "6.1 oom of a cpuset",
        ("stress-ng-vm invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=1000",
         "CPU: 9 PID: 5150 Comm: stress-ng-vm Not tainted 6.1.90 #1", "Call Trace:", *X86_NEW,
         *mem_info(NUMA, letters="UME"), "1 pages RAM", "2 pages reserved", "0 pages hwpoisoned",
         "Tasks state (memory values in pages):",
         "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
         "[   5150]  1000  5150   282787   261383  2146304        0          1000 stress-ng-vm",
         "oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=(null),cpuset=set one,mems_allowed=2,global_oom,"
         "task_memcg=/user.slice,task=next (v16,pid=5151,uid=1000",
         "Out of memory: Killed process 5151 (next (v16) total-vm:1131148kB, anon-rss:1045532kB, file-rss:1372kB,"
         " shmem-rss:36kB, UID:1000 pgtables:2144kB oom_score_adj:1000"),
        {"kind": "oom", "comm": "stress-ng-vm", "pid": 5150, "cpu": 9, "order": 0, "mode": "0x140cca",
         "gfp": ["GFP_HIGHUSER_MOVABLE", "__GFP_COMP"], "nodemask": "(null)", "cpuset": "set one", "mems_allowed": "2",
         "kernel": "6.1.90", "stack": NEW_STACK, "zones": NUMA, "constraint": "CONSTRAINT_CPUSET", "memory": True,
         "victim": {"comm": "next (v16", "pid": 5151}},
    ),
    Era(
        "5.0 oom of a cgroup that says NONE",
        ("go: 1 invoked oom-killer: gfp_mask=0x6200ca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=-998",
         "CPU: 0 PID: 6 Comm: go: 1 Not tainted 5.0.21-300.fc30.x86_64 #1", "Call Trace:", " dump_stack+0x63/0x8b",
         "memory: usage 65536kB, limit 65536kB, failcnt 9", "Memory cgroup stats for /a/b: cache:0KB rss:60000KB",
         "Tasks state (memory values in pages):",
         "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
         "[      6]     0     6   282787    16000   146304        0          -998 go: 1",
         "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a/b,task_memcg=/a/b/c,"
         "task=go: 1,pid=6,uid=0",
         "Memory cgroup out of memory: Killed process 6 (go: 1) total-vm:1131148kB, anon-rss:64000kB, file-rss:0kB, shmem-rss:0kB",
         "oom_reaper: reaped process 6 (go: 1), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB"),
        {"kind": "oom", "comm": "go: 1", "pid": 6, "cpu": 0, "order": 0, "mode": "0x6200ca", "gfp": ["GFP_HIGHUSER_MOVABLE"],
         "nodemask": "(null)", "cpuset": "/", "mems_allowed": "0", "kernel": "5.0.21-300.fc30.x86_64", "stack": ["dump_stack"],
         "constraint": "CONSTRAINT_MEMCG", "memory": False, "victim": {"comm": "go: 1", "pid": 6}},
    ),
    Era(
        "6.12 oom of a whole group",
        ("worker invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=968",
         "CPU: 0 UID: 65532 PID: 60 Comm: worker Not tainted 6.12.8 #1 PREEMPT(voluntary)", "Call Trace:", " dump_stack_lvl+0x5d/0x80",
         "memory: usage 65536kB, limit 65536kB, failcnt 9", "swap: usage 0kB, limit 0kB, failcnt 0",
         "Memory cgroup stats for /k/pod:", "anon 67000000\nfile 0\nkernel 400000", "Tasks state (memory values in pages):",
         "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name",
         "[     60] 65532    60   282787    16000    15000     1000         0   146304        0           968 worker",
         "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=c,mems_allowed=0,oom_memcg=/k/pod,task_memcg=/k/pod/c,"
         "task=worker,pid=60,uid=65532",
         "Memory cgroup out of memory: Killed process 60 (worker) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB,"
         " UID:65532 pgtables:142kB oom_score_adj:968",
         "Tasks in /k/pod are going to be killed due to memory.oom.group set",
         "Memory cgroup out of memory: Killed process 60 (worker) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB,"
         " UID:65532 pgtables:142kB oom_score_adj:968",
         "Memory cgroup out of memory: Killed process 61 (sidecar) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB,"
         " UID:65532 pgtables:142kB oom_score_adj:968"),
        {"kind": "oom", "comm": "worker", "pid": 60, "cpu": 0, "order": 0, "mode": "0xcc0", "gfp": ["GFP_KERNEL"],
         "nodemask": "(null)", "cpuset": "c", "mems_allowed": "0", "kernel": "6.12.8", "stack": ["dump_stack_lvl"],
         "constraint": "CONSTRAINT_MEMCG", "memory": False, "victim": {"comm": "worker", "pid": 60}},
    ),
    Era(
        "6.18 sysrq",
        ("kworker/0:2 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0",
         "CPU: 0 UID: 0 PID: 44 Comm: kworker/0:2 Not tainted 6.18.2 #1 PREEMPT(full)", "Workqueue: events moom_callback",
         "Call Trace:", " <TASK>", " dump_stack_lvl+0x5d/0x80", " moom_callback+0x72/0x80", " </TASK>",
         *mem_info([EARLY], letters="UM"), "1 pages RAM", "2 pages reserved", "0 pages hwpoisoned",
         "Unreclaimable slab info:", "Name                      Used          Total",
         *(f"kmalloc-cache-{number}      {number}KB      1032KB" for number in range(110)),
         "Tasks state (memory values in pages):",
         "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=x,pid=7,uid=0",
         "Out of memory: Killed process 7 (x) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB"
         " oom_score_adj:0"),
        {"kind": "oom", "comm": "kworker/0:2", "pid": 44, "cpu": 0, "order": -1, "mode": "0xcc0", "gfp": ["GFP_KERNEL"],
         "nodemask": "(null)", "cpuset": "/", "mems_allowed": "0", "kernel": "6.18.2", "zones": [EARLY],
         "stack": ["dump_stack_lvl", "moom_callback"], "constraint": "CONSTRAINT_NONE", "memory": False,
         "victim": {"comm": "x", "pid": 7}},
    ),
)  # fmt: skip
