"""List and watch, as the API machinery means it: list, watch from there, resume when cut, list anew when too old."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from fragtui.sources.backoff import Backoff
from fragtui.sources.kube_client import Api, ApiError

_LINE_LIMIT = 8 * 1024 * 1024
_HEALTHY_SECONDS = 5.0
_MOST_PAGES = 200
_REFUSED_WAIT = 300.0


class WatchLoop:
    """Keeps one resource known, for ever: every failure is waited out, longer each time, and told in words."""

    def __init__(
        self,
        resource: str,
        selector: str,
        *,
        connect: Callable[[], Api],
        on_list: Callable[[list[dict[str, Any]]], None],
        on_change: Callable[[str, dict[str, Any]], None],
        on_state: Callable[[str, str], None],
        stopping: threading.Event,
        backoff: Backoff | None = None,
    ) -> None:
        """`on_change` gets ADDED, MODIFIED or DELETED with the object; `on_state` a state and why."""
        self._resource = resource
        self._selector = selector
        self._connect = connect
        self._on_list = on_list
        self._on_change = on_change
        self._on_state = on_state
        self._stopping = stopping
        self._backoff = backoff or Backoff()
        self._refused = Backoff(longest=_REFUSED_WAIT) if backoff is None else backoff
        self._version: str | None = None
        self._api: Api | None = None

    def interrupt(self) -> None:
        """End the watch that is under way; from any thread, without waiting."""
        if self._api is not None:
            self._api.interrupt()

    def run(self) -> None:
        """List and watch until `stopping` is set."""
        while not self._stopping.is_set():
            try:
                if self._api is None:
                    self._api = self._connect()
                if self._version is None:
                    self._version = self._list(self._api)
                self._on_state("live", "")
                self._watch(self._api, self._version)
            except ApiError as error:
                self._recover(error)

    def _recover(self, error: ApiError) -> None:
        if self._stopping.is_set():
            return
        if error.status == 410:
            self._version = None
            self._stopping.wait(min(self._backoff.wait(), 5.0))
            return
        if error.status in (401, 403):
            # Rights change and kubelets renew their certificate: look again, rarely, with the files read anew.
            self._api, self._version = None, None
            self._on_state("refused", error.words)
            self._stopping.wait(self._refused.wait())
            return
        if error.status is None:
            self._api = None
        self._on_state("waiting", error.words)
        self._stopping.wait(self._backoff.wait())

    def _list(self, api: Api) -> str:
        items: list[dict[str, Any]] = []
        token: str | None = None
        version = "0"
        for _ in range(_MOST_PAGES):
            page = api.list_page(self._resource, self._selector, token)
            items.extend(item for item in page.get("items") or () if isinstance(item, dict))
            told = page.get("metadata")
            metadata: dict[str, Any] = told if isinstance(told, dict) else {}
            version, token = str(metadata.get("resourceVersion") or "0"), metadata.get("continue") or None
            if token is None:
                break
        self._on_list(items)
        return version

    def _watch(self, api: Api, version: str) -> None:
        began = time.monotonic()
        changes = 0
        for event in _events(api.watch(self._resource, self._selector, version)):
            if self._stopping.is_set():
                return
            changes += self._take(event)
        if changes or time.monotonic() - began > _HEALTHY_SECONDS:
            self._backoff.reset()
            self._refused.reset()
        else:
            # A server or proxy that ends every watch at once must not be asked in a circle.
            self._stopping.wait(self._backoff.wait())

    def _take(self, event: dict[str, Any]) -> int:
        kind, thing = event.get("type"), event.get("object")
        if not isinstance(thing, dict):
            return 0
        if kind == "ERROR":
            code = thing.get("code")
            raise ApiError(str(thing.get("message") or "the watch ended")[:200], code if isinstance(code, int) else 500)
        metadata = thing.get("metadata")
        version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
        if kind in ("ADDED", "MODIFIED", "DELETED"):
            self._on_change(str(kind), thing)
        if isinstance(version, str) and version:
            self._version = version
        return 1


def _events(chunks: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the whole events of a watch; the rest of one that was cut off is dropped: the watch resumes before it."""
    pending: list[bytes] = []
    size = 0
    for chunk in chunks:
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            whole = b"".join((*pending, line))
            pending, size = [], 0
            event = _parsed(whole)
            if event is not None:
                yield event
        if rest:
            pending.append(rest)
            size += len(rest)
            if size > _LINE_LIMIT:
                raise ApiError(f"one watch event is longer than {_LINE_LIMIT >> 20} MiB", 500)


def _parsed(line: bytes) -> dict[str, Any] | None:
    if not line.strip():
        return None
    try:
        loaded = json.loads(line)
    except (ValueError, RecursionError):
        raise ApiError("the watch sent what is not JSON", 500) from None
    return loaded if isinstance(loaded, dict) else None
