"""The whole job through a terminal: see the fragmentation, run the remedy, watch it recover."""

import json
import os
import re
from pathlib import Path

from fragtui.kernel.procfs.buddyinfo import parse_buddyinfo
from fragtui.render.numbers import short_bytes
from tests.support.lab import fragmented_cache, lab
from tests.support.terminal import terminal

pytestmark = lab
ORDER = 10


def large_blocks() -> int:
    zones, _ = parse_buddyinfo(Path("/proc/buddyinfo").read_text())
    return sum(zone.free_blocks[ORDER] for zone in zones if zone.zone != "DMA")


def entries(audit: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in audit.read_text().splitlines()]


def test_drop_caches_frees_blocks_and_is_logged(tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    with (
        fragmented_cache(pinned=True) as unpin,
        terminal("--order", str(ORDER), "--audit", str(audit), "--kernel-log", "none", "--kubelet-log", "none") as term,
    ):
        term.until("FRAGMENTED")
        assert f"No free {short_bytes(os.sysconf('SC_PAGESIZE') << ORDER)} block" in term.text
        term.press("1")
        term.until("echo -n 1 > /proc/sys/vm/drop_caches")
        assert not audit.exists(), "nothing is logged before it is requested"
        term.pump(0.6)
        term.press("\r")
        term.until(lambda text: "y runs it" not in text)
        assert not audit.exists(), "Enter is Cancel"
        unpin()
        before = large_blocks()
        term.press("1")
        term.until("y runs it")
        term.pump(0.6)
        term.press("y")
        term.until("Before and after: Drop page cache", 60)
        text = term.until("Cost     took")
        assert re.search(r"✓ IT WORKED +4M blocks went from \d+ to [\d.k]+", text), text
        assert re.search(r"size +before +after +now +change", text)
        assert large_blocks() > before + 100
        term.press("\x1b")
        term.until("✓ Blocks of 4M (order 10): ")
        term.until(lambda text: "FRAGMENTED" not in text)
        term.press("q")
        assert term.wait() == 0
    intent, ended = entries(audit)[:2]
    assert (intent["kind"], intent["remedy"], intent["by"]) == ("intent", "drop-caches-1", "screen")
    assert intent["paths"] == ["/proc/sys/vm/drop_caches"]
    assert (ended["kind"], ended["id"], ended["result"]) == ("ended", intent["id"], "done")
    assert audit.stat().st_mode & 0o777 == 0o600


def test_compaction_is_aborted_by_key_and_leaves_no_child(tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    with (
        fragmented_cache(pinned=True) as unpin,
        terminal("--order", str(ORDER), "--audit", str(audit), "--kernel-log", "none", "--kubelet-log", "none") as term,
    ):
        term.until("FRAGMENTED")
        unpin()
        term.press("c")
        term.until("echo -n 1 > /proc/sys/vm/compact_memory")
        term.pump(0.6)
        term.press("y")
        term.pump(0.2)
        term.press("x")
        term.until(lambda text: "aborted after" in text or "done in" in text, 60)
        term.pump(0.5)
        assert not term.children()
        # With dirty pages and a kernel that moves large folios, sync first is what is offered.
        term.until(
            lambda text: re.search("Before and after: (Compact|Sync, then compact) all memory", text) is not None, 30
        )
        term.press("\x1b")
        term.until(lambda text: "Before and after:" not in text)
        term.press("q")
        assert term.wait() == 0
    intent, ended = entries(audit)[:2]
    assert intent["remedy"] in ("compact", "sync-compact")
    # On a quick machine compaction may be through before the key is heard; what is logged must be true.
    assert ended["result"] in ("aborted", "done")
    assert ended["result"] == "aborted" or float(str(ended["seconds"])) < 1.0
