"""The name by which a node of a fleet is reached: from its labels, which anybody who is scraped may write."""

from __future__ import annotations

import re

from fragtui.model.fleet.fleet import FleetNode, label_of

_LABELS = ("node", "nodename")
"""Labels that name the machine itself; ``instance`` is where its metrics come from."""
_PORT = re.compile(r":\d{1,5}\Z")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
SCHEMES = ("ssh", "kube")


def host_name(node: FleetNode) -> str:
    """Return what names the machine: its label ``node`` or ``nodename``, else ``instance`` without its port."""
    named = next((value for label in _LABELS if (value := label_of(node, label))), None)
    return named if named is not None else _PORT.sub("", node.name)


def live_url(node: FleetNode, scheme: str) -> str | None:
    """Return ``ssh://NAME`` or ``kube://NAME``; None if the name has characters that no such host has."""
    name = host_name(node)
    if not _HOST.fullmatch(name) or (scheme == "kube" and name != name.lower()):
        return None
    return f"{scheme}://{name}"
