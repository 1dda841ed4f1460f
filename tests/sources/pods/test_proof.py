"""A log of pods counts as read once its own program wrote a line; no kubelet on a host is known, not assumed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fragtui.model.node.source_state import Sight, SourceState
from fragtui.render.source_text import no_stuck_pods
from fragtui.sources.pods.line_tally import KUBELET_LOG, RUNTIME_LOG, LineTally, writer_of
from fragtui.sources.pods.presence import KUBELET, RUNTIME, why_none
from tests.sources.pods.test_runtime_log import Following, failure, journalctl
from tests.support.pod_sink import CollectingSink, until


def entry(identifier: str, message: str = "hello") -> str:
    return (
        json.dumps({"MESSAGE": message, "SYSLOG_IDENTIFIER": identifier, "__REALTIME_TIMESTAMP": "1795946134693201"})
        + "\n"
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with a journal and no kubelet."""
    (tmp_path / "var/log/journal").mkdir(parents=True)
    processes(tmp_path, "systemd", "kthreadd", "sshd")
    return tmp_path


def processes(root: Path, *names: str) -> None:
    for number, name in enumerate(names, 1):
        (root / f"proc/{number}").mkdir(parents=True, exist_ok=True)
        (root / f"proc/{number}/comm").write_text(name + "\n")


def settled(sink: CollectingSink, name: str = KUBELET_LOG) -> SourceState:
    assert until(lambda: name in sink.sources and sink.sources[name].sight is not Sight.PENDING, 20)
    return sink.sources[name]


def silent(folder: Path, newest: str = "") -> None:
    """Have journalctl follow without a record; asked for the newest one it prints `newest`."""
    (folder / "newest").write_text(newest)
    journalctl(
        folder,
        f'case "$*" in *--lines=1*) cat {folder}/newest;; *) trap exit TERM; while :; do sleep 0.05; done;; esac',
    )


def test_an_empty_journal_without_a_kubelet_is_no_kubelet_on_this_host(programs: Path, root: Path) -> None:
    silent(programs)
    with Following(root) as sink:
        state = settled(sink)
        settled(sink, RUNTIME_LOG)
    assert (state.sight, state.remedy) == (Sight.NOTHING, "")
    assert state.cannot_tell == "no kubelet on this host: no such process, no /var/lib/kubelet"
    assert sink.sources[RUNTIME_LOG].sight is Sight.NOTHING
    assert no_stuck_pods(tuple(sink.sources.values())) == (Sight.NOTHING, state.cannot_tell)
    assert all(state != "live" for _, state, _ in sink.states)


def test_a_kubelet_without_a_record_in_the_journal_is_unknown(programs: Path, root: Path) -> None:
    silent(programs)
    processes(root, "systemd", "kthreadd", "kubelet")
    with Following(root) as sink:
        state = settled(sink)
    assert state.sight is Sight.BLIND
    assert state.cannot_tell == "the journal: it has no record of the kubelet's unit"


def test_a_kubelet_that_was_quiet_for_half_an_hour_proves_itself_by_an_older_record(programs: Path, root: Path) -> None:
    silent(programs, entry("kubelet"))
    processes(root, "systemd", "kthreadd", "kubelet")
    with Following(root) as sink:
        assert settled(sink).proof == "no line in the last half hour, older ones exist"


def test_the_lines_of_kubelet_and_runtime_are_told_apart(programs: Path, root: Path) -> None:
    (programs / "entries").write_text(entry("kubelet") * 1204 + entry("containerd") + entry("unrelated"))
    journalctl(programs, f"cat {programs}/entries; trap exit TERM; while :; do sleep 0.05; done")
    with Following(root) as sink:
        assert until(lambda: settled(sink).proof == "1,204 lines", 30)
        assert settled(sink, RUNTIME_LOG).proof == "1 lines"


@pytest.mark.slow
def test_a_runtime_alone_does_not_prove_that_no_pod_is_stuck(programs: Path, root: Path) -> None:
    (programs / "entries").write_text(entry("containerd"))
    body = (
        f'case "$*" in *--lines=1*) ;; *) cat {programs}/entries; trap exit TERM; while :; do sleep 0.05; done;; esac'
    )
    journalctl(programs, body)
    processes(root, "systemd", "kthreadd", "kubelet", "containerd")
    with Following(root) as sink:
        assert settled(sink).sight is Sight.BLIND
        assert settled(sink, RUNTIME_LOG).sight is Sight.LOOKED
    assert no_stuck_pods(tuple(sink.sources.values())).sight is Sight.BLIND


def test_a_journalctl_that_may_not_read_is_never_live(programs: Path, root: Path) -> None:
    why = "No journal files were opened due to insufficient permissions."
    journalctl(programs, f'echo "{why}" >&2; exit 1')
    processes(root, "systemd", "kthreadd", "kubelet")
    with Following(root) as sink:
        state = settled(sink)
    assert (state.sight, state.cannot_tell) == (Sight.BLIND, f"the journal: {why}")
    assert all(state != "live" for _, state, _ in sink.states)


def test_a_journal_without_a_file_is_called_empty_in_plain_words(programs: Path, root: Path) -> None:
    said = "Data from the specified boot (+0) is not available: No such boot ID in journal"
    journalctl(programs, f'echo "{said}" >&2; exit 1')
    processes(root, "systemd", "kthreadd", "kubelet")
    with Following(root) as sink:
        assert settled(sink).cannot_tell == "the journal: it has no record of a boot"


