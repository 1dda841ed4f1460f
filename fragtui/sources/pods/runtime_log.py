"""Follows the logs of the kubelet and the container runtime on one daemon thread: journal units and files."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_log_reader import PodLogReader
from fragtui.logs.parser import LogParser
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.log_files import FollowedFile, readable
from fragtui.sources.files.trust import Opener, open_at_once, opener_of
from fragtui.sources.host.identity import is_live
from fragtui.sources.host.layouts import OWN_LOGS
from fragtui.sources.kernel_log.incident_stream import LineSplitter
from fragtui.sources.kernel_log.journal import JournalReader, journal_directory, journalctl, why_no_journal
from fragtui.sources.pods.backoff import Backoff
from fragtui.sources.pods.interfaces import PodSink
from fragtui.text import LINE_BYTES, counted, printable

UNITS = (
    "kubelet",
    "containerd",
    "docker",
    "crio",
    "cri-docker",
    "k3s",
    "k3s-agent",
    "rke2-server",
    "rke2-agent",
    "snap.microk8s.daemon-kubelite",
    "snap.microk8s.daemon-kubelet",
    "snap.microk8s.daemon-containerd",
)
SYSLOG_FILES = ("var/log/messages", "var/log/syslog")
OWN_FILES = OWN_LOGS
"""Logs that are not in the journal."""
SOURCE_NAME = "kubelet log"
LOG_CANNOT_SHOW = "pods that wait without an error"
NOTHING = "found no journal and no log of kubelet or runtime: use --kubelet-log FILE"
_HISTORY = "-30min"
_TAIL = 8 * 1024 * 1024
_PIECE = 64 * 1024
"""Bytes of a log's end that are parsed before the result is passed on."""
_READS_AT_ONCE = 4
"""Blocks read of one file before the other files get their turn."""
_POLL_SECONDS = (0.25, 1.0)
"""Seconds between checks for new lines: soon after the last ones, and when the log is quiet."""
_QUIET_SECONDS = 5.0
_PARSED_A_SECOND = 500.0
_PARSED_AT_ONCE = 8000.0
"""Lines that may be parsed at once: as many as the journal has in half an hour."""
_FIELDS = "MESSAGE,SYSLOG_IDENTIFIER,SYSLOG_FACILITY,PRIORITY,_PID,_HOSTNAME,_TRANSPORT,_COMM"


def unit_journal_command(root: Path) -> list[str]:
    """Return the command that follows the journal of kubelet and runtime units under `root` as JSON lines.

    Raises OSError if there is no journalctl to run.
    """
    command = [journalctl(), "--output=json", f"--output-fields={_FIELDS}", "--all", "--no-pager", "--quiet"]
    if root != Path("/"):
        command.append(f"--directory={journal_directory(root)}")
    return [*command, "--follow", f"--since={_HISTORY}", *(f"_SYSTEMD_UNIT={unit}.service" for unit in UNITS)]


class PodLineParser:
    """Converts the relevant lines of one log to observations. If a parser fails on a line, only this line is lost."""

    def __init__(self, clock: Callable[[], float], utc_offset: float) -> None:
        self._parser = LogParser(now=clock())
        self._reader = PodLogReader(clock, utc_offset)
        self.unread = 0
        """Lines on which a parser failed."""

    @property
    def busy(self) -> bool:
        """Whether the next line may belong to the last one."""
        return self._parser.busy or self._reader.busy

    def worth_reading(self, line: bytes) -> bool:
        """Return whether the line may report on a pod, or continue a line that does."""
        return self._parser.busy or self._reader.worth_reading(line)

    def feed(self, line: bytes, number: int | None = None, torn: bool = False) -> list[PodObservation]:
        """Return the observations of the line."""
        try:
            records = self._parser.feed(line, number, torn)
            return [observation for record in records for observation in self._reader.feed(record)]
        except Exception:
            self.unread += 1
            return []

    def skip(self) -> None:
        """Mark that lines were left out here."""
        self._parser.skip()

    def finish(self) -> tuple[PodObservation, ...]:
        """Return pending observations: no more lines for now."""
        try:
            return self._reader.finish()
        except Exception:
            self.unread += 1
            return ()

    def end(self) -> tuple[PodObservation, ...]:
        """Return the observations completed by the end of the log."""
        try:
            rest = [observation for record in self._parser.finish() for observation in self._reader.feed(record)]
        except Exception:
            self.unread += 1
            rest = []
        return (*rest, *self.finish())


