"""/proc/pagetypeinfo is read only if it can change the answer: the kernel walks its free lists under the zone lock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from fragtui.commands.record.exporter import NodeSource
from fragtui.kernel.procfs.version import parse_version
from fragtui.model.node.snapshot import Host
from fragtui.model.node.verdict import DEFAULT_THRESHOLDS
from fragtui.sources.files.host_files import HostFile
from fragtui.sources.host.reader import NodeReader
from tests.support.host_tree import FRAGMENTED, HEALTHY, HostTree

THIN = (400_000, 90_000, 12_000, 40, 2, 1, 0, 0, 0, 0, 0)

Reads = Callable[[], int]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Trees count as the running kernel's own; return how often their pagetypeinfo was read since the last call."""
    opened: list[str] = []
    read = HostFile.read

    def counted(file: HostFile) -> str:
        opened.append(file.path.name)
        return read(file)

    monkeypatch.setattr(HostFile, "read", counted)
    monkeypatch.setattr("fragtui.sources.host.reader.is_live", lambda root: True)
    host = Host("node-7", "6.8.0", parse_version("6.8.0"), 4096)
    monkeypatch.setattr("fragtui.sources.host.reader.read_host", lambda root, tree: host)

    def since() -> int:
        assert "buddyinfo" in opened
        count = opened.count("pagetypeinfo")
        opened.clear()
        return count

    return since


@pytest.mark.parametrize("form", [[], ["--json"], ["--wide"], ["--plugin", "nagios"]])
@pytest.mark.parametrize(("blocks", "order", "needed"), [(HEALTHY, 3, 0), (THIN, 3, 1), (FRAGMENTED, 4, 1)])
def test_a_check_reads_it_once_if_needed(
    tmp_path: Path, reads: Reads, form: list[str], blocks: tuple[int, ...], order: int, needed: int
) -> None:
    HostTree.small(tmp_path, blocks)
    main(["check", "--root", str(tmp_path), "--order", str(order), *form])
    assert reads() == needed


def test_a_report_of_a_healthy_node_leaves_it_alone(tmp_path: Path, reads: Reads) -> None:
    tree = HostTree.small(tmp_path)
    call = ["report", "--root", str(tmp_path), "--order", "3", "-o"]
    assert main([*call, str(tmp_path / "healthy.md")]) == 0
    assert reads() == 0
    assert "**OK" in (tmp_path / "healthy.md").read_text()
    tree.zones[1].free_blocks = tree.zones[2].free_blocks = THIN
    tree.write()
    assert main([*call, str(tmp_path / "thin.md")]) == 0
    assert reads() == 1


def test_scrapes_read_it_at_most_once_in_ten_seconds_and_only_in_trouble(tmp_path: Path, reads: Reads) -> None:
    tree = HostTree.small(tmp_path)
    source = NodeSource(tmp_path, 3, tmp_path / "audit.log", DEFAULT_THRESHOLDS, counting=True)
    for _ in range(3):
        assert any(family.name == "fragtui_target_blocks" for family in source.families())
    assert reads() == 0
    tree.zones[1].free_blocks = tree.zones[2].free_blocks = THIN
    tree.write()
    for _ in range(3):
        list(source.families())
    assert reads() == 1
    source.reader.close()


def test_saved_files_are_read_whole(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    assert NodeReader(tmp_path).sample_for(3).page_types is not None
