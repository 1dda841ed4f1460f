"""A journalctl without a journal."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


class Journal:
    """A journalctl that prints what is in a file, as the real one does: what it was asked is kept."""

    def __init__(self, folder: Path) -> None:
        self.entries = folder / "entries"
        self.entries.write_bytes(b"")
        self.ends = folder / "ends"
        """While it exists, every journalctl ends."""
        self._calls = folder / "calls"
        self.program = program = folder / "journalctl"
        program.write_text(f"""#!{sys.executable}
import os, sys, time
open({str(self._calls)!r}, "a").write(" ".join(sys.argv[1:]) + "\\n")
with open({str(self.entries)!r}, "rb") as entries:
    while True:
        sys.stdout.buffer.write(entries.read())
        sys.stdout.flush()
        if os.path.exists({str(self.ends)!r}):
            sys.exit(3)
        if "--follow" not in sys.argv:
            break
        time.sleep(0.02)
""")
        program.chmod(0o755)

    def add(self, *messages: str, ago: float = 1.0) -> None:
        stamp = str(int((time.time() - ago) * 1e6))
        with self.entries.open("a") as file:
            for message in messages:
                entry = {"__REALTIME_TIMESTAMP": stamp, "_TRANSPORT": "kernel", "MESSAGE": message}
                file.write(json.dumps({**entry, "PRIORITY": "4", "SYSLOG_IDENTIFIER": "kernel"}) + "\n")

    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines() if self._calls.exists() else []
