"""The watcher of this node's stuck pods: each source on its own thread, one tracker, at most 4 updates a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.source_state import Sight, SourceState
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.pods.stuck_pods import StuckPods
from fragtui.model.tracker import IncidentTracker
from fragtui.sources.pods.crictl import CrictlSource
from fragtui.sources.pods.inbox import PodInbox
from fragtui.sources.pods.interfaces import PodRecorder, PodSource, TeeSink
from fragtui.sources.pods.kubernetes.supervisor import ApiSupervisor
from fragtui.sources.pods.log_directories import read_pod_directories
from fragtui.sources.pods.runtime_log import LOGS, RuntimeLog
from fragtui.text import shortage

UPDATE_SECONDS = 0.25
"""Shortest time between two updates."""
_HISTORY_SECONDS = 2.5
"""Most seconds for which no row is shown, until what the sources report of the past is read."""
_PAUSE_SECONDS = 0.3
"""Seconds without a report of the past after which all of it is read: the journal's reader does not mark its end."""

_SAME_SECONDS = 1.0
"""The same after one that had nothing but new times and counts: 22 stuck pods fail again every second."""
_REVIEW_SECONDS = 5.0
"""Seconds between two checks of the tracker without changes: by time alone pods become stuck, or count as gone."""


class PodWatcher:
    """Watches for pods that are stuck in creation and calls `on_update` from its own daemon thread.

    The state of each source is in the update; no source can block the caller.
    """

    def __init__(
        self,
        root: Path,
        kubelet_log: str = "auto",
        kubeconfig: str | None = None,
        on_update: Callable[[PodUpdate], None] = lambda _: None,
        *,
        live: bool = True,
        clock: Callable[[], float] = time.time,
        recorder: PodRecorder | None = None,
        hold: bool = False,
    ) -> None:
        """Watch the node under `root`.

        `kubelet_log` is ``auto``, ``none`` or files joined by commas; `kubeconfig` is a file that may grant more rights
        than the kubelet's own. Without `live` the node's files are saved ones: the credentials in them are not used.
        `recorder` gets all reports of the sources. With `hold` no pod is in an update before the sources have reported
        the past; a caller that asks only once waits for them itself.
        """
        self._root = root
        self._on_update = on_update
        self._clock = clock
        self._tracker = IncidentTracker()
        self._inbox = PodInbox()
        self._unread = 0
        """Changes on which the tracker failed."""
        self._stopping = threading.Event()
        self._recorder = recorder
        sink = self if recorder is None else TeeSink(self, recorder)
        self._sources: tuple[PodSource, ...] = (
            RuntimeLog(root, self, kubelet_log, recorder.log if recorder is not None else None),
            *((ApiSupervisor(root, sink, kubeconfig),) if live or kubeconfig is not None else ()),
            CrictlSource(root, sink),
        )
        self._unstarted: tuple[PodSource, ...] = self._sources
        names = dict.fromkeys((*LOGS, *(source.name for source in self._sources)))
        self._began = clock()
        self._hold_until = time.monotonic() + _HISTORY_SECONDS if hold else None
        """By the monotonic clock; None once the past is read."""
        self._past_until = 0.0
        """When the last report of the past should have been followed by the next one."""
        # From the start, so that no update looks complete while one of them has not reported.
        self._states = {name: SourceState(name, "connecting", "") for name in names}

    def start(self) -> None:
        """Start; returns at once."""
        threading.Thread(target=self._run, name="fragtui-pods", daemon=True).start()

    def stop(self) -> None:
        """Stop soon; never waits. At most the update that is being delivered still arrives."""
        self._stopping.set()
        self._inbox.close()
        for source in self._sources:
            source.stop()

    def kernel_update(self, update: KernelLogUpdate) -> None:
        """Take an update of the kernel log, to be linked to the pods; from any thread, never waits."""
        for incident in (*update.incidents, *update.updated):
            self._inbox.incident(incident)

    def remedy_ran(self, name: str) -> None:
        """Note that a remedy ran just now; from any thread, never waits."""
        self._inbox.remedy(lambda tracker, _: tracker.remedy_ran(name))

    def observations(self, observations: tuple[PodObservation, ...]) -> None:
        """See `PodSink`."""
        self._note_past(observations)

        def change(tracker: IncidentTracker, now: float) -> bool:
            self._note_past(observations)
            changed = False
            for observation in observations:
                try:
                    changed |= tracker.observe(observation, now)
                except Exception:  # Only this observation is lost.
                    self._unread += 1
                    changed = True
            return changed

        self._inbox.put(change, len(observations))

    def all_pods(self, pods: tuple[PodRef, ...]) -> None:
        """See `PodSink`."""
        self._inbox.put(lambda tracker, now: tracker.set_existing(pods, now), len(pods))

    def state(self, name: str, state: str, cannot_tell: str, proof: str = "", remedy: str = "") -> None:
        """See `PodSink`."""
        source = SourceState(name, state, cannot_tell, proof, remedy)
        if self._states.get(name) != source:
            self._states[name] = source
            self._inbox.source_changed()
            if self._recorder is not None:
                self._recorder.state(source)

    def _run(self) -> None:
        for pod in read_pod_directories(self._root):
            self._tracker.learn(pod)
            if self._recorder is not None:
                self._recorder.learnt(pod)
        self._start_sources()
        last: PodUpdate | None = None
        looked = time.monotonic() - UPDATE_SECONDS
        changed, pace = False, UPDATE_SECONDS
        while not self._stopping.is_set():
            changed |= self._hold_until is not None
            due = looked + (pace if changed else _REVIEW_SECONDS)
            changed |= self._take_changes(due - time.monotonic())
            now = time.monotonic()
            if now - looked < (pace if changed else _REVIEW_SECONDS):
                continue
            changed, looked = False, now
            self._start_sources()
            stuck, states = self._tracker.snapshot(self._clock()), tuple(self._states.values())
            if self._is_past_unread(states):
                # Half of the past has pods that fail and not that they started: they would appear and go again.
                stuck = StuckPods()
                states = tuple(_unproven(source) for source in states)
            update = PodUpdate(stuck, states, self._tracker.names, self._inbox.dropped, self._unread)
            if update != last and not self._stopping.is_set():
                same = self._hold_until is None and last is not None and update.resembles(last)
                pace = _SAME_SECONDS if same else UPDATE_SECONDS
                last = update
                self._hand_over(update)

    def _note_past(self, observations: Iterable[PodObservation]) -> None:
        if self._hold_until is not None and any((each.time or 0.0) < self._began for each in observations):
            self._past_until = time.monotonic() + _PAUSE_SECONDS

    def _is_past_unread(self, states: Iterable[SourceState]) -> bool:
        """Return whether a source has not yet reported what was before the start, or may be in the middle of it."""
        now = time.monotonic()
        if self._hold_until is not None and (
            now >= self._hold_until
            or (now >= self._past_until and all(source.sight is not Sight.PENDING for source in states))
        ):
            self._hold_until = None
        return self._hold_until is not None

    def _start_sources(self) -> None:
        """Start the sources that are not started yet; if the node allows no thread, the next check tries again."""
        self._unstarted = tuple(source for source in self._unstarted if not self._started(source))

    def _started(self, source: PodSource) -> bool:
        try:
            source.start()
        except RuntimeError as error:
            self.state(source.name, "waiting", shortage(error) or str(error))
            return False
        return True

    def _hand_over(self, update: PodUpdate) -> None:
        try:
            self._on_update(update)
        except Exception:
            # While stopping, the receiver may end in the middle of the call.
            if not self._stopping.is_set():
                raise

    def _take_changes(self, seconds: float) -> bool:
        """Apply the next changes, wait at most `seconds` for one; return whether the state may have changed."""
        changed = False
        for change in self._inbox.take(max(0.0, seconds)):
            try:
                changed |= change(self._tracker, self._clock())
            except Exception:
                self._unread += 1
                changed = True
        return changed


def _unproven(source: SourceState) -> SourceState:
    """Return the state of a source that delivered only a part so far: its silence means nothing yet."""
    return replace(source, state="connecting", proof="") if source.sight is Sight.LOOKED else source
