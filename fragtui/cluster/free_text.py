"""Errors without any prefix: what a person pastes, and what docker, podman, lxc and others print."""

from __future__ import annotations

import re

from fragtui.cluster.event_reasons import observed_in
from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_ref import PodRef

_ENOMEM = r"[Cc]annot allocate memory"
_STEPS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), step)
    for pattern, step in (
        (r"[Ff]ailed (?:to )?create (?:pod )?sandbox(?=[:.\"'\\]| for |\s*$)", "event"),
        (r"unable to ensure pod container exists|Unable to mount volumes for pod", "event"),
        (r"failed to create new sandbox", "text"),
        (r"unable to unshare namespaces|failed to unshare", "nsexec"),
        (r"failed to start sandbox container|starting container process caused", "text"),
        (r"OCI runtime create failed|[Oo](?:CI|ci) runtime error|runc create failed", "text"),
        (r"get final child's PID from pipe|pair interfaces:", "text"),
        (r"Error response from daemon: (?:failed to|driver failed programming)", "text"),
        (r"\bcrun: |\bnetavark: ", "text"),
        (r"(?<![\w.])client\.[\w.]{1,80}+: (?:failed to start container|prerun failed)", "text"),
        (r'(?:^|Error: )plugin type="[^"]*" failed \(add\)', "text"),
        (rf"(?<![\w-])lxc[\w-]{{0,40}}+.{{0,200}}[Ff]ailed to (?:clone|fork).{{0,80}}: {_ENOMEM}", "lxc-clone"),
        (rf"(?<![\w-])lxc[\w-]{{0,40}}+.{{0,200}}{_ENOMEM} - [Ff]ailed to (?:clone|fork)", "lxc-fork"),
    )
)
_NAMED = re.compile(r"\b[Pp]od[ :/]{1,3}\"?([a-z0-9][a-z0-9-]{0,62})/([a-z0-9][a-z0-9.-]{0,252})(?![\w/])")
_MAX_BEFORE = 600
_NOT_CREATION = re.compile(r"\bexec failed\b|\bcommit\b|probe (?:errored|failed)")
"""A command in a container that runs, and a container's image: no container failed to start."""


def read_free_text(text: str, time: float | None, line: int | None) -> tuple[PodObservation, ...]:
    """Return the failure that a bare error reports, empty if none. Never raises."""
    for pattern, step in _STEPS:
        if (found := pattern.search(text)) is not None:
            if _NOT_CREATION.search(text):
                return ()
            error = text[found.start() :] if step == "event" else text
            return (observed_in(error, step, _pod_before(text[: found.start()]), (time, line)),)
    return ()


def _pod_before(text: str) -> PodRef:
    """Return the pod that a program names before the error that it passes on; empty if it names none."""
    named = _NAMED.search(text, max(0, len(text) - _MAX_BEFORE))
    return PodRef() if named is None else PodRef(named[1], named[2])
