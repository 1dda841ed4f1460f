"""Texts of /proc of guests with kernels 6.1 and 6.12, and what their kernel answered to one request right after."""

from __future__ import annotations

import base64
import json
import lzma
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from fragtui.kernel.procfs.version import parse_version
from fragtui.model.node.snapshot import Host, Snapshot
from fragtui.model.node.verdict import COSTLY_ORDER, RequestOutcome, judge_node
from fragtui.sources.host.snapshot_builder import FileText, SnapshotBuilder, Tick
from tests.support.places import REPOSITORY

PAIRS = REPOSITORY / "tests/support/pairs.jsonl.xz"
ANSWERS = ("at once", "waited", "refused", "oom")
"""At once, after direct reclaim or compaction, ENOBUFS, or the OOM killer ran."""
ANSWERS_THAT_FIT = {
    RequestOutcome.AT_ONCE: {"at once"},
    RequestOutcome.WAITS: {"waited"},
    RequestOutcome.MAY_FAIL: {"waited", "refused"},
    RequestOutcome.MAY_KILL: {"waited", "oom"},
    RequestOutcome.UNKNOWN: set(ANSWERS),
}


class Pair(NamedTuple):
    """One request: the texts before it, by their names below /proc, and the kernel's answer."""

    kernel: str
    state: str
    order: int
    answer: str
    texts: Mapping[str, str]


def read_pairs(path: Path = PAIRS) -> Iterator[Pair]:
    """Yield the pairs of a file of JSON lines, by xz, or with packed texts as tests/lab/guest_pairs.py prints."""
    data = path.read_bytes()
    for row in (lzma.decompress(data) if path.suffix == ".xz" else data).splitlines():
        fields = json.loads(row)
        texts = fields.get("texts")
        if isinstance(texts, str):
            texts = json.loads(zlib.decompress(base64.b64decode(texts)))
        if texts is not None and (answer := fields.get("answer") or fields.get("kernel_answered")):
            yield Pair(fields["kernel"], fields["state"], fields["order"], answer, texts)


def snapshot_of(pair: Pair, without: Collection[str] = ()) -> Snapshot:
    """Return the node at the moment of the texts, as a check reads it if it can't read some of its files."""
    names = ("buddyinfo", "zoneinfo", "pagetypeinfo", "meminfo", "vmstat", "pressure/memory")
    files = {
        name: FileText(f"/proc/{name}", None if name in without else pair.texts.get(name), "not among the texts")
        for name in names
    }
    host = Host("guest", pair.kernel, parse_version(pair.kernel), 4096)
    return SnapshotBuilder(host).snapshot(Tick(0.0, 0.0, files))


def confusion(pairs: Iterable[Pair], without: Collection[str] = ()) -> Counter[tuple[RequestOutcome, str]]:
    """Return how often each outcome was predicted and each answer given."""
    return Counter((judge_node(snapshot_of(pair, without), pair.order).gets, pair.answer) for pair in pairs)


def confusion_rows(table: Mapping[tuple[RequestOutcome, str], int]) -> list[str]:
    """Return the table as text: a row for each outcome that is predicted, a column for each answer, and what fits."""
    rows = [f"{'a GFP_KERNEL request':<60}" + "".join(f"{answer:>9}" for answer in ANSWERS)]
    for outcome in RequestOutcome:
        counts = [table.get((outcome, answer), 0) for answer in ANSWERS]
        if any(counts):
            rows.append(f"{outcome.value:<60}" + "".join(f"{count:>9}" for count in counts))
    said = sum(count for (outcome, _), count in table.items() if outcome is not RequestOutcome.UNKNOWN)
    fit = sum(
        count
        for (outcome, answer), count in table.items()
        if outcome is not RequestOutcome.UNKNOWN and answer in ANSWERS_THAT_FIT[outcome]
    )
    rows.append(f"{fit} of {said} fit, {sum(table.values()) - said} unknown; orders up to {COSTLY_ORDER} never give up")
    return rows