def test_a_file_is_live_from_its_first_line(root: Path) -> None:
    (root / "var/log/journal").rmdir()
    log = root / "var/log/kubelet.log"
    log.write_text("")
    (root / "var/log/syslog").write_text("Nov 29 09:00:00 node sshd[7]: hello\n")
    processes(root, "systemd", "kthreadd", "kubelet")
    with Following(root) as sink:
        assert "no line of it yet in " in settled(sink).cannot_tell
        log.write_text(failure("web", 1))
        assert until(lambda: sink.sources[KUBELET_LOG].proof == "1 lines")


@pytest.mark.parametrize(
    ("line", "writer"),
    [
        (entry("kubelet").encode(), KUBELET_LOG),
        (entry("k3s").encode(), KUBELET_LOG),
        (entry("containerd").encode(), RUNTIME_LOG),
        (entry("containerd", 'mount "kubelet" of /var/lib/kubelet').encode(), RUNTIME_LOG),
        (b"Nov 29 09:00:00 node kubelet[12]: E1129 hello", KUBELET_LOG),
        (b"Nov 29 09:00:00 node dockerd[12]: hello", RUNTIME_LOG),
        (b"Nov 29 09:00:00 node sshd[12]: kubelet", None),
        (b"", None),
        (b"\xff\0{", None),
    ],
)
def test_who_wrote_a_line(line: bytes, writer: str | None) -> None:
    assert writer_of(line) == writer
    tally = LineTally(KUBELET_LOG)
    tally.see([line])
    assert tally.counts[writer or KUBELET_LOG] == 1


def test_no_kubelet_is_only_said_with_the_hosts_processes_in_sight(tmp_path: Path) -> None:
    assert why_none(tmp_path) is None, "no /proc"
    processes(tmp_path, "sh", "sleep")
    assert why_none(tmp_path) is None, "a container's /proc"
    processes(tmp_path, "systemd", "kthreadd")
    assert why_none(tmp_path) is not None and why_none(tmp_path, RUNTIME) is not None
    processes(tmp_path, "systemd", "kthreadd", "k3s-agent")
    assert why_none(tmp_path) is None and why_none(tmp_path, RUNTIME) is None
    processes(tmp_path, "systemd", "kthreadd", "containerd")
    assert why_none(tmp_path, KUBELET) is not None and why_none(tmp_path, RUNTIME) is None
    (tmp_path / "var/lib/kubelet").mkdir(parents=True)
    assert why_none(tmp_path) is None, "its folder is there"


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's folder")
def test_a_folder_that_cannot_be_looked_into_may_hold_a_kubelet(tmp_path: Path) -> None:
    (tmp_path / "var").symlink_to("var")
    processes(tmp_path, "systemd", "kthreadd")
    assert why_none(tmp_path) is None


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have new logs looked for all the time."""
    monkeypatch.setattr("fragtui.sources.pods.runtime_log.JOURNAL_CHECK_SECONDS", 0.1)


@pytest.mark.usefixtures("soon")
def test_logs_that_appear_later_are_read(programs: Path, root: Path) -> None:
    (root / "var/log/journal").rmdir()
    processes(root, "systemd", "kthreadd", "kubelet")
    with Following(root) as sink:
        assert settled(sink).cannot_tell == "found no journal and no log of kubelet or runtime"
        (root / "var/log/kubelet.log").write_text(failure("web", 1))
        assert until(lambda: sink.sources[KUBELET_LOG].proof == "1 lines" and sink.stuck == ["web"])
        (programs / "entries").write_text(entry("kubelet") * 7)
        journalctl(programs, f"cat {programs}/entries; trap exit TERM; while :; do sleep 0.05; done")
        (root / "var/log/journal").mkdir()
        assert until(lambda: sink.sources[KUBELET_LOG].proof == "8 lines")


@pytest.mark.usefixtures("soon")
def test_a_kubelet_that_is_installed_later_is_no_longer_none(programs: Path, root: Path) -> None:
    silent(programs)
    with Following(root) as sink:
        assert settled(sink).sight is Sight.NOTHING
        (root / "var/lib/kubelet").mkdir(parents=True)
        assert until(lambda: sink.sources[KUBELET_LOG].sight is Sight.BLIND)
        assert sink.sources[KUBELET_LOG].cannot_tell == "the journal: it has no record of the kubelet's unit"


def test_a_journalctl_that_lives_again_is_believed_though_it_is_silent(programs: Path, root: Path) -> None:
    (programs / "newest").write_text(entry("kubelet"))
    journalctl(
        programs,
        f'case "$*" in *--lines=1*) cat {programs}/newest; exit;; esac\n'
        f"if mkdir {programs}/died; then echo 'Failed to iterate through journal: Bad message' >&2; exit 1; fi\n"
        "trap exit TERM; while :; do sleep 0.05; done",
    )
    processes(root, "systemd", "kthreadd", "kubelet")
    with Following(root) as sink:
        assert settled(sink).cannot_tell == "the journal: Failed to iterate through journal: Bad message"
        assert until(lambda: sink.sources[KUBELET_LOG].sight is Sight.LOOKED)
        assert sink.sources[KUBELET_LOG].proof == "no line in the last half hour, older ones exist"