class PacedReader:
    """Converts the bytes of one log to observations. It limits the lines parsed per second: a flood is sampled."""

    def __init__(
        self, clock: Callable[[], float] = time.time, on_lines: Callable[[Sequence[bytes]], None] | None = None
    ) -> None:
        """`on_lines`, if set, gets the relevant lines of each reading."""
        self._splitter = LineSplitter()
        self._lines = PodLineParser(clock, float(time.localtime(clock()).tm_gmtoff))
        self._on_lines = on_lines
        self._room = _PARSED_AT_ONCE
        self._filled = time.monotonic()
        self.left_out = 0
        """Relevant lines that were not read."""

    @property
    def unread(self) -> int:
        """Lines that no parser could read."""
        return self._lines.unread

    @property
    def cut(self) -> int:
        """Lines that were too long."""
        return self._splitter.cut.count

    @property
    def not_read(self) -> tuple[int, int, int]:
        """The numbers of unread lines of a flood, of unparsable lines and of cut lines."""
        return self.left_out, self.unread, self.cut

    def read(self, data: bytes, whole: bool = False) -> tuple[PodObservation, ...]:
        """Return the observations of the data; `whole` reads all of it, of any length."""
        now = time.monotonic()
        self._room = min(_PARSED_AT_ONCE, self._room + (now - self._filled) * _PARSED_A_SECOND)
        self._filled = now
        observations: list[PodObservation] = []
        taken: list[bytes] = []
        for line in self._splitter.lines(data):
            if not self._lines.worth_reading(line):
                continue
            if self._room < 1 and not whole:
                self.left_out += 1
                continue
            self._room -= 1
            observations.extend(self._lines.feed(line))
            if self._on_lines is not None:
                taken.append(line)
        observations.extend(self._lines.finish())
        if self._on_lines is not None and taken:
            self._on_lines(taken)
        return tuple(observations)


