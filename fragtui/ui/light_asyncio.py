"""asyncio without OpenSSL, which takes 4.4 MiB of memory and 7 ms of CPU: the screen opens no connection."""

from __future__ import annotations

import sys


def import_asyncio() -> None:
    """Import asyncio as in a Python that was built without ssl; what imports ssl itself gets it as usual."""
    if "ssl" in sys.modules:
        return
    sys.modules["ssl"] = None  # type: ignore[assignment]  # Then the import fails, as asyncio expects of such a Python.
    try:
        import asyncio  # noqa: F401, PLC0415
    finally:
        del sys.modules["ssl"]
