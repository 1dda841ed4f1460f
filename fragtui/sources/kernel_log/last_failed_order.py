"""The order of the last failed request, in one pass over the ring."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path

from fragtui.kernel.procfs.buddyinfo import MAX_ORDER
from fragtui.sources.kernel_log.kmsg import MAX_BATCHES, boot_epoch, open_kmsg
from fragtui.text import bounded_int

_HEAD = re.compile(rb"^(\d{1,20}),\d+,(\d{1,20})[^;]*;[^\n]*page allocation failure[:.] order:(\d{1,20})")
_NEEDLE = b"allocation failure"
_DAY = 86_400.0


def last_failed_order(root: Path) -> int | None:
    """Return the order above 0 of the last failed request of the last day, or None if the ring has none.

    Only head lines are read: parsing the reports costs more than the rest of a check.
    """
    try:
        reader = open_kmsg(root / "dev/kmsg", root)
    except OSError:
        return None
    found: int | None = None
    since = (time.time() - _DAY - boot_epoch()) * 1e6
    try:
        for _ in range(MAX_BATCHES):
            batch = reader.read()
            newest = newest_order(batch.records, since)
            found = newest if newest is not None else found
            if batch.drained:
                break
        return found
    except OSError:
        return found
    finally:
        reader.close()


def newest_order(records: Iterable[bytes], since: float) -> int | None:
    """Return the order of the last failure among raw records stamped after `since` (microseconds since boot).

    Only facility 0 is the kernel: any root process may write the others.
    """
    found: int | None = None
    for record in records:
        if _NEEDLE in record and (head := _HEAD.match(record)) and int(head[1]) < 8 and int(head[2]) >= since:
            found = bounded_int(head[3], MAX_ORDER) or found
    return found
