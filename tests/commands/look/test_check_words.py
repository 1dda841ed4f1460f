"""The exact output of `fragtui check` for realistic nodes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from tests.support.host_tree import HostTree, ZoneFacts

OLD_TYPES = ("Unmovable", "Reclaimable", "Movable", "Reserve", "Isolate")
MAY_FAIL = "new requests may still succeed after a wait; atomic ones fail at once"


def container_node(root: Path) -> HostTree:
    """An 8 GB node of RHEL 7 that denies order 6 to sandboxes: nothing is free above order 3."""
    zones = [
        ZoneFacts(0, "DMA", (1, 0, 1, 0, 2, 1, 1, 0, 1, 1, 3), 33, (0, 2815, 7809, 7809), 3977, 0),
        ZoneFacts(0, "DMA32", (2700, 620, 480, 180, 0, 0, 0, 0, 0, 0, 0), 2000, (0, 0, 4994, 4994), 720_000, 60_000),
        ZoneFacts(0, "Normal", (1160, 1100, 930, 220, 0, 0, 0, 0, 0, 0, 0), 2700, (0,) * 4, 1_278_000, 140_000),
    ]
    return HostTree(root, zones, release="3.10.0-693.el7.x86_64", migratetypes=OLD_TYPES)


def halving_node(root: Path) -> HostTree:
    """The zone of the worked example: 15 blocks of order 4 are free, and order 4 was denied."""
    blocks = (17854, 2829, 1547, 58, 15, 0, 0, 0, 0, 0, 0)
    zones = [ZoneFacts(0, "DMA32", blocks, 13840, (0, 0, 0, 0), 823_000, 300_000)]
    return HostTree(root, zones, release="3.10.0-1160.el7.x86_64", migratetypes=OLD_TYPES)


def large_pages_node(root: Path) -> HostTree:
    """Arm64 with 64 KiB pages: 14 orders, a block of order 3 has 512K."""
    zones = [ZoneFacts(0, "Normal", (9000, 3000, 700, 160, *(0,) * 10), 3000, (0,) * 5, 1_000_000, 200_000)]
    return HostTree(root, zones, release="5.14.0-427.el9.aarch64+64k")


NODES = [
    (container_node, 3, 0, "OK", "Healthy. Requests of 32K succeed: room for 400.", None),
    (container_node, 6, 2, "FRAGMENTED", "No free 256K block. 63M is free, but in pieces of 32K or less.", MAY_FAIL),
    (halving_node, 4, 2, "RESERVED", "By this kernel's rule too little of 119M is in blocks above 16K.", MAY_FAIL),
    (large_pages_node, 3, 0, "OK", "Healthy. Requests of 512K succeed: room for 160.", None),
    (large_pages_node, 5, 2, "FRAGMENTED", "No free 2M block. 1.2G is free, but in pieces of 512K or less.", MAY_FAIL),
    (large_pages_node, 14, 3, "UNKNOWN", "There is no order 14 here; the largest is 512M (order 13).", None),
]  # fmt: skip


@pytest.mark.parametrize(("node", "order", "status", "word", "sentence", "then"), NODES)
def test_each_state_has_its_sentences(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    node: object,
    order: int,
    status: int,
    word: str,
    sentence: str,
    then: str | None,
) -> None:
    assert callable(node)
    tree = node(tmp_path)
    tree.write()
    if node is large_pages_node:
        meminfo = tmp_path / "proc/meminfo"
        meminfo.write_text(re.sub(r"MemTotal: \d+", f"MemTotal: {1_000_000 * 64}", meminfo.read_text()))
    call = ["--root", str(tmp_path), "--order", str(order)]
    assert main(["check", *call]) == status
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == word
    assert lines[0] == f"{word}  {sentence}"
    step = "Try" if status else "Next"
    assert [line.split()[0] for line in lines[1:4]] == ["Denied", "Stuck", step]
    assert (lines[3] == "Try     target order 13 or lower") == (order == 14)
    assert lines[4].strip() == (then or "")
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 80
    assert main(["check", "--json", *call]) == status
    report = json.loads(capsys.readouterr().out)
    assert report["state"] == word.lower()
    assert (report["outlook"] is None) == (then is None)


def test_a_tree_of_buddyinfo_alone_is_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = container_node(tmp_path / "node")
    tree.write()
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved/buddyinfo").write_text((tree.root / "proc/buddyinfo").read_text())
    assert main(["check", "--root", str(tmp_path / "saved"), "--order", "3"]) == 1, "never OK"
    text = capsys.readouterr().out
    assert text.startswith("LOW  32K blocks are free: room for 400; watermarks unknown.")
    assert "node 0 DMA " not in text, "DMA's blocks are not among them"
    assert "zoneinfo: no such file or directory" in text
    assert "page size: no file gives it; 4096 bytes assumed" in text
