"""The words that every line about a failed pod has: one list for the search in a log and for the reading of a line."""

from __future__ import annotations

import re

TABLE_NEEDLES = (b"Namespace:", b"REASON")
"""The heads of a description and of a table of events: the rows below are read to the table's end."""
FAILURE_MARKS = (b"ailed", b"rror")
"""A failure has one of these, or ``alloc``, the kernel's needle: a block of a log without them is not searched."""
FAILURE_NEEDLES = (
    b"andbox",
    b"ntainer process",
    b"rror syncing pod",
    b"durationBeforeRetry",
    b"Container for ",
    b"level=error",
    b"is reserved",
    b"from daemon: ",
    b"OCI runtime",
    b"netavark",
    b"plugin type=",
    b"etwork for pod",
    b"olumes for pod",
)
REASON_NEEDLE = b"Failed"
"""An event's reason begins with it, and much else: it counts if `FAILED_REASON` matches at it."""
FAILED_REASON = re.compile(rb'Failed(?:Create|Mount|Attach|MapVol|Sync|Prepare|PodSand|[\\"]| {2,}\S)')
OTHER_NEEDLES = (b"unshar", b"pair interfaces", b"annot allocate memory", b"NetworkNotReady", b"start container")
"""The kernel's needles find those of them that report ENOMEM; the others are rare without one of the above."""
LIFE_NEEDLES = (b"SyncLoop", b"andbox", b"Creating container: ", b"Created container ", b"Started container")
"""Lines about pods that start, run or go: the readers of a node's pods need them, `explain` does not."""
BYTES_NEEDLE = '"MESSAGE":['
"""The journal prints a message with a control character as a list of bytes, which hides every needle."""

_READ = (
    *(needle.decode() for needle in FAILURE_NEEDLES),
    *(needle.decode() for needle in OTHER_NEEDLES),
    *(needle.decode() for needle in LIFE_NEEDLES if needle not in FAILURE_NEEDLES),
    REASON_NEEDLE.decode(),
    "PodSandBox",
    "Handler for POST",
    "pod container exists",
    "StartContainer",
    "ontainer failed",
)


def worth_reading(line: bytes) -> bool:
    """Return whether a line may be about a pod's start: all lines that are read pass, most others do not."""
    text = line.decode("latin-1")  # Python finds words in a text in a sixth of the time that it takes in bytes.
    return is_about_a_pod(text) or BYTES_NEEDLE in text


def is_about_a_pod(text: str) -> bool:
    """Return whether the words of a record may be about a pod's start."""
    for needle in _READ:  # noqa: SIM110 - called for most lines, any() takes twice as long.
        if needle in text:
            return True
    return False
