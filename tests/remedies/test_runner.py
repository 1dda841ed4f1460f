"""Running remedies. What is written here is coredump_filter of this very process: a kernel file that does no harm."""

import inspect
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import Gain
from fragtui.model.remedy.remedy_history import EndEntry, IntentEntry, Result, episodes, unknown_outcomes
from fragtui.remedies import runner as run_module
from fragtui.remedies import worker as child
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import COMPACT_MEMORY, Action, Remedy, RemedyStep
from fragtui.remedies.lock import LockBusy, NodeLock, lock_directories
from fragtui.remedies.outcome import explain_error
from fragtui.remedies.runner import RemedyRun, RunRefused, RunRequest

ROOT = Path("/")
FILTER = f"proc/{os.getpid()}/coredump_filter"
ASKED = RunRequest("screen", 3, 17, Gain(1 << 20, 40))
SYNC = RemedyStep(Action.SYNC)


def remedy(*steps: RemedyStep) -> Remedy:
    return Remedy("test", "Test", steps, Effect(), "", "")


def write(text: str) -> RemedyStep:
    return RemedyStep(Action.WRITE, FILTER, text)


LONG = remedy(*[SYNC] * 4000)
"""Prints more than a pipe holds: its child waits until its output is read, or it is killed."""


def filter_now() -> int:
    return int(Path("/", FILTER).read_text(), 16)


