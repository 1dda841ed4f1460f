"""The audit log is read and written only if no other user can have made it, in little time and memory."""

import fcntl
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fragtui.commands.record.exporter import NodeSource
from fragtui.model.node.verdict import Thresholds
from fragtui.model.remedy.audit_entry import format_entry
from fragtui.model.remedy.remedy_history import EndEntry, Entry, IntentEntry, Result
from fragtui.remedies.audit import log as audit_module
from fragtui.remedies.audit.history import read_history
from fragtui.remedies.audit.log import MAX_ENTRIES, AuditError, AuditLog
from fragtui.remedies.audit.path import DEFAULT_AUDIT_PATH, audit_path
from fragtui.sources.files.own_files import OwnFile
from fragtui.sources.files.own_log import MAX_LINE, MAX_OWN_LOG, OwnLog
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.recording.recorder import Recorder
from tests.support.host_tree import HostTree
from tests.support.trusted import umask

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
NOBODY = 65534


def intent(name: str = "a") -> IntentEntry:
    return IntentEntry(name, 1.0, "compact", ("writes '1'",), ("/x",), "screen", 1, 0)


def write(path: Path, *entries: Entry, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(b"".join(map(format_entry, entries)))
    path.chmod(mode)
    return path


def read_bytes() -> int:
    """Return how much this process has read so far, from wherever."""
    return int(Path("/proc/self/io").read_text().split()[1])


def plant_link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def plant_link(path: Path) -> None:
    path.symlink_to(write(path.with_name("other"), intent()))


def plant_fifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def plant_hard_link(path: Path) -> None:
    path.hardlink_to(write(path.with_name("other"), intent()))


def plant_writable(path: Path) -> None:
    write(path, intent(), mode=0o620)


def plant_foreign(path: Path) -> None:
    os.chown(write(path, intent()), NOBODY, NOBODY)


PLANTS = [
    (plant_link_to_a_device, "is a link"),
    (plant_link, "is a link"),
    (plant_fifo, "not a regular file"),
    (plant_hard_link, "has 2 hard links"),
    (plant_writable, r"can be written by others than root \(mode 0620\)"),
    pytest.param(plant_foreign, "belongs to uid 65534, not to root", marks=as_root),
]


@pytest.mark.parametrize(("plant", "why"), PLANTS)
def test_what_another_user_may_have_made_is_neither_read_nor_written(
    plant: Callable[[Path], None], why: str, tmp_path: Path
) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    plant(log.path)
    before, begun = read_bytes(), time.monotonic()
    reading = log.read()
    assert reading.entries == () and len(reading.problems) == 1
    with pytest.raises(AuditError, match=why) as refused:
        log.append(intent("b"))
    assert str(refused.value) == reading.problems[0], "both name the file and say why"
    assert time.monotonic() - begun < 2 and read_bytes() - before < 1 << 16
    if (other := tmp_path / "other").exists():
        assert other.read_bytes() == format_entry(intent())


@pytest.mark.parametrize("place", [plant_writable, pytest.param(plant_foreign, marks=as_root)])
def test_a_folder_that_others_may_write_is_no_place_for_the_log(place: Callable[[Path], None], tmp_path: Path) -> None:
    found = OwnFile(write(tmp_path / DEFAULT_AUDIT_PATH, intent()), tmp_path)
    assert AuditLog(found).read().entries == (intent(),)
    mode, owner = (0o777, 0) if place is plant_writable else (0o755, NOBODY)
    found.path.parent.chmod(mode)
    if owner:
        os.chown(found.path.parent, owner, owner)
    reading = AuditLog(found).read()
    assert reading.entries == () and "/var/log/fragtui" in reading.problems[0]
    with pytest.raises(AuditError, match="/var/log/fragtui"):
        AuditLog(found).append(intent("b"))


def test_a_folder_that_the_user_names_is_the_users_choice(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    log = AuditLog(tmp_path / "audit.jsonl")
    log.append(intent())
    assert log.read().entries == (intent(),)


@pytest.mark.parametrize("mask", [0, 0o022, 0o777])
def test_its_mode_is_0600_whatever_the_umask(mask: int, tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "new/audit.jsonl")
    with umask(mask):
        log.append(intent())
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.path.parent.stat().st_mode) == 0o700


def test_a_process_that_stopped_while_writing_blocks_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_module, "_LOCK_WAIT", 0.1)
    log = AuditLog(write(tmp_path / "audit.jsonl", intent()))
    with log.path.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(AuditError, match=r"audit\.jsonl: another process holds its lock"):
            log.append(intent("b"))
        assert log.read().entries == (intent(),)
    log.append(intent("b"))


