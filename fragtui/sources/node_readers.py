"""The readers of the kernel log and of pods, joined: each update of the kernel log also goes to the pod tracker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.pods.pod_update import PodUpdate


class KernelUpdateSink(Protocol):
    """A reader of pods, whose tracker links them to kernel incidents."""

    def kernel_update(self, update: KernelLogUpdate) -> None:
        """Take an update of the kernel log; from any thread, never waits."""


Log = TypeVar("Log")
Pods = TypeVar("Pods", bound=KernelUpdateSink)


class NodeReaders(Generic[Log, Pods]):
    """Makes both readers, in any order; updates of the kernel log wait until the reader of pods exists."""

    def __init__(
        self,
        kernel_log: Callable[[Callable[[KernelLogUpdate], None]], Log],
        pods: Callable[[Callable[[PodUpdate], None]], Pods],
    ) -> None:
        """Both functions make a reader; their argument receives its updates."""
        self._kernel_log = kernel_log
        self._make_pods = pods
        self._lock = threading.Lock()
        self._pods: Pods | None = None
        self._early: KernelLogUpdate | None = None

    def kernel_log(self, on_update: Callable[[KernelLogUpdate], None]) -> Log:
        """Make the reader of the kernel log."""

        def take(update: KernelLogUpdate) -> None:
            on_update(update)
            self._join(update)

        return self._kernel_log(take)

    def pods(self, on_update: Callable[[PodUpdate], None]) -> Pods:
        """Make the reader of pods."""
        pods = self._make_pods(on_update)
        with self._lock:
            self._pods, early = pods, self._early
            self._early = None
            if early is not None:
                pods.kernel_update(early)
        return pods

    def _join(self, update: KernelLogUpdate) -> None:
        with self._lock:
            if self._pods is not None:
                self._pods.kernel_update(update)
            else:
                self._early = update if self._early is None else update.after(self._early)
