"""The page on `P` and its rows beside a dialog: pods by name, what is unknown with its reason, the cost."""

from dataclasses import replace
from pathlib import Path

import pytest

from fragtui.cluster.pod_ref import PodRef
from fragtui.model.node.cgroup_memory import CgroupMemories, CgroupMemory, CgroupPrice
from fragtui.model.node.snapshot import Host, Snapshot
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.pods.stuck_pods import StuckPods
from fragtui.render.remedy.before_after import price_phrase
from fragtui.ui.pages.cgroup_page import beside_lines, cgroup_lines, cgroup_name
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import cells_of
from tests.support.cgroup_tree import OTHER_PODS, PODS, UID, put_v1, put_v2
from tests.support.host_tree import HostTree
from tests.support.person import press
from tests.support.screen import make_app, running, text_of, texts_of, until

MIB = 1 << 20
POD = CgroupMemory(f"/{PODS}", f"sys/fs/cgroup/{PODS}", 2, 1, 2, 600 * MIB, 3 * MIB, None)
READ = CgroupMemories(0.0, (POD,), 7, 700 * MIB, 0.002, 0.001, None, "cgroup v1 does not count slab by cgroup")


def session(cgroups: CgroupMemories | None) -> Session:
    found = Session()
    found.accept(
        Snapshot(0.0, 0.0, Host("n", None, None, 4096), (), meminfo={"Active(file)": 0, "Inactive(file)": 1200 * MIB})
    )
    found.pods = PodUpdate(StuckPods(), (), (PodRef("shop", "web-0", UID),))
    found.cgroups = cgroups
    return found


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"/{PODS}", "shop/web-0"),
        (f"/{OTHER_PODS}", f"pod {OTHER_PODS[-36:]}"),
        (f"/docker/{'ab' * 32}", "container abababababab"),
        ("/system.slice/kubelet.service", "/system.slice/kubelet.service"),
    ],
)
def test_a_cgroup_is_named_as_well_as_is_known(path: str, name: str) -> None:
    assert cgroup_name(replace(POD, path=path), session(None).pods) == name


@pytest.mark.parametrize("width", [56, 76, 116, 196])
def test_rows_fit_and_unknown_is_no_zero(width: int) -> None:
    lines = texts_of(list(cgroup_lines(session(READ), width)))
    assert all(cells_of(row) <= width for row in lines), lines
    row = next(row for row in lines if "shop/web-0" in row)
    assert row.split()[1:6] == ["600M", "3M", "?", "50", "%"]
    text = " ".join(" ".join(lines).split())
    assert "Slab is unknown: cgroup v1 does not count slab by cgroup." in text
    assert "600M listed, 700M in all cgroups, 1.2G on the node." in text
    assert "7 cgroups read in 2.0 ms (1.0 ms of CPU)" in text


def test_nothing_read_has_its_reason() -> None:
    assert texts_of(list(cgroup_lines(session(None), 76))) == ["Reading the cgroups…"]
    none = session(CgroupMemories(0.0, why="no memory controller is mounted at /sys/fs/cgroup"))
    assert texts_of(list(cgroup_lines(none, 76))) == ["? no memory controller is mounted at /sys/fs/cgroup"]
    assert "unknown: no memory controller" in texts_of(beside_lines(none, 96))[0]


def test_a_price_names_what_is_unknown() -> None:
    assert price_phrase(CgroupPrice(0, 4096, 0.25)) == "0 refaults, 4K read from disk, its tasks waited 0.2 s"
    assert price_phrase(CgroupPrice(3)) == "3 refaults, reads unknown, stalls unknown (cgroup v1 has no PSI)"


@pytest.mark.slow
@pytest.mark.parametrize("put", [put_v1, put_v2])
async def test_the_key_reads_the_cgroups_and_shows_them(put: object, tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    put(tmp_path, OTHER_PODS, 90 * MIB)  # type: ignore[operator]
    app = make_app(tmp_path, cgroups=True)
    async with running(app) as pilot:
        assert app.main.session.cgroups is None, "nothing is read before it is asked for"
        await press(pilot, "P")
        await until(pilot, lambda: f"pod {OTHER_PODS[-36:]}" in text_of(app))
        assert "Page cache by cgroup" in text_of(app)
