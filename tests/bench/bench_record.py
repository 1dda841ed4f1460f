"""What recording costs a tick: at most 2 MB an hour at 1 Hz on this machine; a busy node is printed beside it.

Run: python tests/bench/bench_record.py [TICKS]. The ticks of this machine are taken at 1 Hz; the busy node has 8 NUMA
nodes, each with this machine's zones as they were at another time. Its figure (2.7 MB an hour on 2026-11-29) is over
the budget and does not fail the run.
"""

from __future__ import annotations

import sys
import time

from fragtui.model.node.snapshot import Host
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.host.snapshot_builder import FileText, Tick
from fragtui.sources.recording.recorder import Recorder

BUDGET = 2e6
NODES = 8


def machine_ticks(count: int) -> tuple[Host, list[Tick]]:
    """Return ticks of this machine, a second apart."""
    reader = NodeReader()
    ticks: list[Tick] = []
    reader.on_tick = ticks.append
    for _ in range(count):
        begun = time.monotonic()
        reader.sample()
        time.sleep(max(0.0, begun + 1.0 - time.monotonic()))
    return reader.host, ticks


def busy_ticks(ticks: list[Tick]) -> list[Tick]:
    """Return ticks of a node with eight times the zones."""
    return [
        tick._replace(files={name: _of_all_nodes(ticks, place, name, file) for name, file in tick.files.items()})
        for place, tick in enumerate(ticks)
    ]


def _of_all_nodes(ticks: list[Tick], place: int, name: str, file: FileText) -> FileText:
    if name not in ("buddyinfo", "zoneinfo"):
        return file
    texts = [tick.files[name].text or "" for tick in ticks if name in tick.files]
    here = sum(name in tick.files for tick in ticks[:place])
    apart = max(1, len(texts) // NODES)
    nodes = (texts[(here + node * apart) % len(texts)].replace("Node 0,", f"Node {node},") for node in range(NODES))
    return file._replace(text="".join(nodes))


def cost(host: Host, ticks: list[Tick]) -> tuple[float, float]:
    """Return CPU seconds and bytes a tick."""
    recorder = Recorder(host, kept=1 << 30)
    begun = time.process_time()
    for tick in ticks:
        recorder.take_tick(tick)
    recorder.end()
    return (time.process_time() - begun) / len(ticks), recorder.remembered / len(ticks)


def main() -> int:
    host, own = machine_ticks(int(sys.argv[1]) if len(sys.argv) > 1 else 240)
    hourly = []
    for name, ticks in (("this machine", own), ("8 NUMA nodes", busy_ticks(own))):
        cpu, size = min(cost(host, ticks) for _ in range(5))
        hourly.append(size * 3600)
        print(f"{name}: {cpu * 1000:.2f} ms of CPU and {size:.0f} bytes a tick, {hourly[-1] / 1e6:.2f} MB an hour")
    print(f"budget of this machine {BUDGET / 1e6:.0f} MB an hour: {'kept' if hourly[0] <= BUDGET else 'BROKEN'}")
    return 0 if hourly[0] <= BUDGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
