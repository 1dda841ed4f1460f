"""Our indices against the kernel's own, on this machine."""

import subprocess
import time
from pathlib import Path

import pytest

from fragtui.kernel.procfs.buddyinfo import parse_buddyinfo
from fragtui.model.node.indices import format_index, fragmentation_index, unusable_index
from tests.support.lab import fragmented_cache, lab, long

pytestmark = lab
EXTFRAG = Path("/sys/kernel/debug/extfrag")


@pytest.fixture(scope="module")
def extfrag() -> Path:
    if not EXTFRAG.is_dir():
        subprocess.run(["mount", "-t", "debugfs", "none", "/sys/kernel/debug"], check=False)
    if not EXTFRAG.is_dir():
        pytest.skip("this kernel has no debugfs extfrag (CONFIG_DEBUG_FS, CONFIG_COMPACTION)")
    return EXTFRAG


def compare(extfrag: Path) -> None:
    """Compare every zone and order, read while buddyinfo does not change."""
    buddyinfo = Path("/proc/buddyinfo")
    end = time.monotonic() + 60
    while True:
        before = buddyinfo.read_text()
        kernel = [(extfrag / name).read_text().splitlines() for name in ("extfrag_index", "unusable_index")]
        if buddyinfo.read_text() == before:
            break
        assert time.monotonic() < end, "buddyinfo never stood still"
    zones, problems = parse_buddyinfo(before)
    assert zones
    assert not problems
    for zone, external, unusable in zip(zones, *kernel, strict=True):
        head = f"Node {zone.node}, zone {zone.zone:>8} "
        orders = range(len(zone.free_blocks))
        ours = head + "".join(f"{format_index(fragmentation_index(zone.free_blocks, order))} " for order in orders)
        assert ours == external
        values = (unusable_index(zone.free_blocks, order) for order in orders)
        assert head + "".join(f"{value // 1000}.{value % 1000:03d} " for value in values) == unusable


def test_indices_of_an_idle_node_equal_debugfs(extfrag: Path) -> None:
    compare(extfrag)


@long
def test_indices_of_a_fragmented_node_equal_debugfs(extfrag: Path) -> None:
    with fragmented_cache():
        compare(extfrag)
