"""The lab: real fragmentation of this machine's memory, one test at a time."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from fragtui.sources.host.identity import is_live
from tests.support.fragment_cache import HUGE_POOL

HERE = Path(__file__).parent


def why_no_lab() -> str | None:
    """Return why this machine is no lab, or None if it is: root, own kernel, sysctls that may be written."""
    if os.geteuid() != 0:
        return "the lab needs root"
    if os.environ.get("FRAGTUI_NO_LAB"):
        return "switched off by FRAGTUI_NO_LAB"
    if not is_live(Path("/")):
        return "no procfs"
    try:
        os.close(os.open("/proc/sys/vm/compact_memory", os.O_WRONLY))
    except OSError as error:
        return f"compact_memory can't be written: {error.strerror}"
    return None


lab = [
    pytest.mark.lab,
    pytest.mark.timeout(420),
    pytest.mark.skipif(why_no_lab() is not None, reason=why_no_lab() or "lab"),
]
"""Marks of every test that uses the lab."""
long = pytest.mark.skipif(os.environ.get("FRAGTUI_LAB") != "1", reason="the long lab: minutes, set FRAGTUI_LAB=1")
"""Mark of those that take long, or need an idle machine."""


@contextmanager
def alone() -> Iterator[None]:
    """Hold the machine's memory for one test."""
    with (Path(tempfile.gettempdir()) / "fragtui-lab.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def fragmented_cache(
    hog_leaves_mb: int = 6000, leave_mb: int = 250, eat_order: int = 6, *, pinned: bool = False
) -> Iterator[Callable[[], None]]:
    """Fragment free memory with page cache for the time of the block; everything is restored after it.

    If `pinned`, no compaction can fix it until the yielded function is called: large requests are denied.
    """
    with alone():
        command = [sys.executable, str(HERE / "fragment_cache.py"), str(hog_leaves_mb), str(leave_mb), str(eat_order)]
        command += ["pin"] if pinned else []
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            if not process.stdout.readline().startswith("READY"):
                pytest.fail("the lab could not fragment this machine's memory")
            yield partial(process.send_signal, signal.SIGUSR1)
        finally:
            process.kill()
            process.wait()
            HUGE_POOL.write_text("0")
            Path("/proc/sys/vm/drop_caches").write_text("1")


def refuse(order: int, comm: str = "runc:[1:CHILD]") -> str:
    """Request a block of that order from the kernel under that name; return the errno's name."""
    command = [sys.executable, str(HERE / "refused.py"), str(order), comm]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
