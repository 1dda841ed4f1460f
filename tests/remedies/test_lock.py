"""The lock of a node: released on every path, and taken only in a file that no other user can have made."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.remedy_history import EndEntry, Entry, IntentEntry, Result
from fragtui.remedies import runner as run_module
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import Action, Remedy, RemedyStep
from fragtui.remedies.guard.loop import Guard
from fragtui.remedies.guard.policy import Policy
from fragtui.remedies.lock import LockBusy, NodeLock, lock_directories
from fragtui.remedies.runner import RemedyRun, RunRefused, RunRequest
from tests.support.host_tree import HostTree
from tests.support.places import REPOSITORY
from tests.support.trusted import umask

ROOT = Path("/")
SYNC = Remedy("test", "Test", (RemedyStep(Action.SYNC),), Effect(), "", "")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

FULL_DISK = """
import sys
from pathlib import Path
from fragtui.remedies.lock import NodeLock
from tests.support.tiny_disk import fill, mount_tiny
folder = Path(sys.argv[1])
mount_tiny(folder)
(folder / "fragtui-x.lock").touch(0o600)
full = fill(folder)
"""
TAKE_AND_FREE = """
try:
    NodeLock.take("x", (folder,), "first")
except OSError as error:
    print(error.filename, error.strerror)
full.unlink()
NodeLock.take("x", (folder,), "second").release()
print("taken")
"""
REFUSE_AND_RUN = """
from fragtui.remedies import runner as run
from fragtui.remedies.audit.log import AuditLog
from tests.remedies.test_lock import SYNC, ROOT, RunRequest, RunRefused, RemedyRun
(folder / "fragtui-remedy.lock").touch(0o600)
run.lock_directories = lambda root, audit: (folder,)
log = AuditLog(Path(sys.argv[2]))
try:
    RemedyRun.start(SYNC, ROOT, log, RunRequest("screen"))
except RunRefused as refused:
    print(refused)
full.unlink()
print(RemedyRun.start(SYNC, ROOT, log, RunRequest("screen")).wait(20).result)
"""
SMALL_LIMIT = """
import resource, sys
from pathlib import Path
from fragtui.remedies.lock import NodeLock
folder = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
try:
    NodeLock.take("x", (folder,), "first")
except OSError as error:
    failed = f"{error.filename} {error.strerror}"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
