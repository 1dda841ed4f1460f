"""What a refresh of ``fragtui fleet`` costs: ``python -m tests.bench.bench_fleet [NODES] [ENGINE]``.

Synthetic nodes serve node_exporter's metrics and fragtui's lean ones. A refresh is read seven times in a process of its
own, first what ranks the nodes, as the screen does, from raw series, from recording rules and from gauges; by turns
with a yardstick, one gauge of all nodes, because a busy machine makes all of it slower. ENGINE is prometheus or
victoria-metrics. 5,000 nodes take 8 minutes, 2 GB of memory and both cores.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from fragtui.model.fleet.fleet import Counting
from fragtui.render.prometheus.recording_rules import recording_rules
from fragtui.sources.prometheus.client import Access, PrometheusClient
from fragtui.sources.prometheus.fleet_reader import FleetReader
from tests.support.fleet import Engine, free_port, prometheus, synthetic_node, targets, victoria_metrics

INTERVAL = 60
ROUNDS = 7
PAUSE = 2.0
ORDERS = (4, 9)


def client(url: str, order: int, counting: str, pid: int) -> None:
    """Read some times and print what each cost, as JSON; the first two readings look for metrics, too."""
    engine = Engine(url, pid)
    access = PrometheusClient(Access(url), 300)
    reader = FleetReader(access, order, counting=Counting(counting))
    gc.freeze()
    gc.set_threshold(50_000)  # As the screen does.
    rows = []
    for number in range(ROUNDS):
        time.sleep(PAUSE)
        cpu, theirs = time.process_time(), engine.cpu()
        fleet = reader.read(quick=number == 0)
        cost = (fleet.took, time.process_time() - cpu, engine.cpu() - theirs)
        started, cpu, theirs = time.monotonic(), time.process_time(), engine.cpu()
        access.query(f'fragtui_target_blocks{{order="{order}"}}')
        yardstick = (time.monotonic() - started, time.process_time() - cpu, engine.cpu() - theirs)
        rows.append((*cost, *yardstick))
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    print(json.dumps({"nodes": len(fleet.nodes), "rows": rows, "resident": resident, "notes": fleet.notes}))


def measure(engine: Engine, order: int, way: Counting) -> str:
    """Return a line of the table: of the first reading, then median and least of those after the second."""
    words = [sys.executable, "-m", "tests.bench.bench_fleet", "--client", engine.url, str(order), way.value]
    done = json.loads(subprocess.run([*words, str(engine.pid)], stdout=subprocess.PIPE, text=True, check=True).stdout)
    first, _, *rest = done["rows"]
    columns = list(zip(*rest, strict=True))
    cells = [
        f"{first[place] * scale:8.{digits}f} {median(column) * scale:8.{digits}f} {min(column) * scale:8.{digits}f}"
        for place, (column, scale, digits) in enumerate(zip(columns, (1, 1000, 1) * 2, (2, 0, 3) * 2, strict=True))
    ]
    return f"{way.value:8} {order:5} {done['nodes']:6} {' '.join(cells)} {done['resident'] >> 20:6} {done['notes']}"


@contextmanager
def synthetic_server(nodes: int) -> Iterator[int]:
    port = free_port()
    words = [sys.executable, "-m", "tests.support.fleet", str(nodes), str(port), "both", "9"]
    process = subprocess.Popen(words)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    name = sys.argv[2] if len(sys.argv) > 2 else "prometheus"
    run = {"prometheus": prometheus, "victoria-metrics": victoria_metrics}[name]
    with tempfile.TemporaryDirectory() as folder, synthetic_server(count) as port:
        found = targets([synthetic_node(number) for number in range(count)], port)
        with run(Path(folder), found, f"{INTERVAL}s") as engine:
            engine.wait_for(f"count(up == 1) == {count}", 600)
            time.sleep(INTERVAL)
            print(f"{name}, {count} nodes, {engine.resident() >> 20} MiB; each: to the first rows, median, least")
            print(
                f"{'way':8} {'order':>5} {'nodes':>6} {'wall s':>26} {'CPU ms':>26} {'engine CPU s':>26}"
                f" {'yardstick: wall s':>26} {'CPU ms':>26} {'engine CPU s':>26} {'MiB':>6}"
            )
            for order in ORDERS:
                for way in (Counting.GAUGES, Counting.RAW):
                    print(measure(engine, order, way), flush=True)
            if name == "prometheus":
                record(Path(folder), engine)
                for order in ORDERS:
                    print(measure(engine, order, Counting.RULES), flush=True)


def record(folder: Path, engine: Engine) -> None:
    """Have the rules evaluated once, and print what it costs: while they are, nothing else can be measured."""
    configuration = folder / "prometheus.yml"
    text = configuration.read_text()
    names = [f"rules-{order}.yml" for order in ORDERS]
    for name, order in zip(names, ORDERS, strict=True):
        (folder / name).write_text(recording_rules(order).replace("interval: 1m", "interval: 2m"))
    cpu = engine.cpu()
    for files in (f"rule_files: {json.dumps(names)}\n", ""):
        configuration.write_text(files + text)
        os.kill(engine.pid, 1)
        if files:
            for order in ORDERS:
                engine.wait_for(
                    f'count(instance_numa:node_free_blocks_above_watermark:sum{{order="{order}"}}) > 0', 700
                )
    print(f"rules of orders {ORDERS}: {engine.cpu() - cpu:.1f} s of the engine's CPU for one evaluation")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        client(sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
    else:
        main()
