"""Synthetic nodes of known texts, a server of their metrics, and real engines that scrape it.

``python -m tests.support.fleet COUNT PORT raw|gauges|both ORDER`` serves ``/n/0/metrics`` and so on until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from fragtui.kernel.procfs.buddyinfo import ZoneBlocks
from fragtui.kernel.procfs.version import parse_version
from fragtui.model.node.snapshot import Host, Snapshot
from fragtui.model.node.verdict import judge_node
from fragtui.model.state.node_state import NodeState, node_state
from fragtui.render.metrics import Family
from fragtui.render.prometheus.lean import lean_metrics, lean_orders
from fragtui.sources.host.snapshot_builder import BUDDYINFO, ZONEINFO, FileText, SnapshotBuilder, Tick
from tests.support.host_tree import DMA, ZoneFacts
from tests.support.procfs import format_buddyinfo

HOSTILE = "[/red]\x1b]0;x"
_EMPTY = (0,) * 5
_RESERVE = (0, 3019, 29000, 29000, 29000)


@dataclass(frozen=True)
class SyntheticNode:
    """A node by the texts of its files."""

    name: str
    zones: tuple[ZoneFacts, ...]
    pool: str = "general"

    @cached_property
    def buddyinfo(self) -> str:
        return format_buddyinfo(tuple(ZoneBlocks(zone.node, zone.name, zone.free_blocks) for zone in self.zones))

    @cached_property
    def zoneinfo(self) -> str:
        return "".join(
            f"Node {zone.node}, zone {zone.name:>8}\n  pages free     {zone.free}\n        boost    0\n"
            f"        min      {zone.min}\n        low      {zone.min * 5 // 4}\n        high     {zone.min * 3 // 2}\n"
            f"        spanned  {zone.managed}\n        present  {zone.managed}\n        managed  {zone.managed}\n"
            f"        cma      0\n        protection: ({', '.join(map(str, zone.reserve))})\n"
            f"      nr_free_pages {zone.free}\n      nr_free_cma  0\n        free_highatomic 0\n"
            for zone in self.zones
        )

    @cached_property
    def snapshot(self) -> Snapshot:
        """What fragtui reads of these texts."""
        texts = {
            name: FileText(f"/proc/{name}", text)
            for name, text in ((BUDDYINFO, self.buddyinfo), (ZONEINFO, self.zoneinfo))
        }
        host = Host(self.name, "6.14.0", parse_version("6.14.0"), 4096)
        return SnapshotBuilder(host).snapshot(Tick(1_795_900_000.0, 1000.0, texts))

    def judged(self, order: int) -> NodeState:
        return node_state(self.snapshot, judge_node(self.snapshot, order))

    @cached_property
    def raw(self) -> bytes:
        """The metrics of node_exporter with its collectors buddyinfo and zoneinfo."""
        lines = []
        for zone in self.zones:
            labels = f'node="{zone.node}",zone="{zone.name}"'
            lines += [
                f'node_buddyinfo_blocks{{node="{zone.node}",size="{order}",zone="{zone.name}"}} {count}'
                for order, count in enumerate(zone.free_blocks)
            ]
            lines += [
                f"node_zoneinfo_{name}{{{labels}}} {value}"
                for name, value in (
                    ("nr_free_pages", zone.free), ("min_pages", zone.min), ("managed_pages", zone.managed),
                    ("low_pages", zone.min * 5 // 4), ("high_pages", zone.min * 3 // 2),
                    *((f"protection_{index}", pages) for index, pages in enumerate(zone.reserve)),
                )
            ]  # fmt: skip
        return ("\n".join(lines) + "\n").encode()

    def gauges(self, order: int) -> bytes:
        """The lean metrics of fragtui's own exporter for a target order."""
        states = [self.judged(each) for each in lean_orders(self.snapshot, order)]
        return exposition(lean_metrics(self.snapshot, states, "1.0"))


def exposition(families: Sequence[Family]) -> bytes:
    """Return metrics in Prometheus' text format."""
    lines = []
    for family in families:
        name = family.name + ("_total" if family.counter else "")
        for values, number in family.samples:
            labels = ",".join(f'{label}="{value}"' for label, value in zip(family.labels, values, strict=True) if value)
            lines.append(f"{name}{{{labels}}} {number!r}")
    return ("\n".join(lines) + "\n").encode()


def _falling(draw: random.Random, first: int, orders: int = 11, until: int | None = None) -> tuple[int, ...]:
    """Return fewer and fewer blocks from order 0 up, none from `until` on."""
    return tuple(
        draw.randrange(max(2, first >> order)) if until is None or order < until else 0 for order in range(orders)
    )


