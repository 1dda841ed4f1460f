"""A tracefs instance of this process: made, configured, removed; those that dead fragtuis left are removed.

The global instance, which other tools use, is never written to.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

from fragtui.kernel.tracing.event_format import EventFormat, denied_filter, parse_format
from fragtui.sources.files.host_files import os_reason
from fragtui.text import bounded_int, printable

TRACEFS = ("sys/kernel/tracing", "sys/kernel/debug/tracing")
ALLOCATION = "kmem/mm_page_alloc"
EVENTS: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {
    (ALLOCATION,): ("denied requests", ("pfn", "order", "migratetype", "gfp_flags")),
    ("kmem/mm_page_alloc_extfrag",): (
        "fragmentation",
        ("alloc_order", "fallback_order", "alloc_migratetype", "fallback_migratetype", "change_ownership"),
    ),
    ("compaction/mm_compaction_try_to_compact_pages", "compaction/mm_compaction_deferred",
     "compaction/mm_compaction_begin", "compaction/mm_compaction_end"): ("waits for compaction", ("order",)),
    ("vmscan/mm_vmscan_direct_reclaim_begin", "vmscan/mm_vmscan_direct_reclaim_end"):
        ("waits for reclaim", ("order",)),
}  # fmt: skip
"""The events of each part, what it shows, and the names that the line of its first event must print."""
MAX_BUFFER_KB, MIN_BUFFER_KB, MAX_BUFFERS_KB = 128, 16, 16_384
"""Size of the buffer of each CPU, and of all together."""
_NAME = re.compile(r"fragtui-(\d{1,10})-(\d{1,20})-(\d{1,20})")
_LIMIT = 1 << 18
_REMOVE_TRIES = 20
_REMOVE_SECONDS = 0.05


class TracingError(Exception):
    """Why the kernel can't be traced, in one line."""


