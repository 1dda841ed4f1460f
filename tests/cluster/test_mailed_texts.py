"""Texts about pods as mail programs send them: wrapped, quoted-printable, quoted; and lines that are cut."""

from __future__ import annotations

import io
import os
import quopri
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from textwrap import wrap

import pytest

from fragtui.cluster.observation import PodFact
from fragtui.model.failures.incident import Incident
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.log_reader import LogReading, LogTerms
from fragtui.sources.files.line_bounds import CutLines
from fragtui.sources.host.tree import saved_tree
from fragtui.sources.saved.explain import read_log
from fragtui.sources.saved.readers import SavedKernelLog, SavedPods, scan_pods
from tests.cluster.test_public_texts import CASES, SAVED, incidents_of, is_within, said
from tests.support.eras import ERAS
from tests.support.pod_cases import faults_of
from tests.support.transports import TRANSPORTS

UID = "30655c58-0787-451c-a0ea-5711d0a46f0b"
KUBELET = (
    'E0206 10:12:33.414215     227 pod_workers.go:1301] "Error syncing pod, skipping" err="failed to '
    f'\\"CreatePodSandbox\\" for \\"router_web({UID})\\" with CreatePodSandboxError: \\"rpc error: code = Unknown desc '
    '= {}\\"" pod="web/router" podUID="' + UID + '"'
)
NETWORK = 'failed to setup network for sandbox: plugin type=\\\\\\"bridge\\\\\\" failed (add): cannot allocate memory'
FORK = (
    "OCI runtime create failed: unable to retrieve OCI runtime error: fork/exec /usr/bin/runc: cannot allocate memory"
)


def wrapped(width: int) -> Callable[[bytes], bytes]:
    def mail(text: bytes) -> bytes:
        lines = text.decode().splitlines()
        pieces = [wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""] for line in lines]
        return "".join(f"{piece}\n" for line in pieces for piece in line).encode()

    return mail


MAILS: dict[str, Callable[[bytes], bytes]] = {
    "wrapped at 72": wrapped(72),
    "wrapped at 78": wrapped(78),
    "quoted-printable": quopri.encodestring,
    "quoted in an answer": lambda text: b"".join(b"> " + line for line in text.splitlines(keepends=True)),
}
LOST = {
    "wrapped at 72": {
        "b21-describe-failedsync-1.7", "c03-get-events-wide", "c06-get-events-old",
        "c13-events-yaml", "d21-azure-syslog-csv",
        "f11-docker-nsenter-pair",
    },
    "wrapped at 78": {
        "c03-get-events-wide", "c06-get-events-old", "c13-events-yaml", "d21-azure-syslog-csv",
        "f11-docker-nsenter-pair",
    },
    "quoted-printable": {"f11-docker-nsenter-pair"},
    "quoted in an answer": set(),
}  # fmt: skip
"""Texts whose columns, indents, lines of CSV or distances a mail program has destroyed."""


@pytest.mark.parametrize("mail", MAILS)
@pytest.mark.parametrize("name", CASES)
def test_a_mailed_text_has_the_facts_of_the_text(name: str, mail: str) -> None:
    expected, text = CASES[name]
    mailed = incidents_of(MAILS[mail](text))
    if name in LOST[mail]:
        whole = said(incidents_of(text))
        assert [each for each in said(mailed) if not is_within(each, whole)] == []
    else:
        assert faults_of(expected, mailed) == []


@pytest.mark.parametrize("name", [name for name in CASES if "yaml" in name or "json" in name])
def test_an_answer_that_begins_with_an_empty_line_quotes_the_same(name: str) -> None:
    quoted = MAILS["quoted in an answer"](CASES[name][1])
    assert said(incidents_of(b"\n" + quoted)) == said(incidents_of(quoted))


@pytest.mark.parametrize("name", sorted(CASES)[::3])
def test_saved_pods_and_explain_list_the_same_pods_of_a_mail(name: str, tmp_path: Path) -> None:
    mailed = MAILS["wrapped at 72"](CASES[name][1])
    path = tmp_path / "mail.txt"
    path.write_bytes(mailed)
    os.utime(path, (SAVED, SAVED))
    pods = SavedPods(saved_tree(tmp_path)).read().stuck.pods
    listed = {(pod.ref.namespace, pod.ref.name) for pod in pods}
    assert listed >= {(space, pod) for space, pod, _, _ in said(incidents_of(mailed)) if pod is not None}


