"""What each text of `tests/kernel/cases` is: facts of its incidents, and words that the explanation has or lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fragtui.model.failures.incident import Incident
from tests.support.explained import explain_log
from tests.support.places import REPOSITORY

FOLDER = REPOSITORY / "tests" / "kernel" / "cases"
NOW = 1_771_600_000.0  # 2026-02-20
ZONE = "Normal"


@dataclass(frozen=True)
class Case:
    """One incident: facts by their names in `explain --json`, `zone` as (free_kb, min_kb, first blocks), words."""

    facts: dict[str, Any]
    says: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    frames: int | None = None
    zones: tuple[tuple[str, int, int, tuple[int, ...]], ...] = ()


STANDARD = Case(
    {
        "kind": "allocation_failure",
        "comm": "runc:[1:CHILD]",
        "pid": 40211,
        "cpu": 3,
        "order": 5,
        "mode": "0x40dc0",
        "gfp": ["GFP_KERNEL", "__GFP_COMP", "__GFP_ZERO"],
        "kernel": "5.15.0-91-generic",
        "nodemask": "(null)",
        "cpuset": "/",
        "mems_allowed": "0",
        "cause": "veth",
    },
    ("because memory is fragmented", "veth"),
    frames=10,
    zones=(("Normal", 140744, 44112, (26040, 4200, 187, 0, 0, 0, 0, 0, 0, 0, 0)),),
)
"""The report that every wrapped text shows."""


def device(cause: str, *says: str) -> Case:
    return Case({"cause": cause, "comm": None, "order": None}, says)


CASES: dict[str, tuple[Case, ...]] = {
    "k01-md-underscore.txt": (
        Case(
            {"comm": "txg_sync", "pid": 1410, "order": 0, "mode": "0x20", "cause": "intel-nic"},
            ("memory was short", "receiv", "vm.min_free_kbytes"),
            zones=(
                ("DMA", 15884, 12, (1, 1, 0, 0, 2, 1, 1, 0, 1, 1, 3)),
                ("DMA32", 48212, 3012, (150, 3276, 738, 177, 43)),
                ("Normal", 2264, 13224, (486, 46, 2, 0)),
            ),
        ),
    ),
    "k06-rpi-highmem-cma.txt": (
        Case(
            {"kind": "oom", "comm": "kworker/0:2", "order": 2, "victim": {"comm": "dhcpcd", "pid": 612}},
            ("short", "CMA"),
            ("because memory is fragmented",),
        ),
    ),
    "k09-journal-monotonic-nohost.txt": (
        Case(
            {"comm": "earlyoom", "pid": 84786, "cpu": 5, "order": 0, "kernel": "5.9.0-0.rc4.5.fc34.x86_64+debug"},
            ("short",),
            zones=(("DMA", 13312, 124, ()), ("DMA32", 33800, 20200, ()), ("Normal", 46600, 47100, ())),
            frames=10,
        ),
    ),
    "k11-arm-vmap.txt": (
        Case(
            {"kind": "vmalloc_failure", "comm": "kmodloader", "pid": 1131, "cause": "module", "kernel": "4.14.107"},
            ("address space", "vmalloc="),
            ("system call",),
        ),
    ),
    "k12-iptables-vmalloc-amzn2.txt": (
        Case(
            {"kind": "vmalloc_failure", "comm": "iptables-restor", "pid": 16744, "cause": "iptables"},
            ("0 of 77824", "single pages", "short", "rules were not"),
            ("vmalloc's own limit",),
        ),
    ),
    "k13-wsl-vmbus.txt": (
        Case(
            {"comm": "kworker/0:0", "pid": 1460210, "order": 7, "cause": "vmbus"},
            ("fragmented", "drop caches", "compact"),
            ("atomic context", "network device"),
        ),
    ),
    "k14-9p-nofs.txt": (
        Case(
            {"comm": "ls", "pid": 40110, "order": 4, "cause": "9p"},
            ("msize", "boost", "Normal", "no block"),
            ("in DMA32 and Normal", "system call"),
        ),
    ),
    "d05-netvsc-order0.txt": (
        Case(
            {"comm": "swapper/3", "order": 0, "cause": "netvsc"}, ("memory was short", "vm.min_free_kbytes"), frames=13
        ),
    ),
    "d15-cephmsgr.txt": (Case({"comm": "kworker/5:1", "order": 4, "cause": "ceph"}, ("fragmented", "Ceph")),),
    "d18-ibcore.txt": (
        Case({"comm": "ibv_rc_pingpong", "order": 6, "cause": "rdma"}, ("fragmented", "RDMA"), ("ethtool",)),
    ),
    "g06-nvidia455.txt": (
        Case({"comm": "Xorg", "pid": 911, "order": 4, "cause": "nvidia"}, ("driver",), ("armless",)),
    ),
    "d28-vmxnet3.txt": (
        Case(
            {"comm": "swapper/1", "order": 0, "cause": "vmxnet3"},
            ("receiving packets", "vm.min_free_kbytes", "short"),
            ("sending",),
        ),
    ),
    "h01-el6-bnx2-jumbo.txt": (
        Case(
            {"comm": "swapper", "pid": 0, "order": 3, "cause": "broadcom-nic"},
            ("bnx2", "receiving", "vm.min_free_kbytes"),
            ("NFS", "rsize"),
        ),
    ),
    "h03-irq-task-61.txt": (
        Case(
            {"comm": "java", "pid": 990, "cpu": 1, "order": 0, "cause": "gve"},
            ("gve", "receiving", "vm.min_free_kbytes"),
            ("ext4",),
        ),
    ),
    "h04-gfpwords-order3-skb.txt": (
        Case(
            {"comm": "nginx", "order": 3, "cause": "intel-nic"},
            ("fragmented", "receiving", "vm.min_free_kbytes", "MTU"),
            ("sending",),
        ),
    ),
    "f08-zfs477.txt": (
        Case(
            {"comm": "z_wr_iss/0", "pid": 28641, "order": 3, "suppressed": 5571, "cause": "asix"},
            ("asix", "receiving", "vm.min_free_kbytes"),
            ("transfers",),
        ),
    ),
    "f09-el6-order1-tcp.txt": (
        Case({"comm": "swapper", "pid": 0, "order": 1, "cause": "network-receive"}, ("vm.min_free_kbytes",), frames=13),
    ),
    "f10-gentoo-partition.txt": (
        Case({"comm": "zfs", "pid": 31844, "order": 4, "cause": "partition"}, ("partition",), ("ARC",)),
    ),
    "e01-arm-brcmfmac-H.txt": (
        Case(
            {"comm": "kworker/0:1", "pid": 36, "order": 5, "cause": "wifi", "kernel": "6.1.66-2-rpi-ARCH"},
            ("fragmented", "CMA"),
            ("0 blocks",),
            frames=14,
        ),
    ),
    "e02-armel-32-khubd.txt": (Case({"comm": "khubd", "order": 5, "mode": "0x20"}, ("fragmented",), frames=6),),
    "e05-no-killable-plain.txt": (Case({"kind": "oom", "victim": None}, ("no task to kill", "panic"), ("killed",)),),
    "e10-hugetlb.txt": (
        Case({"cause": "hugetlb"}, ("2711 of 4096", "2.00 MiB", "compact")),
        Case({"cause": "hugetlb"}, ("1 of 4", "1.00 GiB", "node 1", "boot")),
    ),
    "e11-hung-kcompactd.txt": (Case({"comm": "kcompactd0", "pid": 250}, ("122 s", "do not compact"), frames=9),),
    "e12-warn-maxorder.txt": (
        Case(
            {"comm": "ddrv-test", "pid": 22234, "cpu": 1, "cause": "ddrv"},
            ("kernel has, for kernel module ddrv: a bug", "no remedy"),
            frames=6,
        ),
    ),
    "e13-percpu.txt": (Case({"comm": "runc:[2:INIT]", "pid": 31102}, ("per-CPU", "16 bytes", "cgroup"), frames=5),),
    "f02-k8s-events.txt": (
        Case({"kind": "oom", "victim": {"comm": "kubectl", "pid": 3504804}}),
        Case({"kind": "oom", "victim": {"comm": "java", "pid": 470521}, "constraint": None}),
        Case({"kind": "oom", "victim": {"comm": "stress", "pid": 470521}, "constraint": "CONSTRAINT_MEMCG"}),
        Case({"kind": "oom", "victim": {"comm": "hyperkube", "pid": 25169}}),
    ),
    "g03-kdump-dma.txt": (
        Case(
            {"comm": "swapper/0", "pid": 1, "order": 5, "cause": "dma-pool"},
            ("no memory", "crash kernel", "harmless"),
            ("short", "0B free"),
        ),
    ),
    "g05-thisnode.txt": (
        Case(
            {"comm": "kworker/40:1", "pid": 4411, "cpu": 40, "order": 6, "cause": "mlx5"},
            ("fragmented", "NUMA node 1"),
            ("977 blocks",),
        ),
    ),
    "glued-prefix.txt": (Case({"comm": "runc", "order": 5, "mode": "0x40dc0", "cpuset": "/"}),),
    "pf_ring-netns.log": (
        Case(
            {"comm": "runc:[1:CHILD]", "pid": 4242, "order": 8, "cause": "pf_ring"},
            ("pf_ring", "network namespace"),
        ),
    ),
    "driver-lines.log": (
        device("nvidia", "NVIDIA", "mem_desc.c"),
        device("nvidia", "NVIDIA"),
        device("mlx5", "mlx5_cmd_alloc_uar", "12"),
        device("mlx5", "alloc_8k_pages"),
        device("swiotlb", "65536", "fragmented", "swiotlb="),
        device("cma", "512 pages", "CMA"),
        device("hugetlb", "120 of 512", "2.00 MiB"),
        device("virtio_mem", "virtio0", "12"),
        Case({"comm": "nvidia-smi", "pid": 4242}, ("120 s",)),
        Case({"kind": "oom", "victim": None}, ("no task to kill",)),
        Case({"kind": "vmalloc_failure", "comm": "kworker/u8:2", "order": None}),
    ),
}
CASES.update({
    path.name: (STANDARD,) for path in sorted(FOLDER.glob("clothing-*"))
})  # fmt: skip


def faults(name: str) -> list[str]:
    """Return what is wrong about the incidents of a text, empty if all is right."""
    with (FOLDER / name).open("rb") as log:
        found = list(explain_log(log, now=NOW))
    expected = CASES[name]
    wrong = [] if len(found) == len(expected) else [f"{len(found)} incidents of {len(expected)}"]
    for case, incident in zip(expected, found, strict=False):
        wrong += case_faults(case, incident)
    return wrong


def case_faults(case: Case, incident: Incident) -> list[str]:
    shown = incident.to_json()
    wrong = [f"{key}={shown[key]!r} not {value!r}" for key, value in case.facts.items() if shown[key] != value]
    text = (incident.explanation or "").lower()
    wrong += [f"does not say {words!r}" for words in case.says if words.lower() not in text]
    wrong += [f"says {words!r}" for words in case.lacks if words.lower() in text]
    if case.frames is not None and len(incident.stack) != case.frames:
        wrong.append(f"{len(incident.stack)} frames of {case.frames}")
    zones = {zone.zone: zone for zone in incident.report.zones} if incident.report else {}
    for name, free, least, blocks in case.zones:
        zone = zones.get(name)
        if zone is None or (zone.free_kb, zone.min_kb) != (free, least):
            wrong.append(f"{name}: {zone and (zone.free_kb, zone.min_kb)}")
        elif blocks and (zone.free_blocks or ())[: len(blocks)] != blocks:
            wrong.append(f"{name}: blocks {zone.free_blocks}")
    return wrong + ([f"-> {incident.explanation}"] if wrong else [])


def main() -> None:
    right = 0
    for name in sorted(CASES):
        wrong = faults(name)
        right += not wrong
        print(f"{'right' if not wrong else 'WRONG'}  {name}", *wrong, sep="\n       ")
    print(f"{right} of {len(CASES)} right")


if __name__ == "__main__":
    main()
