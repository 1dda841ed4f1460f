"""The counting of a trace against the sums of kernels of this machine, booted under qemu."""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path

import pytest

from fragtui.kernel.tracing.event_format import denied_filter, parse_format
from fragtui.kernel.tracing.event_lines import lost_events, parse_events
from fragtui.model.tracing.trace_collector import TraceCollector
from fragtui.model.tracing.trace_tally import TraceTally
from fragtui.sources.tracing.instance import ALLOCATION, EVENTS
from tests.support.guest import KERNELS, boot, kernels
from tests.support.places import REPOSITORY

pytestmark = [
    pytest.mark.by_hand,
    pytest.mark.skipif(not kernels(), reason=f"no qemu, or no kernel {KERNELS} (FRAGTUI_GUEST_KERNELS)"),
]
MAX_ERROR = 0.1


@pytest.mark.parametrize("kernel", kernels(), ids=lambda path: path.name)
def test_a_trace_counts_what_the_kernel_counts(kernel: Path, tmp_path: Path) -> None:
    events = [event for part in EVENTS for event in part]
    console = boot(kernel, REPOSITORY / "tests/lab/guest_pairs.py", tmp_path, variable=f"TRACED={':'.join(events)}")
    found = re.search(r"\{\"refused\": .*\}", console)
    assert found is not None, console[-1000:]
    row = json.loads(found[0])
    texts = json.loads(zlib.decompress(base64.b64decode(row.pop("texts"))))
    for event in events:
        known = parse_format(texts[event])
        assert known is not None, event
        assert event != ALLOCATION or denied_filter(known) == "pfn == 0xffffffffffffffff"
    data = texts["trace"].encode("latin-1")
    collector = TraceCollector(lambda pid, comm: None)
    collector.take(parse_events(data)[0])
    tally = TraceTally(0.0, whole=True)
    tally.take(collector.batch(1.0))
    counted = {kind: sum(wait.times for wait in tally.waits(1000) if wait.kind == kind) for kind in
               ("compaction", "reclaim")}  # fmt: skip
    seconds = sum(wait.seconds for wait in tally.waits(1000))
    print(f"{kernel.name}: vmstat {row}; trace {counted}, {seconds:.3f} s, denied {tally.denied}")
    assert not lost_events(data) and row["refused"] > 10
    assert tally.denied >= row["refused"], "each of ours, and those of others"
    assert counted["reclaim"] == pytest.approx(row["allocstall"], rel=MAX_ERROR)
    assert counted["compaction"] == pytest.approx(row["compact_stall"], rel=MAX_ERROR)
