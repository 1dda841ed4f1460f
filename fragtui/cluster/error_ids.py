"""Sandbox ids, container ids and processes that an error text names."""

from __future__ import annotations

import re

from fragtui.cluster.pod_ref import PodRef, cgroup_owner, long_ref

_SANDBOX = re.compile(r'sandbox(?: id)?(?:[ :="\\]+| k8s_\S{1,600}_\d+\()([0-9a-f]{64})\b', re.IGNORECASE)
"""CRI-O prints the name of the sandbox first, and its id in parentheses."""
_CONTAINER = re.compile(r'(?:containers?[/ :="\\]+(?:id[ :="\\]+)?|runc [^"`]{0,200} start )([0-9a-f]{64})\b')
_FIRST_ID = re.compile(r"^([0-9a-f]{64})\b")
_POD_NAME = re.compile(r'for pod [\\"]+([A-Za-z0-9][A-Za-z0-9.\-_\\]*)[\\"]+')
_FULL_NAME = re.compile(r'(?:set up|tear ?down|volumes for) pod [\\"]+([a-z0-9][a-z0-9.\-]*)_([a-z0-9\-]+)[\\"]+')
"""``name_namespace``, as kubelets with dockershim wrote about networks and volumes."""
_NSEXEC = re.compile(r"nsexec(?:-\d)?\[(\d{1,7})\]")


def sandbox_id_in(text: str) -> str | None:
    """Return the sandbox id that the text names, or None."""
    match = _SANDBOX.search(text)
    return match.group(1) if match else None


def container_id_in(text: str) -> str | None:
    """Return the container id that the text names (also in an API path of dockerd), or None."""
    match = _CONTAINER.search(text) or _FIRST_ID.match(text)
    return match.group(1) if match else None


def pod_in(text: str) -> PodRef:
    """Return the pod that an error names, in the long form or by name only; empty if it names none."""
    long = long_ref(text)
    if long is not None:
        return long
    if (full := _FULL_NAME.search(text)) is not None:
        return PodRef(full.group(2), full.group(1))
    match = _POD_NAME.search(text)
    return PodRef(name=match.group(1).rstrip("\\").replace("\\", "")) if match else PodRef()


def pod_group_in(text: str) -> PodRef:
    """Return the pod whose cgroup an error names; empty if it names none."""
    owner = cgroup_owner(text)
    return PodRef(uid=owner.uid) if owner is not None else PodRef()


def pids_in(text: str) -> tuple[int, ...]:
    """Return the processes of runc's nsexec that the text names."""
    return tuple(int(pid) for pid in _NSEXEC.findall(text))
