"""The state of the kernel log, by its updates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fragtui.model.node.source_state import SourceState, kernel_log_state

if TYPE_CHECKING:  # For annotations only; the first bars don't need it.
    from fragtui.model.failures.kernel_log_update import KernelLogUpdate


class KernelLogStatus:
    """The state of the kernel log by its updates so far."""

    def __init__(self) -> None:
        self.source: str | None = None
        self.problem: str | None = None
        """Why the log is read from this source and not from a better one; None or empty if none is better."""
        self._proof: str | None = None
        self._remedy = ""

    def take(self, update: KernelLogUpdate) -> None:
        """Take an update of the kernel log."""
        # A problem is reported once and holds as long as the source is the same.
        if update.problem is not None or update.source != self.source:
            self.problem, self._remedy = update.problem, update.remedy
        if update.proof is not None or update.source == "none":
            self._proof = update.proof
        self.source = update.source

    @property
    def state(self) -> SourceState:
        """The state now."""
        return kernel_log_state(self.source, self.problem, self._proof, self._remedy)