@pytest.fixture(autouse=True)
def _lock_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep tests apart from remedies that others run on this machine."""
    monkeypatch.setattr(run_module, "lock_directories", lambda root, audit: (tmp_path,))
    before = filter_now()
    yield
    Path("/", FILTER).write_text(hex(before))


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "audit.jsonl")


def test_steps_run_in_order_and_are_logged(log: AuditLog) -> None:
    running = RemedyRun.start(remedy(SYNC, write("0x11"), write("0x13")), ROOT, log, ASKED)
    outcome = running.wait(20)
    assert outcome is not None and outcome.result is Result.DONE
    assert filter_now() == 0x13
    assert [step.error for step in outcome.steps] == [None] * 3
    assert outcome.audit_problem is None and running.elapsed == outcome.seconds
    intent, ended = log.read().entries
    assert isinstance(intent, IntentEntry) and isinstance(ended, EndEntry)
    assert intent.paths == ("", f"/{FILTER}", f"/{FILTER}")
    assert intent.steps[1] == f"writes '0x11' to /{FILTER}"
    assert (intent.by, intent.order, intent.blocks, intent.expected_blocks) == ("screen", 3, 17, 40)
    assert (ended.id, ended.result) == (intent.id, "done") and ended.seconds > 0


def test_a_step_that_fails_stops_the_rest_with_the_name_of_its_errno(log: AuditLog) -> None:
    outcome = RemedyRun.start(remedy(write("nonsense"), write("0x11")), ROOT, log, ASKED).wait(20)
    assert outcome is not None and outcome.result is Result.FAILED
    assert [step.error for step in outcome.steps] == ["EINVAL"]
    assert "EINVAL" in outcome.explanation
    assert filter_now() != 0x11
    ended = log.read().entries[-1]
    assert isinstance(ended, EndEntry) and (ended.error, ended.step) == ("EINVAL", 0)


def test_an_abort_ends_it_and_is_reported(log: AuditLog) -> None:
    running = RemedyRun.start(LONG, ROOT, log, ASKED)
    assert running.poll() is None
    running.abort()
    outcome = running.wait(20)
    assert outcome is not None and outcome.result is Result.ABORTED
    ended = log.read().entries[-1]
    assert isinstance(ended, EndEntry) and ended.result is Result.ABORTED


def test_a_child_that_does_not_heed_is_killed(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "ABORT_GRACE_SECONDS", 0.1)
    running = RemedyRun.start(LONG, ROOT, log, ASKED)
    os.kill(running._process.pid, signal.SIGSTOP)
    running.abort()
    outcome = running.wait(20)
    assert outcome is not None and outcome.result is Result.ABORTED


def test_a_child_killed_by_another_is_no_success(log: AuditLog) -> None:
    running = RemedyRun.start(LONG, ROOT, log, ASKED)
    os.kill(running._process.pid, signal.SIGKILL)
    outcome = running.wait(20)
    assert outcome is not None and outcome.result is Result.DIED and "signal 9" in outcome.explanation


def test_polling_never_waits(log: AuditLog) -> None:
    running = RemedyRun.start(LONG, ROOT, log, ASKED)
    os.kill(running._process.pid, signal.SIGSTOP)
    start = time.monotonic()
    for _ in range(100):
        assert running.poll() is None
    assert time.monotonic() - start < 3
    os.kill(running._process.pid, signal.SIGKILL)
    assert running.wait(20) is not None


def test_only_one_at_a_time_and_the_next_after_it(log: AuditLog) -> None:
    first = RemedyRun.start(LONG, ROOT, log, ASKED)
    with pytest.raises(RunRefused, match=f"another remedy is running: test by pid {os.getpid()}"):
        RemedyRun.start(remedy(SYNC), ROOT, log, ASKED)
    first.abort()
    first.wait(20)
    outcome = RemedyRun.start(remedy(SYNC), ROOT, log, ASKED).wait(20)
    assert outcome is not None and outcome.result is Result.DONE


def test_the_lock_lives_as_long_as_a_child_that_has_it(tmp_path: Path) -> None:
    lock = NodeLock.take("x", (tmp_path, tmp_path), "first")
    holder = subprocess.Popen(["sleep", "30"], pass_fds=lock.descriptors)
    os.close(lock.descriptors[0])
    with pytest.raises(LockBusy, match="first"):
        NodeLock.take("x", (tmp_path,), "second")
    holder.kill()
    holder.wait()
    NodeLock.take("x", (tmp_path / "none", tmp_path), "third").release()
    with pytest.raises(OSError, match="none"):
        NodeLock.take("x", (tmp_path / "none",), "fourth")
    assert lock_directories(ROOT, Path("/a/b")) == (Path("/run/fragtui"), Path("/a"))


def test_a_log_that_cannot_be_written_stops_the_remedy() -> None:
    before = filter_now()
    with pytest.raises(RunRefused, match="audit log can't be written"):
        RemedyRun.start(remedy(write("0x11")), ROOT, AuditLog(Path("/proc/none/audit.jsonl")), ASKED)
    with pytest.raises(RunRefused, match="not a regular file"):
        RemedyRun.start(remedy(write("0x11")), ROOT, AuditLog(Path("/dev/full")), ASKED)
    assert filter_now() == before


@pytest.mark.parametrize("name", ["\x1b[31m" + "A" * 100_000, "\udcff" * 100_000])
def test_a_login_of_any_length_or_bytes_is_logged_bounded(
    log: AuditLog, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SUDO_USER", name)
    outcome = RemedyRun.start(remedy(write("0x33")), Path("/"), log, RunRequest("command")).wait(10)
    assert outcome is not None and outcome.result is Result.DONE
    intent = log.read().entries[0]
    assert isinstance(intent, IntentEntry)
    assert log.path.stat().st_size < 3000 and (intent.login or "").isprintable()


def test_a_log_lost_meanwhile_is_reported_with_the_outcome(log: AuditLog, tmp_path: Path) -> None:
    running = RemedyRun.start(remedy(write("0x11")), ROOT, log, ASKED)
    log.path.rename(tmp_path / "kept")
    log.path.mkdir()
    outcome = running.wait(20)
    assert outcome is not None and outcome.result is Result.DONE
    assert outcome.audit_problem is not None and "directory" in outcome.audit_problem


CRASH = """
import sys, time
from pathlib import Path
from fragtui.remedies import runner as run
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import Action, Remedy, RemedyStep
from fragtui.model.remedy.effect import Effect
log = AuditLog(Path(sys.argv[1]))
run.lock_directories = lambda root, audit: (audit.parent,)
remedy = Remedy("test", "Test", (RemedyStep(Action.SYNC),) * 4000, Effect(), "", "")
running = run.RemedyRun.start(remedy, Path("/"), log, run.RunRequest("screen"))
print(running._process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.slow
def test_killed_with_a_remedy_under_way_the_child_goes_too_and_its_outcome_is_unknown(log: AuditLog) -> None:
    fragtui = subprocess.Popen([sys.executable, "-c", CRASH, str(log.path)], stdout=subprocess.PIPE, text=True)
    assert fragtui.stdout is not None
    child = int(fragtui.stdout.readline())
    # Only once it has begun has the child asked to be killed with its parent.
    while Path(f"/proc/{child}/comm").read_text().strip() != "fragtui-remedy":
        time.sleep(0.01)
    fragtui.kill()
    fragtui.wait()
    end = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert not Path(f"/proc/{child}").exists()
    (unknown,) = unknown_outcomes(episodes(log.read().entries))
    assert unknown.intent.pid == fragtui.pid
    outcome = RemedyRun.start(remedy(SYNC), ROOT, log, ASKED).wait(20)
    assert outcome is not None and outcome.result is Result.DONE


def test_from_a_zip_archive_the_childs_text_is_run(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(str(child.__file__)).read_text()
    monkeypatch.setattr(inspect, "getsource", lambda module: source)
    monkeypatch.setattr(child, "__file__", "/none.pyz/fragtui/remedies/worker.py")
    outcome = RemedyRun.start(remedy(write("0x11")), ROOT, log, ASKED).wait(20)
    assert outcome is not None and outcome.result is Result.DONE and filter_now() == 0x11


def test_errors_are_reported_as_what_they_are() -> None:
    compact = RemedyStep(Action.WRITE, COMPACT_MEMORY, "1")
    assert "must be exactly 1" in explain_error(compact, "EINVAL")
    assert "interrupted by a signal" in explain_error(compact, "EINTR")
    assert explain_error(compact, "EXYZ") == "writing '1' to /proc/sys/vm/compact_memory: EXYZ"


actions = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["sync", "0x11", "0x31", "nonsense"]), min_size=1, max_size=3),
        st.sampled_from(["good", "full", "absent"]),
        st.sampled_from([None, "--read-only"]),
        st.sampled_from(["wait", "abort", "leave"]),
    ),
    max_size=6,
)