@pytest.mark.slow
def test_only_what_was_added_is_read(tmp_path: Path) -> None:
    log = AuditLog(write(tmp_path / "audit.jsonl", *(intent(str(n)) for n in range(5000))))
    assert len(log.read().entries) == 5000
    before = read_bytes()
    for number in range(50):
        log.append(intent(f"x{number}"))
        assert log.read().entries[-1] == intent(f"x{number}")
    assert read_bytes() - before < 50 * 10_000 < log.path.stat().st_size
    assert log.read() is not None and len(log.read().entries) == 5050


@pytest.mark.slow
def test_the_exporter_reads_only_what_was_added(tmp_path: Path) -> None:
    HostTree.small(tmp_path / "host")
    path = write(tmp_path / "audit.jsonl", *(intent(str(n)) for n in range(5000)))
    source = NodeSource(tmp_path / "host", 3, path, Thresholds())

    def count() -> float:
        (remedies,) = [family for family in source.families() if family.name == "fragtui_remedies"]
        return sum(value for _, value in remedies.samples)

    first = count()
    before = read_bytes()
    write(path, intent("new"))
    assert count() == first + 1
    assert read_bytes() - before < path.stat().st_size // 4


@pytest.mark.parametrize("what", ["replaced", "cut off", "written again"])
def test_another_log_in_its_place_is_read_from_its_beginning(what: str, tmp_path: Path) -> None:
    log = AuditLog(write(tmp_path / "audit.jsonl", intent("a"), intent("b")))
    assert len(log.read().entries) == 2
    if what == "replaced":
        log.path.unlink()
    elif what == "cut off":
        os.truncate(log.path, 0)
    else:
        log.path.write_bytes(format_entry(intent("zzzzz")) * 2)
    write(log.path, intent("c"), intent("d"), intent("e"))
    assert [entry.id for entry in log.read().entries][-3:] == ["c", "d", "e"]
    assert all(entry.id not in "ab" for entry in log.read().entries)


def test_rotation_between_two_readings_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl", size=600, kept=9)
    seen = 0
    for number in range(40):
        log.append(intent(f"{number:02}"))
        if number % 7 == 0:
            seen = len(log.read().entries)
            assert seen == number + 1
    assert [entry.id for entry in log.read().entries] == [f"{number:02}" for number in range(40)]
    assert 0 < seen < 40


@pytest.mark.slow
def test_of_a_huge_log_the_newest_entries_are_read_in_little_time_and_memory(tmp_path: Path) -> None:
    block = b"".join(format_entry(intent(f"{n:06}")) for n in range(20_000))
    path = tmp_path / "audit.jsonl"
    with path.open("wb") as file:
        for _ in range(8):
            file.write(block)
    path.chmod(0o600)
    assert path.stat().st_size > 6 * MAX_OWN_LOG
    before, begun = read_bytes(), time.process_time()
    reading = AuditLog(path).read()
    assert time.process_time() - begun < 5 and read_bytes() - before < 2 * MAX_OWN_LOG
    assert reading.left_out and not reading.problems
    assert 1000 < len(reading.entries) <= MAX_ENTRIES and reading.entries[-1] == intent("019999")