SANDBOX = "e6e2d858bd59da036652564d29a5601bd7d35ab74632f1084b90c787a99efc59"
EVENT = (
    "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create network namespace for sandbox "
    '"%s": failed to setup netns: failed to create namespace: cannot allocate memory'
)
TABLES = {
    "get events": ("LAST SEEN   TYPE      REASON                   OBJECT         MESSAGE", "2m          "),
    "get events -A": (
        "NAMESPACE            LAST SEEN   TYPE      REASON                   OBJECT         MESSAGE",
        "openshift-monitoring 2m          ",
    ),
    "events": (
        "LAST SEEN               TYPE      REASON                   OBJECT         MESSAGE",
        "2m1s (x350 over 88m)    ",
    ),
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("width", [72, 76, 80])
def test_a_table_of_events_that_a_mail_has_wrapped_is_read_row_by_row(table: str, width: int) -> None:
    header, age = TABLES[table]
    failed = f"{age}Warning   FailedCreatePodSandBox   pod/api-%d      {EVENT}\n"
    other = f"{age}Normal    Scheduled                pod/api-1      Successfully assigned data/api-1 to node-a7\n"
    rows = [failed % (0, SANDBOX), other, failed % (2, SANDBOX[::-1])]
    text = f"{header}\n{''.join(rows)}".encode()
    mailed = incidents_of(wrapped(width)(text))
    assert said(mailed) == said(incidents_of(text)) and {pod.pod for pod in mailed} == {"api-0", "api-2"}
    assert [(pod.sandbox_id, pod.cause, pod.repeated) for pod in mailed] == [
        (pod.sandbox_id, pod.cause, pod.repeated) for pod in incidents_of(text)
    ]


ERA = next(era for era in ERAS if era.name.startswith("6.12 with UID"))


def kernel_facts(incidents: Iterable[Incident]) -> list[tuple[object, ...]]:
    return [(each.kind, each.comm, each.order, each.mode, each.cause, each.stack, each.time) for each in incidents]


@pytest.mark.parametrize("mail", MAILS)
@pytest.mark.parametrize(
    "transport", ["dmesg -x --time-format iso", "dmesg -x", "RFC 3164", "Vector", "journalctl json", "docker json-file"]
)
def test_the_screen_reads_a_mailed_kernel_log_as_explain_does(transport: str, mail: str, tmp_path: Path) -> None:
    text = TRANSPORTS[transport](ERA.messages)
    path = tmp_path / "dmesg.txt"
    path.write_bytes(MAILS[mail](text))
    os.utime(path, (SAVED, SAVED))
    updates: list[KernelLogUpdate] = []
    done = threading.Event()

    def hear(update: KernelLogUpdate) -> None:
        updates.append(update)
        done.set()

    SavedKernelLog(saved_tree(tmp_path), hear).start()
    assert done.wait(10)
    mailed = kernel_facts(incidents_of(MAILS[mail](text)))
    assert kernel_facts(updates[-1].incidents) == mailed == kernel_facts(incidents_of(text)) != []


@pytest.mark.parametrize("error", [NETWORK, FORK])
@pytest.mark.parametrize("stop", range(0, 60))
def test_no_cut_says_that_the_kernel_did_not_deny_memory_or_shortens_a_name(error: str, stop: int) -> None:
    line = KUBELET.replace("{}", error).encode()
    begin = line.index(b" = Unknown") + 4
    cut = line[: begin + stop * (len(line) - begin) // 60]
    (pod,) = incidents_of(cut)
    assert pod.memory in ((None, True) if b"cannot alloc" in cut else (None,))
    assert (pod.namespace, pod.pod) == ("web", "router")
    assert (pod.memory is True) == (b"cannot alloc" in cut)


def test_a_pod_whose_error_is_cut_before_its_cause_is_listed_with_an_unknown_cause() -> None:
    line = KUBELET.replace("{}", FORK)
    (cut,) = incidents_of(line[: line.index("cannot") + 7].encode())
    assert cut.cause == "unknown" and cut.memory is None and (cut.namespace, cut.pod) == ("web", "router")
    (whole,) = incidents_of(line.encode()[:-20])
    assert whole.cause == "fork-refused" and whole.memory is True


def test_the_saved_pods_reader_and_explain_read_the_same_failures() -> None:
    text = b"".join(MAILS["quoted-printable"](text) for _, text in list(CASES.values())[:20])
    terms = LogTerms("", SAVED, 0.0)
    mine = [each for each in scan_pods(io.BytesIO(text), SAVED) if each.fact is PodFact.FAILED]
    theirs = [line for _, line in read_log(io.BytesIO(text), terms, CutLines()) if not hasattr(line, "report")]
    assert mine == [each for each in theirs if getattr(each, "fact", None) is PodFact.FAILED] != []
    assert LogReading(terms).unread == 0
