"""Where the audit log is, for those who only hand its path on."""

from __future__ import annotations

from pathlib import Path

from fragtui.sources.host import tree_of

DEFAULT = "var/log/fragtui/audit.jsonl"


def default_path(root: Path) -> Path:
    """Return where the log is without ``--audit``: on the host that it is about, live or saved."""
    return tree_of(root).root / DEFAULT
