"""What a full node costs: 110 pods of which 22 are stuck, and a churn of pods, beside the same screen without pods.

The tests' API server and a kubelet log give the pods; the stuck ones fail again every 15 s, as the kubelet tries them.
All programs run at the same time and are measured in turns of a few seconds, since the machine may be fast in one
minute and slow in the next; the ratio to a blank Textual program, which draws nothing, says how fast it was.

Usage: python -m tests.bench.bench_pods [SECONDS] [CHURN]   (default 30 s, 2 pods a second; prints a table in Markdown)
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.bench.bench_kube import PODS, full_size
from tests.bench.bench_screen import BLANK, SETTLE, changing_host, cpu_seconds, write_bytecode
from tests.support.api_server import ApiServer, Json, Watcher, pod
from tests.support.terminal import Terminal, command

STUCK = 22
RETRY_SECONDS = 15.0
TURN_SECONDS = 5.0
_ERROR = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: error during container init: fork/exec /proc/self/exe: cannot allocate memory"
)


class FullNode:
    """A node's pods: an API server and a kubelet log."""

    def __init__(self, directory: Path, churn: float) -> None:
        self.server = ApiServer()
        self._churn = churn
        self._done = threading.Event()
        self.log = directory / f"kubelet-{churn:g}.log"
        stuck = [pod(f"stuck-{number}") for number in range(STUCK)]
        self._failing = [self._kubelet_line(one) for one in stuck]
        self.log.write_text("".join(map(self._now, self._failing)))
        self.server.pods = [
            full_size(one) for one in (*stuck, *(pod(f"p{n}", ready=True) for n in range(PODS - STUCK)))
        ]
        self.server.on_watch = self._change
        self.kubeconfig = self.server.kubeconfig(directory / f"kubeconfig-{churn:g}")
        self._retries = threading.Thread(target=self._retry)
        self._retries.start()

    @property
    def options(self) -> list[str]:
        return ["--kubeconfig", str(self.kubeconfig), "--kubelet-log", str(self.log)]

    def close(self) -> None:
        self._done.set()
        self._retries.join()
        self.server.close()

    def _retry(self) -> None:
        """Have the kubelet log one failure after the other, each pod's every 15 s."""
        number = 0
        while not self._done.wait(RETRY_SECONDS / STUCK):
            with self.log.open("a") as log:
                log.write(self._now(self._failing[number % STUCK]))
            number += 1

    @staticmethod
    def _now(line: str) -> str:
        return line.format(time.strftime("%m%d %H:%M:%S"))

    @staticmethod
    def _kubelet_line(one: Json) -> str:
        name, uid = one["metadata"]["name"], one["metadata"]["uid"]
        reason = (
            rf"failed to \"CreatePodSandbox\" for \"{name}_shop({uid})\": rpc error: code = Unknown desc = {_ERROR}"
        )
        place = 'E{}.000000  990 pod_workers.go:1298] "Error syncing pod"'
        return f'{place} err="{reason}" pod="shop/{name}" podUID="{uid}"\n'

    def _change(self, watcher: Watcher) -> None:
        """Delete a running pod, create another and have it run, so many times a second."""
        version = 1000
        while self._churn and not self._done.wait(1 / self._churn) and not watcher.done.is_set():
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            for kind, number, ready in (
                ("ADDED", version, False),
                ("MODIFIED", version, True),
                ("DELETED", version - 1, True),
            ):
                one = pod(f"p{number}", version=version, ready=ready)
                one["metadata"]["creationTimestamp"] = one["status"]["startTime"] = moment
                watcher.event(kind, full_size(one))
            version += 1


@dataclass
class Row:
    """One program in a terminal, and what its processes took in each turn."""

    name: str
    term: Terminal
    own: list[float] = field(default_factory=list)
    children: list[float] = field(default_factory=list)

    def processes(self) -> tuple[psutil.Process, list[psutil.Process]]:
        process = psutil.Process(self.term.pid)
        return process, process.children(recursive=True)

    def used(self) -> tuple[float, float]:
        """Return the CPU seconds of the program so far, and those of its children."""
        process, children = self.processes()
        return cpu_seconds(process.pid), sum(cpu_seconds(child.pid) for child in children)

    def resident(self) -> tuple[float, float]:
        """Return the MiB of the program, and those that its children have for themselves."""
        process, children = self.processes()
        return process.memory_info().rss / 2**20, sum(child.memory_full_info().uss for child in children) / 2**20


@contextmanager
def drained(terminals: list[Terminal]) -> Iterator[None]:
    """Read what the programs write, on a thread, without drawing it."""
    done = threading.Event()

    def read(term: Terminal) -> None:
        while not done.is_set():
            term.drain(0.5)

    threads = [threading.Thread(target=read, args=(term,)) for term in terminals]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


def measure(rows: list[Row], seconds: float) -> None:
    """Measure all programs over so many seconds, in turns."""
    for _ in range(max(1, round(seconds / TURN_SECONDS))):
        before, start = [row.used() for row in rows], time.monotonic()
        time.sleep(TURN_SECONDS)
        after, spent = [row.used() for row in rows], time.monotonic() - start
        for row, first, last in zip(rows, before, after, strict=True):
            row.own.append((last[0] - first[0]) / spent)
            row.children.append((last[1] - first[1]) / spent)


def main() -> None:
    """Print the table."""
    seconds, churn = (float(value) for value in (sys.argv[1:] + ["30", "2"][len(sys.argv) - 1 :])[:2])
    write_bytecode()
    with ExitStack() as stack:
        host = stack.enter_context(changing_host())
        (host / "etc").mkdir(exist_ok=True)
        (host / "etc/hostname").write_text("node-1\n")
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        plain = [*command(), "--root", str(host)]
        full, busy = FullNode(directory, 0.0), FullNode(directory, churn)
        for node in (full, busy):
            stack.callback(node.close)
        rows, shown = [], f"{STUCK} pods"
        for name, argv, ready in (
            ("a blank Textual program", [sys.executable, "-c", BLANK], "blank"),
            ("no pods", [*plain, "--kubelet-log", "none"], "N0 Normal"),
            (f"{PODS} pods, {STUCK} stuck", [*plain, *full.options], shown),
            (f"the same, {churn:g} pods a second", [*plain, *busy.options], shown),
        ):
            term = Terminal(argv, 120, 40)
            stack.callback(term.close)
            term.until(ready, 60)
            rows.append(Row(name, term))
        with drained([row.term for row in rows]):
            time.sleep(SETTLE)
            measure(rows, seconds)
            print("| screen | CPU | CPU with children | to blank | to no pods | resident | with children |")
            print("|---|---|---|---|---|---|---|")
            for row in rows:
                own, children = statistics.median(row.own), statistics.median(row.children)
                resident, more = row.resident()
                ratios = [
                    statistics.median(mine / max(1e-6, theirs) for mine, theirs in zip(row.own, other.own, strict=True))
                    for other in rows[:2]
                ]
                print(
                    f"| {row.name} | {own * 100:.2f} % | {(own + children) * 100:.2f} % | {ratios[0]:.1f} "
                    f"| {ratios[1]:.1f} | {resident:.1f} MiB | {resident + more:.1f} MiB |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
