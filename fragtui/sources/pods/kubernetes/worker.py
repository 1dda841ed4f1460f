"""The API's child process: it watches, and writes small facts to a pipe, one JSON line per object.

Run by a bare interpreter with its settings as one JSON line on standard input. When that ends, its parent has ended or
wants it to end: it kills its process group, so that no credential plug-in outlives it.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fragtui.cluster.observation import PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.sources.pods.kubernetes.pods import PodWatchers
from fragtui.sources.pods.observation_json import observation_json

_END_SIGNALS = (signal.SIGINT, signal.SIGQUIT)


class PipeSink:
    """A `PodSink` that writes to a pipe; waits while the pipe is full."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def observations(self, observations: tuple[PodObservation, ...]) -> None:
        """See `PodSink`."""
        for observation in observations:
            # Empty fields are not written.
            self._write(
                {"seen": {key: value for key, value in observation_json(observation).items() if value is not None}}
            )

    def all_pods(self, pods: tuple[PodRef, ...]) -> None:
        """See `PodSink`."""
        self._write({"all": [asdict(pod) for pod in pods]})

    def state(self, name: str, state: str, cannot_tell: str, proof: str = "", remedy: str = "") -> None:
        """See `PodSink`."""
        self._write({"state": [name, state, cannot_tell, proof, remedy]})

    def _write(self, facts: object) -> None:
        data = memoryview(json.dumps(facts, separators=(",", ":")).encode() + b"\n")
        with self._lock:
            while data:
                data = data[os.write(self._pipe, data) :]


def main(order: dict[str, Any]) -> None:
    """Watch until the standard input ends; does not return."""
    for each in _END_SIGNALS:  # The terminal's signals are for the screen.
        signal.signal(each, signal.SIG_IGN)
    first, longest = order["pace"]
    pods = PodWatchers(Path(order["root"]), PipeSink(1), order["kubeconfig"], (first, longest))
    threading.Thread(target=_watch, args=(pods,), name="fragtui-kube", daemon=True).start()
    while os.read(0, 4096):
        continue
    _end()


def _watch(pods: PodWatchers) -> None:
    try:
        pods.run()
    except Exception as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode("utf-8", "replace"))
    finally:  # An internal error, or the reader is gone: the parent sees the pipe end, and starts another child.
        _end()


def _end() -> None:
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
