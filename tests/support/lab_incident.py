"""A real incident, recorded: memory fragmented, a large request denied, caches dropped, recovery.

Memory and kernel are this machine's. The kubelet's lines were captured on a node whose runc was denied memory in the
same place; they are written again with today's stamps.

Usage: python -m tests.support.lab_incident FILE (as root; fragments this machine's memory for half a minute)
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fragtui.model.failures.incident import Incident
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import target_blocks
from fragtui.model.remedy.forecast import forecast
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import drop_caches
from fragtui.remedies.runner import RemedyRun, RunRequest
from fragtui.sampler import Sampler
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.kernel_log.follower import KernelLog
from fragtui.sources.kernel_log.incident_stream import StreamCall
from fragtui.sources.kernel_log.ring import stream_time
from fragtui.sources.pods.watcher import PodWatcher
from fragtui.sources.recording.recorder import Recorder
from tests.support.lab import fragmented_cache, refuse
from tests.support.places import FIXTURES

ORDER = 10
COMM = "runc:[1:CHILD]"
TRIES = 12
_KUBELET = (FIXTURES / "unshare-kubelet.log", FIXTURES / "unshare-kubelet-started.log")
_STAMP = re.compile(r"(?<=^[IWEF])\d{4} (\d\d):(\d\d):(\d\d\.\d{6})")


class LabIncident:
    """Records until it is stopped; `live` and `incidents` are what a screen gets."""

    def __init__(self, path: Path, name: str = "node-7") -> None:
        self.live: list[Snapshot] = []
        self.incidents: list[Incident] = []
        self._work = tempfile.TemporaryDirectory()
        self._audit = AuditLog(Path(self._work.name) / "audit.jsonl")
        self._shown = Path(self._work.name) / "shown.jsonl"
        self._shown.write_text("")
        self._name = name
        self._began = time.time()
        reader = NodeReader()
        self.recorder = Recorder(reader.host._replace(name=name), kept=0, audit=self._shown)
        self.file = self.recorder.save(path)
        reader.on_tick = self.recorder.take_tick
        self._said = [line for path in _KUBELET for line in path.read_text().splitlines()]
        self._kubelet = Path(self._work.name) / "kubelet.log"
        self.kubelet_says("SyncLoop ADD")
        self._sampler = Sampler(reader, self.live.append, sys.stderr.write, 0.5)  # type: ignore[arg-type]
        self._log = KernelLog(Path("/"), "auto", self._take, self._stream)
        self._pods = PodWatcher(Path("/"), str(self._kubelet), recorder=self.recorder)
        self._sampler.start()
        self._log.start()
        self._pods.start()

    def close(self) -> None:
        """End the recording."""
        self._sampler.stop()
        self._log.stop()
        self._pods.stop()
        time.sleep(0.6)
        self.recorder.end()
        self._work.cleanup()

    def kubelet_says(self, *words: str) -> None:
        """Write the kubelet's next lines that contain one of these words, one of each pod, with the present time."""
        lines: dict[str, str] = {}
        for line in self._said:
            if any(word in line for word in words):
                lines.setdefault(re.sub(r'.*pods?=\[?"([^"]*)".*', r"\1", line), line)
        now = time.strftime("%m%d %H:%M:%S", time.localtime()) + f".{time.time_ns() // 1000 % 1_000_000:06d}"
        with self._kubelet.open("a") as log:
            log.writelines(f"{_STAMP.sub(now, line)}\n" for line in lines.values())

    def refuse(self) -> int:
        """Request large blocks until one is denied and reported; return how many were denied."""
        refused = 0
        for _ in range(TRIES):
            refused += refuse(ORDER, COMM) == "ENOBUFS"
            time.sleep(0.5)
            if self.incidents:
                break
        return refused

    def recover(self) -> None:
        """Drop the caches through the engine of the remedies, with its record."""
        before = self.live[-1]
        remedy = drop_caches(3, sync=False)
        gain = forecast(before, ORDER).gain(remedy.effect)
        self._sampler.hurried = True
        running = RemedyRun.start(
            remedy, Path("/"), self._audit, RunRequest("screen", ORDER, target_blocks(before, ORDER), gain), None
        )
        self._show()
        while running.poll() is None:
            time.sleep(0.05)
        self._show()
        time.sleep(1.0)
        self._sampler.hurried = False

    def _show(self) -> None:
        """Give the recorder the lines of the audit log without user and host."""
        lines = [json.loads(line) for line in self._audit.path.read_text().splitlines()]
        hidden: dict[str, object] = {"host": self._name, "login": None, "boot": None, "pid": 4711}
        lines = [{key: hidden.get(key, value) if key in hidden else value for key, value in each.items()}
                for each in lines]  # fmt: skip
        done = len(self._shown.read_text().splitlines())
        with self._shown.open("a") as shown:
            shown.writelines(json.dumps(each) + "\n" for each in lines[done:])

    def _stream(self) -> Callable[[StreamCall], None]:
        take = self.recorder.log_stream()

        def filtered(call: StreamCall) -> None:
            # Earlier messages of this machine's kernel are private.
            if call[0] == "kmsg" and isinstance(call[1], bytes) and (stream_time(call[1]) or 0.0) < self._began:
                return
            take(call)

        return filtered

    def _take(self, update: KernelLogUpdate) -> None:
        new = [each for each in update.incidents if each.time is not None and each.time >= self._began]
        if new and not self.incidents:
            self.kubelet_says("Error syncing pod")
        self.incidents += new


def record_incident(path: Path) -> LabIncident:
    """Make an incident and its recording."""
    with fragmented_cache(pinned=True) as unpin:
        incident = LabIncident(path)
        try:
            time.sleep(4.0)
            incident.refuse()
            time.sleep(2.0)
            unpin()
            time.sleep(1.0)
            incident.recover()
            time.sleep(2.0)
            incident.kubelet_says("ContainerStarted")
            time.sleep(4.0)
        finally:
            incident.close()
    return incident


if __name__ == "__main__":
    made = record_incident(Path(sys.argv[1]))
    print(f"{sys.argv[1]}: {len(made.live)} samples, {len(made.incidents)} refusals, {made.file.written} bytes")