@pytest.mark.slow
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=actions)
def test_no_write_runs_that_is_not_logged_first(
    sequence: list[tuple[list[str], str, str | None, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For any requests in any order, a child starts only with a plan that is on disk, word for word."""
    logs = {"good": tmp_path / "audit.jsonl", "full": Path("/dev/full"), "absent": Path("/proc/none/audit")}
    started: list[list[dict[str, Any]]] = []
    real = subprocess.Popen

    def watched(argv: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        plan = json.loads(argv[-1])["steps"]
        last = AuditLog(logs["good"]).read().entries[-1]
        assert isinstance(last, IntentEntry)
        assert [("" if s["do"] == "sync" else s["path"]) for s in plan] == list(last.paths)
        for step, sentence in zip(plan, last.steps, strict=True):
            assert step["do"] == "sync" or sentence == f"writes {step['text']!r} to {step['path']}"
        started.append(plan)
        return real(argv, **options)

    monkeypatch.setattr(subprocess, "Popen", watched)
    before = filter_now()
    under_way: list[RemedyRun] = []
    for words, log_name, disabled_reason, then in sequence:
        asked = remedy(*(SYNC if word == "sync" else write(word) for word in words))
        count = len(started)
        try:
            running = RemedyRun.start(asked, ROOT, AuditLog(logs[log_name]), ASKED, disabled_reason)
        except RunRefused:
            assert len(started) == count
            assert disabled_reason or log_name != "good" or under_way
            continue
        under_way.append(running)
        if then == "abort":
            running.abort()
        if then != "leave":
            assert running.wait(20) is not None
            under_way.remove(running)
    for running in under_way:
        assert running.wait(20) is not None
    assert started or filter_now() == before
    Path("/", FILTER).write_text(hex(before))


def test_what_remedies_write_is_in_one_place() -> None:
    """No other part of the program names a file of a remedy, or starts a program to write one."""
    package = Path(str(child.__file__)).parents[1]
    paths = ("sys/vm/drop_caches", "sys/vm/compact_memory", "sys/vm/compaction_proactiveness")
    naming = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if any(f'"{prefix}{path}' in file.read_text() for path in paths for prefix in ("proc/", "/proc/"))
    }
    assert naming == {"remedies/catalogue.py"}
    starting = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if "worker.py" in file.read_text() or "worker.__file__" in file.read_text()
    }
    assert starting == {"remedies/runner.py"}


def of_cgroup(folder: Path, inode: int) -> Remedy:
    """Return a remedy that writes to a file of a directory that has this inode."""
    path = str(folder / "memory.reclaim").lstrip("/")
    return remedy(RemedyStep(Action.WRITE, path, "4096", (folder.stat().st_dev, inode)))


def test_a_cgroups_file_is_written_only_in_the_directory_that_was_read_and_on_a_cgroup_mount(
    tmp_path: Path, log: AuditLog
) -> None:
    folder = tmp_path / "pod"
    folder.mkdir()
    (folder / "memory.reclaim").write_text("")
    with pytest.raises(RunRefused, match="another cgroup has its name"):
        RemedyRun.start(of_cgroup(folder, folder.stat().st_ino + 1), ROOT, log, ASKED)
    with pytest.raises(RunRefused, match="not a file of this kernel"):
        RemedyRun.start(of_cgroup(folder, folder.stat().st_ino), ROOT, log, ASKED)
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(RunRefused, match="a link leads elsewhere"):
        RemedyRun.start(of_cgroup(tmp_path / "link", folder.stat().st_ino), ROOT, log, ASKED)
    assert (folder / "memory.reclaim").read_text() == "" and log.read().entries == ()


def test_the_child_itself_refuses_a_cgroup_that_was_made_again(tmp_path: Path) -> None:
    """Between the trial and the write a pod may end, and another one get its directory."""
    (tmp_path / "memory.reclaim").write_text("")
    step = {"do": "write", "path": str(tmp_path / "memory.reclaim"), "text": "4096", "cgroup": [1, 2]}
    plan = json.dumps({"parent": os.getpid(), "steps": [step]})
    done = subprocess.run(
        [sys.executable, "-I", "-S", child.__file__, plan], capture_output=True, text=True, check=False, timeout=20
    )
    assert done.returncode == 1 and child.NOT_A_KERNEL_FILE in done.stdout
    assert (tmp_path / "memory.reclaim").read_text() == ""
