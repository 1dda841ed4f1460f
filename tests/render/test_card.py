"""The four lines of the card: their words in each state, and what they leave out to fit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import judge_node
from fragtui.model.state.denials import denials_of
from fragtui.model.state.node_state import LastRemedy, NodeState, Question, Since, Unseen, node_state
from fragtui.model.state.waiting_pods import waiting_pods
from fragtui.render.card.card import Card
from fragtui.render.card.card import card as card_with
from fragtui.render.card.fitting import Span, Spans, cells_in, cells_of_spans, fitted, plain, shortened
from fragtui.render.card.means import Means
from fragtui.render.card.state_text import outlook, outlooks
from fragtui.render.numbers import prose_count, rough, share_words, short_bytes, span_words
from fragtui.ui.keys import KEYS, key_names
from tests.model.remedy.test_forecast import UNMOVABLE
from tests.support.examples import examples
from tests.support.node_states import DENIALS, GIB, NODES, NOW, PODS, denial, node, stuck, stuck_pods

FRAGMENTED = (367_000, 66_000, 386, 66, 28, 93, 0, 0, 0, 0, 0)
HEALTHY = (2000, 1500, 1000, 800, 400, 200, 100, 50, 20, 10, 900)
LONG = "checkout-recommendation-service-canary-deployment-02-7f9c6d5b8-x002z"


def seen(snapshot: Snapshot, order: int, **facts: object) -> NodeState:
    facts = {"denials": denials_of([]), "pods": waiting_pods(stuck_pods([])), **facts}
    return node_state(snapshot, judge_node(snapshot, order), **facts)  # type: ignore[arg-type]


INCIDENT = seen(
    node(FRAGMENTED, cache=12 * GIB),
    10,
    denials=denials_of([denial("runc:[1:CHILD]", 10, cause="netns")]),
    pods=waiting_pods(stuck_pods([stuck("api-665b464898-g8dkn", ago=9), stuck("hostnet")])),
    since=Since(NOW - 240),
)


def card(state: NodeState, width: int, now: float, means: Means = Means.KEYS) -> Card:
    return card_with(state, width, now, means, key_names(KEYS))


def lines(shown: Card) -> list[str]:
    return [f"{shown.badge}  {plain(shown.lines[0].text)}", *map(str, shown.lines[1:])]


def test_an_incident_in_full() -> None:
    shown = card(INCIDENT, 200, NOW)
    assert shown.title == "Can a 4M block be allocated?"
    assert shown.since is not None and re.fullmatch(r"since \d\d:\d\d:\d\d · 4 min", shown.since)
    head, denied, pods, step = lines(shown)
    assert head == "FRAGMENTED  No free 4M block. 1.9G is free, but in pieces of 128K or less."
    assert denied == "Denied  runc:[1:CHILD] asked for 4M 8 s ago and failed, 1 time, for a new network namespace"
    assert pods == "Stuck   2 pods, both likely because of it: default/hostnet, default/api-665b464898-g8dkn"
    assert re.fullmatch(
        r"Try      3  drop caches: about [\d,]+ blocks of 4M \([\d,]+ to [\d,]+\); 12G is then read from disk again",
        step,
    )
    assert shown.outlook == "new requests may still succeed after a wait; atomic (network) ones fail at once"


@pytest.mark.parametrize(
    ("bound", "counters", "odds"),
    [
        (None, {}, "new requests may still succeed after a wait"),
        (0.5, {"compact_fail": 10, "compact_success": 9}, "new requests may still succeed after a wait"),
        (
            0.5,
            {"compact_fail": 812, "compact_success": 188},
            "new requests fail after a wait unless compaction makes a block (it failed 812 of 1000 times since boot)",
        ),
        (
            0.91,
            {"compact_fail": 0, "compact_success": 1000},
            "new requests almost certainly fail after a wait, as what is free lies between unmovable pages",
        ),
    ],
)
def test_a_request_that_may_fail_has_its_odds(bound: float | None, counters: dict[str, int], odds: str) -> None:
    state = seen(node(FRAGMENTED)._replace(vmstat=counters), 10)
    state = state._replace(advice=state.advice._replace(bound=bound))
    assert card(state, 200, NOW).outlook == f"{odds}; atomic (network) ones fail at once"
    assert outlooks(state)[-1] == re.split(r" \(|, as", odds)[0]


def test_memory_between_unmovable_pages_is_seen_in_the_node_s_own_files() -> None:
    state = node_state(UNMOVABLE, judge_node(UNMOVABLE, 9))
    assert state.advice.bound is not None and state.advice.bound > 0.9
    assert "almost certainly fail" in (outlook(state) or "")


def test_a_narrow_card_leaves_out_the_explanation_the_cause_the_second_name_and_the_cost() -> None:
    head, denied, pods, step = lines(card(INCIDENT, 58, NOW))
    assert head == "FRAGMENTED  No free 4M block, pieces up to 128K."
    assert denied == "Denied  runc:[1:CHILD] asked for 4M 8 s ago, 1 time"
    assert pods == "Stuck   2 pods: default/hostnet, +1"
    assert re.fullmatch(r"Try      3  drop caches: about [\d,]+ blocks of 4M", step)


def test_a_denial_that_is_after_now_is_not_called_recent() -> None:
    """The clock was set back, or saved logs and files have different ones; a minute is no difference."""
    assert lines(card(INCIDENT, 120, NOW - 3600))[1].startswith(
        "Denied  runc:[1:CHILD] asked for 4M after now (clocks differ) and failed, 1 time"
    )
    assert "0 s ago" in lines(card(INCIDENT, 120, NOW - 30))[1]


def test_the_same_advice_names_the_key_the_command_or_neither() -> None:
    keys, commands, none = (str(card(INCIDENT, 200, NOW, means).lines[3]) for means in Means)
    assert keys.removeprefix("Try      3  drop caches") == commands.removeprefix("Try     fragtui drop-caches 3")
    assert none.removeprefix("Try     drop caches") == commands.removeprefix("Try     fragtui drop-caches 3")


MANY = denials_of([denial(f"vhost-{n % 3}", 6, 60.0 * n, suppressed=n) for n in range(48)])
REMEDIED = LastRemedy(NOW - 45, "you dropped caches")
BLIND = tuple(Unseen(question, "the log needs root", "sudo fragtui") for question in Question)
WORDS = [
    (seen(node(HEALTHY), 3), 0, "OK  Healthy. Requests of 32K succeed: room for about 100,000 of them. Largest free "
     "block: 4M."),
    (seen(node(HEALTHY), 3), 1, "Denied  none in the kernel log"),
    (seen(node(HEALTHY), 3), 2, "Stuck   ✓ no pod waits for memory"),
    (seen(node(HEALTHY), 3), 3, "Next    nothing to do"),
    (seen(node(HEALTHY), 3, denials=denials_of([], "1,204 lines since boot")), 1,
     "Denied  ✓ none in the kernel log: 1,204 lines since boot"),
    (seen(node(HEALTHY), 3, denials=None, pods=None, unseen=BLIND), 0, "OK, PARTLY BLIND  Blocks of 32K are free now, "
     "but denials and stuck pods can't be seen: the log needs root."),
    (seen(node(HEALTHY), 3, denials=None, pods=None, unseen=BLIND), 1, "Denied  ? unknown: the log needs root"),
    (seen(node(HEALTHY), 3, pods=None, unseen=(Unseen(Question.PODS, "no kubelet here", blind=False),)), 2,
     "Stuck   no kubelet here"),
    (seen(node(HEALTHY), 3, denials=None, pods=None, unseen=BLIND), 3,
     "Try     sudo fragtui, or fragtui doctor for each source and what it needs"),
    (seen(node((300_000, 80_000, 5_000, 40, *(0,) * 7)), 3), 0,
     "LOW  Running low: 40 blocks of 32K left; 99.9 % of the free 1.8G is in smaller pieces."),
    (seen(node(HEALTHY, *[FRAGMENTED] * 3), 6), 0, "FRAGMENTED 3/4  3 of 4 NUMA nodes have no free 256K block; only "
     "node 0 has."),
    (seen(node(HEALTHY), 10, pods=waiting_pods(stuck_pods([stuck("a"), stuck("b")])), remedy=REMEDIED), 0,
     "RECOVERING  4M blocks are back: 900, 45 s after you dropped caches. 2 pods have not started yet."),
    (seen(node(HEALTHY), 10, pods=waiting_pods(stuck_pods([stuck("a")]))), 0,
     "RECOVERING  4M blocks are free: 900. 1 pod has not started yet."),
    (seen(node(HEALTHY), 10, remedy=REMEDIED), 3,
     "Next    watch whether the blocks last. If the blocks do not last:  H  settings for longer"),
    (seen(node((3_000, 1_000, 20, *(0,) * 8), cache=0), 3), 0,
     "OUT OF MEMORY  Not fragmented: 20M is free and the kernel keeps 43M in reserve (min watermark)."),
    (seen(node((3_000, 1_000, 20, *(0,) * 8), cache=0), 3), 3,
     "Try     find the consumer: kubectl top pods, or the largest processes by resident memory"),
    (seen(node(), 3), 0, "UNKNOWN  Can't judge: /proc/buddyinfo: no such file or directory."),
    (seen(node(HEALTHY), 3, denials=MANY), 1, "Denied  48 requests in 47 min, last 0 s ago; at least 1,128 more not "
     "logged. Most: vhost-0 256K (16)"),
    (seen(node(HEALTHY), 3, pods=waiting_pods(stuck_pods([*map(stuck, "abcdefg"), stuck("z", False)]))), 2,
     "Stuck   7 pods by memory, 1 for other reasons. First: default/a, +6"),
    (seen(node(HEALTHY), 3, pods=waiting_pods(stuck_pods([stuck("z", None)]))), 2,
     "Stuck   ? 1 pod waits, cause unknown: default/z"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "place", "text"), WORDS, ids=lambda value: value if isinstance(value, str) else "")
def test_each_state_has_its_words(state: NodeState, place: int, text: str) -> None:
    assert lines(card(state, 300, NOW))[place] == text


@pytest.mark.parametrize("width", [40, 60, 76, 100, 140])
def test_a_reason_that_is_cut_has_its_brackets_closed(width: int) -> None:
    why = "the kernel log needs root (/dev/kmsg: operation not permitted; the journal: it has no record of the kernel)"
    state = seen(node(HEALTHY), 3, denials=None, unseen=(Unseen(Question.DENIALS, why),))
    text = lines(card(state, width, NOW))[1]
    assert text.startswith("Denied  ? unknown") and text.count("(") == text.count(")")
    assert width < 140 or why in text


def test_a_reason_that_is_cut_does_not_end_with_the_name_of_a_source() -> None:
    why = "the kernel log needs root (/dev/kmsg does not exist; the journal: no such boot, file or folder)"
    state = seen(node(HEALTHY), 3, denials=None, unseen=(Unseen(Question.DENIALS, why),))
    for width in range(60, 200):
        assert not lines(card(state, width, NOW))[1].endswith(("the journal", "the journal)"))


def test_names_keep_their_end_and_their_beginning() -> None:
    state = INCIDENT._replace(pods=waiting_pods(stuck_pods([stuck(LONG)])))
    pods = str(card(state, 60, NOW).lines[2])
    assert cells_in(pods) <= 60
    assert re.fullmatch(r"Stuck   1 pod: default/check.*….*5b8-x002z", pods)
    assert shortened("日本語プロセス名前", 9) == "日本…名前"


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("3.3G", short_bytes(3_543_348_019)), ("285M", short_bytes(285 << 20)), ("128K", short_bytes(128 << 10)),
        ("4M", short_bytes(4 << 20)), ("24G", short_bytes(25_232_932_864)),
        ("1023M", short_bytes((1 << 30) - (1 << 20))),
        ("900", rough(941)), ("6,000", rough(5_670)), ("0", rough(0)),
        ("1,500", rough(1_549)), ("2,000", rough(1_751)), ("1255", prose_count(1255)),
        ("about 100,000", prose_count(115_000)), ("8 s", span_words(8.4)), ("40 min", span_words(2400)),
        ("3 h", span_words(3 * 3600)), ("99.9 %", share_words(999)), ("73 %", share_words(730)),
        ("<1 %", share_words(4)), ("100 %", share_words(1000)), ("0 %", share_words(0)),
    ],
)  # fmt: skip
def test_numbers_have_as_few_digits_as_they_are_sure_of(words: str, number: str) -> None:
    assert number == words


_WORD = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)
_SPANS = st.lists(st.builds(Span, _WORD, st.sampled_from(["text", "strong", "name"])), min_size=1, max_size=5)


@examples(60)
@given(st.lists(_SPANS.map(tuple), min_size=1, max_size=4), st.integers(10, 120))
def test_a_line_fits_or_has_only_short_names(variants: list[Spans], width: int) -> None:
    line = fitted(variants, width)
    if cells_of_spans(line) > width:
        assert all(cells_in(span.text) <= 9 for span in line if span.role == "name"), "nothing else gives way"
    if line in variants:
        return
    for span, whole in zip(line, variants[-1], strict=True):
        if span != whole:
            assert span.role == "name"
            head, tail = span.text.split("…")[0], span.text.rsplit("…", 1)[1]
            assert whole.text.startswith(head) and whole.text.endswith(tail) and tail


_NUMBER = re.compile(r"\d[\d,.]*[KMGTP%]?\b")


@pytest.mark.slow
@examples(40)
@given(NODES, st.integers(0, 10), DENIALS, PODS, st.booleans(), st.sampled_from(Means))
def test_no_number_and_no_end_of_a_name_is_cut_at_any_width(
    snapshot: Snapshot, order: int, incidents: list[object], pods: object, remedied: bool, means: Means
) -> None:
    state = node_state(
        snapshot,
        judge_node(snapshot, order),
        denials=denials_of(incidents),  # type: ignore[arg-type]
        pods=waiting_pods(pods),  # type: ignore[arg-type]
        remedy=REMEDIED if remedied else None,
    )
    full = card(state, 100_000, NOW, means)
    names = {span.text for line in full.lines for span in line.text if span.role == "name"}
    known = {*state.denials.most[:1]} if state.denials and state.denials.most else set()
    known |= {str(pod.ref) for pod in (state.pods.by_memory + state.pods.others if state.pods else ())} | names
    for width in range(58, 201):
        shown = card(state, width, NOW, means)
        assert cells_in(shown.badge) + 4 + cells_of_spans(shown.lines[0].text) <= max(width, 58)
        for line in shown.lines[1:]:
            assert cells_in(str(line)) <= width, str(line)
            for span in line.text:
                if span.role == "name":
                    end = span.text.rsplit("…", 1)[-1]
                    assert end and any(name.endswith(end) for name in known | {"a task"}), span.text
        if shown.outlook:
            assert cells_in(shown.outlook) + 8 <= width
