"""The stylesheets beside this module."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from importlib.abc import ResourceLoader


def stylesheet(name: str) -> str:
    """Return a stylesheet's text. It is read by the module's loader, not from a path: in a zipapp there is none."""
    return cast("ResourceLoader", __spec__.loader).get_data(str(Path(__file__).with_name(name))).decode()
