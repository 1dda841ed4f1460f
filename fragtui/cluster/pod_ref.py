"""The identity of a pod, from the many forms that the kubelet, the runtimes and the cgroup tree use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_UUID = r"[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}"
_UID = rf"(?:{_UUID}|[0-9a-f]{{32}})"
_LONG = re.compile(
    rf"(?<![A-Za-z0-9.\-_\\])[.\-_\\]*+([A-Za-z0-9][A-Za-z0-9.\-_\\]{{0,316}}+)"
    rf"\((?:({_UID})?\)|[0-9a-f\-]{{0,36}}[>…]?$)"
)
"""The uid may be cut off at the end of the line: then only the name is used. It starts at the start of a word."""
_SLASHED = re.compile(r"^([^\s/()\"']{1,253})/([^\s/()\"']{1,253})$")
"""The form alone decides: a name that the API server refuses is still the name that the kubelet logged."""
_CGROUP_POD = re.compile(rf"(?:^|[/\-: ])pod({_UID})(?=[/.:\]]|$)")
_CGROUP_CONTAINER = re.compile(r"(?:^|[/:\-])([0-9a-f]{64})(?:\.scope)?(?=/|$)")
_RUNTIME_NAME = re.compile(
    rf"(?<![A-Za-z0-9.\-_])(?:k8s_)?(?:([A-Za-z0-9][A-Za-z0-9.\-]{{0,252}}+)_)?([a-z0-9][a-z0-9.\-]{{0,252}}+)"
    rf"_([a-z0-9\-]{{1,63}}+)_({_UID})_(\d{{1,9}}+)"
)


@dataclass(frozen=True, slots=True)
class PodRef:
    """A pod as one source names it; None for what it does not give. `uid` is in the form with dashes."""

    namespace: str | None = None
    name: str | None = None
    uid: str | None = None

    def __bool__(self) -> bool:
        return self.name is not None or self.uid is not None

    def may_be(self, other: PodRef) -> bool:
        """Return whether both can be the same pod: they share a name or uid and no field differs."""
        if self.uid and other.uid:
            return self.uid == other.uid
        if self.name and other.name:
            same_space = not (self.namespace and other.namespace) or self.namespace == other.namespace
            return self.name == other.name and same_space
        return False

    def merged_with(self, other: PodRef) -> PodRef:
        """Return this reference with its missing fields taken from the other."""
        return PodRef(self.namespace or other.namespace, self.name or other.name, self.uid or other.uid)

    def __str__(self) -> str:
        if self.name is None:
            return f"pod {self.uid}" if self.uid else "unknown pod"
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class CgroupOwner:
    """The pod uid and container id that a cgroup path names; either may be None."""

    uid: str | None
    container_id: str | None


def dashed_uid(uid: str | None) -> str | None:
    """Return a pod uid in the API's form: the systemd driver writes ``_`` for ``-``; static hashes stay."""
    return uid.replace("_", "-") if uid else None


def long_ref(text: str) -> PodRef | None:
    """Return the first ``name_namespace(uid)`` in the text, as the kubelet prints pods in messages, or None."""
    # Look for a parenthesis first: the search for names tries every position of a long text.
    for match in _LONG.finditer(text) if "(" in text else ():
        name, _, namespace = match.group(1).replace("\\", "").rpartition("_")
        if name and namespace:
            return PodRef(namespace, name, dashed_uid(match.group(2)))
    return None


def slashed_ref(text: str, uid: str | None = None) -> PodRef | None:
    """Return the pod of ``namespace/name`` (klog's ``pod=``), or of the older long form, or None."""
    match = _SLASHED.match(text)
    if match is not None:
        return PodRef(match.group(1), match.group(2), dashed_uid(uid))
    return long_ref(text)


def runtime_name_ref(text: str) -> tuple[PodRef, str | None] | None:
    """Return the pod of the first name of a container or sandbox in a text, and the container's name; or None.

    Docker writes ``k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT`` (``POD`` is the sandbox's container), CRI-O also
    ``k8s_POD_NAMESPACE_UID_ATTEMPT``, containerd the same without ``k8s_``.
    """
    match = _RUNTIME_NAME.search(text) if "_" in text else None
    if match is None:
        return None
    return PodRef(match.group(3), match.group(2), dashed_uid(match.group(4))), match.group(1)


def log_directory_ref(name: str) -> PodRef | None:
    """Return the pod of a directory name under /var/log/pods, ``namespace_name_uid``, or None."""
    parts = name.split("_")
    if len(parts) != 3 or not all(parts):
        return None
    return PodRef(parts[0], parts[1], parts[2])


@lru_cache(1024)
def cgroup_owner(path: str) -> CgroupOwner | None:
    """Return the owner of a cgroup path, or None if it names neither pod nor container.

    Both drivers (``/kubepods/burstable/pod<uid>/<id>`` and ``kubepods-burstable-pod<uid_>.slice/
    cri-containerd-<id>.scope``, also ``crio-``, ``docker-``), static pods' hashes, and the kernel's
    ``cpuset=<id>`` are read. A path that the kernel cut short gives its complete ids.
    """
    pods, containers = _CGROUP_POD.findall(path), _CGROUP_CONTAINER.findall(path)
    if not pods and not containers:
        return None
    return CgroupOwner(dashed_uid(pods[-1]) if pods else None, containers[-1] if containers else None)
