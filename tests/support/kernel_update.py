"""Updates of the kernel log, made without a log."""

from __future__ import annotations

from fragtui.model.failures.incident import Incident
from fragtui.model.failures.kernel_log_update import KernelLogUpdate


def brought(*incidents: Incident) -> KernelLogUpdate:
    return KernelLogUpdate(incidents, (), 0, (), "kmsg", None)
