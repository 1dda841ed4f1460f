"""The journal child: its command line, and reading it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from fragtui.sources.files import trust
from fragtui.sources.kernel_log.journal import JournalReader, journal_command, why_no_journal
from tests.support.trusted import programs_in, trusted_folder


def test_the_command_names_the_journal_of_the_root(tmp_path: Path) -> None:
    (tmp_path / "var/log/journal").mkdir(parents=True)
    with trusted_folder() as folder, programs_in(folder):
        (folder / "journalctl").touch(0o755)
        command = journal_command(tmp_path, follow=True, since="@1")
        own = journal_command(Path("/"), follow=False)
    assert command[0] == f"{folder}/journalctl"
    assert f"--directory={tmp_path}/var/log/journal" in command
    assert "--since=@1" in command
    assert "--follow" in command
    assert "--follow" not in own
    assert not any(part.startswith("--directory") for part in own)


def test_a_journalctl_that_is_not_roots_own_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "var/log/journal").mkdir(parents=True)
    with trusted_folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(trust, "PROGRAM_FOLDERS", (str(folder),))
        assert why_no_journal(tmp_path) == "journalctl is not installed"
        (folder / "journalctl").touch(0o777)
        (folder / "journalctl").chmod(0o777)
        assert why_no_journal(tmp_path) == f"{folder}/journalctl can be written by others than root (mode 0777)"


def test_reading_never_blocks_and_reports_the_end() -> None:
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
