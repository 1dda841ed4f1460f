"""The report for a ticket."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from fragtui.cluster.failure_reason import UNKNOWN_REASON
from fragtui.cluster.pod_ref import PodRef
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident, iso_utc
from fragtui.model.node.snapshot import Unreadable
from fragtui.model.node.verdict import judge_node
from fragtui.model.pods.stuck_pods import StuckPod, StuckPods
from fragtui.model.remedy.forecast import forecast
from fragtui.model.remedy.remedy_history import EndEntry, Episode, EvidenceEntry, IntentEntry, Result
from fragtui.model.remedy.tuning_advice import Advice
from fragtui.render.redaction import Redaction, redaction_of
from fragtui.render.report.markdown import on_terminal
from fragtui.render.report.report_facts import ReportFacts
from fragtui.render.report.report_json import report_fields
from fragtui.render.report_page import report_page
from fragtui.render.terminal_text import Role, cells, painted
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


def unpadded(page: str) -> str:
    return re.sub(r" +\|", " |", page)


def test_the_full_page_has_every_section_and_its_facts(tmp_path: Path) -> None:
    page = unpadded(report_page(facts(tmp_path), full=True))
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == [
        "Node",
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
    assert re.search(r"\| GFP_KERNEL request \| (fragmented|out of memory) \|", page)
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)


def test_one_page_begins_with_five_lines_and_keeps_what_a_remedy_brought(tmp_path: Path) -> None:
    page = unpadded(report_page(facts(tmp_path)))
    lines = page.splitlines()
    assert lines[0] == "# Memory fragmentation on db-9.prod.example.com"
    assert [line.split("**")[1] for line in lines[2:8] if line] == ["FRAGMENTED", "Denied", "Stuck", "Try", "Node"]
    assert "2 allocation failures, 2023-11-14 22:13:20 to 22:14:10 UTC (50 s). From /dev/kmsg: " in page
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == [
        "Denied requests and OOM kills",
        "Stuck pods",
        "Zones",
        "Remedies",
    ]
    assert "| 22:14:10 | 2 | 64K (order 4) | runc:\\[1:CHILD\\] | unknown |" in page
    assert "- **allocation failure, 64K (order 4): runc:\\[1:CHILD\\]**, 2 times, last 2023-11-14T22:14:10" in page
    assert "| shop/cart-7 | 2023-11-14 22:13:20 UTC | 5 |" in page
    assert "| done in 2.5s | 4 | 500 |" in page
    assert "| Zone | Free | Largest | 64K blocks | for 64K |" in page
    assert "- **Advice**: No setting stands out." in lines
    assert "report --full" in lines[-1]


def many_failures(count: int) -> list[Incident]:
    return [
        kernel_incident(
            comm=f"task{'abcdefghij'[place % 10]}",
            order=place % 7,
            time=1.7e9 + place,
            cause=("vhost", "netns")[place % 2],
            explanation="It was denied memory. " * 9,
            stack=("a", "b"),
            id=f"k{place}",
            suppressed=place % 3,
        )
        for place in range(count)
    ]


def test_whatever_happened_it_is_one_page(tmp_path: Path) -> None:
    one = facts(tmp_path)
    assert one.pods is not None
    pods = StuckPods(tuple(dataclasses.replace(one.pods.pods[0], memory=bool(n % 2)) for n in range(40)))
    whole = dataclasses.replace(
        one,
        incidents=tuple(many_failures(900)),
        pods=pods,
        episodes=one.episodes * 30,
        advice=(Advice("a", "b", "c = 1", "d"),) * 20,
        unreadable=tuple(Unreadable(f"/proc/{n}", "no such file or directory") for n in range(50)),
    )
    page = report_page(whole)
    assert len(page.splitlines()) <= 91, "with every section at its largest"
    assert "The 7 newest of 14 groups:" in page
    assert "The first 5 of 40:" in page
    assert "And 27 older remedies." in page and "And 47 more: /proc/3, " in page and "And 17 more settings." in page
    assert "\n900 allocation failures, at least 900 more not logged, 2023-11-14 22:13:20 to" in page
    full = report_page(whole, full=True)
    assert full.count("| done in 2.5s") == 30 and full.count("no such file") >= 50
    assert "And 50 more groups, older than these." in full


def test_a_stuck_pod_has_the_time_of_its_next_try_if_a_log_says_it(tmp_path: Path) -> None:
    one = facts(tmp_path)
    assert one.pods is not None
    (pod,) = one.pods.pods
    assert "next try" not in report_page(one, full=True)
    due = one.snapshot.time + 24
    known = dataclasses.replace(one, pods=StuckPods((dataclasses.replace(pod, next_try=due),)))
    for full in (False, True):
        assert "- next try: in about 24 s" in report_page(known, full=full)
    assert report_fields(known)["pods"][0]["next_try"] == iso_utc(due)
    assert report_fields(one)["pods"][0]["next_try"] is None


def test_without_pods_the_failed_sandboxes_stand_among_the_failures(tmp_path: Path) -> None:
    whole = facts(tmp_path)
    failed = Incident(namespace="shop", pod="cart-7", time=1.7e9, cause="image-pull", id="s1")
    page = report_page(dataclasses.replace(whole, incidents=(failed,), pods=None))
    assert "\n1 failed sandbox, 2023" in page
    assert "## Denied requests, OOM kills and failed sandboxes" in page
    assert "- **sandbox failure: cart-7**, 1 time" in page
    page = report_page(dataclasses.replace(whole, incidents=(failed,)))
    assert "- **Denied requests and OOM kills**: None in /dev/kmsg." in page


def test_a_page_for_a_terminal_has_every_word_and_no_markup(tmp_path: Path) -> None:
    page = report_page(facts(tmp_path), full=True)
    plain = re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)[|`]|\*\*|^#+", " ", page, flags=re.MULTILINE))
    words = {word.strip(":;") for word in plain.split() if word.strip(":;-")}
    for width in (60, 80, 400):
        lines = [painted(line, colour=False) for line in on_terminal(page, width)]
        shown = {word.strip(":;") for line in lines for word in line.split()}
        # A table without room for its columns names neither the first one nor empty cells.
        heads = {"Pod", "Zone", "Time", "Fact", "Value", "Remedy", "Remark"} if width < 400 else set[str]()
        assert words - heads <= shown
        assert all(cells(line) <= width or max(map(len, line.split())) > 40 for line in lines)
        assert not any(line.startswith(("#", "|")) or "**" in line for line in lines)


def test_a_page_for_a_terminal_is_bold_where_the_markdown_is() -> None:
    page = "# A title\n\n- **De\\_nied**: two words and `more`\n\n| a | b\\|c |\n| - | - |\n| 1 | 2 |\n"
    assert [painted(line, colour=True) for line in on_terminal(page, 20)] == [
        "\x1b[1mA title\x1b[0m",
        "",
        "- \x1b[1mDe_nied\x1b[0m: two words",
        "  and more",
        "",
        "\x1b[2ma\x1b[0m  \x1b[2mb|c\x1b[0m",
        "1  2",
    ]
    wide = on_terminal("| Pod | Why |\n| --- | --- |\n| web | it waits for memory |\n", 16)
    assert [painted(line, colour=False) for line in wide] == ["web", "  Why: it waits", "  for memory"]
    assert on_terminal("**A\\*B**: c\n", 80) == [(("A*B", Role.TITLE), (": c", Role.TEXT))]


def test_redacted_no_name_is_left_and_the_same_name_is_the_same_token(tmp_path: Path) -> None:
    for full in (True, False):
        _is_redacted(report_page(facts(tmp_path), redact=True, full=full))


def _is_redacted(page: str) -> None:
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
    for full in (True, False):
        page = report_page(dataclasses.replace(whole, incidents=(evil,)), full=full)
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