NodeLock.take("x", (folder,), "second").release()
print(failed)
print("taken")
"""


def python(code: str, *arguments: Path) -> list[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@as_root
def test_a_full_disk_names_the_file_and_keeps_no_lock(tmp_path: Path) -> None:
    said = python(FULL_DISK + TAKE_AND_FREE, tmp_path)
    assert said == [f"{tmp_path}/fragtui-x.lock No space left on device", "taken"]


@pytest.mark.slow
@as_root
def test_a_remedy_refused_by_a_full_disk_does_not_make_the_next_one_busy(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    said = python(FULL_DISK + REFUSE_AND_RUN, tmp_path / "lock", tmp_path / "audit.jsonl")
    lock = tmp_path / "lock/fragtui-remedy.lock"
    assert said == [f"no lock can be taken: {lock}: no space left on device", "done"]


def test_a_limit_of_file_size_names_the_file_and_keeps_no_lock(tmp_path: Path) -> None:
    assert python(SMALL_LIMIT, tmp_path) == [f"{tmp_path}/fragtui-x.lock File too large", "taken"]


@pytest.mark.parametrize("at", [IntentEntry, EndEntry])
@pytest.mark.parametrize("fault", [MemoryError, KeyboardInterrupt, RuntimeError])
def test_after_any_failure_between_lock_and_child_the_lock_is_released(
    at: type[Entry], fault: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "lock_directories", lambda root, audit: (tmp_path,))

    class Failing(AuditLog):
        def append(self, entry: Entry) -> None:
            if isinstance(entry, at):
                raise fault
            super().append(entry)

    def attempt() -> None:
        running = RemedyRun.start(SYNC, ROOT, Failing(tmp_path / "audit.jsonl"), RunRequest("screen"))
        while running.wait(20) is None:
            pass

    with pytest.raises(fault):
        attempt()
    outcome = RemedyRun.start(SYNC, ROOT, AuditLog(tmp_path / "audit.jsonl"), RunRequest("screen")).wait(20)
    assert outcome is not None and outcome.result is Result.DONE


def test_a_child_that_cannot_be_started_is_logged_and_keeps_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "lock_directories", lambda root, audit: (tmp_path,))
    log = AuditLog(tmp_path / "audit.jsonl")
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/none/python")
        with pytest.raises(RunRefused, match="no child could be started: No such file"):
            RemedyRun.start(SYNC, ROOT, log, RunRequest("screen"))
    intent, ended = log.read().entries
    assert isinstance(ended, EndEntry) and (ended.id, ended.result) == (intent.id, Result.DIED)
    outcome = RemedyRun.start(SYNC, ROOT, log, RunRequest("screen")).wait(20)
    assert outcome is not None and outcome.result is Result.DONE


def hard_link(lock: Path, victim: Path) -> None:
    lock.hardlink_to(victim)


def link(lock: Path, victim: Path) -> None:
    lock.symlink_to(victim)


def fifo(lock: Path, victim: Path) -> None:
    os.mkfifo(lock, 0o600)


def writable(lock: Path, victim: Path) -> None:
    lock.touch()
    lock.chmod(0o666)


def foreign(lock: Path, victim: Path) -> None:
    lock.touch(0o600)
    os.chown(lock, 65534, 65534)


PLANTS = [hard_link, link, fifo, writable, pytest.param(foreign, marks=as_root)]


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_lock_is_neither_emptied_nor_used(plant: Callable[[Path, Path], None], tmp_path: Path) -> None:
    victim, good, bad = tmp_path / "victim", tmp_path / "good", tmp_path / "bad"
    victim.write_text("keep")
    good.mkdir()
    bad.mkdir()
    plant(bad / "fragtui-x.lock", victim)
    with pytest.raises(OSError) as refused:
        NodeLock.take("x", (bad,), "holder")
    assert refused.value.filename == str(bad / "fragtui-x.lock")
    NodeLock.take("x", (bad, good), "holder").release()
    assert victim.read_text() == "keep"


def test_a_folder_that_others_may_write_is_no_place_for_a_lock(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(PermissionError, match="can be written by others than root"):
        NodeLock.take("x", (tmp_path,), "holder")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mask", [0, 0o022, 0o777])
def test_the_folder_of_locks_is_made_for_root_alone(mask: int, tmp_path: Path) -> None:
    with umask(mask):
        lock = NodeLock.take("x", (tmp_path / "fragtui",), "holder")
    assert stat.S_IMODE((tmp_path / "fragtui").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "fragtui/fragtui-x.lock").stat().st_mode) == 0o600
    lock.release()


def test_two_that_share_one_folder_of_theirs_meet_in_it(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
    on_the_host = NodeLock.take("x", (tmp_path / "a", tmp_path / "b"), "the one on the host")
    with pytest.raises(LockBusy, match="the one on the host"):
        NodeLock.take("x", (tmp_path / "c", tmp_path / "b"), "the one in a container")
    on_the_host.release()
    NodeLock.take("x", (tmp_path / "c", tmp_path / "b"), "the one in a container").release()


def test_nothing_is_written_into_a_saved_tree(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    (tmp_path / "run").mkdir()
    assert lock_directories(ROOT, Path("/a/b")) == (Path("/run/fragtui"), Path("/a"))
    assert lock_directories(tmp_path, tmp_path / "a/b") == ()
    Guard(Policy(), tmp_path, AuditLog(tmp_path / "a"), 0).close()
    assert not list((tmp_path / "run").iterdir())


def test_a_dry_run_needs_no_lock_where_none_can_be_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fragtui.remedies.guard.loop.lock_directories", lambda root, audit: (tmp_path / "none",))
    log = AuditLog(tmp_path / "audit.jsonl")
    Guard(Policy(dry_run=True), ROOT, log, 0).close()
    with pytest.raises(FileNotFoundError):
        Guard(Policy(), ROOT, log, 0)
