"""Who holds the page cache: read by cgroup in bounds, never through a link, unknown with its reason."""

import errno
import os
import threading
from pathlib import Path

import pytest

from fragtui.model.node.cgroup_memory import CgroupMemories, CgroupPrice
from fragtui.sources.host import cgroups as module
from fragtui.sources.host.cgroups import LARGEST, CgroupReader, read_cgroups, read_price
from tests.support.cgroup_tree import OTHER_PODS, PODS, put_v1, put_v2

MIB = 1 << 20


def paths(found: CgroupMemories) -> list[str]:
    return [cgroup.path for cgroup in found.cgroups]


def test_a_pod_is_one_row_with_all_its_containers(tmp_path: Path) -> None:
    put_v2(tmp_path, PODS, 50 * MIB, dirty=MIB, slab=2 * MIB)
    put_v2(tmp_path, f"{PODS}/cri-containerd-{'a' * 64}.scope", 50 * MIB)
    put_v2(tmp_path, OTHER_PODS, 80 * MIB)
    put_v2(tmp_path, "system.slice/kubelet.service", 3 * MIB)
    found = read_cgroups(tmp_path)
    assert paths(found) == [f"/{OTHER_PODS}", f"/{PODS}", "/system.slice/kubelet.service"]
    pod = found.cgroups[1]
    assert (pod.version, pod.cache, pod.dirty, pod.slab, pod.clean) == (2, 50 * MIB, MIB, 2 * MIB, 49 * MIB)
    assert pod.folder == f"sys/fs/cgroup/{PODS}"
    status = (tmp_path / pod.folder).stat()
    assert (pod.device, pod.inode) == (status.st_dev, status.st_ino)
    assert found.slab_unknown is None and found.cache == 133 * MIB


def test_version_one_has_no_slab_and_says_so(tmp_path: Path) -> None:
    put_v1(tmp_path, OTHER_PODS, 80 * MIB, dirty=MIB)
    found = read_cgroups(tmp_path)
    assert [(cgroup.version, cgroup.dirty, cgroup.slab) for cgroup in found.cgroups] == [(1, MIB, None)]
    assert found.slab_unknown is not None and found.why is None


def test_what_a_parent_has_beside_its_children_is_a_row_of_its_own(tmp_path: Path) -> None:
    """Pages of ended pods stay with the parent."""
    put_v2(tmp_path, "kubepods", 90 * MIB)
    put_v2(tmp_path, OTHER_PODS, 10 * MIB)
    assert paths(read_cgroups(tmp_path)) == ["/kubepods", f"/{OTHER_PODS}"]


def test_no_link_is_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    put_v2(outside, "system.slice/a.service", 10 * MIB)
    root = tmp_path / "root"
    put_v2(root, "system.slice/b.service", MIB)
    (root / "sys/fs/cgroup/evil.slice").symlink_to(outside / "sys/fs/cgroup/system.slice")
    service = root / "sys/fs/cgroup/system.slice/c.service"
    service.mkdir()
    (service / "memory.stat").symlink_to(outside / "sys/fs/cgroup/system.slice/a.service/memory.stat")
    found = read_cgroups(root)
    assert paths(found) == ["/system.slice/b.service"]
    assert found.why is not None and "1 cgroup could not be read" in found.why


def test_a_cgroup_that_can_not_be_listed_is_counted_as_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_v2(tmp_path, "system.slice/a.service", MIB)
    refused = OSError(errno.EACCES, "denied")

    def scandir(_: int) -> None:
        raise refused

    monkeypatch.setattr("os.scandir", scandir)
    found = read_cgroups(tmp_path)
    assert found.cgroups == () and "1 cgroup could not be read" in (found.why or "")
    refused.errno = errno.ENOENT
    assert "could not be read" not in (read_cgroups(tmp_path).why or ""), "it was removed meanwhile"


