"""If a parser fails on a line or object, only that one is lost: its reader continues, counts it, and reports it.

No known line makes a parser fail (see tests/fuzz), so here one is made to fail on a word.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fragtui.cluster.api_objects import read_objects_in, read_pod
from fragtui.cluster.pod_log_reader import PodLogReader
from fragtui.commands.cli.parser import main
from fragtui.kernel.reports.collector import ReportCollector
from fragtui.logs.record import LogRecord
from fragtui.model.failures.failure_list import FailureList
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.sources.files.log_files import FollowedFile
from fragtui.sources.host.identity import tree_of
from fragtui.sources.kernel_log.follower import KernelLog
from fragtui.sources.kernel_log.incident_stream import IncidentStream
from fragtui.sources.pods import saved_objects
from fragtui.sources.pods.crictl import CrictlSource
from fragtui.sources.pods.kubernetes import pods as kube_pods
from fragtui.sources.pods.kubernetes.pods import PodWatchers
from fragtui.sources.pods.kubernetes.supervisor import ApiSupervisor
from fragtui.sources.pods.runtime_log import SOURCE_NAME, RuntimeLog
from fragtui.sources.saved.readers import SavedKernelLog, SavedPods
from fragtui.ui.panels.failures import FailuresPanel
from fragtui.ui.session import Session
from tests.sources.pods.test_runtime_log import failure
from tests.support.api_server import ApiServer, pod
from tests.support.pod_sink import CollectingSink, until
from tests.support.trusted import trusted_folder

BAD = "kernel: alloc XYZZY andbox"
HEAD = "app: page allocation failure: order:{}, mode:0x40cc0(GFP_KERNEL|__GFP_COMP)"


@pytest.fixture
def _failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the readers of the kernel's and the kubelet's lines fail on one word."""
    for reader in (ReportCollector, PodLogReader):
        monkeypatch.setattr(reader, "feed", failing(reader.feed))


def failing(feed: Callable[[Any, LogRecord], Any]) -> Callable[[Any, LogRecord], Any]:
    def fails(self: Any, record: LogRecord) -> Any:
        if "XYZZY" in record.text:
            raise ZeroDivisionError(record.text)
        return feed(self, record)

    return fails


def kernel_line(text: str, ago: float = 5.0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() - ago)) + f" node kernel: {text}\n"


def kernel_log() -> str:
    return kernel_line(HEAD.format(4)) + kernel_line(BAD) + kernel_line(BAD) + kernel_line(HEAD.format(5))


@pytest.mark.usefixtures("_failing")
def test_the_kernel_logs_thread_continues_and_the_screen_reports_it(tmp_path: Path) -> None:
    log = tmp_path / "kern.log"
    log.write_text(kernel_log())
    updates: list[KernelLogUpdate] = []
    follower = KernelLog(tmp_path, str(log), updates.append)
    follower.start()
    orders = {4, 5}
    assert until(lambda: {incident.order for update in updates for incident in update.incidents} == orders)
    with log.open("a") as more:
        more.write(kernel_line(BAD) + kernel_line(HEAD.format(6)))
    assert until(lambda: {incident.order for update in updates for incident in update.incidents} == {*orders, 6})
    follower.stop()
    kept = FailureList()
    for update in updates:
        kept.take(update)
    assert kept.unread_lines == 3
    framing = FailuresPanel(Session(failures=kept)).framing(120)
    assert "3 lines could not be read" in "".join(text for text, _ in framing.title)
    assert f"/{log.name}" in "".join(text for text, _ in framing.note), "a long path keeps its end"
    kept.clear()
    assert not kept.unread_lines


@pytest.mark.usefixtures("_failing")
def test_an_update_with_only_an_unreadable_line_matters() -> None:
    stream = IncidentStream("file", None, None)
    stream.feed_numbered(BAD.encode(), 1)
    update = stream.update("file", 0)
    assert update.unread_lines == 1 and update.matters
    assert not stream.update("file", 0).matters


def test_a_record_of_kmsg_over_which_the_parser_fails_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = IncidentStream("kmsg", None, None)
    monkeypatch.setattr(stream._collector, "feed", lambda record: 1 / 0)
    stream.feed_near_kmsg(b"4,1,5,-;alloc")
    assert stream.update("/dev/kmsg", 0).unread_lines == 1


@pytest.mark.usefixtures("_failing")
def test_the_kubelet_logs_thread_continues_and_its_state_reports_it(tmp_path: Path) -> None:
    log = tmp_path / "var/log/kubelet.log"
    log.parent.mkdir(parents=True)
    log.write_text(failure("before", 1) + BAD + "\n" + failure("between", 2))
    sink = CollectingSink()
    reader = RuntimeLog(tmp_path, sink)
    reader.start()
    assert until(lambda: sink.stuck == ["before", "between"])
    assert until(lambda: "1 line could not be read" in sink.last_state(SOURCE_NAME)[1])
    with log.open("a") as more:
        more.write(BAD + "\n" + failure("after", 3))
    assert until(lambda: sink.stuck == ["after", "before", "between"])
    assert until(lambda: "2 lines could not be read" in sink.last_state(SOURCE_NAME)[1])
    assert sink.last_state(SOURCE_NAME)[0] == "live"
    reader.stop()


