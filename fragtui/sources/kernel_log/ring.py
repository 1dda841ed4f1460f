"""The kernel's ring read at once, and what else describes the running kernel: its release, its names of flags."""

from __future__ import annotations

import time
from pathlib import Path

from fragtui.kernel.gfp.flags import GfpTable, parse_print_fmt
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.sources.files.host_files import errno_words, read_text
from fragtui.sources.kernel_log.incident_stream import IncidentStream
from fragtui.sources.kernel_log.kmsg import MAX_BATCHES, KmsgReader, boot_epoch, open_kmsg, sequence_of
from fragtui.text import bounded_int, epoch_seconds, printable

DAY = 86_400.0
_TRACE_FORMATS = ("sys/kernel/tracing", "sys/kernel/debug/tracing")


def running_gfp_table(root: Path) -> GfpTable | None:
    """Return the running kernel's own flag names, or None if tracefs is not mounted or not readable."""
    for place in _TRACE_FORMATS:
        text = read_text(root, f"{place}/events/kmem/mm_page_alloc/format")
        if text is not None and (table := parse_print_fmt(text)) is not None:
            return table
    return None


def running_release(root: Path) -> str | None:
    """Return the release of the kernel under a root, or None."""
    return printable(read_text(root, "proc/sys/kernel/osrelease") or "", 100) or None


def read_ring(root: Path) -> KernelLogUpdate:
    """Return the last day's content of the kernel's ring. Takes milliseconds; raises no OSError."""
    try:
        reader = open_kmsg(root / "dev/kmsg", root)
    except OSError as error:
        return KernelLogUpdate((), (), 0, (), "none", f"/dev/kmsg: {errno_words(error)}")
    try:
        stream = IncidentStream("kmsg", running_gfp_table(root), running_release(root), boot=boot_epoch())
        lost, oldest = drain(reader, stream)
        stream.finish()
        stream.looked(ring_proof(stream.records, oldest))
        return stream.update("/dev/kmsg", lost, since=time.time() - DAY)
    except OSError as error:
        return KernelLogUpdate((), (), 0, (), "none", f"/dev/kmsg: {errno_words(error)}")
    finally:
        reader.close()


def drain(reader: KmsgReader, stream: IncidentStream) -> tuple[int, bytes | None]:
    """Feed the available records; return how many were lost, and the first record."""
    lost, first = 0, None
    for _ in range(MAX_BATCHES):
        batch = reader.read()
        lost += batch.lost
        if batch.lost:
            stream.finish()
        for record in batch.records:
            first = first or record
            stream.feed_kmsg(record)
        if batch.drained:
            break
    return lost, first


def stream_time(record: bytes | None) -> float | None:
    """Return the epoch second of a raw record of /dev/kmsg, or None."""
    parts = (record or b"").split(b",", 3)
    stamp = bounded_int(parts[2]) if len(parts) == 4 else None
    return None if stamp is None else epoch_seconds(boot_epoch() + stamp / 1e6)


def ring_proof(records: int, first: bytes | None) -> str:
    """Return what was read of the ring, given its first record: ``1,204 records since boot``."""
    count = f"{records:,} record{'' if records == 1 else 's'}"
    if first is None:
        return count
    if sequence_of(first) == 0:
        return f"{count} since boot"
    stamp = stream_time(first)
    return count if stamp is None else f"{count} since {time.strftime('%d %b %H:%M', time.localtime(stamp))}"