def test_a_fifo_does_not_block_it(tmp_path: Path) -> None:
    put_v2(tmp_path, "a", MIB)
    (tmp_path / "sys/fs/cgroup/b").mkdir()
    os.mkfifo(tmp_path / "sys/fs/cgroup/b/memory.stat")
    assert paths(read_cgroups(tmp_path)) == ["/a"]


@pytest.mark.parametrize(
    ("bound", "value", "why"),
    [("MAX_CGROUPS", 5, "the first 5 cgroups"), ("MAX_SECONDS", 0.0, "it took over 0 s"), ("MAX_DEPTH", 1, "depth 1")],
)
def test_a_bound_ends_the_reading_and_is_named(
    bound: str, value: float, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, bound, value)
    for number in range(20):
        put_v2(tmp_path, f"system.slice/{number}.service", MIB)
    found = read_cgroups(tmp_path)
    assert found.why is not None and why in found.why
    assert found.looked_at <= 5


def test_at_most_ten_are_delivered_and_their_names_can_do_no_harm(tmp_path: Path) -> None:
    for number in range(2 * LARGEST):
        put_v2(tmp_path, f"system.slice/\x1b[31m{number}\n.service", (number + 1) * MIB)
    found = read_cgroups(tmp_path)
    assert len(found.cgroups) == LARGEST and found.looked_at == 2 * LARGEST + 2
    assert all(path.isprintable() for path in paths(found))


def test_without_a_tree_it_says_why(tmp_path: Path) -> None:
    found = read_cgroups(tmp_path)
    assert found.cgroups == () and found.why is not None
    assert "no memory controller" in found.why and "no such file" in found.why


def test_a_containers_own_tree_is_no_nodes(tmp_path: Path) -> None:
    (put_v2(tmp_path, "a", MIB).parent / "memory.current").write_text("1\n")
    assert "only cgroups of this container" in (read_cgroups(tmp_path).why or "")


def test_the_price_is_what_was_counted_since_and_the_rest_unknown(tmp_path: Path) -> None:
    v2 = put_v2(tmp_path, OTHER_PODS, MIB, refaults=5)
    (v2 / "io.stat").write_text("8:0 rbytes=4096 wbytes=0\n")
    (v2 / "memory.pressure").write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\n")
    before = read_price(tmp_path, f"sys/fs/cgroup/{OTHER_PODS}")
    assert before == CgroupPrice(5, 4096, 2.0)
    put_v2(tmp_path, OTHER_PODS, MIB, refaults=8)
    (v2 / "io.stat").unlink()
    assert read_price(tmp_path, f"sys/fs/cgroup/{OTHER_PODS}").since(before) == CgroupPrice(3, None, 0.0)
    assert read_price(tmp_path, "sys/fs/cgroup/gone").since(before) == CgroupPrice()


def test_the_reads_of_version_one_are_those_of_blkio(tmp_path: Path) -> None:
    put_v1(tmp_path, OTHER_PODS, MIB, refaults=5)
    blkio = tmp_path / "sys/fs/cgroup/blkio" / OTHER_PODS
    blkio.mkdir(parents=True)
    (blkio / "blkio.throttle.io_service_bytes_recursive").write_text("8:0 Read 512\nTotal 512\n")
    assert read_price(tmp_path, f"sys/fs/cgroup/memory/{OTHER_PODS}") == CgroupPrice(5, 512, None)


def test_it_reads_on_a_thread_and_seldom(tmp_path: Path) -> None:
    put_v2(tmp_path, "a", MIB)
    arrived = threading.Semaphore(0)
    found: list[CgroupMemories] = []
    crashes: list[str] = []

    def take(cgroups: CgroupMemories) -> None:
        found.append(cgroups)
        arrived.release()

    reader = CgroupReader(tmp_path, take, crashes.append)
    assert reader.look() and arrived.acquire(timeout=20)
    while reader.look() and len(found) < 2:
        pass
    assert not reader.look() and len(found) == 1 and not crashes
