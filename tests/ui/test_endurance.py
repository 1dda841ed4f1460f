"""Ten thousand ticks of changing data: memory stays flat."""

import asyncio
import gc
import random
from pathlib import Path

import psutil
import pytest

from fragtui.model.node.snapshot import Snapshot
from fragtui.sources.host.reader import NodeReader
from fragtui.ui.messages import Sampled
from tests.support.host_tree import HostTree
from tests.support.screen import make_app, running


def snapshots(root: Path, count: int) -> list[Snapshot]:
    tree = HostTree.small(root)
    reader = NodeReader(root)
    rng = random.Random(7)
    found = []
    for _ in range(count):
        for zone in tree.zones:
            zone.free_blocks = tuple(rng.randint(0, 5000) for _ in zone.free_blocks)
        tree.write()
        found.append(reader.sample(page_types=True))
    return found


@pytest.mark.by_hand
@pytest.mark.timeout(900)
async def test_memory_is_flat_over_10_000_ticks(tmp_path: Path) -> None:
    different = snapshots(tmp_path, 50)
    app = make_app(tmp_path, interval=60)
    process = psutil.Process()

    async def tick(count: int) -> None:
        for number in range(count):
            app.main.post_message(Sampled(different[number % len(different)]))
            while app.main._message_queue is not None and app.main._message_queue.qsize():
                await asyncio.sleep(0)
            if number % 4 == 0:
                await asyncio.sleep(0.001)

    async with running(app):
        await tick(2_500)
        gc.collect()
        sizes = [process.memory_info().rss]
        # An arena of the allocator may come at any time; what is not freed grows in each 10,000 ticks.
        for _ in range(3):
            await tick(10_000)
            gc.collect()
            sizes.append(process.memory_info().rss)
            if sizes[-1] - sizes[-2] < 1 << 20:
                break
    assert sizes[-1] - sizes[-2] < 1 << 20, f"KiB after each 10,000: {[size >> 10 for size in sizes]}"