def _x86(draw: random.Random, normal: tuple[int, ...], low: tuple[int, ...], node: int = 0) -> tuple[ZoneFacts, ...]:
    return (
        ZoneFacts(node, "DMA", DMA, min=8, reserve=_RESERVE, managed=3840, file=0),
        ZoneFacts(node, "DMA32", low, min=1600, reserve=(0, 0, 21071, 21071, 21071), managed=770_000),
        ZoneFacts(node, "Normal", normal, min=15_000, managed=15_000_000),
    )


def _fine(draw: random.Random, orders: int = 11) -> tuple[int, ...]:
    return (*_falling(draw, 90_000, orders - 1), 100 + draw.randrange(900))


def _healthy(draw: random.Random) -> tuple[ZoneFacts, ...]:
    return _x86(draw, _fine(draw), _fine(draw))


def _fragmented(draw: random.Random) -> tuple[ZoneFacts, ...]:
    return _x86(draw, _falling(draw, 900_000, until=3), (9000, 300, *(0,) * 9))


def _thin(draw: random.Random) -> tuple[ZoneFacts, ...]:
    normal = [*_falling(draw, 400_000, until=4), 20 + draw.randrange(60), draw.randrange(6), 0, 0, 0, 0, 0]
    return _x86(draw, tuple(normal), (9000, 300, *(0,) * 9))


def _few(draw: random.Random) -> tuple[ZoneFacts, ...]:
    normal = (*(draw.randrange(60_000) for _ in range(3)), 0, 1 + draw.randrange(7), 0, 0, 0, 0, 0, 0)
    return _x86(draw, normal, (9000, 300, *(0,) * 9))


def _reserved(draw: random.Random) -> tuple[ZoneFacts, ...]:
    """Blocks, but a request for one would go below the watermark, one for a page not."""
    blocks = (0, 100, 9, 5, 3, 2, 1, 1, 0, 0, draw.randrange(1, 9))
    pages = sum(count << order for order, count in enumerate(blocks))
    return _x86(draw, (15_000 + 5 - pages, *blocks[1:]), (300, 20, *(0,) * 9))


def _short(draw: random.Random) -> tuple[ZoneFacts, ...]:
    return _x86(draw, (draw.randrange(9000), 90, 3, 1, *(0,) * 7), (300, 20, *(0,) * 9))


def _two_sockets(draw: random.Random) -> tuple[ZoneFacts, ...]:
    return (*_healthy(draw), ZoneFacts(1, "Normal", _fine(draw), min=16_000, managed=16_000_000))


def _one_bare_of_four(draw: random.Random) -> tuple[ZoneFacts, ...]:
    bare = _falling(draw, 900_000, until=3)
    others = tuple(ZoneFacts(number, "Normal", _fine(draw), min=16_000) for number in (1, 2))
    return (*_healthy(draw), *others, ZoneFacts(3, "Normal", bare, min=16_000))


def _one_bare_of_two(draw: random.Random) -> tuple[ZoneFacts, ...]:
    return (*_healthy(draw), ZoneFacts(1, "Normal", _falling(draw, 900_000, until=3), min=16_000))


def _ppc64le(draw: random.Random) -> tuple[ZoneFacts, ...]:
    return (ZoneFacts(0, "Normal", _fine(draw, 9), min=900, reserve=(0, 0), managed=500_000),)


def _arm64_dma(draw: random.Random) -> tuple[ZoneFacts, ...]:
    return (ZoneFacts(0, "DMA", _fine(draw), min=5000, managed=2_000_000),)


def _arm64_large(draw: random.Random) -> tuple[ZoneFacts, ...]:
    """Every block is of order 13: 32M."""
    low = ZoneFacts(0, "DMA", (9, *(0,) * 13), min=1000, reserve=(0, 0, 120_000, 120_000, 120_000), managed=500_000)
    return (low, ZoneFacts(0, "Normal", (900, *(0,) * 12, 3 + draw.randrange(500)), min=16_000, managed=30_000_000))


def _arm64_two_zones(draw: random.Random) -> tuple[ZoneFacts, ...]:
    """ZONE_DMA is a gigabyte and gives blocks, Normal has none."""
    low = ZoneFacts(0, "DMA", _fine(draw), min=1000, reserve=(0, 0, 10_000, 10_000, 10_000), managed=260_000)
    return (low, ZoneFacts(0, "Normal", _falling(draw, 400_000, until=3), min=9000, managed=3_000_000))


_SHAPES: tuple[tuple[int, int, Callable[[random.Random], tuple[ZoneFacts, ...]]], ...] = (
    (60, 11, _ppc64le), (60, 16, _arm64_dma), (60, 31, _arm64_large), (60, 46, _arm64_two_zones), (50, 7, _fragmented),
    (100, 13, _short), (33, 5, _thin), (40, 9, _few), (80, 21, _reserved), (90, 30, _one_bare_of_four),
    (90, 60, _one_bare_of_two), (8, 3, _two_sockets),
)  # fmt: skip
"""Of so many nodes the one with this remainder."""


