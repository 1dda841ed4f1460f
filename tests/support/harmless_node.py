"""A substitute node on which remedies really run and harm nothing: their sysctls are files of a process that sleeps.

In a mount namespace of its own, /proc/PID/coredump_filter of sleeping processes lies over the files that remedies
write in a `HostTree`. These are files of a real procfs, so a remedy is offered, logged and written; the
test sees each write in that process, and each run that was asked for in the audit log. Nothing of this machine's
/proc/sys is touched. The namespace has a /run of its own, so that the locks of other runs are not met.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.terminal import Terminal, command

WRITTEN = {
    "drop": "proc/sys/vm/drop_caches",
    "compact": "proc/sys/vm/compact_memory",
    "compact-node": "sys/devices/system/node/node0/compact",
    "nudge": "proc/sys/vm/compaction_proactiveness",
}
"""The files that remedies write, below the root."""
_UNTOUCHED = "00000040"
"""What a sleeper's filter holds until it is written: no remedy writes 64."""
_UNSHARE = ["unshare", "--mount", "--propagation", "private"]


@dataclass
class HarmlessNode:
    """The node under `root`; `command()` runs the installed fragtui on it."""

    root: Path
    sleepers: dict[str, int]

    @property
    def audit(self) -> Path:
        return self.root.parent / "audit.jsonl"

    @property
    def asked_for(self) -> list[str]:
        """The ids of the remedies that are in the audit log so far, in their order."""
        if not self.audit.exists():
            return []
        lines = [json.loads(line) for line in self.audit.read_text().splitlines()]
        return [line["remedy"] for line in lines if line["kind"] == "intent"]

    @property
    def written(self) -> dict[str, int]:
        """What was written last to each file that was written."""
        held = {name: Path(f"/proc/{pid}/coredump_filter").read_text().strip() for name, pid in self.sleepers.items()}
        return {name: int(value, 16) for name, value in held.items() if value != _UNTOUCHED}

    def forget(self) -> None:
        """Start again: nothing written, an empty audit log."""
        for pid in self.sleepers.values():
            Path(f"/proc/{pid}/coredump_filter").write_text("0x40")
        self.audit.unlink(missing_ok=True)

    def inside(self, argv: list[str]) -> list[str]:
        """Return the command line that runs `argv` in the namespace."""
        mounts = ["mount -t tmpfs none /run"]
        for name, path in WRITTEN.items():
            source, target = f"/proc/{self.sleepers[name]}/coredump_filter", self.root / path
            mounts.append(f"mount --bind {source} {shlex.quote(str(target))}")
        return [*_unshare(), "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh", *argv]

    def command(self) -> list[str]:
        """Return the command line of the full screen on this node."""
        options = ["--root", str(self.root), "--audit", str(self.audit), "--order", "6", "--interval", "10"]
        return self.inside([*command(), *options])

    @contextmanager
    def screen(self, columns: int = 120, rows: int = 40, **environment: str) -> Iterator[Terminal]:
        """Run the full screen on this node until its remedies can be requested."""
        program = Terminal(self.command(), columns, rows, **environment)
        try:
            program.until("N0 Normal")
            program.pump(1.0)
            yield program
        finally:
            program.close()


@contextmanager
def harmless_node(folder: Path) -> Iterator[HarmlessNode]:
    """Make the node below `folder`; skip where no mount namespace can be made."""
    root = folder / "root"
    tree = HostTree.small(root, FRAGMENTED)
    for path in WRITTEN.values():
        tree.put(path, "20\n")
    sleepers = [subprocess.Popen(["sleep", "3600"]) for _ in WRITTEN]
    try:
        node = HarmlessNode(root, {name: sleeper.pid for name, sleeper in zip(WRITTEN, sleepers, strict=True)})
        node.forget()
        tried = subprocess.run(node.inside(["true"]), check=False, capture_output=True, text=True)
        if tried.returncode:
            pytest.skip(f"no mount namespace can be made here: {tried.stderr.strip()}")
        yield node
    finally:
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()


def _unshare() -> list[str]:
    return _UNSHARE if os.geteuid() == 0 else [*_UNSHARE, "--user", "--map-root-user"]
