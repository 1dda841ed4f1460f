"""The two readers of a node that must be joined: what the kernel log brings goes to the tracker of the pods at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.pods.pod_update import PodUpdate


class KernelNewsSink(Protocol):
    """A reader of pods, whose tracker links them to kernel incidents."""

    def kernel_news(self, news: KernelLogUpdate) -> None:
        """Take what the kernel log brought; from any thread, never waits."""


Log = TypeVar("Log")
Pods = TypeVar("Pods", bound=KernelNewsSink)


class NodeReaders(Generic[Log, Pods]):
    """Makes both readers, in any order and at any time; what the kernel log brings before the other is made, waits."""

    def __init__(
        self,
        kernel_log: Callable[[Callable[[KernelLogUpdate], None]], Log],
        pods: Callable[[Callable[[PodUpdate], None]], Pods],
    ) -> None:
        """Both are called with the function that takes their news."""
        self._kernel_log = kernel_log
        self._make_pods = pods
        self._lock = threading.Lock()
        self._pods: Pods | None = None
        self._early: KernelLogUpdate | None = None

    def kernel_log(self, on_news: Callable[[KernelLogUpdate], None]) -> Log:
        """Make the reader of the kernel log."""

        def take(news: KernelLogUpdate) -> None:
            on_news(news)
            self._join(news)

        return self._kernel_log(take)

    def pods(self, on_news: Callable[[PodUpdate], None]) -> Pods:
        """Make the reader of pods."""
        pods = self._make_pods(on_news)
        with self._lock:
            self._pods, early = pods, self._early
            self._early = None
            if early is not None:
                pods.kernel_news(early)
        return pods

    def _join(self, news: KernelLogUpdate) -> None:
        with self._lock:
            if self._pods is not None:
                self._pods.kernel_news(news)
            else:
                self._early = news if self._early is None else news.after(self._early)
