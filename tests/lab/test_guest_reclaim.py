"""memory.reclaim of cgroup v2 on kernels under qemu: by the remedy's own child, read by fragtui's readers."""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fragtui.model.node.target_zones import target_blocks
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import forecast
from fragtui.remedies import worker
from fragtui.sources.host.cgroups import read_cgroups, read_price
from fragtui.sources.host.reader import NodeReader
from tests.lab import guest_reclaim as guest
from tests.support.guest import KERNELS, boot, kernels
from tests.support.places import REPOSITORY

MAKE_EXT4 = ("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0")
pytestmark = [
    pytest.mark.by_hand,
    pytest.mark.skipif(shutil.which(MAKE_EXT4[0]) is None, reason="no mke2fs"),
    pytest.mark.skipif(not kernels(), reason=f"no qemu, or no kernel {KERNELS} (FRAGTUI_GUEST_KERNELS)"),
]
MIB = 1 << 20
ORDER = 3


def tree(folder: Path, texts: dict[str, str]) -> Path:
    """Write the texts of one moment as a saved root."""
    for path, text in texts.items():
        place = folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return folder


def make_disk(folder: Path) -> Path:
    """Return an ext4 with the file of each cgroup, of 150 and 30 MiB."""
    files, disk = folder / "files", folder / "disk"
    files.mkdir()
    for name, size in (("culprit", 150), ("other", 30)):
        with (files / name).open("wb") as file:
            for number in range(size):
                file.write(bytes([number + 1]) * MIB)
    subprocess.run([*MAKE_EXT4, "-d", str(files), str(disk), "256M"], check=True, capture_output=True, timeout=60)
    return disk


def ended(reports: list[dict[str, Any]]) -> dict[str, Any]:
    return reports[-1]


@pytest.mark.parametrize("kernel", kernels(), ids=lambda path: path.name)
def test_a_booted_kernel_reclaims_the_one_cgroup_and_leaves_the_other(kernel: Path, tmp_path: Path) -> None:
    source = (REPOSITORY / "tests/lab/guest_reclaim.py").read_text()
    program = tmp_path / "program.py"
    program.write_text(source.replace('WORKER = ""', f"WORKER = {inspect.getsource(worker)!r}", 1))
    disk = make_disk(tmp_path)
    console = boot(kernel, program, tmp_path, megabytes=512, disk=disk)
    line = next((row for row in console.splitlines() if row.startswith('{"')), "")
    assert line, console[-2000:]
    seen = json.loads(line)
    assert "end" not in seen, seen

    before, after, again = (tree(tmp_path / name, seen[name]) for name in ("before", "after", "read again"))
    held = {cgroup.path: cgroup for cgroup in read_cgroups(before).cgroups}
    left = {cgroup.path: cgroup for cgroup in read_cgroups(after).cgroups}
    culprit, other = held[f"/{guest.CULPRIT}"], held[f"/{guest.OTHER}"]
    assert culprit.cache >= 145 * MIB and other.cache >= 28 * MIB and culprit.slab is not None
    assert ended(seen["refused"])["error"] == worker.NOT_A_KERNEL_FILE, "another inode is another cgroup"
    assert (ended(seen["reclaimed"])["error"], ended(seen["reclaimed"])["partial"]) == (None, False)
    assert (ended(seen["too much"])["error"], ended(seen["too much"])["partial"]) == (None, True), "EAGAIN"
    now = left[f"/{guest.CULPRIT}"].cache if f"/{guest.CULPRIT}" in left else 0
    assert now < 15 * MIB, f"{now >> 20} MiB left"
    assert left[f"/{guest.OTHER}"].cache >= other.cache - MIB

    prices = {
        name: read_price(again, f"sys/fs/cgroup/{name}").since(read_price(before, f"sys/fs/cgroup/{name}"))
        for name in (guest.CULPRIT, guest.OTHER)
    }
    assert prices[guest.OTHER].refaults == 0 and prices[guest.OTHER].read == 0
    paid = prices[guest.CULPRIT]
    # 6.1 forgets most pages that it evicted from a cgroup that small; what was read is counted in any case.
    assert paid.refaults is not None and paid.stalled is not None
    assert paid.read is not None and paid.read >= 45 * MIB

    snapshot, later = (NodeReader(root).sample(page_types=True) for root in (before, after))
    gain = forecast(snapshot, ORDER).gain(Effect(page_cache=True, reclaim=140 * MIB))
    old, new = target_blocks(snapshot, ORDER), target_blocks(later, ORDER)
    assert old is not None and new is not None and gain.low is not None and gain.high is not None
    print(f"{kernel.name}: forecast {gain.low} {gain.blocks} {gain.high}, gained {new - old}, {paid}")
    assert gain.low <= new - old <= gain.high
