from pathlib import Path

import pytest

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.history import History
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.source_state import SourceState
from fragtui.model.node.verdict import State
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.state.node_state import Question, Unseen
from fragtui.model.state.steady import SHOWN_SECONDS
from fragtui.render.card.state_text import sentence
from fragtui.sources.host.reader import NodeReader
from fragtui.ui.panels.sizes import _note
from fragtui.ui.session import Session
from tests.support.host_tree import FRAGMENTED, HEALTHY, HostTree, ZoneFacts
from tests.support.node_states import denial, stuck, stuck_pods


def snapshot(root: Path) -> Snapshot:
    HostTree.small(root)
    return NodeReader(root).sample()


def test_an_order_that_the_node_does_not_have_is_not_replaced_silently(tmp_path: Path) -> None:
    session = Session(manual_order=12)
    session.accept(snapshot(tmp_path))
    session.accept(snapshot(tmp_path))
    assert session.order == 10
    assert [notice.text for notice in session.notices.notices] == ["There is no order 12 here: 10 is the target"]


def test_the_target_order_is_chosen_or_that_of_the_last_failure_or_the_costly_limit(tmp_path: Path) -> None:
    session = Session()
    session.accept(snapshot(tmp_path))
    assert session.order == 3
    session.note_failed_order(6)
    assert session.order == 6
    session.change_order(1)
    assert session.order == 7
    session.note_failed_order(4)
    assert session.order == 7
    session.follow_failures()
    assert session.order == 4
    session.note_failed_order(40)
    assert session.order == 10, "no order that the zones don't have"


def test_a_remedy_is_at_its_place_on_the_timeline(tmp_path: Path) -> None:
    session = Session()
    first = snapshot(tmp_path)
    session.accept(first)
    session.note_remedy(first.time - 150, "bash (1) wrote 3 to drop_caches")
    session.note_remedy(first.time - 4000, "long ago")
    assert session.marks_in(300, 60) == {29}


def test_caches_dropped_by_another_tool_without_a_log_line_are_marked(tmp_path: Path) -> None:
    session = Session()
    first = snapshot(tmp_path)
    counted = {**first.vmstat, "drop_pagecache": 4, "drop_slab": 1}
    session.accept(first._replace(vmstat=counted))
    later = first._replace(monotonic=first.monotonic + 1, time=first.time + 1, vmstat={**counted, "drop_pagecache": 5})
    session.accept(later)
    assert len(session.marks) == 1
    session.accept(later._replace(monotonic=later.monotonic + 1))
    assert len(session.marks) == 1


def test_the_largest_normal_zone_is_opened_first_and_another_when_it_goes(tmp_path: Path) -> None:
    tree = HostTree.numa(tmp_path, 3)
    tree.zones[2].managed *= 2
    tree.write()
    session = Session()
    session.accept(NodeReader(tmp_path).sample())
    assert session.chosen == (2, "Normal")
    del tree.zones[2]
    tree.write()
    session.accept(NodeReader(tmp_path).sample())
    assert session.chosen in {(0, "Normal"), (1, "Normal")}


@pytest.mark.parametrize(
    ("names", "opened"),
    [
        (("DMA", "Normal", "HighMem"), "Normal"),
        (("DMA", "HighMem"), "DMA"),
        (("DMA", "DMA32", "Movable"), "DMA32"),
        (("DMA",), "DMA"),
        (("Movable",), "Movable"),
    ],
)
def test_the_zone_that_opens_serves_the_kernel(tmp_path: Path, names: tuple[str, ...], opened: str) -> None:
    """The later ones of a row are larger. A zone that is not for the kernel opens only if there is no other."""
    tree = HostTree.small(tmp_path)
    tree.zones = [ZoneFacts(0, name, HEALTHY, managed=900_000 * place) for place, name in enumerate(names, 1)]
    tree.write()
    session = Session()
    session.accept(NodeReader(tmp_path).sample())
    assert session.chosen == (0, opened)


