"""The file of a recording, written on its own thread: a disk that does not respond blocks nothing else."""

from __future__ import annotations

import os
import queue
import threading
from pathlib import Path

from fragtui.sources.files.host_files import os_reason


class RecordingFile:
    """A new file of mode 0600 that grows; the first error ends it and is kept in `problem`."""

    def __init__(self, path: Path) -> None:
        """Create the file; raise OSError if that fails or if it exists."""
        self.path = path
        self.problem: str | None = None
        self.written = 0
        """Bytes handed to the kernel."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(path, flags, 0o600)
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        try:
            os.fchmod(self._descriptor, 0o600)
            self._thread.start()
        except BaseException:
            os.close(self._descriptor)
            raise

    def append(self, data: bytes) -> None:
        """Queue data to be written; never waits."""
        if self.problem is None:
            self._waiting.put(data)

    def close(self, seconds: float = 5.0) -> None:
        """Write what is queued and close the file; wait at most `seconds` for it."""
        self._waiting.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive() and self.problem is None:
            self.problem = "the disk does not answer"

    def _run(self) -> None:
        try:
            while (data := self._waiting.get()) is not None:
                self._write(data)
        except OSError as error:
            self.problem = os_reason(error)
        finally:
            os.close(self._descriptor)

    def _write(self, data: bytes) -> None:
        while data:
            count = os.write(self._descriptor, data)
            self.written += count
            data = data[count:]
