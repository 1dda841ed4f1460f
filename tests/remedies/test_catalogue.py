import shlex
from pathlib import Path

import pytest

from fragtui.kernel.procfs.version import parse_version
from fragtui.remedies.catalogue import (
    Action,
    RemedyStep,
    catalogue,
    compact_node,
    drop_caches,
    find_remedy,
    numa_nodes,
    read_wake,
    wake_kcompactd,
)

ALL = catalogue((0, 8), 20, parse_version("6.18.0"))


def test_what_is_written_where_is_exact() -> None:
    root = Path("/")
    written = {
        remedy.id: [(str(s.target(root)), s.text) for s in remedy.steps if s.action is Action.WRITE] for remedy in ALL
    }
    assert written == {
        "sync": [],
        **{f"drop-caches-{n}": [("/proc/sys/vm/drop_caches", str(n))] for n in (1, 2, 3)},
        **{f"sync-drop-caches-{n}": [("/proc/sys/vm/drop_caches", str(n))] for n in (1, 2, 3)},
        "nudge-kcompactd": [("/proc/sys/vm/compaction_proactiveness", "20")],
        **{f"{first}compact-node-0": [("/sys/devices/system/node/node0/compact", "1")] for first in ("", "sync-")},
        **{f"{first}compact-node-8": [("/sys/devices/system/node/node8/compact", "1")] for first in ("", "sync-")},
        **{f"{first}compact": [("/proc/sys/vm/compact_memory", "1")] for first in ("", "sync-")},
    }


def test_sync_comes_first_where_it_is_asked_for() -> None:
    for remedy in ALL:
        syncs = [index for index, step in enumerate(remedy.steps) if step.action is Action.SYNC]
        assert syncs == ([0] if remedy.sync_first else [])


def test_ids_are_unique_and_every_remedy_names_its_needs_and_evidence() -> None:
    assert len({remedy.id for remedy in ALL}) == len(ALL)
    assert all(remedy.title and remedy.needs and remedy.evidence for remedy in ALL)
    assert find_remedy(ALL, "compact") is not None and find_remedy(ALL, "reboot") is None


def test_the_sentence_names_the_path_below_the_hosts_root(tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "host")
    step = drop_caches(1, sync=False).steps[0]
    assert step.sentence(tmp_path / "link") == f"writes '1' to {tmp_path}/host/proc/sys/vm/drop_caches"


def test_the_command_is_safe_to_paste_whatever_a_cgroup_is_called() -> None:
    step = RemedyStep(Action.WRITE, "sys/fs/cgroup/a\\x2db.slice/$(reboot); b/memory.reclaim", "1")
    assert shlex.split(step.command(Path("/"))) == ["echo", "-n", "1", ">", f"/{step.path}"]
    assert drop_caches(3, sync=False).steps[0].command(Path("/")) == "echo -n 3 > /proc/sys/vm/drop_caches"


@pytest.mark.parametrize(
    ("value", "release", "words"),
    [(None, "6.1.0", "can't be read"), (0, "6.1.0", "is 0"), (20, "5.14.0", "before 5.15"), (20, "5.15.0", None)],
)
def test_when_kcompactd_can_be_woken(value: int | None, release: str, words: str | None) -> None:
    disabled_reason = wake_kcompactd(value, parse_version(release)).disabled_reason
    assert disabled_reason is None if words is None else disabled_reason is not None and words in disabled_reason


def test_nodes_and_the_setting_are_read_from_the_root(tmp_path: Path) -> None:
    assert numa_nodes(tmp_path) == ()
    for name in ("node0", "node12", "node3", "nodex", "power", "has_cpu"):
        (tmp_path / "sys/devices/system/node" / name).mkdir(parents=True)
    (tmp_path / "proc/sys/vm").mkdir(parents=True)
    (tmp_path / "proc/sys/vm/compaction_proactiveness").write_text("35\n")
    assert numa_nodes(tmp_path) == (0, 3, 12)
    assert read_wake(tmp_path).steps[0].text == "35"


def test_a_nodes_compaction_touches_that_node_alone() -> None:
    assert compact_node(3).effect.node == 3 and compact_node(3).effect.compact
