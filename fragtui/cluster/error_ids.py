"""Sandbox ids, container ids and processes that an error text names."""

from __future__ import annotations

import re

from fragtui.cluster.pod_ref import PodRef, cgroup_owner, long_ref, runtime_name_ref

_SANDBOX = re.compile(
    r'sandbox(?: id| container(?: task)?)?(?:[ :="\\]+| k8s_\S{1,600}_\d+\()([0-9a-f]{64})\b', re.IGNORECASE
)
"""CRI-O prints the name of the sandbox first, and its id in parentheses."""
_CONTAINER = re.compile(
    r'(?:containers?(?:_id)?[/ :="\\]+(?:id[ :="\\]+)?|StartContainer for [\\"]+|runc [^"`]{0,200} start )'
    r"([0-9a-f]{64})\b"
)
_FIRST_ID = re.compile(r"^([0-9a-f]{64})\b")
_POD_NAME = re.compile(r'for pod [\\"]+([A-Za-z0-9][A-Za-z0-9.\-_\\]*)[\\"]+')
_FULL_NAME = re.compile(r'(?:set up|tear ?down|volumes for) pod [\\"]+([a-z0-9][a-z0-9.\-]*)_([a-z0-9\-]+)[\\"]+')
"""``name_namespace``, as kubelets with dockershim wrote about networks and volumes."""
_CNI_ARGS = re.compile(r"K8S_POD_(NAMESPACE|NAME|UID)=([A-Za-z0-9.\-]{1,253})")
_CNI_POD = re.compile(r"adding pod ([a-z0-9\-]{1,63})_([a-z0-9][a-z0-9.\-]{0,252}) to (?:CNI )?network")
_WORK_ON = re.compile(r'failed to \\*"\w+\\*" for \\*"([a-z0-9][a-z0-9.\-]{0,252})_([a-z0-9\-]{1,63})\\*" with')
"""``name_namespace`` without a uid, as docker_manager of kubelets up to 1.6 wrote."""
_SYNCED = re.compile(r"rror syncing pod ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
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
    """Return the pod that an error names, in any of its forms or by name only; empty if it names none."""
    named = long_ref(text) or _reserved(text) or _by_cni(text)
    if named is not None:
        return named
    if (full := _FULL_NAME.search(text) or _WORK_ON.search(text)) is not None:
        synced = _SYNCED.search(text)
        return PodRef(full.group(2), full.group(1), synced.group(1) if synced else None)
    match = _POD_NAME.search(text)
    if match is None:
        return PodRef(uid=synced.group(1)) if (synced := _SYNCED.search(text)) else PodRef()
    return PodRef(name=match.group(1).rstrip("\\").replace("\\", ""))


def _reserved(text: str) -> PodRef | None:
    named = runtime_name_ref(text)
    return None if named is None else named[0]


def _by_cni(text: str) -> PodRef | None:
    """Return the pod of a CNI call's arguments, or as CRI-O names it before."""
    parts = dict(_CNI_ARGS.findall(text)) if "K8S_POD_" in text else {}
    if parts.get("NAME"):
        return PodRef(parts.get("NAMESPACE"), parts["NAME"], parts.get("UID"))
    added = _CNI_POD.search(text)
    return None if added is None else PodRef(added.group(1), added.group(2))


def pod_group_in(text: str) -> PodRef:
    """Return the pod whose cgroup an error names; empty if it names none."""
    owner = cgroup_owner(text)
    return PodRef(uid=owner.uid) if owner is not None else PodRef()


def pids_in(text: str) -> tuple[int, ...]:
    """Return the processes of runc's nsexec that the text names."""
    return tuple(int(pid) for pid in _NSEXEC.findall(text))
