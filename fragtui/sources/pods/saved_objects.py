"""Objects of the Kubernetes API as people save them: JSON or YAML, one, a list, one a line, or in a wrapper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import IO, Any

from fragtui.cluster.api_objects import read_objects_in
from fragtui.cluster.observation import PodObservation
from fragtui.logs.markup import begins_quoted, decoded_lines, without_marks
from fragtui.sources.files.log_files import head_of
from fragtui.sources.pods.json_stream import NotAList, read_documents
from fragtui.sources.pods.yaml_stream import NoYaml, is_yaml, read_yaml
from fragtui.text import counted

_SIGN_BYTES = 4096
_BLOCK = 1 << 16
_MAX_LINE = 1 << 21
"""Bytes of a line; etcd stores no object as large."""
_EVENT_SIGN = re.compile(rb'"(?:involvedObject|regarding)"\s*+:')
_LIST_SIGN = re.compile(rb'"(?:items|kind)"\s*+:')
MAX_KEPT_OBJECTS = 8192
"""Most observations kept for sorting by time, the newest: about 10 MiB."""


def are_objects(log: IO[bytes]) -> bool:
    """Return whether the log begins as JSON or YAML of the API, without consuming it. False if it can't be peeked."""
    head = _bare(head_of(log))
    if head[:1] in (b"{", b"["):
        head = head[:_SIGN_BYTES]  # An audit log has objects of the API, too, and nothing about starting pods.
        if b"audit.k8s.io" in head:
            return False
        return _EVENT_SIGN.search(head) is not None or (b'"apiVersion"' in head and _LIST_SIGN.search(head) is not None)
    return is_yaml(head)


def _bare(head: bytes) -> bytes:
    return without_marks(_begun(head)).lstrip() if _is_marked(head) else _begun(head)


def _begun(head: bytes) -> bytes:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x1e")


def _is_marked(head: bytes) -> bool:
    """Return whether a mail quotes the text."""
    return _begun(head)[:1] == b">"


def read_objects(log: IO[bytes]) -> tuple[list[PodObservation], str | None]:
    """Return the observations of events and pods, ordered by time; those of a list are read one by one.

    The second value is why not all could be read, None if they were. Raises the log's OSError.
    """
    observations: list[PodObservation] = []
    dropped = unread = 0

    def take(thing: dict[str, Any]) -> None:
        nonlocal observations, dropped, unread
        try:
            observations += read_objects_in(thing)
        except Exception:  # Only this object is lost.
            unread += 1
            return
        if len(observations) >= 2 * MAX_KEPT_OBJECTS:
            observations = sorted(observations, key=_moment)[MAX_KEPT_OBJECTS:]
            dropped += MAX_KEPT_OBJECTS

    why, head = None, head_of(log)
    lines: Iterator[bytes] = iter(partial(log.readline, _MAX_LINE), b"")
    if is_soft := begins_quoted(head):
        lines = decoded_lines(lines)
    if is_marked := _is_marked(head):
        lines = map(without_marks, lines)
    try:
        if _bare(head)[:1] in (b"{", b"["):
            read_documents(lines if is_soft or is_marked else _chunks(log), take)
        else:
            unread += read_yaml(lines, take)
    except NotAList as error:
        why = f"expected a list of Kubernetes objects; it is {error}"
    except NoYaml as error:
        why = str(error)
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
