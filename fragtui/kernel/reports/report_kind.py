"""The kinds of reports, in a module of their own: the screen begins with them alone."""

from __future__ import annotations

from enum import StrEnum


class ReportKind(StrEnum):
    """The families of reports, by the names that `explain --json` gives them."""

    ALLOCATION_FAILURE = "allocation_failure"
    STALL = "stall"
    VMALLOC_FAILURE = "vmalloc_failure"
    SLAB_FAILURE = "slab_failure"
    OOM = "oom"
    HUGETLB_SHORTAGE = "hugetlb_shortage"
    CMA_FAILURE = "cma_failure"
    PERCPU_FAILURE = "percpu_failure"
    ORDER_TOO_LARGE = "order_too_large"
    HUNG_TASK = "hung_task"
    DEVICE_FAILURE = "device_failure"
