from dataclasses import replace
from pathlib import Path

import pytest

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.kernel.procfs.version import parse_version
from fragtui.kernel.procfs.zoneinfo import ZoneInfo
from fragtui.kernel.reports.report import ExternalDrop
from fragtui.model.failures.external_drops import drops_between, is_own_drop
from fragtui.model.node.snapshot import Host, Snapshot, Zone
from fragtui.model.remedy.tuning_advice import Advice, Tuning, advise, node_score, start_score
from fragtui.sources.host.conditions import read_conditions
from fragtui.sources.host.vm_settings import read_vm_settings

GIB = 1 << 30


def node(blocks: tuple[int, ...], release: str = "6.18.44", total: int = 64 * GIB) -> Snapshot:
    info = ZoneInfo(0, "Normal", free=1, min=1, present=total // 4096, managed=total // 4096, protection=(0,))
    return Snapshot(
        time=0,
        monotonic=0,
        host=Host("node", release, parse_version(release), 4096),
        zones=(Zone(ZoneBlocks(0, "Normal", blocks), info),),
        zone_infos=(info,),
        meminfo={"MemTotal": total},
    )


BROKEN = node((100_000, 20_000, 5_000, 1_000, 0, 0, 0, 0, 0, 40, 0))


def line(snapshot: Snapshot, order: int, tuning: Tuning, name: str) -> Advice | None:
    return next((advice for advice in advise(snapshot, order, tuning) if (advice.line or "").startswith(name)), None)


def test_no_known_setting_gives_no_advice() -> None:
    assert advise(BROKEN, 4, Tuning()) == ()


@pytest.mark.parametrize(
    ("total", "now", "wanted"),
    [(64 * GIB, 67_584, 670_720), (1024 * GIB, 90_112, 4_194_304), (64 * GIB, 400_000, None), (4 * GIB, 67_584, None)],
)
def test_the_reserve_is_advised_as_a_share_of_this_nodes_memory(total: int, now: int, wanted: int | None) -> None:
    found = line(node((1,), total=total), 4, Tuning(min_free_kbytes=now), "vm.min_free_kbytes")
    assert (found.line if found else None) == (f"vm.min_free_kbytes = {wanted}" if wanted else None)


def test_the_scale_factor_is_advised_with_what_it_means_here() -> None:
    found = line(BROKEN, 4, Tuning(watermark_scale_factor=10), "vm.watermark_scale_factor")
    assert found is not None and "65.5M above" in found.why and "655M" in found.why
    assert line(BROKEN, 4, Tuning(watermark_scale_factor=100), "vm.watermark") is None


@pytest.mark.parametrize(
    ("release", "proactiveness", "above"),
    [
        ("5.15.0", 20, 90),
        ("6.14.0", 20, 90),
        ("6.18.0", 20, 90),
        ("6.1.0", 100, 15),
        ("6.18.0", 100, 0),
        ("6.1.0", 0, 100),
    ],
)
def test_the_start_score_of_kcompactd_follows_its_proactiveness(release: str, proactiveness: int, above: int) -> None:
    assert start_score(proactiveness, node((1,), release)) == above


def test_a_score_below_the_start_asks_for_more_proactiveness() -> None:
    score = node_score(BROKEN, 0, 9)
    assert score == 88
    found = line(BROKEN, 4, Tuning(compaction_proactiveness=20), "vm.compaction_proactiveness")
    assert found is not None and found.line == "vm.compaction_proactiveness = 30"
    assert line(BROKEN, 4, Tuning(compaction_proactiveness=60), "vm.compaction_proactiveness") is None
    assert line(node((0,) * 9 + (40,)), 4, Tuning(compaction_proactiveness=20), "vm.comp") is None
    assert node_score(BROKEN._replace(zones=()), 0, 9) is None


def test_the_threshold_is_advised_only_where_it_stops_compaction() -> None:
    middling = node((60, 10, 10, 10, 0, 0, 0, 0))
    found = line(middling, 7, Tuning(extfrag_threshold=500), "vm.extfrag_threshold")
    assert found is None
    high_order = node((600, 0, 0, 0, 0, 0, 0, 0, 400, 0, 0))
    found = line(high_order, 10, Tuning(extfrag_threshold=950), "vm.extfrag_threshold")
    assert found is not None and found.line == "vm.extfrag_threshold = 800"
    assert "0.899" in found.why
    assert line(high_order, 3, Tuning(extfrag_threshold=950), "vm.extfrag_threshold") is None


def test_a_kernel_feature_that_is_off_is_advised() -> None:
    assert line(BROKEN, 4, Tuning(defrag_mode=0), "vm.defrag_mode = 1") is not None
    assert line(BROKEN, 4, Tuning(defrag_mode=1), "vm.defrag_mode") is None
    held = Tuning(percpu_pagelist_high_fraction=0, percpu_pages=2 * GIB // 4096)
    found = line(BROKEN, 4, held, "vm.percpu_pagelist_high_fraction")
    assert found is not None and "2G of free pages" in found.why
    assert line(BROKEN, 4, replace(held, percpu_pages=1000), "vm.percpu") is None


def test_cpus_that_are_only_possible_cost_blocks() -> None:
    veth = line(node((1,), "5.15.0"), 4, Tuning(possible_cpus=240, online_cpus=8), "nr_cpus=8")
    assert veth is not None and "240 CPUs are possible, 8 online" in veth.why and "veth" in veth.why
    fixed = line(node((1,), "6.8.0"), 4, Tuning(possible_cpus=240, online_cpus=8), "nr_cpus=8")
    assert fixed is not None and "veth" not in fixed.why
    assert line(BROKEN, 4, Tuning(possible_cpus=16, online_cpus=8), "nr_cpus") is None


@pytest.mark.parametrize(
    ("release", "possible", "words"),
    [
        ("5.15.0", 240, "256K (order 6) or 512K (order 7) for 240 possible CPUs"),
        ("5.15.0", 8, None),
        ("6.8.0", 240, None),
        ("5.4.0", 240, None),
        ("4.14.0", 8, "need one block for arrays"),
        ("3.10.0-1160.el7", 8, "need one block for arrays"),
    ],
)
def test_the_kernel_that_ends_it_is_advised(release: str, possible: int, words: str | None) -> None:
    said = [a.why for a in advise(node((1,), release), 4, Tuning(possible_cpus=possible)) if "kernel of" in a.what]
    assert len(said) == (words is not None)
    assert words is None or words in said[0]


def test_a_large_reserve_already_spaces_the_watermarks() -> None:
    """A quarter of min is above the share: low and high do not move before the factor gets past it."""
    large = Tuning(watermark_scale_factor=10, min_free_kbytes=4 * GIB // 1024)
    assert line(BROKEN, 4, large, "vm.watermark_scale_factor") is None


def test_settings_are_read_from_the_root(tmp_path: Path) -> None:
    assert read_vm_settings(tmp_path, 4096) == Tuning()
    files = {
        "proc/sys/vm/min_free_kbytes": "67584\n",
        "proc/sys/vm/extfrag_threshold": "x\n",
        "sys/devices/system/cpu/possible": "0-3,8\n",
        "sys/devices/system/cpu/online": "0\n",
        "sys/kernel/mm/transparent_hugepage/hpage_pmd_size": "536870912\n",
        "proc/zoneinfo": "Node 0, zone Normal\n  pagesets\n    cpu: 0\n              count:    7\n"
        "    cpu: 1\n              count:    5\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = read_vm_settings(tmp_path, 65_536)
    assert (found.min_free_kbytes, found.extfrag_threshold) == (67584, None)
    assert (found.possible_cpus, found.online_cpus, found.percpu_pages, found.huge_order) == (5, 1, 12, 13)


def test_surroundings_are_read_from_the_root(tmp_path: Path) -> None:
    assert read_conditions(tmp_path).memory_cgroups is None
    files = {
        "proc/pressure/io": "some avg10=31.00 avg60=0.00 avg300=0.00 total=5\n"
        "full avg10=1.00 avg60=0.00 avg300=0.00 total=2\n",
        "proc/cgroups": "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t5\t8123\t1\n",
        "sys/kernel/mm/ksm/pages_sharing": "77\n",
        "proc/spl/kstat/zfs/arcstats": "name type data\nc_max  4  99\nsize                            4    1234\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = read_conditions(tmp_path)
    assert (found.memory_cgroups, found.ksm_sharing, found.zfs_arc) == (8123, 77, 1234)
    assert found.io is not None and found.io.some is not None and found.io.full is not None
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cgroup.stat").write_text("nr_descendants 40\nnr_dying_descendants 3\n")
    assert read_conditions(tmp_path).memory_cgroups == 43


@pytest.mark.parametrize(("comm", "own"), [("bash", False), ("fragtui-remedy", True), ("fragtui-remedy2", False)])
def test_a_process_of_fragtui_is_distinguished_from_others(comm: str, own: bool) -> None:
    assert is_own_drop(ExternalDrop(comm, 42, 3)) is own


def test_drops_are_counted_between_ticks() -> None:
    before = BROKEN._replace(vmstat={"drop_pagecache": 1, "drop_slab": 4})
    assert drops_between(before, BROKEN._replace(vmstat={"drop_pagecache": 3, "drop_slab": 4})) == (2, 0)
    assert drops_between(before, BROKEN._replace(vmstat={})) is None