@pytest.mark.slow
def test_the_history_reports_that_older_entries_were_skipped(tmp_path: Path) -> None:
    path = write(
        tmp_path / "audit.jsonl", intent("first"), *[intent("a")] * (MAX_OWN_LOG // len(format_entry(intent())))
    )
    ran = subprocess.run(
        [sys.executable, "-m", "fragtui", "history", "--audit", str(path), "--last", "1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == "fragtui history: older entries left out: only the last 4M of the log are read\n"
    write(path.with_name("short"), intent())
    assert read_history(AuditLog(path.with_name("short")), Path("/")).problems == ()


def test_what_is_kept_is_bounded_however_long_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_module, "MAX_ENTRIES", 100)
    log = AuditLog(tmp_path / "audit.jsonl")
    for number in range(200):
        write(log.path, *[EndEntry(f"{number}", 2.0, Result.DONE, 1.0)] * 3)
        reading = log.read()
        assert 3 <= len(reading.entries) <= 100 and reading.entries[-1].id == f"{number}"
        assert reading.left_out == (number > 32)


def test_a_line_that_is_too_long_is_no_entry_and_takes_no_other_with_it(tmp_path: Path) -> None:
    path = write(tmp_path / "audit.jsonl", intent("a"))
    log = AuditLog(path)
    log.read()
    with path.open("ab") as file:
        file.write(b'{"v": 1, "x": "' + b"x" * MAX_LINE)
    assert log.read().problems == (f"{path}: line 2: not an entry",)
    with path.open("ab") as file:
        file.write(b'y"}\n' + format_entry(intent("b")))
    assert log.read().entries == (intent("a"), intent("b")) and len(log.read().problems) == 1
    with pytest.raises(AuditError, match="too long"):
        log.append(intent("x" * MAX_LINE))


def saved(tmp_path: Path) -> Path:
    host = tmp_path / "host"
    HostTree.small(host)
    (host / DEFAULT_AUDIT_PATH).parent.mkdir(parents=True)
    return host


def test_in_a_saved_tree_no_link_leads_out_and_nothing_waits(tmp_path: Path) -> None:
    host = saved(tmp_path)
    write(tmp_path / "secret.jsonl", intent("secret"))
    (host / DEFAULT_AUDIT_PATH).symlink_to(tmp_path / "secret.jsonl")
    assert AuditLog(audit_path(None, host)).read().entries == ()
    (host / DEFAULT_AUDIT_PATH).unlink()
    os.mkfifo(host / DEFAULT_AUDIT_PATH)
    assert "not a regular file" in AuditLog(audit_path(None, host)).read().problems[0]


def test_in_a_saved_tree_it_is_read_whatever_its_owner_and_never_written(tmp_path: Path) -> None:
    host = saved(tmp_path)
    write(host / "var/real.jsonl", intent(), mode=0o666)
    (host / DEFAULT_AUDIT_PATH).symlink_to("/var/real.jsonl")
    log = AuditLog(audit_path(None, host))
    assert log.read().entries == (intent(),)
    with pytest.raises(AuditError, match="read-only"):
        log.append(intent("b"))
    assert (host / "var/real.jsonl").read_bytes() == format_entry(intent())


def test_a_relative_root_is_read_inside_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = saved(tmp_path)
    write(host / DEFAULT_AUDIT_PATH, intent())
    monkeypatch.chdir(tmp_path)
    assert AuditLog(audit_path(None, Path("host"))).read().entries == (intent(),)


def test_the_recorder_waits_for_no_fifo_and_takes_only_new_lines(tmp_path: Path) -> None:
    HostTree.small(tmp_path / "host")
    log = OwnFile(tmp_path / "audit.jsonl")
    os.mkfifo(log.path, 0o600)
    reader = NodeReader(tmp_path / "host")
    recorder = Recorder(reader.host, audit=log.path)
    reader.on_tick = recorder.take_tick
    begun = time.monotonic()
    for _ in range(3):
        reader.sample()
    assert time.monotonic() - begun < 5
    log.path.unlink()
    own = OwnLog(OwnFile(write(log.path, intent("old"))), kept=1, at_end=True)
    assert own.read().lines == ()
    write(log.path, intent("new"))
    assert [line.data for line in own.read().lines] == [format_entry(intent("new"))[:-1]]


@pytest.mark.by_hand
def test_213_mib_take_less_than_three_seconds_and_64_mib(tmp_path: Path) -> None:
    path = write(tmp_path / "audit.jsonl")
    block = b"".join(format_entry(intent(f"{n:06}")) for n in range(20_000))
    with path.open("ab") as file:
        while file.tell() < 213 << 20:
            file.write(block)
    code = (
        "import sys, time; from pathlib import Path; from fragtui.remedies.audit.log import AuditLog\n"
        "AuditLog(Path(sys.argv[1])).read()\n"
        # Not ru_maxrss, which counts what the process was before exec too.
        "print(time.process_time(), Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    seconds, kib = map(float, ran.stdout.split())
    assert seconds < 3 and kib < 64 << 10
