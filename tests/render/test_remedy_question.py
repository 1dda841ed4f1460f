"""The texts of the question before a remedy never contradict each other, on any node."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import State, judge_node
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import WANTED_BLOCKS, forecast
from fragtui.render.remedy.question import RemedyQuestion, remedy_question
from fragtui.sources.host.reader import NodeReader
from tests.support.host_tree import FRAGMENTED, HEALTHY, HostTree

EFFECTS = (
    Effect(page_cache=True),
    Effect(slab=True),
    Effect(page_cache=True, slab=True),
    Effect(sync=True, page_cache=True, slab=True),
    Effect(compact=True),
    Effect(compact=True, node=0),
    Effect(sync=True, page_cache=True, slab=True, compact=True),
    Effect(gentle=True),
)
counts = st.integers(0, 3000) | st.just(0) | st.integers(0, 20)
blocks = st.lists(counts, min_size=11, max_size=11).map(tuple) | st.sampled_from([HEALTHY, FRAGMENTED])


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> HostTree:
    return HostTree.numa(tmp_path_factory.mktemp("node"), 2)


def sample(tree: HostTree, *zones: tuple[int, ...], file: int = 300_000) -> Snapshot:
    for zone, free in zip(tree.zones, zones, strict=True):
        zone.free_blocks, zone.file = free, file
        zone.managed = max(200_000, zone.free * 3)
    tree.write()
    return NodeReader(tree.root).sample(page_types=True)


def check(question: RemedyQuestion, snapshot: Snapshot, order: int, effect: Effect) -> None:
    state = judge_node(snapshot, order).state
    text = " ".join((question.need, question.expected, *question.useless))
    assert (question.needed is False and "Not needed" in question.need) == (state is State.OK)
    if state is State.OK:
        assert "wanted" not in question.expected, text
        assert "✓ Needed" not in question.need
    if question.need.startswith("✓"):
        assert question.needed is True
        assert "gives about" in question.expected, text
        assert not question.useless, text
        assert "many such blocks already" not in text
    if "too few blocks" in question.need:
        assert "no more blocks" in question.expected or f"fewer than the {WANTED_BLOCKS} wanted" in question.expected
        assert "many such blocks already" not in text, text
    if question.expectation is None:
        assert "gives about" not in question.expected or question.expected.startswith("unknown")
    else:
        assert question.expectation.now == forecast(snapshot, order).blocks
        assert 0 <= question.expectation.low <= question.expectation.high > question.expectation.now
        assert "gives about" in question.expected
    if "unknown" in question.need:
        assert "gives about" not in question.expected, text
    assert bool(re.search("can't be undone", question.undo)) == effect.drops


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=blocks,
    second=blocks,
    order=st.integers(0, 12),
    file=st.sampled_from([0, 2_000, 300_000]),
    effect=st.sampled_from(EFFECTS),
)
def test_no_two_texts_contradict_each_other(
    tree: HostTree, first: tuple[int, ...], second: tuple[int, ...], order: int, file: int, effect: Effect
) -> None:
    snapshot = sample(tree, first, second, file=file)
    check(remedy_question(snapshot, order, effect), snapshot, order, effect)


def test_a_healthy_node_needs_none(tree: HostTree) -> None:
    question = remedy_question(sample(tree, HEALTHY, HEALTHY), 3, EFFECTS[2])
    assert question.need == "! Not needed: 32K requests succeed, this gains nothing you need."
    assert "are wanted" not in question.expected


def test_a_fragmented_node_needs_one_and_reads_why(tree: HostTree) -> None:
    bare = (20_000, 3_000, *(0,) * 9)
    question = remedy_question(sample(tree, bare, bare, file=190_000), 4, EFFECTS[2])
    assert question.need.startswith("✓ Needed. No free 64K block."), question.need
    assert re.match(
        r"frees about [\d.]+[GM], gives about [\d,]+ more blocks of 64K( \(likely [\d,]+ to [\d,]+\))?; 64 are wanted$",
        question.expected,
    ), question.expected
    assert question.expectation is not None
    assert question.expectation.now == 0


def test_without_memory_compaction_is_not_offered_as_help(tree: HostTree) -> None:
    empty = (300, *(0,) * 10)
    snapshot = sample(tree, empty, empty, file=0)
    assert judge_node(snapshot, 4).state is State.OUT_OF_MEMORY
    question = remedy_question(snapshot, 4, Effect(compact=True))
    assert question.needed is False
    assert question.need.startswith("! Needed, but this gives too few blocks to help.")
    assert question.expected == "no more blocks of 64K: compaction frees no memory"


def test_what_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    question = remedy_question(NodeReader(tmp_path).sample(), 3, EFFECTS[2])
    assert question.needed is None
    assert question.need == "? Unknown whether it is needed: the free blocks can't be judged."
    assert question.expected == "unknown: no zone that serves kernel requests could be read"
    assert question.expectation is None


def test_too_small_a_gain_on_a_node_that_runs_low_is_not_called_plenty(tmp_path: Path) -> None:
    tree = HostTree.numa(tmp_path, 1)
    snapshot = sample(tree, (100_000, 0, 0, 0, 100, *(0,) * 6), file=300)
    assert judge_node(snapshot, 4).state is State.LOW
    question = remedy_question(snapshot, 4, Effect(page_cache=True))
    assert question.need.startswith("! Needed, but this gives too few blocks to help.")
    assert question.expected.endswith("fewer than the 64 wanted")
    assert question.useless == (
        "Hardly worth its cost: too little of the memory that can be freed or moved is contiguous.",
    )
    check(question, snapshot, 4, Effect(page_cache=True))
