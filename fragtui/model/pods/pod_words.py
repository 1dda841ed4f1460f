"""The sentences about a failing pod; in the model because `explain --json` contains them too."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # For annotations only; the first bars don't need it.
    from fragtui.cluster.failure_reason import ReasonClass
    from fragtui.model.pods.stuck_pods import PodLink

_CANNOT_TELL = 2
"""The specificity of a reason that may or may not be memory."""


def reason_words(reason: ReasonClass, memory: bool | None) -> str:
    """Return why a pod does not start; `memory` is whether the kernel denied it memory, its links considered."""
    if reason.memory is not None:
        return reason.words
    if memory:
        return f"{reason.words}; the kernel denied it memory"
    if memory is False:
        return f"{reason.words}; its cgroup reached its own memory limit"
    # The screen imports this module before it has a pod; the table of reasons takes 2 ms of CPU.
    from fragtui.cluster.failure_reason import specificity  # noqa: PLC0415

    return f"{reason.words} (not proof of a memory problem)" if specificity(reason) == _CANNOT_TELL else reason.words


def advice_words(reason: ReasonClass, memory: bool | None) -> str:
    """Return what to do."""
    if reason.memory is None and memory is True:
        return "Free large blocks: drop caches first, then compact."
    if reason.memory is None and memory is False:
        return "Raise the pod's memory limit; the node's memory is not at fault."
    return reason.advice


def link_words(link: PodLink) -> str:
    """Return the reason and the confidence of a link between a pod and a kernel incident."""
    return f"kernel incident {link.incident_id} ({link.confidence}): {link.why}"
