"""Pods, and events where allowed, of this node from the API server, watched on daemon threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fragtui.cluster.objects import pod_ref_of, read_event, read_pod
from fragtui.sources.backoff import Backoff
from fragtui.sources.host_files import read_text
from fragtui.sources.kube_client import Api, ApiError, KubernetesApi
from fragtui.sources.kube_watch import WatchLoop
from fragtui.sources.kubelet_process import Kubelet, find_kubeconfig, find_kubelet
from fragtui.sources.pod_telling import Telling

NO_CREDENTIALS = "found no kubelet credentials under the root: give --kubeconfig FILE"
NO_EVENTS = "reasons: the kubelet's credentials may not list events (give --kubeconfig)"


class KubeApi:
    """Tells of this node's pods by list and watch, with the kubelet's own credentials or a given kubeconfig."""

    def __init__(
        self,
        root: Path,
        telling: Telling,
        kubeconfig: str | None = None,
        *,
        connect: Callable[[Path, Path], Api] = KubernetesApi,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        """`connect` makes an API from a kubeconfig and the root; it runs on the watching thread."""
        self._root = root
        self._telling = telling
        self._given = kubeconfig
        self._connect = connect
        self._backoff = backoff
        self._stopping = threading.Event()
        self._loops: list[WatchLoop] = []
        self._node: str | None = None

    def start(self) -> None:
        """Begin on a daemon thread; the Kubernetes client is imported there."""
        threading.Thread(target=self._run, name="fragtui-kube", daemon=True).start()

    def stop(self) -> None:
        """End soon; never waits."""
        self._stopping.set()
        for loop in self._loops:
            loop.interrupt()

    def _run(self) -> None:
        self._telling.state("API", "connecting", "")
        waiting = self._backoff()
        while not self._stopping.is_set():
            try:
                api = self._open()
                self._node = self._node_name(api)
                break
            except ApiError as error:
                self._telling.state("API", "absent" if error.status is None else "waiting", error.words)
                self._stopping.wait(waiting.slowest())
        if self._stopping.is_set() or self._node is None:
            return
        events: threading.Thread | None = None
        if self._given is not None:
            loop = self._loop(
                "events", "involvedObject.kind=Pod,type=Warning", self._events_listed, self._event_changed
            )
            events = threading.Thread(target=loop.run, name="fragtui-kube-events", daemon=True)
            events.start()
        self._loop("pods", f"spec.nodeName={self._node}", self._pods_listed, self._pod_changed).run()

    def _loop(
        self,
        resource: str,
        selector: str,
        listed: Callable[[list[dict[str, Any]]], None],
        changed: Callable[[str, dict[str, Any]], None],
    ) -> WatchLoop:
        name = "API" if resource == "pods" else "events"
        lack = NO_EVENTS if resource == "pods" and self._given is None else ""

        def told(state: str, why: str) -> None:
            self._telling.state(name, state, why or lack)

        loop = WatchLoop(
            resource,
            selector,
            connect=self._open,
            on_list=listed,
            on_change=changed,
            on_state=told,
            stopping=self._stopping,
            backoff=self._backoff(),
        )
        self._loops.append(loop)
        return loop

    def _open(self) -> Api:
        if self._given is not None:
            # A file that the user names lies where the user is, and so do the files that it names.
            return self._connect(Path(self._given), Path("/"))
        path = find_kubeconfig(self._root, self._kubelet())
        if path is None:
            raise ApiError(NO_CREDENTIALS)
        return self._connect(path, self._root)

    def _kubelet(self) -> Kubelet | None:
        return find_kubelet(self._root)

    def _node_name(self, api: Api) -> str:
        named = api.node_of_credentials()
        if named:
            return named
        kubelet = self._kubelet()
        if kubelet is not None and kubelet.hostname_override:
            return kubelet.hostname_override
        for file in ("proc/sys/kernel/hostname", "etc/hostname"):
            text = read_text(self._root / file)
            if text and text.strip():
                return text.strip().lower()
        raise ApiError("can't tell what the cluster calls this node")

    def _pods_listed(self, items: list[dict[str, Any]]) -> None:
        sightings = [sighting for item in items if (sighting := read_pod(item)) is not None]
        self._telling.all_pods(tuple(pod_ref_of(item) for item in items))
        self._telling.sightings(tuple(sightings))

    def _pod_changed(self, kind: str, pod: dict[str, Any]) -> None:
        sighting = read_pod(pod, deleted=kind == "DELETED")
        if sighting is not None:
            self._telling.sightings((sighting,))

    def _events_listed(self, items: list[dict[str, Any]]) -> None:
        for item in items:
            self._event_changed("ADDED", item)

    def _event_changed(self, kind: str, event: dict[str, Any]) -> None:
        if kind == "DELETED" or not self._of_this_node(event):
            return
        sighting = read_event(event)
        if sighting is not None:
            self._telling.sightings((sighting,))

    def _of_this_node(self, event: dict[str, Any]) -> bool:
        source = event.get("source") or event.get("deprecatedSource")
        host = source.get("host") if isinstance(source, dict) else None
        return (host or event.get("reportingInstance") or self._node) == self._node
