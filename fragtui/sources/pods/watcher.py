"""The watch over this node's stuck pods: every source on its own thread, one board, news at most 4 times a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.model.pods.linking import KernelEvidence
from fragtui.model.pods.pod_tracker import PodTracker
from fragtui.model.pods.pod_update import PodUpdate, SourceState
from fragtui.sources.pods.crictl import CrictlSource
from fragtui.sources.pods.inbox import PodInbox
from fragtui.sources.pods.interfaces import PodRecorder, PodSource, TeeSink
from fragtui.sources.pods.kubernetes.supervisor import ApiSupervisor
from fragtui.sources.pods.log_directories import read_pod_directories
from fragtui.sources.pods.runtime_log import RuntimeLog
from fragtui.text import shortage

NEWS_SECONDS = 0.25
"""Shortest time between two news."""
_REVIEW_SECONDS = 5.0
"""How often the board is looked at without news: pods become stuck, and quiet ones gone, by time alone."""


class PodWatcher:
    """Watches for pods that are stuck in creation and calls `on_news` from its own daemon thread.

    Sources that are absent or refuse say so in the news; none of them can hold up the caller.
    """

    def __init__(
        self,
        root: Path,
        kubelet_log: str = "auto",
        kubeconfig: str | None = None,
        on_news: Callable[[PodUpdate], None] = lambda _: None,
        *,
        live: bool = True,
        clock: Callable[[], float] = time.time,
        witness: PodRecorder | None = None,
    ) -> None:
        """Watch the node under `root`.

        `kubelet_log` is ``auto``, ``none`` or a file, or several joined by commas; `kubeconfig` a file whose
        rights may reach further than the kubelet's own. Without `live` the node's files are saved ones: the credentials
        in them are not used. `witness` is told all that the sources say, for a recording.
        """
        self._root = root
        self._on_news = on_news
        self._clock = clock
        self._board = PodTracker()
        self._inbox = PodInbox()
        self._unread = 0
        """Changes over which the board failed."""
        self._states: dict[str, SourceState] = {}
        self._stopping = threading.Event()
        self._witness = witness
        others = self if witness is None else TeeSink(self, witness)
        self._sources: tuple[PodSource, ...] = (
            RuntimeLog(root, self, kubelet_log, witness.log if witness is not None else None),
            *((ApiSupervisor(root, others, kubeconfig),) if live or kubeconfig is not None else ()),
            CrictlSource(root, others),
        )
        self._unstarted: tuple[PodSource, ...] = self._sources

    def start(self) -> None:
        """Begin; returns at once."""
        threading.Thread(target=self._run, name="fragtui-pods", daemon=True).start()

    def stop(self) -> None:
        """End soon; never waits. No news comes after the one that may be under way."""
        self._stopping.set()
        self._inbox.close()
        for source in self._sources:
            source.stop()

    def kernel_incident(self, incident: KernelEvidence) -> None:
        """Report a kernel incident, to be linked with the pods that it failed; from any thread, never waits."""
        self._inbox.incident(incident)

    def remedy_ran(self, name: str) -> None:
        """Tell that a remedy ran just now; from any thread, never waits."""
        self._inbox.remedy(lambda board, _: board.remedy_ran(name))

    def observations(self, told: tuple[PodObservation, ...]) -> None:
        """See `PodSink`."""

        def change(board: PodTracker, now: float) -> bool:
            changed = False
            for observation in told:
                try:
                    changed |= board.tell(observation, now)
                except Exception:  # It costs only itself.
                    self._unread += 1
                    changed = True
            return changed

        self._inbox.put(change, len(told))

    def all_pods(self, pods: tuple[PodRef, ...]) -> None:
        """See `PodSink`."""
        self._inbox.put(lambda board, _: board.only_these_exist(pods), len(pods))

    def state(self, name: str, state: str, cannot_tell: str) -> None:
        """See `PodSink`."""
        told = SourceState(name, state, cannot_tell)
        if self._states.get(name) != told:
            self._states[name] = told
            self._inbox.news()
            if self._witness is not None:
                self._witness.state(told)

    def _run(self) -> None:
        for pod in read_pod_directories(self._root):
            self._board.learn(pod)
            if self._witness is not None:
                self._witness.learnt(pod)
        self._start_sources()
        last: PodUpdate | None = None
        looked = time.monotonic() - NEWS_SECONDS
        changed = False
        while not self._stopping.is_set():
            due = looked + (NEWS_SECONDS if changed else _REVIEW_SECONDS)
            changed |= self._take_changes(due - time.monotonic())
            now = time.monotonic()
            if now - looked < (NEWS_SECONDS if changed else _REVIEW_SECONDS):
                continue
            changed, looked = False, now
            self._start_sources()
            board, states = self._board.snapshot(self._clock()), tuple(self._states.values())
            news = PodUpdate(board, states, self._board.names, self._inbox.dropped, self._unread)
            if news != last and not self._stopping.is_set():
                last = news
                self._hand_over(news)

    def _start_sources(self) -> None:
        """Start those that are not started yet; on a node that allows no thread, the next look tries again."""
        self._unstarted = tuple(source for source in self._unstarted if not self._started(source))

    def _started(self, source: PodSource) -> bool:
        try:
            source.start()
        except RuntimeError as error:
            self.state(source.name, "waiting", shortage(error) or str(error))
            return False
        return True

    def _hand_over(self, news: PodUpdate) -> None:
        try:
            self._on_news(news)
        except Exception:
            # Who is being stopped may be gone already, in the middle of the call.
            if not self._stopping.is_set():
                raise

    def _take_changes(self, seconds: float) -> bool:
        """Apply the next changes, waiting so long for one; return whether the board may have changed."""
        changed = False
        for change in self._inbox.take(max(0.0, seconds)):
            try:
                changed |= change(self._board, self._clock())
            except Exception:
                self._unread += 1
                changed = True
        return changed
