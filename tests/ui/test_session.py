from dataclasses import replace
from pathlib import Path

from fragtui.model.node.snapshot import Snapshot
from fragtui.sources.host.reader import NodeReader
from fragtui.ui.session import Session
from tests.support.host_tree import HostTree


def snapshot(root: Path) -> Snapshot:
    HostTree.small(root)
    return NodeReader(root).sample()


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
    session.accept(replace(first, vmstat=counted))
    later = replace(first, monotonic=first.monotonic + 1, time=first.time + 1, vmstat={**counted, "drop_pagecache": 5})
    session.accept(later)
    assert len(session.marks) == 1
    session.accept(replace(later, monotonic=later.monotonic + 1))
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
