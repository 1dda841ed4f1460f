"""The report for a ticket."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from fragtui.cluster.failure_reason import UNKNOWN_REASON
from fragtui.cluster.pod_ref import PodRef
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.node.verdict import judge_node
from fragtui.model.pods.stuck_pods import StuckPod, StuckPods
from fragtui.model.remedy.forecast import forecast
from fragtui.model.remedy.remedy_history import EndEntry, Episode, EvidenceEntry, IntentEntry, Result
from fragtui.model.remedy.tuning_advice import Advice
from fragtui.render.redaction import Redaction, redaction_of
from fragtui.render.report_page import ReportFacts, report_page
from fragtui.sources.host.reader import NodeReader
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.incidents import kernel_incident

UID = "0f3c1a2b-1111-2222-3333-444455556666"


def facts(tmp_path: Path) -> ReportFacts:
    tree = HostTree.small(tmp_path, FRAGMENTED)
    tree.hostname = "db-9.prod.example.com"
    tree.write()
    snapshot = NodeReader(tmp_path).sample()
    incident = kernel_incident(
        kind=ReportKind.ALLOCATION_FAILURE,
        time=1_700_000_000.0,
        comm="runc:[1:CHILD]",
        order=4,
        gfp=("GFP_KERNEL", "__GFP_COMP"),
        explanation="runc on db-9 asked for 64K for shop/cart-7",
        namespace="shop",
        pod="cart-7",
        pod_uid=UID,
        stack=("copy_net_ns", "ksys_unshare"),
        id="k1",
    )
    pod = StuckPod(
        PodRef("shop", "cart-7", UID),
        1_700_000_000.0,
        UNKNOWN_REASON,
        True,
        f"pod cart-7_shop({UID}) on db-9.prod.example.com: cannot allocate memory",
        "sandbox",
        5,
        None,
        None,
    )
    intent = IntentEntry("a", 1_700_000_100.0, "compact", (), (), "screen", 1, 0, None, "db-9", None, None, 4, 10)
    ended = EndEntry("a", 1_700_000_103.0, Result.DONE, 2.5)
    return ReportFacts(
        snapshot=snapshot,
        judgement=judge_node(snapshot, 4),
        forecast=forecast(snapshot, 4),
        incidents=(incident, dataclasses.replace(incident, id="k2", time=1_700_000_050.0)),
        incidents_from="/dev/kmsg",
        pods=StuckPods((pod,)),
        pods_unknown="",
        episodes=(Episode(intent, ended, (EvidenceEntry("a", 1.0, 0, 4, 510),)),),
    )


def test_the_page_has_every_section_and_its_facts(tmp_path: Path) -> None:
    page = report_page(facts(tmp_path))
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == [
        "Zones",
        "What would help",
        "Denied requests, OOM kills and failed sandboxes",
        "Stuck pods",
        "Remedies",
        "Advice",
        "What could not be read",
    ]
    assert "# Memory fragmentation on db-9.prod.example.com" in page
    assert "**FRAGMENTED**" in page
    assert "2 times, last 2023-11-14T22:14:10+00:00" in page
    assert "shop/cart-7" in page
    assert "| done in 2.5s | 4 | 500 |" in page
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)


def test_redacted_no_name_is_left_and_the_same_name_is_the_same_token(tmp_path: Path) -> None:
    page = report_page(facts(tmp_path), redact=True)
    for name in ("cart-7", "shop", "db-9", "example.com", UID):
        assert name not in page, name
    assert "# Memory fragmentation on host-1" in page
    assert "namespace-1/pod-1" in page
    assert r"pod pod-1\_namespace-1(pod-1-uid) on host-1" in page
    assert "runc on host-1 asked for 64K for namespace-1/pod-1" in page
    assert "copy\\_net\\_ns" in page, "what is no name stays"


def test_a_host_that_is_called_like_a_word_of_ours_changes_no_setting(tree: HostTree) -> None:
    tree.hostname = "vm"
    tree.write()
    snapshot = NodeReader(tree.root).sample()
    advice = Advice("raise vm.min_free_kbytes", "of vm", "vm.min_free_kbytes = 1")
    page = report_page(
        ReportFacts(snapshot, judge_node(snapshot, 3), forecast(snapshot, 3), advice=(advice,)), redact=True
    )
    assert "on host-1" in page
    assert r"raise vm.min\_free\_kbytes: of vm" in page
    assert "`vm.min_free_kbytes = 1`" in page


def test_longer_names_win_and_parts_of_words_stay() -> None:
    redaction = redaction_of(("n1", "n2.x.org"), ("a",), (("web", None), ("web-1", "u-1"), ("web", None)))
    assert redaction.text("web web-1 webs n1 n2 n2.x.org a cat u_1") == (
        "pod-1 pod-2 webs host-1 host-2 host-2 namespace-1 cat pod-2-uid"
    )
    assert Redaction().text("web") == "web"


def test_hostile_names_cannot_write_markdown(tmp_path: Path) -> None:
    whole = facts(tmp_path)
    evil = kernel_incident(comm="|x| <img src=x> [a](http://b) `#`", id="k9")
    page = report_page(dataclasses.replace(whole, incidents=(evil,)))
    assert "<img" not in page.replace("\\<img", "")
    assert r"\|x\|" in page
    assert "[a](" not in page.replace(r"\[a\]", "")


def test_an_unknown_value_is_reported_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    snapshot = NodeReader(tmp_path / "empty").sample()
    bare = ReportFacts(snapshot, judge_node(snapshot, 3), forecast(snapshot, 3), unreadable=snapshot.unreadable)
    page = report_page(bare)
    assert "Unknown: no such file or directory." in page
    assert "Unknown: no kernel log could be read." in page
    assert "Unknown: not looked for." in page
    assert "proc/buddyinfo: no such file or directory" in page
