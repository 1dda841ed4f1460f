"""What the watch over the API server's pods costs: the screen's process without and with it, and the child.

A server of the tests gives 110 pods of about 15 KB each by list, then changes one a second by watch.

Usage: python -m tests.bench.bench_kube [SECONDS]   (default 20; prints a table in Markdown)
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from tests.bench.bench_screen import SETTLE, cpu_seconds
from tests.support.api_server import ApiServer, Json, Watcher, pod
from tests.support.host_tree import HostTree
from tests.support.terminal import Terminal, command

PODS = 110


def full_size(one: Json) -> Json:
    """Return the pod with as much beside what fragtui reads as real ones have."""
    ballast = [{"name": f"VARIABLE_{at}", "value": "v" * 40, "f:fields": {"f:value": {}}} for at in range(150)]
    return {**one, "spec": {**one["spec"], "containers": [{"name": "main", "env": ballast}]}}


def measure(argv: list[str], ready: str, seconds: float) -> None:
    """Run the screen and print what it and its children take."""
    term = Terminal(argv, 120, 40)
    try:
        term.until("N0 Normal", 30)
        term.until(ready, 30)
        term.pump(SETTLE)
        screen = psutil.Process(term.pid)
        family = [screen, *screen.children(recursive=True)]
        before, start = [cpu_seconds(each.pid) for each in family], time.monotonic()
        term.pump(seconds)
        spent = time.monotonic() - start
        for name, each, used in zip(("screen", *["child"] * len(family)), family, before, strict=False):
            memory, share = each.memory_full_info(), (cpu_seconds(each.pid) - used) / spent
            print(
                f"| {name} | {memory.rss / 2**20:.1f} MiB | {memory.uss / 2**20:.1f} MiB | {used * 1000:.0f} ms "
                f"| {share * 100:.2f} % |",
                flush=True,
            )
    finally:
        term.close()


def main() -> None:
    """Print the table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    server = ApiServer()
    server.pods = [full_size(pod(f"p{at}")) for at in range(PODS)]
    done = threading.Event()

    def change(watcher: Watcher) -> None:
        version = 100
        while not done.wait(1.0) and not watcher.done.is_set():
            version += 1
            watcher.event("MODIFIED", full_size(pod(f"p{version % PODS}", version=version)))

    server.on_watch = change
    with tempfile.TemporaryDirectory() as directory:
        tree = HostTree.small(Path(directory))
        (tree.root / "etc").mkdir(exist_ok=True)
        (tree.root / "etc/hostname").write_text("node-1\n")
        kubeconfig = server.kubeconfig(Path(directory) / "kubeconfig")
        plain = [*command(), "--root", str(tree.root)]
        print("| process | resident | its own | CPU until then | CPU at 1 Hz |\n|---|---|---|---|---|")
        measure(plain, "N0 Normal", seconds)
        measure([*plain, "--kubeconfig", str(kubeconfig)], "110", seconds)
    done.set()
    server.close()


if __name__ == "__main__":
    main()
