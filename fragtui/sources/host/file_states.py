"""The files of /proc as sources: what each gave, or why it gave nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping

from fragtui.model.node.snapshot import NO_PSI, Snapshot
from fragtui.model.node.source_state import AS_ROOT, SourceState
from fragtui.sources.files.host_files import NEEDS_ROOT
from fragtui.sources.host.snapshot_builder import (
    BUDDYINFO,
    MEMINFO,
    PAGETYPEINFO,
    PRESSURE,
    VMSTAT,
    ZONEINFO,
    FileText,
)
from fragtui.text import counted


def file_states(snapshot: Snapshot, files: Mapping[str, FileText], *, live: bool) -> tuple[SourceState, ...]:
    """Return the state of each file that was read for the snapshot; `live` if the node is this machine."""
    proofs = {
        BUDDYINFO: counted(len(snapshot.zones or ()), "populated zone"),
        ZONEINFO: counted(len(snapshot.zone_infos), "zone"),
        PAGETYPEINFO: _duration(files.get(PAGETYPEINFO)),
        VMSTAT: counted(len(snapshot.vmstat), "counter"),
        MEMINFO: counted(len(snapshot.meminfo), "value"),
        PRESSURE: f"some avg10 {snapshot.pressure.some.avg10:.1f} %"
        if snapshot.pressure and snapshot.pressure.some
        else "",
    }
    return tuple(_state(name, proof, files.get(name), snapshot, live) for name, proof in proofs.items())


def _duration(file: FileText | None) -> str:
    return f"read in {(file.took or 0.0) * 1000:.1f} ms" if file is not None else ""


def _state(name: str, proof: str, file: FileText | None, snapshot: Snapshot, live: bool) -> SourceState:
    shown = "pressure" if name == PRESSURE else name
    if file is None:
        return SourceState(shown, "off", "not read at this time")
    why = next((problem.why for problem in snapshot.unreadable if problem.path == file.path), None)
    if why is None:
        return SourceState(shown, "live", "", proof)
    if name == PRESSURE and live and why in NO_PSI:
        return SourceState(shown, "nothing", f"this kernel has no PSI (CONFIG_PSI, boot option psi=1): {why}")
    if file.text is None and why.startswith("not read"):  # The reader's own decision, see `NodeReader`.
        return SourceState(shown, "off", why)
    reason = f"{file.path}: {why}"
    if why == NEEDS_ROOT and os.geteuid() != 0:
        return SourceState(shown, "refused", reason, remedy=AS_ROOT)
    return SourceState(shown, "absent", reason, remedy="" if live else f"save /proc/{name} of the node there")