@pytest.mark.usefixtures("_failing")
def test_saved_logs_are_read_to_their_end_with_the_skipped_lines_counted(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/buddyinfo").write_text("")
    logs = tmp_path / "var/log"
    logs.mkdir(parents=True)
    (logs / "kern.log").write_text(kernel_log())
    (logs / "kubelet.log").write_text(failure("one", 1) + kernel_line(BAD) + failure("two", 2))
    pods = SavedPods(tree_of(tmp_path)).read()
    assert {each.ref.name for each in pods.stuck.pods} == {"one", "two"}
    assert pods.sources[0].state == "live" and "could not be read" in pods.sources[0].cannot_tell
    updates: list[KernelLogUpdate] = []
    SavedKernelLog(tree_of(tmp_path), updates.append).start()
    assert until(lambda: bool(updates))
    assert [each.order for each in updates[0].incidents] == [4, 5] and updates[0].unread_lines == 2


@pytest.mark.usefixtures("_failing")
def test_explain_prints_the_rest_and_one_line_about_skipped_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.log").write_text((kernel_log() + kernel_line("nothing") * 9_000) * 3)
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(main(["explain", "--json", str(tmp_path / "x.log")]))
    printed = capsys.readouterr()
    assert [json.loads(line)["order"] for line in printed.out.splitlines()] == [4, 5] * 3
    assert printed.err.splitlines() == [f"fragtui explain: {tmp_path}/x.log: 6 lines could not be read"]
    assert ended.value.code == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_reader_that_fails_reports_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "x.log"
    log.write_text(kernel_log())
    monkeypatch.setattr(FollowedFile, "read", lambda self: 1 / 0)
    updates: list[KernelLogUpdate] = []
    KernelLog(tmp_path, str(log), updates.append).start()
    assert until(lambda: bool(updates))
    assert (updates[-1].source, updates[-1].problem) == ("none", "its reader failed (ZeroDivisionError)")
    sink = CollectingSink()
    RuntimeLog(tmp_path, sink, str(log)).start()
    assert until(lambda: sink.last_state(SOURCE_NAME) == ("absent", "its reader failed (ZeroDivisionError)"))


def test_an_object_of_the_api_over_which_the_parser_fails_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube_pods, "read_pod", lambda thing, deleted: read_pod(thing) if "kind" in thing else 1 / 0)
    sink = CollectingSink()
    pods = PodWatchers(tmp_path, sink, None, (1.0, None))
    pods._report_state("API", "live", "")
    pods._pod_listed({"metadata": {"name": "bad"}})
    pods._pod_listed(pod("web"))
    assert sink.stuck == ["web"]
    assert sink.last_state() == ("live", "1 object could not be read")


def test_an_object_of_a_saved_list_over_which_the_parser_fails_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        saved_objects, "read_objects_in", lambda thing: read_objects_in(thing) if "kind" in thing else 1 / 0
    )
    items = [{"metadata": {"name": "bad"}}, pod("web")]
    (tmp_path / "pods.json").write_text(json.dumps({"apiVersion": "v1", "items": items, "kind": "List"}, indent=1))
    assert main(["explain", str(tmp_path / "pods.json")]) == 1
    assert capsys.readouterr().err.endswith("pods.json: 1 object could not be read\n")


def test_a_pod_with_an_object_where_a_text_belongs_does_not_end_the_watch(tmp_path: Path, server: ApiServer) -> None:
    pytest.importorskip("yaml")
    (tmp_path / "etc/kubernetes").mkdir(parents=True)
    (tmp_path / "etc/hostname").write_text("node-1\n")
    server.kubeconfig(tmp_path / "etc/kubernetes/kubelet.conf")
    bad = pod("bad", ready=True)
    bad["status"]["containerStatuses"] = [{"name": "c", "state": {"waiting": {"reason": {}, "message": []}}}]
    server.pods = [bad, pod("web")]
    sink = CollectingSink()
    api = ApiSupervisor(tmp_path, sink, pace=(0.05, 0.4))
    api.start()
    assert until(lambda: sink.stuck == ["web"])
    assert until(lambda: sink.last_state()[0] == "live")
    api.stop()
    assert len(server.lists) == 1


def test_an_answer_of_crictl_on_which_the_parser_fails_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fragtui.sources.pods.crictl.read_sandboxes", lambda text: 1 / 0)
    sink = CollectingSink()
    with trusted_folder() as folder:
        (folder / "crictl").write_text("#!/bin/sh\necho '{}'\n")
        (folder / "crictl").chmod(0o755)
        crictl = CrictlSource(Path("/"), sink, folders=(str(folder),))
        crictl.start()
        assert until(lambda: sink.last_state("crictl") == ("waiting", "crictl's answer could not be read"))
        crictl.stop()
