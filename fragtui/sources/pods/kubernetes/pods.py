"""Pods, and events if allowed, of this node from the API server; runs in the API's child process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fragtui.cluster.api_objects import pod_ref_of, read_event, read_pod
from fragtui.cluster.pod_ref import PodRef
from fragtui.sources.backoff import Backoff
from fragtui.sources.files.host_files import pod_node_name, read_text
from fragtui.sources.pods.interfaces import PodSink
from fragtui.sources.pods.kubernetes.client import ApiError, HttpApiClient
from fragtui.sources.pods.kubernetes.credentials import Credentials, load_credentials
from fragtui.sources.pods.kubernetes.held_credentials import HeldCredentials
from fragtui.sources.pods.kubernetes.kubeconfig_place import CredentialsError, found_kubeconfig, given_kubeconfig
from fragtui.sources.pods.kubernetes.kubelet import running_kubelet
from fragtui.sources.pods.kubernetes.service_account import has_service_account, service_account
from fragtui.sources.pods.kubernetes.watch import REFUSED_WAIT, WatchLoop
from fragtui.text import counted, shortage

NO_EVENTS = "reasons: the kubelet's credentials may not list events (use --kubeconfig)"
_UNREAD_SECONDS = 1.0
UNVERIFIED = "whether the API server is the right one: its certificate is not checked (insecure-skip-tls-verify)"


class PodWatchers:
    """Reports this node's pods by list and watch, with the kubelet's credentials or a given kubeconfig."""

    def __init__(self, root: Path, sink: PodSink, kubeconfig: str | None, pace: tuple[float, float | None]) -> None:
        """`pace` is the first and the longest wait between two tries, in seconds; None for the defaults."""
        self._root = root
        self._sink = sink
        self._given = kubeconfig
        self._pace = pace
        self._credentials = HeldCredentials(self._load)
        self._for_events: HeldCredentials | None = None
        """None if nothing here may list events: the kubelet may not."""
        if kubeconfig is not None:
            self._for_events = self._credentials
        elif has_service_account():
            self._for_events = HeldCredentials(service_account)
        self._node = ""
        self._listed: list[PodRef] = []
        self._proof = ""
        self._unread = 0
        """Objects that no parser could read."""
        self._said_unread = float("-inf")
        self._states: dict[str, tuple[str, str]] = {}

    def run(self) -> None:
        """Watch for ever."""
        waiting = self._backoff()
        while not self._node:
            try:
                self._node = self._node_name(self._credentials.current(renew=True))
            except ApiError as error:
                self._sink.state("API", "absent", error.words)
                time.sleep(waiting.slowest())
        if self._for_events is not None:
            events = self._loop("events", "involvedObject.kind=Pod,type=Warning", self._event_seen)
            try:
                threading.Thread(target=events.run, name="fragtui-kube-events", daemon=True).start()
            except RuntimeError as error:
                self._sink.state("events", "absent", shortage(error) or str(error))
        self._loop("pods", f"spec.nodeName={self._node}", self._pod_listed).run()

    def _backoff(self, longest: float = 60.0) -> Backoff:
        first, given = self._pace
        return Backoff(first, longest if given is None else given)

    def _loop(self, resource: str, selector: str, on_item: Callable[[dict[str, Any]], None]) -> WatchLoop:
        pods = resource == "pods"
        held = self._credentials if pods or self._for_events is None else self._for_events
        name = "API" if pods else "events"
        return WatchLoop(
            resource,
            selector,
            connect=lambda renew: HttpApiClient(held.current(renew)),
            on_begin=self._listed.clear if pods else lambda: None,
            on_item=on_item,
            on_listed=self._all_pods if pods else lambda: None,
            on_change=self._pod_changed if pods else self._event_changed,
            on_state=lambda state, why: self._report_state(name, state, why or (self._cannot_tell() if pods else "")),
            cached=pods,
            backoff=self._backoff(),
            refused=self._backoff(REFUSED_WAIT),
        )

    def _cannot_tell(self) -> str:
        lacks = [NO_EVENTS] if self._for_events is None else []
        if self._credentials.last is not None and not self._credentials.last.verify:
            lacks.append(UNVERIFIED)
        return "; ".join(lacks)

    def _load(self) -> Credentials:
        """Return the credentials for pods: the kubelet's are for its own node alone, so they come first."""
        if self._given is not None:
            return load_credentials(given_kubeconfig(self._given))
        try:
            with found_kubeconfig(self._root) as place:
                return load_credentials(place)
        except CredentialsError:
            if not has_service_account():
                raise
            return service_account()

    def _node_name(self, credentials: Credentials) -> str:
        if name := credentials.node or pod_node_name():
            return name
        with running_kubelet(self._root) as kubelet:
            if kubelet is not None and kubelet.arguments.hostname_override is not None:
                return kubelet.arguments.hostname_override
        for file in ("proc/sys/kernel/hostname", "etc/hostname"):
            if text := read_text(self._root, file):
                return text.lower()
        raise ApiError("this node's name in the cluster is unknown")

    def _report_state(self, name: str, state: str, lack: str) -> None:
        self._states[name] = state, lack
        unread = f"{counted(self._unread, 'object')} could not be read" if self._unread else ""
        proof = self._proof if name == "API" and state == "live" else ""
        self._sink.state(name, state, "; ".join(words for words in (lack, unread) if words), proof)

    def _pod_listed(self, pod: dict[str, Any]) -> None:
        with self._surviving():
            self._listed.append(pod_ref_of(pod))
        self._pod_changed("ADDED", pod)

    def _all_pods(self) -> None:
        self._sink.all_pods(tuple(self._listed))
        self._proof = f"{counted(len(self._listed), 'pod')} listed"
        self._listed.clear()

    def _pod_changed(self, kind: str, pod: dict[str, Any]) -> None:
        observation = None
        with self._surviving():
            observation = read_pod(pod, deleted=kind == "DELETED")
        if observation is not None:
            self._sink.observations((observation,))

    def _event_seen(self, event: dict[str, Any]) -> None:
        self._event_changed("ADDED", event)

    def _event_changed(self, kind: str, event: dict[str, Any]) -> None:
        observation = None
        with self._surviving():
            if kind != "DELETED" and self._of_this_node(event):
                observation = read_event(event)
        if observation is not None:
            self._sink.observations((observation,))

    @contextmanager
    def _surviving(self) -> Iterator[None]:
        """Count an object on which its parser fails; report that at most once a second. Only that object is lost."""
        try:
            yield
        except Exception:
            self._unread += 1
            if time.monotonic() - self._said_unread > _UNREAD_SECONDS:
                self._said_unread = time.monotonic()
                for name, state in tuple(self._states.items()):
                    self._report_state(name, *state)

    def _of_this_node(self, event: dict[str, Any]) -> bool:
        source = event.get("source") or event.get("deprecatedSource")
        host = source.get("host") if isinstance(source, dict) else None
        return (host or event.get("reportingInstance") or self._node) == self._node
