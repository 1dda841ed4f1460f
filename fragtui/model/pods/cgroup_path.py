"""What a cgroup path or a cpuset name tells about a pod."""

from __future__ import annotations

import re

_POD = re.compile(
    r"(?:^|[/-])pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?=$|[/.])"
)
_CONTAINER = re.compile(r"(?:^|[/-])([0-9a-f]{64})(?:\.scope)?(?=$|/)")


def pod_uid(path: str | None) -> str | None:
    """Return the pod's UID of a kubepods path, with the dashes that the systemd driver turns into underscores."""
    found = _POD.search(path) if path else None
    return found[1].replace("_", "-") if found else None


def container_id(path: str | None) -> str | None:
    """Return the last container id (64 hexadecimal digits) of a cgroup path or of a cpuset's name."""
    found = _CONTAINER.findall(path) if path else []
    return found[-1] if found else None
