"""The journal child: its command line, and reading it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from fragtui.sources.files import trust
from fragtui.sources.kernel_log.journal import JournalReader, journal_command, journal_place, why_no_journal
from tests.support.pod_sink import until
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


def journal_file(root: Path, place: str, text: bytes = b"LPKSHHRH") -> Path:
    folder = root / place / "0123456789abcdef0123456789abcdef"
    folder.mkdir(parents=True)
    (folder / "system.journal").write_bytes(text)
    return folder / "system.journal"


def test_the_place_is_the_folder_that_holds_files_or_every_file_of_both(tmp_path: Path) -> None:
    (tmp_path / "var/log/journal").mkdir(parents=True)
    assert journal_place(tmp_path) == (f"--directory={tmp_path}/var/log/journal",)
    volatile = journal_file(tmp_path, "run/log/journal")
    assert journal_place(tmp_path) == (f"--directory={tmp_path}/run/log/journal",)
    persistent = journal_file(tmp_path, "var/log/journal")
    (persistent.parent / "user-1000.journal").write_bytes(b"no journal: journalctl would read none")
    os.mkfifo(persistent.parent / "user-1001.journal")
    assert journal_place(tmp_path) == (f"--file={volatile}", f"--file={persistent}")
    assert journal_place(Path("/")) == ()


def test_a_flushed_journal_is_followed_behind_its_last_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fragtui.sources.kernel_log.journal.JOURNAL_CHECK_SECONDS", 0.1)
    volatile = journal_file(tmp_path, "run/log/journal")
    with trusted_folder() as folder, programs_in(folder):
        program = folder / "journalctl"
        program.write_text(
            f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n'
            'echo \'{"__CURSOR":"s=1;i=2","MESSAGE":"\\"__CURSOR\\":\\"s=6;i=6\\""}\'\n'
            "trap exit TERM; while :; do sleep 0.02; done\n"
        )
        program.chmod(0o755)
        reader = JournalReader(journal_command(tmp_path, follow=True, since="@1"), tmp_path)
        volatile.unlink()
        journal_file(tmp_path, "var/log/journal")
        calls = tmp_path / "calls"
        try:
            assert until(
                lambda: reader.read() is not None and calls.exists() and len(calls.read_text().split("\n")) > 2
            )
        finally:
            reader.close()
    first, second, *_ = calls.read_text().splitlines()
    assert f"--directory={tmp_path}/run/log/journal" in first and "--since=@1" in first
    assert f"--directory={tmp_path}/var/log/journal" in second and "--since" not in second
    assert "--after-cursor=s=1;i=2" in second and "--follow" in second


def test_a_journalctl_that_ends_again_and_again_is_not_asked_for_a_record_that_it_may_not_find(tmp_path: Path) -> None:
    with trusted_folder() as folder, programs_in(folder):
        program = folder / "journalctl"
        program.write_text(
            f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n[ $# = 1 ] && echo \'{{"__CURSOR":"s=1"}}\'; exit 0\n'
        )
        program.chmod(0o755)
        reader = JournalReader(["/bin/false", "--since=x"], Path("/"))
        for _ in range(4):
            assert until(lambda: reader.read() is None)
            reader.restart()
        assert until(lambda: reader.read() is None)
        reader.close()
    asked = (tmp_path / "calls").read_text().splitlines()
    assert asked == ["--since=x", "--after-cursor=s=1 --lines=all", "--since=x", "--after-cursor=s=1 --lines=all"]


def test_the_last_words_of_a_child_are_bounded_and_printable() -> None:
    write = "import sys; sys.stderr.write('x' * 200000 + '\\n\\033[31mred ' + 'y' * 500 + '\\n'); sys.exit(1)"
    reader = JournalReader([sys.executable, "-c", write])
    assert until(lambda: reader.read() is None)
    assert reader.why_ended().startswith("\\x1b[31mred yyy") and len(reader.why_ended()) <= 200
    reader.close()