def test_memory_that_comes_and_goes_is_on_the_timeline(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path)

    def sample(monotonic: float) -> Snapshot:
        # Another reader each time: one reads zoneinfo less often than every tick.
        return NodeReader(tmp_path).sample()._replace(monotonic=monotonic)

    first = sample(1000.0)
    session = Session()
    session.accept(first)
    tree.zones.append(ZoneFacts(1, "Movable", HEALTHY, managed=131_072))
    tree.write()
    session.accept(sample(1001.0))
    session.accept(sample(1002.0))
    assert list(session.memory_changes) == [(1001.0, "memory +512M (node 1 Movable)")]
    session.accept(first._replace(monotonic=1003.0, zones=None, zone_infos=()))
    assert len(session.memory_changes) == 1, "a file that can't be read is no memory that went"
    session.paused = True
    tree.zones[2].managed += 131_072
    del tree.zones[3]
    tree.write()
    session.accept(sample(1201.0))
    assert session.memory_changes[-1] == (1201.0, "memory +512M (node 0 Normal), −512M (node 1 Movable)")
    session.paused = False
    session.accept(sample(1202.0))
    assert session.memory_changes_in(300, 60) == {19, 59}
    assert session.last_remedy is None
    session.rewind(History(), first)
    assert not session.memory_changes


def test_the_age_of_the_baseline_survives_a_clock_that_is_set(tmp_path: Path) -> None:
    first = snapshot(tmp_path)
    session = Session()
    session.accept(first)
    for jump in (-1063 * 86_400.0, 400 * 86_400.0):
        later = first._replace(monotonic=first.monotonic + 40, time=first.time + 40 + jump)
        session.accept(later)
        assert "baseline: start, 40 s ago" in _note(session, later, 80)


def test_the_state_follows_what_it_is_made_of_and_is_made_once_for_each_of_it(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path)
    reader = NodeReader(tmp_path)
    session = Session()
    assert session.state is None
    session.accept(reader.sample())
    first = session.state
    assert first is not None and session.state is first
    assert [unseen.blind for unseen in first.unseen] == [False, False], "not read yet is no defect"
    assert first.denials is None and first.pods is None and not first.partly_blind
    session.add_kernel_log(KernelLogUpdate((denial("runc", 6),), (), 0, (), "kern.log", None))
    seen = session.state
    assert seen is not None and seen.denials is not None and seen.denials.requests == 1
    assert seen.judgement.order == 6, "that of the denied request"
    session.pods = PodUpdate(stuck_pods([stuck("api")]), (SourceState("kubelet log", "live", ""),))
    assert session.state is not None and session.state.state is State.RECOVERING
    session.pods = PodUpdate(stuck_pods([]), (SourceState("kubelet log", "absent", "no such file"),))
    blind = session.state
    assert blind.why_unseen(Question.PODS) == Unseen(Question.PODS, "the kubelet log can't be read: no such file")
    assert blind.partly_blind and blind.state is State.RECOVERING, "it was not shown for long"
    later = reader.sample()
    session.accept(later._replace(monotonic=later.monotonic + SHOWN_SECONDS))
    assert session.state.partly_blind and session.state.state is State.OK
    for zone in tree.zones:
        zone.free_blocks = FRAGMENTED
    tree.write()
    later = reader.sample()
    session.accept(later._replace(monotonic=later.monotonic + SHOWN_SECONDS + 1))
    assert session.state.state is State.FRAGMENTED
    assert session.state.since.at is not None and not session.state.since.at_least


def test_blocks_that_come_back_after_a_remedy_make_the_node_recover(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path, FRAGMENTED)
    reader = NodeReader(tmp_path)
    session = Session(manual_order=6)
    session.accept(reader.sample())
    assert session.snapshot is not None
    session.note_remedy(session.snapshot.time, "Drop page cache", "you dropped caches")
    for zone in tree.zones:
        zone.free_blocks = HEALTHY
    tree.write()
    session.accept(reader.sample())
    state = session.state
    assert state is not None and state.state is State.RECOVERING
    assert "after you dropped caches" in sentence(state)
    session.rewind(History(), session.snapshot)
    session.accept(reader.sample())
    assert session.state is not None and session.state.state is State.OK, "another place of a recording"


def test_saved_files_do_not_say_since_when(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    session = Session(saved=True, manual_order=6)
    first = NodeReader(tmp_path).sample()
    for seconds in (0, 1, 90):
        session.accept(first._replace(monotonic=first.monotonic + seconds))
    assert session.state is not None and session.state.state is State.FRAGMENTED
    assert session.state.since.at is None, "their time stands still, the clock does not"
