"""List and watch as in the API machinery: list, watch from there, resume when cut, list again when too old."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from fragtui.logs.bounded_json import read_json
from fragtui.sources.backoff import Backoff
from fragtui.sources.pods.kubernetes.client import ApiClient, ApiError
from fragtui.text import printable

_LINE_LIMIT = 8 * 1024 * 1024
_HEALTHY_SECONDS = 5.0
_MAX_PAGES = 200
REFUSED_WAIT = 300.0


class WatchLoop:
    """Keeps one resource up to date: after each failure it reports the failure and waits, longer each time."""

    def __init__(
        self,
        resource: str,
        selector: str,
        *,
        connect: Callable[[bool], ApiClient],
        on_begin: Callable[[], None],
        on_item: Callable[[dict[str, Any]], None],
        on_listed: Callable[[], None],
        on_change: Callable[[str, dict[str, Any]], None],
        on_state: Callable[[str, str], None],
        cached: bool,
        backoff: Backoff,
        refused: Backoff,
    ) -> None:
        """Between `on_begin` and `on_listed`, which comes after whole lists only, `on_item` gets each object of a list.

        `on_change` gets ADDED, MODIFIED or DELETED with the object; `on_state` a state and why. `connect` gets
        whether to read the credentials again. `cached` asks for the list that the server has in memory, as the
        kubelet does: without it the server searches all pods of the cluster on its disks for those of this node.
        """
        self._resource = resource
        self._selector = selector
        self._connect = connect
        self._on_begin = on_begin
        self._on_item = on_item
        self._on_listed = on_listed
        self._on_change = on_change
        self._on_state = on_state
        self._cached = cached
        self._backoff = backoff
        self._refused = refused
        self._version: str | None = None
        self._too_old = False
        self._anew = False
        self._worked = False

    def run(self) -> None:
        """List and watch for ever."""
        while True:
            self.step()

    def step(self) -> None:
        """Make one watch, with the list before it if needed; when it ends or fails, wait as the backoff requires."""
        try:
            api, self._anew = self._connect(self._anew), False
            if self._version is None:
                self._version = self._list(api)
            self._on_state("live", "")
            self._watch(api, self._version)
        except ApiError as error:
            self._recover(error)

    def _recover(self, error: ApiError) -> None:
        if error.status == 410:
            self._version, self._too_old = None, True
            time.sleep(min(self._backoff.wait(), 5.0))
            return
        if error.status in (401, 403):
            # Rights change, tokens expire and kubelets renew their certificate: try again, with the files read again.
            self._version, self._anew = None, True
            if error.status == 401 and self._worked:
                self._worked = False
                return
            self._on_state("refused", error.words)
            time.sleep(self._refused.wait())
            return
        self._on_state("waiting", error.words)
        time.sleep(self._backoff.wait())

    def _list(self, api: ApiClient) -> str:
        query = {"fieldSelector": self._selector}
        if self._cached and not self._too_old:
            query["resourceVersion"] = "0"
        metadata: dict[str, Any] = {}
        self._on_begin()
        for _ in range(_MAX_PAGES):
            metadata = api.list_page(self._resource, query, self._on_item)
            token = metadata.get("continue")
            if not isinstance(token, str) or not token:
                break
            query.pop("resourceVersion", None)
            query["continue"] = token
        self._on_listed()
        self._worked, self._too_old = True, False
        version = metadata.get("resourceVersion")
        return version if isinstance(version, str) and version else "0"

    def _watch(self, api: ApiClient, version: str) -> None:
        began = time.monotonic()
        query = {"fieldSelector": self._selector, "resourceVersion": version}
        try:
            for event in _events(api.watch(self._resource, query)):
                self._take(event)
        finally:
            healthy = time.monotonic() - began > _HEALTHY_SECONDS
            if healthy:
                self._worked = True
                self._backoff.reset()
                self._refused.reset()
        if not healthy:
            # A server or proxy that ends every watch at once must not be asked in a tight loop.
            time.sleep(self._backoff.wait())

    def _take(self, event: dict[str, Any]) -> None:
        kind, thing = event.get("type"), event.get("object")
        if not isinstance(thing, dict):
            return
        if kind == "ERROR":
            code = thing.get("code")
            message = thing.get("message")
            words = printable(message, 200) if isinstance(message, str) and message else "the watch ended"
            raise ApiError(words, code if isinstance(code, int) else 500)
        metadata = thing.get("metadata")
        version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
        if kind in ("ADDED", "MODIFIED", "DELETED"):
            self._on_change(str(kind), thing)
        if isinstance(version, str) and version:
            self._version = version


def _events(chunks: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the whole events of a watch; an event that was cut off is dropped: the watch resumes before it."""
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
        loaded = read_json(line)
    except ValueError:
        raise ApiError("the watch sent what is not JSON", 500) from None
    return loaded if isinstance(loaded, dict) else None