class RuntimeLog:
    """Reports the observations in the logs of kubelet and runtime, from half an hour ago on."""

    name = SOURCE_NAME

    def __init__(
        self,
        root: Path,
        sink: PodSink,
        choice: str = "auto",
        on_log: Callable[[], Callable[[Sequence[bytes]], None]] | None = None,
    ) -> None:
        """`choice` is ``auto``, ``none``, or files separated by commas; `on_log` returns a receiver of log lines."""
        self._root = root
        self._sink = sink
        self._choice = choice
        self._on_log = on_log
        self._refused: list[str] = []
        """Why existing logs are not read."""
        self._stopping = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)

    def start(self) -> None:
        """Start on a daemon thread."""
        threading.Thread(target=self._read, name="fragtui-kubelet-log", daemon=True).start()

    def stop(self) -> None:
        """Stop soon; never waits."""
        self._stopping.set()
        try:
            os.write(self._wake_write, b"x")
        except OSError:
            return

    def _read(self) -> None:
        try:
            self._run()
        except Exception as error:
            # An internal error: the last reading must not pass for the current state.
            self._sink.state(SOURCE_NAME, "absent", f"its reader failed ({type(error).__name__})")
            raise

    def _run(self) -> None:
        if self._choice == "none":
            self._sink.state(SOURCE_NAME, "off", "switched off")
            return
        journal = self._choice == "auto" and why_no_journal(self._root) is None
        opener = open_at_once if self._choice != "auto" else opener_of(self._root, live=is_live(self._root))
        files, self._refused = readable(self._wanted(journal), opener)
        if not journal and not files:
            self._sink.state(SOURCE_NAME, "absent", self._why_nothing())
            return
        followed = [(FollowedFile(path, opener=opener), self._reader(), path) for path in files]
        names = [str(path) for path in files]
        self._live(["journal", *names] if journal else names)
        for _, reader, path in followed:
            for piece in _tail(path, opener):
                self._report(reader.read(piece, whole=True))
                if self._stopping.is_set():
                    break
        self._follow(followed, journal, names)

    def _reader(self) -> PacedReader:
        return PacedReader(on_lines=self._on_log() if self._on_log is not None else None)

    def _wanted(self, journal: bool) -> list[Path]:
        if self._choice != "auto":
            return [path for name in self._choice.split(",") if (path := Path(name)).is_file()]
        return [self._root / name for name in (OWN_FILES if journal else (*SYSLOG_FILES, *OWN_FILES))]

    def _why_nothing(self) -> str:
        for name in () if self._choice == "auto" else self._choice.split(","):
            try:
                Path(name).stat()
            except OSError as error:
                return f"{printable(name)}: {os_reason(error)}"
        if self._refused:
            return f"not read: {'; '.join(self._refused)}: use --kubelet-log FILE"
        if (self._root / "var/log/journal").is_dir() and (why := why_no_journal(self._root)) is not None:
            return f"the journal can't be read: {why}: use --kubelet-log FILE"
        return NOTHING

    def _follow(self, followed: list[tuple[FollowedFile, PacedReader, Path]], journal: bool, names: list[str]) -> None:
        backoff = Backoff(1.0, 60.0)
        child: JournalReader | None = None
        journal_reader = self._reader()
        retry_at = 0.0
        reported: tuple[int, ...] = (0, 0, 0)
        quiet_since = time.monotonic()
        more = False
        while not self._stopping.is_set():
            if journal and child is None and time.monotonic() >= retry_at:
                child, retry_at = self._start_journal(backoff)
            now = time.monotonic()
            files_due = _POLL_SECONDS[now - quiet_since > _QUIET_SECONDS] if followed else None
            files_due = 0.0 if more else files_due
            self._wait(child, files_due, max(0.0, retry_at - now) if journal and child is None else None)
            more = False
            for file, reader, _ in followed:
                reads = 0
                while reads < _READS_AT_ONCE and not self._stopping.is_set() and (data := file.read()):
                    reads += 1
                    quiet_since = time.monotonic()
                    self._report(reader.read(data))
                more |= reads == _READS_AT_ONCE
            if child is not None:
                read_data = child.read()
                if read_data is None:
                    child.close()
                    child, retry_at = None, time.monotonic() + backoff.wait()
                elif read_data:
                    backoff.reset()
                    self._report(journal_reader.read(read_data))
            readers = (journal_reader, *(reader for _, reader, _ in followed))
            left_out, unread, cut = (
                sum(counts) for counts in zip(*(reader.not_read for reader in readers), strict=True)
            )
            if (left_out, unread, cut) != reported:
                reported = (left_out, unread, cut)
                self._live(["journal", *names] if journal else names, *reported)
        if child is not None:
            child.close()
        for file, _, _ in followed:
            file.close()

    def _start_journal(self, backoff: Backoff) -> tuple[JournalReader | None, float]:
        try:
            return JournalReader(unit_journal_command(self._root)), 0.0
        except OSError as error:
            self._sink.state(SOURCE_NAME, "waiting", f"journalctl: {os_reason(error)}")
            return None, time.monotonic() + backoff.wait()

    def _wait(self, child: JournalReader | None, *seconds: float | None) -> None:
        """Wait for the journal, `stop`, or the shortest of these times."""
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        if child is not None:
            poll.register(child.fileno(), select.POLLIN)
        times = [time for time in seconds if time is not None]
        poll.poll(min(times) * 1000 if times else None)

    def _report(self, observations: tuple[PodObservation, ...]) -> None:
        if observations:
            self._sink.observations(observations)

    def _live(self, names: list[str], left_out: int = 0, unread: int = 0, cut: int = 0) -> None:
        not_read = "".join(f"; not read: {why}" for why in self._refused)
        not_read += f"; {left_out} lines of a flood were not read" if left_out else ""
        not_read += f"; {unread_words(unread)}" if unread else ""
        not_read += f"; {counted(cut, 'line')} cut at {LINE_BYTES >> 10} KiB" if cut else ""
        self._sink.state(SOURCE_NAME, "live", f"{LOG_CANNOT_SHOW}{not_read} (reads {', '.join(names)})")


def unread_words(lines: int) -> str:
    """Return the notice that this number of lines could not be read."""
    return f"{counted(lines, 'line')} could not be read"


def _tail(path: Path, opener: Opener) -> Iterator[bytes]:
    """Yield the end of a log from a line's start, at most 8 MiB, in pieces; nothing if it can't be read."""
    try:
        with os.fdopen(opener(path), "rb", buffering=0) as log:
            size = os.fstat(log.fileno()).st_size
            start = log.seek(max(0, size - _TAIL))
            left, cut = size - start, start > 0
            while left > 0 and (piece := log.read(min(left, _PIECE))):
                left -= len(piece)
                if cut:
                    _, newline, piece = piece.partition(b"\n")
                    cut = not newline
                yield piece
    except OSError:
        return
