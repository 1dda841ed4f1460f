"""The exit statuses: one table for all verbs."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a verb ends. Scripts rely on the numbers: they don't change."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNAVAILABLE = 3
    BUSY = 4
    REBOOT_REQUIRED = 5
    ABORTED = 130
    CLOSED = 141


EXIT_MEANINGS = (
    (Exit.DONE, "done, printed, stopped as asked", "fine"),
    (Exit.FAILED, "tried and failed; guard: gave up; fleet: a node is not OK", "warning"),
    (Exit.USAGE, "wrong usage or settings; a remedy: not confirmed", "critical"),
    (
        Exit.UNAVAILABLE,
        "not possible here, nothing was tried: no permission, no log; gate, fleet: unknown",
        "unknown, or wrong usage",
    ),
    (Exit.BUSY, "gate: not ready now", "-"),
    (Exit.REBOOT_REQUIRED, "gate: not ready, and remedies do not help", "-"),
    (Exit.ABORTED, "aborted by Ctrl-C or a signal", "the same"),
    (Exit.CLOSED, "the reader of standard output has closed it", "the same"),
)
"""Status, meaning for every verb but check, meaning for check; README and the man page have this table."""