class TraceInstance:
    """The instance of this process; `close` removes it."""

    def __init__(self, folder: Path) -> None:
        """Make the directory of the instance and configure it; raise TracingError, with nothing left, if that fails."""
        self.path = own_path(folder)
        self.parts: tuple[str, ...] = ()
        """Why parts of the trace are off."""
        self._pipe: int | None = None
        self._free_buffer: int | None = None
        self._stats: list[int] = []
        remove(self.path)
        try:
            self.path.mkdir(mode=0o700)
            self._configure()
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise TracingError(f"{printable(str(error.filename or self.path))}: {os_reason(error)}") from None
            raise

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes of what the events wrote; empty if there is none now. Raises OSError."""
        assert self._pipe is not None
        try:
            return os.read(self._pipe, size)
        except BlockingIOError:
            return b""

    def lost(self) -> int:
        """Return how many events were dropped so far, by the statistics of each CPU's buffer. Raises OSError."""
        lost = 0
        for descriptor in self._stats:
            for line in os.pread(descriptor, 4096, 0).splitlines():
                name, _, count = line.partition(b": ")
                if name in (b"overrun", b"commit overrun", b"dropped events"):
                    lost += bounded_int(count) or 0
        return lost

    @property
    def cpus(self) -> int:
        """How many buffers it has."""
        return len(self._stats)

    def close(self) -> None:
        """Stop the trace and remove the instance; the directory may stay if another process reads in it."""
        with suppress(OSError):
            _write(self.path / "tracing_on", "0")
        descriptors = [fd for fd in (self._pipe, self._free_buffer, *self._stats) if fd is not None]
        self._pipe = self._free_buffer = None
        self._stats = []
        for descriptor in descriptors:
            os.close(descriptor)
        remove(self.path)

    def _configure(self) -> None:
        """Set the filters first, then switch events on: an unfiltered mm_page_alloc is a flood."""
        _write(self.path / "tracing_on", "0")
        cpus = sorted((self.path / "per_cpu").glob("cpu*/stats"))
        _write(self.path / "buffer_size_kb", str(buffer_kb(len(cpus))))
        _write(self.path / "trace_clock", "mono")
        # The kernel stops the trace and frees the buffers when the descriptor is closed, even by SIGKILL.
        with suppress(OSError):
            _write(self.path / "options/disable_on_free", "1")
        self._free_buffer = os.open(self.path / "free_buffer", os.O_WRONLY | os.O_CLOEXEC)
        problems = {part: self._prepare(part) for part in EVENTS}
        self.parts = tuple(f"{EVENTS[part][0]}: {why}" for part, why in problems.items() if why is not None)
        if all(why is not None for why in problems.values()):
            raise TracingError("; ".join(self.parts))
        for part, why in problems.items():
            for event in part if why is None else ():
                _write(self.path / f"events/{event}/enable", "1")
        self._pipe = os.open(self.path / "trace_pipe", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._stats = [os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in cpus]
        _write(self.path / "tracing_on", "1")

    def _prepare(self, part: tuple[str, ...]) -> str | None:
        """Check that this kernel has the events of a part and set their filters; return why it can't be traced."""
        for event in part:
            try:
                known = self._format(event)
            except FileNotFoundError:
                return f"this kernel has no event {event}"
            if known is None:
                return f"the format of {event} can't be read"
            missing = [name for name in EVENTS[part][1] if name not in known.printed] if event == part[0] else []
            if missing:
                return f"{event} of this kernel has no {', '.join(missing)}"
            if event == ALLOCATION and (why := self._filter(event, known)) is not None:
                return why
        return None

    def _filter(self, event: str, known: EventFormat) -> str | None:
        """Set the filter for denied requests; return why the kernel does not have it now."""
        wanted = denied_filter(known)
        if wanted is None:
            return f"{event} of this kernel does not show denied requests"
        try:
            _write(self.path / f"events/{event}/filter", wanted)
        except OSError as error:
            return f"the kernel refused the filter {wanted}: {os_reason(error)}"
        return None if self._read(f"events/{event}/filter").strip() == wanted else "the kernel changed the filter"

    def _format(self, event: str) -> EventFormat | None:
        return parse_format(self._read(f"events/{event}/format"))

    def _read(self, name: str) -> str:
        descriptor = os.open(self.path / name, os.O_RDONLY | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as file:
            text = b""
            while len(text) < _LIMIT and (chunk := file.read(_LIMIT)):
                text += chunk
        return text.decode("utf-8", "replace")


def _write(path: Path, text: str) -> None:
    """Write a file that exists. Raises OSError with its path."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        os.close(descriptor)


def tracefs(root: Path) -> Path:
    """Return where tracefs is mounted and may be written; raise TracingError with the reason if it is not."""
    places = [root / place for place in TRACEFS]
    for place in places:
        # debugfs mounts it when it is opened.
        with suppress(OSError):
            (place / "instances").stat()
            if not os.access(place / "instances", os.W_OK):
                raise TracingError(f"{place}/instances can't be written: needs root, and is closed by lockdown")
            return place
    if os.geteuid() != 0:
        raise TracingError("tracefs can be read by root only; run as root")
    raise TracingError(f"tracefs is not mounted: mount -t tracefs nodev {places[0]}")


def buffer_kb(cpus: int) -> int:
    """Return the KiB of the buffer of each CPU."""
    return max(MIN_BUFFER_KB, min(MAX_BUFFER_KB, MAX_BUFFERS_KB // max(1, cpus)))


def cpu_count(folder: Path) -> int:
    """Return how many buffers an instance gets: those of the global one, one for each possible CPU."""
    return sum(1 for _ in (folder / "per_cpu").glob("cpu*"))


def own_path(folder: Path) -> Path:
    """Return the directory of this process's instance."""
    return folder / "instances" / own_name()


def own_name() -> str:
    """Return the name of this process's instance: its pid, when it was started, and its PID namespace."""
    pid = os.getpid()
    return f"fragtui-{pid}-{_started(pid) or 0}-{_namespace()}"


def remove_stale(folder: Path) -> int:
    """Remove the instances of fragtuis that have ended; return how many.

    One is removed only if its name has the PID namespace of this process, and no process of that pid and start time is
    there: in another namespace a pid says nothing.
    """
    removed = 0
    for path in (folder / "instances").iterdir():
        found = _NAME.fullmatch(path.name)
        if found is None or int(found[3]) != _namespace() or _started(int(found[1])) == int(found[2]):
            continue
        with suppress(OSError):
            _write(path / "tracing_on", "0")
        removed += remove(path)
    return removed


def remove(path: Path) -> bool:
    """Remove an instance; return whether it is gone. The kernel refuses while another process reads in it."""
    for _ in range(_REMOVE_TRIES):
        try:
            path.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            time.sleep(_REMOVE_SECONDS)
        else:
            return True
    return False


def _started(pid: int) -> int | None:
    """Return when a process was started, clock ticks since boot; None if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = text.rpartition(b")")[2].split()
    # A zombie holds no descriptor and reads nothing: it has ended.
    return bounded_int(fields[19]) if len(fields) > 19 and fields[0] not in (b"Z", b"X") else None


def _namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino
