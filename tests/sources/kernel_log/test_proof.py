"""A kernel log counts as read once it delivered a record, or proved that it can; else it is unknown, with a reason."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fragtui.model.failures.failure_list import FailureList
from fragtui.model.node.source_state import AS_ROOT, Sight, SourceState
from fragtui.sources.host.identity import tree_of
from fragtui.sources.kernel_log.follower import KernelLog
from fragtui.sources.kernel_log.incident_stream import IncidentStream, StreamCall
from fragtui.sources.kernel_log.kmsg import KmsgReader
from fragtui.sources.kernel_log.ring import ring_proof, stream_time
from fragtui.sources.recording.kernel_log import RecordedLog
from fragtui.sources.recording.reader import RecordedEvent
from fragtui.sources.saved.readers import SavedKernelLog
from tests.commands.look.test_doctor import as_nobody
from tests.sources.kernel_log.test_fallbacks import HEAD
from tests.support.journal import Journal
from tests.support.pod_sink import until
from tests.support.trusted import trusted_folder


class Seen:
    """A list of failures fed by a follower."""

    def __init__(self, root: Path, choice: str = "auto") -> None:
        self.failures = FailureList()
        self.log = KernelLog(root, choice, self.failures.take)

    def __enter__(self) -> Seen:
        self.log.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.log.stop()

    def comes_to(self, sight: Sight) -> SourceState:
        assert until(lambda: self.failures.source is not None and self.failures.state.sight is sight, 20)
        return self.failures.state


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "var/log/journal").mkdir(parents=True)
    return tmp_path


def test_an_empty_journal_is_unknown_not_none(journal: Journal, root: Path) -> None:
    with Seen(root) as seen:
        state = seen.comes_to(Sight.BLIND)
    assert "the journal: it has no record of the kernel" in state.cannot_tell
    assert any("--lines=1" in call and "--since" not in call for call in journal.calls())


def test_a_journal_with_a_record_is_proof(journal: Journal, root: Path) -> None:
    journal.add("eth0: link up", "eth1: link up")
    with Seen(root) as seen:
        assert seen.comes_to(Sight.LOOKED).proof == "2 records of the last day"
        time.sleep(1.2)
        assert not any("--lines=1" in call for call in journal.calls()), "asked although it delivered"
        journal.add("eth2: link up")
        assert until(lambda: seen.failures.state.proof == "3 records of the last day", 10)


def test_a_journal_that_was_quiet_for_a_day_proves_itself_by_an_older_record(journal: Journal, root: Path) -> None:
    journal.program.write_text(
        '#!/bin/sh\ncase "$*" in *--lines=1*) echo "{}";; *) trap "exit" TERM; while :; do sleep 0.05; done;; esac\n'
    )
    with Seen(root) as seen:
        assert seen.comes_to(Sight.LOOKED).proof == "0 records of the last day, older ones exist"


def test_the_last_words_of_a_journalctl_that_failed_are_the_reason(journal: Journal, root: Path) -> None:
    why = "No journal files were opened due to insufficient permissions."
    journal.program.write_text(f'#!/bin/sh\necho "Hint: x" >&2; echo "{why}" >&2; exit 1\n')
    with Seen(root) as seen:
        state = seen.comes_to(Sight.BLIND)
    assert state.cannot_tell.endswith(f"the journal: {why}")
    assert state.remedy == ("use --kernel-log FILE" if os.geteuid() == 0 else AS_ROOT)


def test_a_silent_end_of_journalctl_has_its_status_as_reason(journal: Journal, root: Path) -> None:
    journal.program.write_text("#!/bin/sh\nexit 7\n")
    with Seen(root) as seen:
        assert "journalctl ended with status 7" in seen.comes_to(Sight.BLIND).cannot_tell


def test_the_ring_is_proof_from_its_first_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ring = KmsgReader(near.detach())
    os.set_blocking(ring.fileno(), False)
    monkeypatch.setattr("fragtui.sources.kernel_log.follower.open_kmsg", lambda *_: ring)
    far.send(b"6,0,0,-;Linux version 6.8\n")
    far.send(b"6,1,0,-;Command line\n")
    with far, Seen(tmp_path) as seen:
        assert seen.comes_to(Sight.LOOKED).proof == "2 records since boot"


def test_a_ring_that_forgot_its_beginning_says_since_when() -> None:
    stamp = int((time.monotonic() - 1) * 1e6)
    record = b"6,17,%d,-;x" % stamp
    began = time.strftime("%d %b %H:%M", time.localtime(stream_time(record)))
    assert ring_proof(1204, record) == f"1,204 records since {began}"
    assert ring_proof(1, b"6,0,0,-;x") == "1 record since boot"
    assert ring_proof(0, None) == "0 records"


@pytest.mark.parametrize("chosen", [True, False])
def test_a_log_file_is_proof_by_its_kernel_lines(chosen: bool, root: Path) -> None:
    path = root / "var/log/syslog"
    path.write_text("" if chosen else "Nov 29 09:00:00 node sshd[7]: hello\n")
    (root / "var/log/journal").rmdir()
    with Seen(root, str(path) if chosen else "auto") as seen:
        assert "has no message of the kernel yet" in seen.comes_to(Sight.BLIND).cannot_tell or not chosen
        with path.open("a") as more:
            more.write("Nov 29 09:00:01 node kernel: eth0: up\nNov 29 09:00:02 node kernel: eth0: down\n")
        assert seen.comes_to(Sight.LOOKED).proof == "2 lines"


def test_a_chosen_file_that_is_missing_is_unknown(tmp_path: Path) -> None:
    with Seen(tmp_path, str(tmp_path / "none.log")) as seen:
        assert "no such file yet" in seen.comes_to(Sight.BLIND).cannot_tell


def test_a_saved_log_is_proof_by_its_lines(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/buddyinfo").write_text("")
    (tmp_path / "var/log").mkdir(parents=True)
    log = tmp_path / "var/log/kern.log"
    log.write_text("Nov 29 09:00:01 node kernel: eth0: up\n" * 1204)
    failures = FailureList()
    SavedKernelLog(tree_of(tmp_path), failures.take).start()
    assert until(lambda: failures.source is not None)
    assert (failures.state.sight, failures.state.proof) == (Sight.LOOKED, "1,204 lines of kern.log")
    log.write_text("")
    empty = FailureList()
    SavedKernelLog(tree_of(tmp_path), empty.take).start()
    assert until(lambda: empty.source is not None)
    assert empty.state.sight is Sight.BLIND


def test_a_replay_shows_the_recorded_proof_and_an_older_recording_none() -> None:
    def replayed(look: Callable[[IncidentStream], None]) -> SourceState:
        calls: list[StreamCall] = []
        stream = IncidentStream("kmsg", None, None, on_call=calls.append)
        look(stream)
        stream.update("/dev/kmsg", 0)
        failures, recorded = FailureList(), RecordedLog()
        for call in calls:
            if (update := recorded.update(RecordedEvent(0.0, 0.0, "L", (1, *call)))) is not None:
                failures.take(update)
        return failures.state

    live = replayed(lambda stream: stream.looked("7 records since boot"))
    assert (live.sight, live.proof) == (Sight.LOOKED, "7 records since boot")
    assert replayed(lambda stream: stream.looked("")).sight is Sight.BLIND
    older = replayed(lambda stream: None)
    assert (older.sight, older.proof) == (Sight.LOOKED, "")


def test_a_journal_that_comes_later_is_read_instead_of_a_file(
    journal: Journal, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fragtui.sources.kernel_log.follower._PROBE_S", (0.1, 0.1))
    (root / "var/log/journal").rmdir()
    (root / "var/log/syslog").write_text("Nov 29 09:00:00 node sshd[7]: hello\n")
    with Seen(root) as seen:
        assert "has no message of the kernel yet" in seen.comes_to(Sight.BLIND).cannot_tell or seen.failures.problem
        journal.add("eth0: link up")
        (root / "var/log/journal").mkdir()
        assert seen.comes_to(Sight.LOOKED).proof == "1 record of the last day"
        assert seen.failures.source == "journal"


def test_a_journal_that_is_read_again_reports_no_failure_twice(
    journal: Journal, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fragtui.sources.kernel_log.follower._RETRY_S", (0.1, 0.1))
    journal.add("java" + HEAD, "eth0: link up")
    with Seen(root) as seen:
        seen.comes_to(Sight.LOOKED)
        assert until(lambda: seen.failures.failures == 1)
        journal.ends.touch()
        assert "the journal: journalctl ended with status 3" in seen.comes_to(Sight.BLIND).cannot_tell
        journal.ends.unlink()
        journal.add("perl" + HEAD, ago=0)
        seen.comes_to(Sight.LOOKED)
        assert until(lambda: [incident.comm for incident in seen.failures.incidents] == ["java", "perl"])
        time.sleep(0.4)
        assert seen.failures.failures == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_chosen_file_that_may_not_be_read_says_so() -> None:
    with trusted_folder() as folder:
        path = folder / "kern.log"
        path.touch(0o600)

        def look() -> tuple[str, str]:
            with Seen(Path("/"), str(path)) as seen:
                state = seen.comes_to(Sight.BLIND)
            return state.cannot_tell, state.remedy

        assert as_nobody(look) == (f"{path}: permission denied", AS_ROOT)
