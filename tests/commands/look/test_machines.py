"""Saved files of other machines: `check` and the screen judge them by the zones and the page size that they have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from fragtui.commands.cli.parser import main
from tests.support.machines import MACHINES, machine
from tests.support.screen import make_app, running, text_of


class Shape(NamedTuple):
    """Page size, number of orders, zones as ``node:name``, and what a request of order 3 gets."""

    page_size: int
    orders: int
    serving: str
    others: str = ""
    verdict: str = "available"
    state: str = "ok"


NUMA_16 = Shape(4096, 11, "0:DMA " + " ".join(f"{node}:DMA32" for node in range(16)))
X86 = Shape(4096, 11, "0:DMA 0:DMA32", state="low")
SHAPES = {
    "arm64-16k-fresh": Shape(16384, 12, "0:DMA"),
    "arm64-cma-numa-fragmented": Shape(4096, 11, "0:DMA 1:DMA"),
    "arm64-cma-numa-fresh": Shape(4096, 11, "0:DMA 1:DMA"),
    "armhf-lpae-highmem-fragmented": Shape(4096, 12, "0:DMA", "0:HighMem"),
    "i386-pae-highmem-fragmented": Shape(4096, 11, "0:DMA 0:Normal", "0:HighMem"),
    "i386-pae-highmem-fresh": Shape(4096, 11, "0:DMA 0:Normal", "0:HighMem"),
    "ppc64le-64k-fragmented": Shape(65536, 9, "0:Normal"),
    "ppc64le-64k-fresh": Shape(65536, 9, "0:Normal"),
    "s390x-fresh": Shape(4096, 11, "0:DMA"),
    "x86-61rt-256m-fragmented": Shape(4096, 11, "0:DMA 0:DMA32"),
    "x86-ext61-pipes-eat3": X86._replace(verdict="fragmented", state="fragmented"),
    "x86-ext61-pipes-eat8": X86,
    "x86-ext612-pipes-eat3": X86,
    "x86-ext612-pipes-eat5": X86,
    "x86-movable-hugepages-fresh": Shape(4096, 11, "0:DMA 0:DMA32", "0:Movable"),
    "x86-rt612-16nodes-fragmented": NUMA_16,
    "x86-rt612-16nodes-fresh": NUMA_16,
}


def test_every_machine_has_its_shape() -> None:
    assert list(SHAPES) == MACHINES


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_is_judged_by_its_zones_and_its_page_size(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root, shape = machine(name, tmp_path), SHAPES[name]
    status = main(["check", "--json", "--root", str(root), "--order", "3"])
    report = json.loads(capsys.readouterr().out)
    zones = {f"{zone['node']}:{zone['zone']}": zone for zone in report["zones"]}
    assert (report["page_size"], report["verdict"], report["state"]) == (shape.page_size, shape.verdict, shape.state)
    assert status == {"ok": 0, "low": 1, "fragmented": 2}[shape.state]
    assert set(zones) == set(f"{shape.serving} {shape.others}".split())
    assert {len(zone["free_blocks"]) for zone in zones.values()} == {shape.orders}
    main(["check", "--root", str(root), "--order", "3"])
    text = capsys.readouterr().out
    block = {4096: "32K", 16384: "128K", 65536: "512K"}[shape.page_size]
    assert f"{block} (order 3):" in text
    for other in shape.others.split():
        assert other.split(":")[1] not in text
    assert ("but CMA" in text) == name.startswith("arm64")
    assert max(map(len, text.splitlines()[:6])) < 80


def test_cma_counts_neither_as_blocks_nor_as_free_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = machine("arm64-cma-numa-fragmented", tmp_path)
    call = ["check", "--root", str(root), "--order", "3"]
    main(call)
    whole = capsys.readouterr().out
    assert "node 0 DMA: 256M more is free, but CMA" in whole
    (root / "proc/pagetypeinfo").unlink()
    main(call)
    blind = capsys.readouterr().out
    rows = {text: [row.split()[:5] for row in text.splitlines() if row.startswith("node ")] for text in (whole, blind)}
    assert rows[whole] == rows[blind]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize(
    ("name", "words", "zone"),
    [
        ("armhf-lpae-highmem-fragmented", "32K", "N0 DMA"),
        ("x86-movable-hugepages-fresh", "32K", "N0 DMA32"),
        ("arm64-16k-fresh", "128K", "N0 DMA"),
        ("x86-ext61-pipes-eat3", "No free 32K block", "N0 DMA32"),
    ],
)
async def test_the_screen_opens_a_zone_that_serves_the_kernel(
    tmp_path: Path, name: str, words: str, zone: str, size: tuple[int, int]
) -> None:
    app = make_app(machine(name, tmp_path))
    async with running(app, size):
        session = app.main.session
        assert session.state is not None and session.state.state.value == SHAPES[name].state
        assert session.chosen is not None and "N{} {}".format(*session.chosen) == zone
        assert words in text_of(app)
        assert zone in text_of(app)