def synthetic_node(number: int) -> SyntheticNode:
    """Return the node of that number, always the same."""
    shape = next((shape for every, rest, shape in _SHAPES if number % every == rest), _healthy)
    pool = HOSTILE if number == 2 else "gpu" if number % 3 == 0 else "general"
    return SyntheticNode(f"node-{number:04d}", shape(random.Random(number)), pool)


class FleetServer:
    """Serves the metrics of nodes on a loopback port, on a thread of its own; `texts` may change while it runs."""

    def __init__(self, texts: Sequence[bytes], port: int = 0) -> None:
        self.texts: list[bytes | None] = list(texts)
        """None: the node is down."""
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._answer, "127.0.0.1", port, backlog=4096)
        )
        self.port = int(self._server.sockets[0].getsockname()[1])

    def run(self) -> None:
        self._loop.run_forever()

    @contextmanager
    def running(self) -> Iterator[FleetServer]:
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._end)
            thread.join()

    def _end(self) -> None:
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_later(0.05, self._loop.stop)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = self.texts[int(head.split(b"/n/", 1)[1].split(b"/", 1)[0])]
                status, body = (b"503 Down", b"") if body is None else (b"200 OK", body)
                writer.write(
                    b"HTTP/1.1 %b\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %d\r\n\r\n%b"
                    % (status, len(body), body)
                )
                await writer.drain()
        writer.close()


def targets(nodes: Sequence[SyntheticNode], port: int) -> list[dict[str, object]]:
    """Return the targets of file_sd_configs."""
    return [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {"__metrics_path__": f"/n/{number}/metrics", "instance": node.name, "pool": node.pool},
        }
        for number, node in enumerate(nodes)
    ]


needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")
needs_victoria = pytest.mark.skipif(
    shutil.which("victoria-metrics") is None, reason="victoria-metrics is not installed"
)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Engine:
    """A running server that speaks Prometheus' API."""

    url: str
    pid: int

    def query(self, expression: str) -> list[dict[str, object]]:
        body = urllib.parse.urlencode({"query": expression}).encode()
        with urllib.request.urlopen(f"{self.url}/api/v1/query", body, timeout=60) as answer:
            found: list[dict[str, object]] = json.load(answer)["data"]["result"]
        return found

    def wait_for(self, expression: str, seconds: float = 20.0) -> None:
        """Wait until a query has a result."""
        end = time.monotonic() + seconds
        while True:
            with suppress(urllib.error.URLError, ConnectionError):
                if self.query(expression):
                    return
            assert time.monotonic() < end, f"no result within {seconds} s: {expression}"
            time.sleep(0.1)

    def cpu(self) -> float:
        """Seconds of CPU since its start."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def resident(self) -> int:
        """Bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * 4096


def _configuration(folder: Path, found: list[dict[str, object]], interval: str, rules: str | None) -> Path:
    (folder / "targets.json").write_text(json.dumps(found))
    files = ""
    if rules is not None:
        (folder / "rules.yml").write_text(rules.replace("interval: 1m", "interval: 2s"))
        files = f"rule_files: [{folder}/rules.yml]\n"
    path = folder / "prometheus.yml"
    path.write_text(
        f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}}}\n{files}"
        f"scrape_configs:\n- job_name: node\n  file_sd_configs: [{{files: [{folder}/targets.json]}}]\n"
    )
    return path


@contextmanager
def prometheus(
    folder: Path, found: list[dict[str, object]], interval: str = "1s", rules: str | None = None
) -> Iterator[Engine]:
    """Run Debian's Prometheus on a loopback port."""
    port = free_port()
    words = (
        "prometheus",
        f"--config.file={_configuration(folder, found, interval, rules)}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    )
    with _running(words, folder, port) as engine:
        yield engine


@contextmanager
def victoria_metrics(folder: Path, found: list[dict[str, object]], interval: str = "1s") -> Iterator[Engine]:
    """Run Debian's VictoriaMetrics on a loopback port; it evaluates no rules."""
    port = free_port()
    words = (
        "victoria-metrics",
        f"-promscrape.config={_configuration(folder, found, interval, None)}",
        f"-storageDataPath={folder / 'data'}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-loggerLevel=ERROR",
        "-search.latencyOffset=0s",
    )
    with _running(words, folder, port) as engine:
        yield engine


@contextmanager
def _running(words: Sequence[str], folder: Path, port: int) -> Iterator[Engine]:
    with open(folder / "engine.log", "wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder)
        try:
            yield Engine(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.kill()
            process.wait()


def main() -> None:
    count, port, what, order = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    texts = []
    for node in map(synthetic_node, range(count)):
        raw, gauges = node.raw if what != "gauges" else b"", node.gauges(order) if what != "raw" else b""
        texts.append(raw + gauges)
    FleetServer(texts, port).run()


if __name__ == "__main__":
    main()
