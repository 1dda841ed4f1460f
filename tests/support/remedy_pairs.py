"""Remedies that ran on a real kernel: the node's files before and after each, and the forecast beside its result."""

from __future__ import annotations

import base64
import json
import lzma
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fragtui.kernel.procfs.version import parse_version
from fragtui.model.node.snapshot import Host, Snapshot
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import Gain, forecast
from fragtui.model.remedy.recovery import compare
from fragtui.sources.host.snapshot_builder import FileText, SnapshotBuilder, Tick

PAIRS = Path(__file__).parents[1] / "model/remedy/remedy_pairs.jsonl.xz"
"""Remedies on 6.1 and 6.12, in guests of 640 to 1900 MB with one CPU: memory filled by page cache, pipe buffers, shared
and private anonymous memory and mixtures of these, fragmented, then one write to drop_caches or compact_memory."""
ORDERS = (3, 4, 6, 9, 10)
EFFECTS = {
    "drop1": Effect(page_cache=True),
    "drop3": Effect(page_cache=True, slab=True),
    "compact": Effect(compact=True),
}


@dataclass(frozen=True, slots=True)
class RemedyPair:
    """One remedy: a snapshot before and one after it."""

    machine: str
    kernel: str
    state: str
    effect: Effect
    before: Snapshot
    after: Snapshot


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """One remedy at one order."""

    pair: RemedyPair
    order: int
    free: int
    """Blocks of the order before."""
    gain: Gain
    gained: int

    @property
    def release(self) -> str:
        """Return the kernel's series, such as 6.12."""
        return ".".join(self.pair.kernel.split(".")[:2])

    @property
    def low(self) -> int:
        assert self.gain.low is not None
        return self.gain.low

    @property
    def likely(self) -> int:
        assert self.gain.blocks is not None
        return self.gain.blocks

    @property
    def high(self) -> int:
        assert self.gain.high is not None
        return self.gain.high

    @property
    def blind(self) -> bool:
        """Whether a forecast of nothing at all missed a gain of more than a hundredth of what was free."""
        return self.low == self.high == 0 and self.gained * 100 > max(self.free, 1)

    @property
    def in_range(self) -> bool:
        return self.low <= self.gained <= self.high

    @property
    def near(self) -> bool:
        """Whether the forecast is within a factor of two, or within 4 blocks."""
        if abs(self.likely - self.gained) <= 4:
            return True
        return self.likely * self.gained > 0 and 0.5 <= self.likely / self.gained <= 2


def read_pairs(path: Path) -> Iterator[RemedyPair]:
    """Yield the pairs of a file as `lab/guest/pairs.py` writes it: JSON lines, each text packed, or all in one xz."""
    text = lzma.decompress(path.read_bytes()).decode() if path.suffix == ".xz" else path.read_text()
    for line in text.splitlines():
        fields: dict[str, Any] = json.loads(line)
        if "remedy" not in fields:
            continue
        machine = fields.get("machine") or (f"{fields['memory']}M" if "memory" in fields else path.stem)
        sides = [_texts(fields[name]) for name in ("before", "behind")]
        before, after = (_snapshot(side, fields["kernel"], at) for at, side in enumerate(sides))
        yield RemedyPair(machine, fields["kernel"], fields["state"], EFFECTS[fields["remedy"]], before, after)


def forecast_rows(pairs: Iterable[RemedyPair], orders: Iterable[int] = ORDERS) -> Iterator[ForecastRow]:
    """Yield each remedy's forecast and its result at each order."""
    for pair in pairs:
        for order in orders:
            recovery = compare(pair.before, pair.after, order)
            assert recovery.before is not None and recovery.gained is not None
            yield ForecastRow(
                pair, order, recovery.before, forecast(pair.before, order).gain(pair.effect), recovery.gained
            )


def _texts(packed: Any) -> dict[str, str | None]:
    texts = json.loads(zlib.decompress(base64.b64decode(packed))) if isinstance(packed, str) else packed
    assert isinstance(texts, dict)
    return texts


def _snapshot(texts: dict[str, str | None], kernel: str, at: float) -> Snapshot:
    builder = SnapshotBuilder(Host("guest", kernel, parse_version(kernel), 4096))
    files = {
        name: FileText(f"/proc/{name}", text, None if text is not None else "not there", at, 0.0)
        for name, text in texts.items()
    }
    return builder.snapshot(Tick(at, at, files))
