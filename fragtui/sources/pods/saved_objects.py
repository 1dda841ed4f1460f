"""Objects of the Kubernetes API saved with ``kubectl get events -o json`` (or pods)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from fragtui.cluster.api_objects import read_event, read_pod
from fragtui.cluster.observation import PodObservation
from fragtui.sources.pods.json_stream import NotAList, read_list
from fragtui.text import counted

_HEAD = 1 << 16
_SIGN_BYTES = 4096
_BLOCK = 1 << 16
MAX_KEPT_OBJECTS = 8192
"""Most observations kept for sorting by time, the newest: about 10 MiB."""


def head_of(log: IO[bytes]) -> bytes:
    """Return the beginning of a log, without consuming it; empty if it can't be peeked."""
    if log.seekable():
        at = log.tell()
        head = log.read(_HEAD)
        log.seek(at)
        return head
    peek = getattr(log, "peek", None)
    return bytes(peek(_HEAD)) if peek is not None else b""


def are_objects(log: IO[bytes]) -> bool:
    """Return whether the log is a list of API objects, without consuming it. False if it can't be peeked."""
    first, _, rest = head_of(log).lstrip().partition(b"\n")
    # A log of JSON lines has a whole object in its first line.
    return first.strip() == b"{" and b'"apiVersion"' in rest[:_SIGN_BYTES]


def read_objects(log: IO[bytes]) -> tuple[list[PodObservation], str | None]:
    """Return the observations of a list of events or pods, or of a single one, ordered by time.

    The second value is why the list could not be read to its end, None if it could. Raises the log's OSError.
    """
    observations: list[PodObservation] = []
    dropped = unread = 0

    def take(thing: dict[str, Any]) -> None:
        nonlocal observations, dropped, unread
        event = "involvedObject" in thing or "regarding" in thing
        try:
            observation = read_event(thing) if event else read_pod(thing)
        except Exception:  # Only this object is lost.
            unread += 1
            return
        if observation is not None:
            observations.append(observation)
        if len(observations) >= 2 * MAX_KEPT_OBJECTS:
            observations = sorted(observations, key=_moment)[MAX_KEPT_OBJECTS:]
            dropped += MAX_KEPT_OBJECTS

    why = None
    try:
        whole = read_list(_chunks(log), take)
        if whole.get("kind") in ("Event", "Pod"):
            take(whole)
    except NotAList as error:
        why = f"expected a list of Kubernetes objects; it is {error}"
    if why is None and dropped:
        why = f"only the newest of its objects were read: {dropped} left out"
    if why is None and unread:
        why = f"{counted(unread, 'object')} could not be read"
    return sorted(observations, key=_moment), why


def _moment(observation: PodObservation) -> float:
    return observation.time or 0.0


def _chunks(log: IO[bytes]) -> Iterator[bytes]:
    while data := log.read(_BLOCK):
        yield data
