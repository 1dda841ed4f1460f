"""The path of the audit log."""

from __future__ import annotations

from pathlib import Path

from fragtui.sources.files.own_files import OwnFile
from fragtui.sources.host.identity import is_live, tree_of

DEFAULT_AUDIT_PATH = "var/log/fragtui/audit.jsonl"


def audit_path(given: Path | None, root: Path) -> OwnFile:
    """Return the path of the log: that of ``--audit``, else that of the host, live or saved."""
    if given is not None:
        return OwnFile(given)
    node = tree_of(root).root
    return OwnFile(node / DEFAULT_AUDIT_PATH, node, saved=not is_live(root))
