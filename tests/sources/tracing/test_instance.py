"""Whose instances are removed, and why the kernel can't be traced; the real ones are in `tests/lab/test_tracing.py`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fragtui.sources.tracing.instance import TracingError, own_name, remove_stale, tracefs


def tree(root: Path, *instances: str) -> Path:
    folder = root / "sys/kernel/tracing"
    for name in instances:
        (folder / "instances" / name).mkdir(parents=True)
    return folder


def ended_name() -> str:
    """Return the name that a process had which has ended."""
    code = "from fragtui.sources.tracing.instance import own_name; print(own_name())"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_only_instances_of_dead_fragtuis_of_this_namespace_are_removed(tmp_path: Path) -> None:
    pid, started, namespace = own_name().removeprefix("fragtui-").split("-")
    dead = ended_name()
    reused = f"fragtui-{pid}-{int(started) + 1}-{namespace}"
    kept = {
        own_name(),
        f"fragtui-4194305-1-{int(namespace) + 1}",
        "bpftrace",
        "fragtui-1",
        f"my-{dead}",
        f"{dead}-x",
        f"fragtui-1-{Path('/proc/1/stat').read_text().rpartition(')')[2].split()[19]}-{namespace}",
    }
    folder = tree(tmp_path, dead, reused, *kept)
    assert remove_stale(folder) == 2
    assert {path.name for path in (folder / "instances").iterdir()} == kept


def test_a_zombie_has_ended(tmp_path: Path) -> None:
    code = "from fragtui.sources.tracing.instance import own_name; print(own_name(), flush=True)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as zombie:
        assert zombie.stdout is not None
        name = zombie.stdout.readline().strip()
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        assert remove_stale(tree(tmp_path, name)) == 1


def test_without_tracefs_the_reason_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TracingError, match=r"not mounted: mount -t tracefs|run as root"):
        tracefs(tmp_path)


def test_debugfs_is_the_second_place(tmp_path: Path) -> None:
    place = tmp_path / "sys/kernel/debug/tracing"
    (place / "instances").mkdir(parents=True)
    assert tracefs(tmp_path) == place


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_tracefs_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    (tree(tmp_path, "x") / "instances").chmod(0o500)
    with pytest.raises(TracingError, match="can't be written"):
        tracefs(tmp_path)
