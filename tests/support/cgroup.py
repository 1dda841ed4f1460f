"""A program in a control group of its own: few tasks, little memory, little CPU."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_ROOT = Path("/sys/fs/cgroup")
_V1 = {"pids": "pids.max", "memory": "memory.limit_in_bytes", "cpu": "cpu.cfs_quota_us"}
_V2 = {"pids": "pids.max", "memory": "memory.max", "cpu": "cpu.max"}
_PERIOD_US = 100_000


class Group:
    """A group and the way into it."""

    def __init__(self, folder: Path, controller: str) -> None:
        self.folder = folder
        self._controller = controller

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command that runs `argv` in the group."""
        return ["/bin/sh", "-c", 'echo $$ >"$0" && exec "$@"', str(self.folder / "cgroup.procs"), *argv]

    def most_memory(self) -> int:
        """Return the most bytes that the group held at a time."""
        names = ("memory.max_usage_in_bytes", "memory.peak")
        found = next((self.folder / name for name in names if (self.folder / name).exists()), None)
        if found is None:
            pytest.skip("this kernel keeps no peak of a memory cgroup (before 5.19, cgroup v2)")
        return int(found.read_text())


@contextmanager
def limited(controller: str, limit: int, name: str = "") -> Iterator[Group]:
    """Yield a group with at most `limit` tasks (pids), bytes (memory) or percent of a CPU (cpu); skip without one."""
    v1 = _ROOT / controller
    is_v1 = v1.is_dir()
    folder = (v1 if is_v1 else _ROOT) / f"fragtui-test-{os.getpid()}{name}"
    try:
        if not is_v1:
            (_ROOT / "cgroup.subtree_control").write_text(f"+{controller}")
        folder.mkdir()
        text = str(limit)
        if controller == "cpu":
            text = str(limit * _PERIOD_US // 100) + ("" if is_v1 else f" {_PERIOD_US}")
        (folder / (_V1 if is_v1 else _V2)[controller]).write_text(text)
    except OSError as error:
        with suppress(OSError):
            folder.rmdir()
        pytest.skip(f"no {controller} cgroup of one's own here: {error}")
    try:
        yield Group(folder, controller)
    finally:
        _empty(folder)


def _empty(folder: Path) -> None:
    """End what is left in the group, and remove it."""
    for _ in range(100):
        for pid in (folder / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), 9)
        try:
            folder.rmdir()
        except OSError:
            time.sleep(0.05)
            continue
        return


def remove_groups(name: str) -> None:
    """Remove the groups of that name that programs of the test made, of each controller, once they are empty."""
    found = [group for depth in ("", "*/") for group in _ROOT.glob(depth + name)]
    folders = [Path(folder) for group in found for folder, _, _ in os.walk(group, topdown=False)]
    for folder in folders:
        _empty(folder)
