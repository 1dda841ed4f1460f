"""Text as Go programs quote it."""

from __future__ import annotations


def quoted(text: str) -> str:
    """Return the text as a Go string literal, the inverse of `unescape` for printable text."""
    body = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return f'"{body}"'
