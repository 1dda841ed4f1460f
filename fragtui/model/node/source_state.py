"""Whether a source of facts could be looked at: the same answer on the screen, in `report` and in `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

AS_ROOT = "run as root"
"""The `remedy` of a source that only root may read; the command line of this program replaces it where it is known."""

NOT_SAVED = "not saved"
"""The `source` of updates about a kernel log that is not among the saved files, or not in the recording."""


class Sight(StrEnum):
    """What the silence of a source means."""

    LOOKED = "looked"
    """It delivered, or proved that it can: silence means that there is nothing to report."""
    BLIND = "could not look"
    """Silence means nothing."""
    NOTHING = "nothing to look at"
    """It does not exist on this node, and that is known."""
    PENDING = "not yet looked"


_SIGHTS = {"live": Sight.LOOKED, "connecting": Sight.PENDING, "nothing": Sight.NOTHING}


@dataclass(frozen=True, slots=True)
class SourceState:
    """The state of one source."""

    name: str
    """``kernel log``, ``kubelet log``, ``runtime log``, ``API``, ``events``, ``crictl``, a file of /proc."""
    state: str
    """``live`` once it has delivered, ``connecting`` before; ``nothing`` if it is known not to exist on this node;
    ``waiting`` (it failed and is tried again), ``absent`` (not found), ``refused``, ``off``, or ``unsaved`` (not in the
    recording or among the saved files)."""
    cannot_tell: str
    """What this source can't show, or why it shows nothing; empty if nothing is missing."""
    proof: str = ""
    """What it delivered, such as ``1,204 records since boot``; empty before."""
    remedy: str = ""
    """What the user can do about it: `AS_ROOT`, or a step as text; empty if there is none."""

    @property
    def sight(self) -> Sight:
        """What its silence means."""
        return _SIGHTS.get(self.state, Sight.BLIND)


def kernel_log_state(source: str | None, problem: str | None, proof: str | None, remedy: str = "") -> SourceState:
    """Return the state of the kernel log by the fields of its updates; `source` is None before the first one."""
    name = "kernel log"
    if source is None:
        return SourceState(name, "connecting", "")
    if source == NOT_SAVED:
        return SourceState(name, "unsaved", problem or "not in the recording", remedy=remedy)
    if source == "none":
        # What is tried again has a remedy.
        failed = "refused" if remedy == AS_ROOT else "waiting" if remedy else "absent"
        state = "off" if problem is None else failed
        return SourceState(name, state, problem or "switched off by --kernel-log none", remedy=remedy)
    if proof == "":
        return SourceState(name, "waiting", problem or f"{source} has no message of the kernel yet", remedy=remedy)
    return SourceState(name, "live", problem or "", proof or "", remedy)
