"""What ``fragtui export`` has for fleets, by Prometheus's own tools: lean metrics, recording rules, a dashboard."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from tests.commands.record.test_export import exporting, textfile, value, with_promtool
from tests.support.host_tree import DMA, FRAGMENTED, HEALTHY, HostTree, ZoneFacts
from tests.support.machines import MACHINES, machine
from tests.support.places import REPOSITORY

SAMPLE = re.compile(r"^(\w+)\{", re.MULTILINE)
LEAN = {
    "fragtui_build_info", "fragtui_severity", "fragtui_state", "fragtui_bare_numa_nodes", "fragtui_source_up",
    "fragtui_largest_free_bytes", "fragtui_target_blocks",
}  # fmt: skip


def large(root: Path, nodes: int, orders: int) -> HostTree:
    tree = HostTree.numa(root, nodes, orders)
    first = (5,) * orders
    tree.zones[:0] = [ZoneFacts(0, "DMA32", first, managed=700_000)]
    tree.zones += [ZoneFacts(node, "Movable", first) for node in range(nodes)]
    tree.write()
    return tree


def orders_of(text: str, name: str) -> set[int]:
    return {int(order) for order in re.findall(rf'^{name}{{order="(\d+)"}}', text, re.MULTILINE)}


@pytest.mark.parametrize(
    ("nodes", "orders", "judged"),
    [(1, 11, {3, 4, 9, 10}), (8, 11, {3, 4, 9, 10}), (32, 11, {3, 4, 9, 10}), (2, 9, {3, 4, 8}), (1, 14, {3, 4, 9, 13}),
     (1, 2, {1, 3})],
)  # fmt: skip
def test_it_has_at_most_24_series_on_every_machine(tmp_path: Path, nodes: int, orders: int, judged: set[int]) -> None:
    tree = large(tmp_path / "host", nodes, orders)
    text = textfile(tmp_path, "--lean", "--root", str(tree.root), "--order", "3")
    assert set(SAMPLE.findall(text)) <= LEAN and len(SAMPLE.findall(text)) <= 24
    assert orders_of(text, "fragtui_severity") == judged
    assert orders_of(text, "fragtui_target_blocks") == {order for order in judged if order < orders}
    assert value(text, 'fragtui_state{order="3",state="unknown"}') == (1 if orders < 4 else None)
    zones = re.findall(r'^fragtui_largest_free_bytes{numa_node="(\d*)",zone="(\w+)"}', text, re.MULTILINE)
    assert {name for _, name in zones} == {"DMA32", "Normal", "Movable"}
    assert len(zones) == (3 if nodes > 4 else 2 * nodes + 1)


@pytest.mark.parametrize("name", MACHINES)
def test_it_has_at_most_24_series_of_real_machines_and_judges_each(tmp_path: Path, name: str) -> None:
    root = machine(name, tmp_path)
    text = textfile(tmp_path, "--lean", "--root", str(root), "--order", "6")
    assert 8 <= len(SAMPLE.findall(text)) <= 24
    assert {3, 4, 6} <= orders_of(text, "fragtui_severity")
    assert "fragtui_largest_free_bytes{" in text


def test_the_values_are_those_of_the_full_metrics(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path / "host", FRAGMENTED)
    root = ("--root", str(tree.root))
    lean = textfile(tmp_path, "--lean", *root, "--order", "4")
    for order in ("4", "9"):
        full = textfile(tmp_path, *root, "--order", order)
        for name in ("severity", "target_blocks"):
            sample = f'fragtui_{name}{{order="{order}"}}'
            assert value(lean, sample) == value(full, sample) is not None
    for sample in (line.rpartition(" ")[0] for line in lean.splitlines() if not line.startswith("#")):
        if 'order="' not in sample or 'order="4"' in sample:
            assert value(lean, sample) == value(textfile(tmp_path, *root, "--order", "4"), sample), sample
    assert "DMA32" in lean and 'zone="DMA"' not in lean, "the lowmem reserve keeps x86's ZONE_DMA"


def test_what_is_unknown_is_absent_and_not_zero(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path / "host")
    (tree.root / "proc/buddyinfo").unlink()
    text = textfile(tmp_path, "--lean", "--root", str(tree.root))
    assert value(text, 'fragtui_severity{order="3"}') == 3 and value(text, 'fragtui_source_up{source="buddyinfo"}') == 0
    assert not re.search(r"^fragtui_(target_blocks|largest_free_bytes|bare_numa_nodes){", text, re.MULTILINE)
    tree.write()
    (tree.root / "proc/pagetypeinfo").unlink()
    zoneinfo = tree.root / "proc/zoneinfo"
    text = (
        zoneinfo.read_text().replace("nr_free_cma  0", "nr_free_cma  930000").replace("cma      0", "cma      930000")
    )
    zoneinfo.write_text(text)
    text = textfile(tmp_path, "--lean", "--root", str(tree.root))
    assert value(text, 'fragtui_severity{order="3"}') in (0, 1)
    assert value(text, 'fragtui_severity{order="10"}') == 3, "each of them may be kept for CMA"
    assert value(text, 'fragtui_target_blocks{order="10"}') is None


@with_promtool
def test_promtool_accepts_the_lean_metrics(tmp_path: Path) -> None:
    text = textfile(tmp_path, "--lean")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr


@pytest.mark.slow
def test_it_serves_lean_metrics_and_reads_neither_logs_nor_pods() -> None:
    with exporting("--lean") as address, urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as page:
        text = page.read().decode()
    assert set(SAMPLE.findall(text)) <= LEAN and 'fragtui_source_up{source="buddyinfo"} 1' in text


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["export", *words]) == 0
    return capsys.readouterr().out


def series(
    instance: str,
    zones: dict[str, tuple[int, ...]],
    *,
    spare: int | None,
    protections: int = 3,
    reserve: int = 29_000,
    numa_node: int = 0,
) -> dict[str, str]:
    """Return series of node_exporter as promtool takes them; `spare` pages are above the watermark.

    `reserve` is the lowmem reserve of ZONE_DMA, where it is not the only zone.
    """
    found = {}
    for zone, blocks in zones.items():
        labels = f'node="{numa_node}",zone="{zone}",instance="{instance}",job="n"'
        for order, count in enumerate(blocks):
            found[f'node_buddyinfo_blocks{{size="{order}",{labels}}}'] = f"{count}x5"
        if spare is not None:
            found[f"node_zoneinfo_nr_free_pages{{{labels}}}"] = f"{1000 + spare}x5"
            found[f"node_zoneinfo_min_pages{{{labels}}}"] = "1000x5"
            for index in range(protections):
                pages = reserve if index and zone == "DMA" and len(zones) > 1 else 0
                found[f"node_zoneinfo_protection_{index}{{{labels}}}"] = f"{pages}x5"
    return found


def promtool_tests(
    folder: Path, rules: str, inputs: dict[str, str], wanted: Iterable[tuple[str, Sequence[object]]]
) -> None:
    (folder / "rules.yml").write_text(rules)
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in inputs.items()],
        "promql_expr_test": [
            {"expr": expr, "eval_time": "5m", "exp_samples": [{"value": sample} for sample in samples]}
            for expr, samples in wanted
        ],
    }
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "test.yml").write_text(json.dumps(document))
    for words in (["check", "rules", "rules.yml"], ["test", "rules", "test.yml"]):
        done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr


NODES = {
    "x86": series("x86", {"DMA": DMA, "DMA32": (0,) * 11, "Normal": (9, 0, 0, 1, 2, 3, 0, 0, 0, 1, 1)}, spare=600),
    "x86-low": series("x86-low", {"DMA": DMA, "Normal": HEALTHY}, spare=10),
    "x86-none": series("x86-none", {"DMA": DMA, "Normal": FRAGMENTED}, spare=600),
    "ppc64le": series("ppc64le", {"Normal": (0, 0, 0, 0, 5, 0, 0, 0, 1)}, spare=600, protections=2),
    "arm64-dma": series("arm64-dma", {"DMA": (0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0)}, spare=600),
    "arm64-13": series("arm64-13", {"Normal": (0,) * 13 + (2,)}, spare=600),
    "x86-vm": series("x86-vm", {"DMA": DMA, "Normal": FRAGMENTED}, spare=2600, reserve=1960),
    "sockets": series("sockets", {"Normal": HEALTHY}, spare=600)
    | series("sockets", {"Normal": HEALTHY}, spare=10, numa_node=1),
    "no-zoneinfo": series("no-zoneinfo", {"Normal": HEALTHY}, spare=None),
}
HEALTHY_4 = sum(count << (order - 4) for order, count in enumerate(HEALTHY) if order >= 4)
BLOCKS: dict[int, dict[str, int | None]] = {
    4: {
        "x86": 2 + 2 * 3 + 32 + 64, "x86-low": HEALTHY_4, "x86-none": 0, "ppc64le": 5 + 16, "arm64-dma": 7,
        "arm64-13": 2 << 9, "x86-vm": 0, "sockets": 2 * HEALTHY_4, "no-zoneinfo": HEALTHY_4,
    },
    9: {
        "x86": 3, "x86-low": 1810, "x86-none": 0, "ppc64le": None, "arm64-dma": 0, "arm64-13": 32, "x86-vm": 0,
        "sockets": 3620, "no-zoneinfo": 1810,
    },
}  # fmt: skip
ABOVE: dict[int, dict[str, int | None]] = {
    4: BLOCKS[4] | {"x86-low": 0, "x86-vm": 16 + 32 + 3 * 64, "sockets": HEALTHY_4, "no-zoneinfo": None},
    9: BLOCKS[9] | {"x86-low": 0, "x86-vm": 1 + 3 * 2, "sockets": 1810, "no-zoneinfo": None},
}
"""None is NaN."""


@with_promtool
@pytest.mark.parametrize("order", [4, 9])
def test_the_recording_rules_lose_no_node(tmp_path: Path, capsys: pytest.CaptureFixture[str], order: int) -> None:
    rules = printed(capsys, "--rules", "--fleet", "--order", str(order))
    wanted: list[tuple[str, list[object]]] = []
    for record, values in (("", BLOCKS[order]), ("_above_watermark", ABOVE[order])):
        name = f'instance:node_free_blocks{record}:sum{{order="{order}"}}'
        wanted.append((f"count({name})", [len(NODES)]))
        for instance, blocks in values.items():
            one = f'sum({name.replace("}", "")},instance="{instance}"}})'
            wanted.append((f"count({one} != {one})", [1]) if blocks is None else (one, [blocks]))
    numa = f'instance_numa:node_free_blocks_above_watermark:sum{{order="{order}",instance="sockets",node="%d"}}'
    wanted += [(f"sum({numa % 0})", [ABOVE[order]["sockets"]]), (f"sum({numa % 1})", [0])]
    inputs = {name: values for node in NODES.values() for name, values in node.items()}
    promtool_tests(tmp_path, rules, inputs, wanted)


@with_promtool
def test_the_alerts_fire_for_lean_metrics_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = printed(capsys, "--rules", "--order", "4")
    inputs = {
        'fragtui_target_blocks{order="4",instance="none",job="f"}': "0x20",
        'fragtui_target_blocks{order="4",instance="few",job="f"}': "3x20",
        'fragtui_target_blocks{order="4",instance="many",job="f"}': "300x20",
        'fragtui_target_blocks{order="9",instance="many",job="f"}': "0x20",
        'fragtui_severity{order="4",instance="unknown",job="f"}': "3x20",
        # Full metrics decide by their own gauge.
        'fragtui_target_blocks{order="4",instance="full",job="f"}': "0x20",
        'fragtui_order_available{request="GFP_KERNEL",order="4",instance="full",job="f"}': "1x20",
    }
    firing = 'count(ALERTS{alertname="%s",alertstate="firing",instance="%s"})'
    wanted: list[tuple[str, list[object]]] = [
        (firing % ("FragtuiOrderUnavailable", "none"), [1]),
        ('count(ALERTS{alertname="FragtuiOrderUnavailable",alertstate="firing"})', [1]),
    ]
    promtool_tests(tmp_path, rules.replace("for: 5m", "for: 2m"), inputs, [
        *wanted,
        (firing % ("FragtuiOrderRunningOut", "few"), [1]),
        ('count(ALERTS{alertname="FragtuiOrderRunningOut",alertstate="firing",instance!="full"})', [1]),
    ])  # fmt: skip


def test_the_dashboard_has_the_panels_on_the_grid_and_known_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    board = json.loads(printed(capsys, "--dashboard"))
    assert {"heatmap", "state-timeline", "timeseries"} <= {panel["type"] for panel in board["panels"]}
    cells = [
        (x, y)
        for panel in board["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    known = exported()
    for expr in expressions(board):
        names = set(re.findall(r"\b(?:fragtui|node)_\w+", expr))
        assert names and names <= known | {"node_buddyinfo_blocks"}, expr
        assert "$instance" in expr or expr.startswith("count by (state)")


def exported() -> set[str]:
    """Return the names of all metrics, by the sources."""
    text = "".join(path.read_text() for path in (REPOSITORY / "fragtui/render").rglob("metrics.py"))
    names = set(re.findall(r'"(fragtui_\w+)"', text))
    assert len(names) > 10
    return names | {f"{name}_total" for name in names}


def expressions(board: dict[str, list[dict[str, list[dict[str, str]]]]]) -> list[str]:
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


@with_promtool
def test_promtool_accepts_every_expression_of_the_dashboard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exprs = expressions(json.loads(printed(capsys, "--dashboard")))
    for variable, text in (("$instance", ".*"), ("$order", "4"), ("$__rate_interval", "5m")):
        exprs = [expr.replace(variable, text) for expr in exprs]
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(exprs)]
    full = {
        'fragtui_free_blocks{order="4",instance="full",zone="Normal"}': "5x5",
        'fragtui_free_blocks{order="4",instance="full",zone="DMA32"}': "2x5",
    }
    lean = {'node_buddyinfo_blocks{size="5",instance="lean:9100",zone="Normal"}': "3x5"}
    heat = next(number for number, expr in enumerate(exprs) if "label_replace" in expr)
    promtool_tests(
        tmp_path,
        json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}),
        full | lean,
        [(f'sum(panel:{heat}{{order="4"}})', [7]), (f'sum(panel:{heat}{{order="5"}})', [3])],
    )


def test_fleet_without_rules_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--fleet"]) == 2
    assert "--rules" in capsys.readouterr().err
