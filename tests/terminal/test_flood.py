"""A node in trouble: 10,000 log lines a second, of 110 pods or each of another, and the screen keeps its pace."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from tests.sources.pods.test_runtime_log import failure
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.terminal import Terminal, terminal

pytestmark = [pytest.mark.slow, pytest.mark.by_hand]

SECONDS = float(os.environ.get("FRAGTUI_FLOOD_SECONDS", "10"))
"""The issue asks for 60; here 10, which shows the same in a run of all tests."""
PODS = 110
LINES_A_SECOND = 10_000
NOISE = 'I{stamp}.5   29426 reconciler.go:34] "operationExecutor.MountVolume started" pod="shop/p{at}" volume="v{at}"\n'
_FIRST = 2000
SHOWN = re.compile(r"N0 DMA32 +(\d+)")


class Node:
    """A node whose kubelet writes so many lines a second, every tenth a failure, and whose free blocks change."""

    def __init__(self, root: Path) -> None:
        tree = HostTree.small(root, FRAGMENTED)
        tree.zones[1].free_blocks = (_FIRST, *FRAGMENTED[1:])
        tree.write()
        self._file = root / "proc/buddyinfo"
        self._text = self._file.read_text()
        self.log = root / "kubelet.log"
        self.log.touch()
        self.done = threading.Event()
        self.written = 0
        self.lasted = 0.0
        self.stamped: dict[int, float] = {}
        """When a count of blocks appeared in /proc/buddyinfo."""

    def run(self) -> None:
        began = time.monotonic()
        with self.log.open("a") as log:
            while not self.done.is_set():
                stamp = time.strftime("%m%d %H:%M:%S")
                wanted = int((time.monotonic() - began) * LINES_A_SECOND)
                log.write("".join(self._line(at, stamp) for at in range(self.written, wanted)))
                log.flush()
                self.written = wanted
                self._change()
                self.lasted = time.monotonic() - began
                self.done.wait(0.05)

    def _line(self, at: int, stamp: str) -> str:
        return failure(f"p{at // 10 % PODS}", at) if at % 10 == 0 else NOISE.format(stamp=stamp, at=at % PODS)

    def _change(self) -> None:
        count = _FIRST + len(self.stamped)
        # Over the old text in one write: the reader must never see half a file.
        with self._file.open("r+b", buffering=0) as file:
            file.write(self._text.replace(str(_FIRST), str(count), 1).encode())
        self.stamped[count] = time.monotonic()


@pytest.mark.by_hand
@pytest.mark.timeout(SECONDS + 60)
def test_the_screen_keeps_its_pace_in_a_flood_of_log_lines(tmp_path: Path) -> None:
    node = Node(tmp_path)
    flood = threading.Thread(target=node.run)
    with terminal("--root", str(tmp_path), "--kubelet-log", str(node.log)) as term:
        term.until("N0 Normal")
        process = psutil.Process(term.pid)
        term.pump(2.0)  # What comes after the first bars is not the flood's.
        before = process.memory_info().rss
        flood.start()
        try:
            term.until(lambda text: f"Stuck pods {PODS}" in text, 20)
            began, used = time.monotonic(), sum(process.cpu_times()[:2])
            drawn: list[tuple[float, int]] = []
            while time.monotonic() - began < SECONDS:
                term.pump(0.02)
                shown = SHOWN.search(term.text)
                if shown is not None and (not drawn or int(shown[1]) != drawn[-1][1]):
                    drawn.append((time.monotonic(), int(shown[1])))
            share = (sum(process.cpu_times()[:2]) - used) / (time.monotonic() - began)
            grown = (process.memory_info().rss - before) / 1024
        finally:
            node.done.set()
            flood.join()
        term.press("q")
        assert term.wait() == 0
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(drawn)]
    lags = [at - node.stamped[count] for at, count in drawn]
    rate = node.written / node.lasted
    print(
        f"{SECONDS:.0f} s, {rate:.0f} lines a second, {len(drawn)} ticks drawn: longest gap {max(gaps):.2f} s, "
        f"longest lag {max(lags):.2f} s, CPU {share * 100:.0f} %, grown by {grown:.0f} KiB from {before >> 20} MiB"
    )
    assert rate >= LINES_A_SECOND * 0.98
    assert len(drawn) >= SECONDS * 0.9
    assert max(gaps) < 2.0, "a tick was lost"
    assert max(lags) < 1.0, "what is drawn is not what is"
    # What is kept of a flood is bounded: 8 to 12 MiB after a minute, and no more after another one.
    assert grown < 14 * 1024


class Strangers:
    """Writes so many lines a second to both logs; each names another pod, task, order and cgroup."""

    def __init__(self, root: Path, lines_a_second: int) -> None:
        HostTree.small(root, FRAGMENTED).write()
        self.kubelet, self.kernel = root / "kubelet.log", root / "kernel.log"
        self.kubelet.touch()
        self.kernel.touch()
        self._rate = lines_a_second
        self.written = 0

    def run(self, seconds: float, meanwhile: Callable[[], None]) -> None:
        """Write for so long, and do something else in between."""
        began, first = time.monotonic(), self.written
        with self.kubelet.open("a") as kubelet, self.kernel.open("a") as kernel:
            while (passed := time.monotonic() - began) < seconds:
                until = first + int(passed * self._rate)
                numbers = range(self.written, until)
                kubelet.write("".join(failure(f"stranger-{at}", at) for at in numbers))
                kernel.write("".join(_refusal(at) for at in numbers))
                kubelet.flush()
                kernel.flush()
                self.written = until
                meanwhile()


def _share(process: psutil.Process, term: Terminal) -> float:
    used, began = sum(process.cpu_times()[:2]), time.monotonic()
    term.pump(4.0)
    return float((sum(process.cpu_times()[:2]) - used) / (time.monotonic() - began))


def _refusal(at: int) -> str:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    comm, uid = "".join(chr(97 + int(digit)) for digit in str(at)), f"{at:08x}-0000-4000-8000-{at:012x}"
    return (
        f"{stamp} node kernel: {comm}: page allocation failure: order:{at % 9 + 1}, mode:0xcc0(GFP_KERNEL),"
        f"nodemask=(null),cpuset=kubepods-burstable-pod{uid.replace('-', '_')}.slice,mems_allowed=0\n"
    )


@pytest.mark.by_hand
@pytest.mark.timeout(4 * SECONDS + 120)
def test_a_flood_in_which_every_line_names_another_pod_is_bounded_and_reports_what_it_dropped(tmp_path: Path) -> None:
    node = Strangers(tmp_path, 1000)
    command = ("--root", str(tmp_path), "--kubelet-log", str(node.kubelet), "--kernel-log", str(node.kernel))
    with terminal(*command, columns=200) as term:
        term.until("N0 Normal")
        process = psutil.Process(term.pid)
        term.pump(2.0)
        before, threads = process.memory_info().rss, process.num_threads()
        most = threads

        def look() -> None:
            nonlocal most
            term.pump(0.05)
            most = max(most, process.num_threads())

        node.run(SECONDS, look)
        text = term.until(lambda text: "no longer listed" in text and "dropped" in text, 20)
        term.pump(5.0)
        once = process.memory_info().rss
        node.run(SECONDS, look)
        term.pump(5.0)
        twice = process.memory_info().rss
        shares = [_share(process, term)]
        while shares[-1] >= 0.15 and len(shares) < 6:
            shares.append(_share(process, term))
        left = process.num_threads()
        text = term.text
        term.press("q")
        assert term.wait() == 0
    grown, more = (once - before) >> 10, (twice - once) >> 10
    print(
        f"{node.written} strangers: threads {threads}, {most} at most, {left} left; grown by {grown} KiB, then by "
        f"{more} from {before >> 20} MiB; afterwards {', '.join(f'{share * 100:.0f}' for share in shares)} % of a core"
    )
    assert most <= threads + 2
    assert left <= threads
    assert grown < 48 * 1024
    assert more < 8 * 1024, "memory grows with the flood"
    assert shares[-1] < 0.15, "it works on long after the flood"
    assert re.search(r"Stuck pods (4[89]|5[01])\d", text), "the board is not full"
