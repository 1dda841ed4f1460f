"""The question before the trace: what it shows, what it writes where, what it costs, when it ends."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.ui.dialogs.confirm import ConfirmDialog, field, paragraph
from fragtui.ui.widgets.rows import Line, line
from fragtui.ui.wiring import TracePlan

_COST = (
    "Served requests are left out by a filter in the kernel. At 1,000 events a second fragtui takes about half a "
    "percent of a CPU more; in a flood, lost events are counted."
)


class TraceDialog(ConfirmDialog[TracePlan]):
    """Asks whether to switch the trace on; the answer is the plan that was shown."""

    def __init__(self, plan: TracePlan) -> None:
        self._plan = plan
        super().__init__()

    @property
    def heading(self) -> str:
        """Its title, as a question."""
        return "Trace the kernel's memory allocator?"

    @property
    def run_label(self) -> str:
        """What a confirmation does."""
        return "Switch it on"

    @property
    def answer(self) -> TracePlan:
        """The plan."""
        return self._plan

    def lines(self, width: int) -> Sequence[Line]:
        """Return what it does, in fields."""
        plan = self._plan
        shows = "Requests that were denied without a line in the log, who fragments memory, and who waits for it."
        writes = [
            f"{plan.path}, a trace instance of its own, with {plan.buffer_kb} KiB of buffer for each of "
            f"{plan.cpus} CPUs. Nothing else is written; other tools' traces stay as they are.",
            f"Events: {', '.join(plan.events)}.",
        ]
        return [
            *paragraph(shows, width, "text"),
            line(),
            *field("Writes", writes, width),
            *field("Cost", [_COST], width),
            *field("Ends", ["When you switch it off or fragtui ends; the directory is then removed. If fragtui is "
                            "killed, the kernel stops the trace and the next fragtui removes it."], width),
        ]  # fmt: skip
