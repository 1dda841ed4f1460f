"""Paths of a node below its root."""

from __future__ import annotations

from pathlib import Path

import pytest

from fragtui.sources.files.root_path import in_root
from fragtui.sources.host.tree import saved_tree


@pytest.mark.parametrize("path", ["proc/buddyinfo", "/proc/buddyinfo"])
def test_a_path_of_the_node_never_depends_on_the_current_folder(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "buddyinfo").touch()
    monkeypatch.chdir(tmp_path)
    assert in_root(Path("/"), path) == Path("/proc/buddyinfo")
    assert saved_tree(Path("/")).proc("buddyinfo") == Path("/proc/buddyinfo")


def test_a_link_stays_inside_the_root(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "name").symlink_to("/../../other")
    assert in_root(tmp_path, "etc/name") == tmp_path / "other"
