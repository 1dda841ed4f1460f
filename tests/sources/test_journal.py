"""The journal child: its command line, and reading it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from fragtui.sources.journal import JournalReader, journal_command


def test_the_command_names_the_journal_of_the_root(tmp_path: Path) -> None:
    (tmp_path / "var/log/journal").mkdir(parents=True)
    command = journal_command(tmp_path, follow=True, since="@1")
    assert command[0] == "journalctl"
    assert f"--directory={tmp_path}/var/log/journal" in command
    assert "--since=@1" in command
    assert "--follow" in command
    assert "--follow" not in journal_command(Path("/"), follow=False)
    assert not any(part.startswith("--directory") for part in journal_command(Path("/"), follow=False))


def test_reading_never_blocks_and_tells_the_end() -> None:
    reader = JournalReader([sys.executable, "-c", "import time; print('line', flush=True); time.sleep(0.3)"])
    try:
        data, begun = b"", time.perf_counter()
        while (part := reader.read()) is not None:
            data += part
            time.sleep(0.01)
            assert time.perf_counter() - begun < 20
        assert data == b"line\n"
    finally:
        reader.close()


def test_closing_ends_the_child_at_once() -> None:
    reader = JournalReader([sys.executable, "-c", "import time; time.sleep(60)"])
    begun = time.perf_counter()
    reader.close()
    assert time.perf_counter() - begun < 10
