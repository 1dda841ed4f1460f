"""Leaving out of the start what a verb does not need, and the full screen not before its first bars."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_tls() -> Iterator[None]:
    """Have asyncio imported as in a Python built without TLS: the screen's event loop speaks none.

    It saves 15 ms of CPU and 5 MiB on a node that has little of both. The API server is talked to by a
    child process; who imports `ssl` later gets the real one.
    """
    if "ssl" in sys.modules or "asyncio" in sys.modules:
        yield
        return
    sys.modules["ssl"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["ssl"]


def put_off_collection() -> None:
    """Look for no garbage while modules are imported: a tenth of the start, and it would find none."""
    gc.disable()


def begin_collection() -> None:
    """Look for garbage from now on, but not among what was made until now: modules stay to the end."""
    gc.freeze()
    gc.enable()
