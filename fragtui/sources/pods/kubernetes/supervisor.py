"""Pods of this node from the API server: a child process watches, a daemon thread reads its output.

A child, because an API server's answers are megabytes of JSON: parsed here, they would block the screen, and its
memory would not shrink again.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from fragtui.cluster.observation import PodObservation
from fragtui.logs.bounded_json import read_json
from fragtui.model.node.source_state import AS_ROOT
from fragtui.sources.backoff import Backoff
from fragtui.sources.files.child_errors import ChildErrors
from fragtui.sources.files.host_files import NEEDS_ROOT, os_reason
from fragtui.sources.pods.interfaces import PodSink
from fragtui.sources.pods.kubernetes.kubeconfig_place import (
    NO_CREDENTIALS,
    NOT_INSTALLED,
    CredentialsError,
    found_kubeconfig,
    given_kubeconfig,
)
from fragtui.sources.pods.kubernetes.service_account import has_service_account
from fragtui.sources.pods.observation_json import read_observation, read_pod_facts, read_text_fact
from fragtui.sources.pods.presence import why_none

_PROGRAM = (
    "import json,sys\n"
    "order=json.loads(sys.stdin.buffer.raw.readline())\n"
    "sys.path[:]=order['path']\n"
    "from fragtui.sources.pods.kubernetes.worker import main\n"
    "main(order)\n"
)
"""Given as text, since in a zipapp the child's module is not a file. The path includes the zipapp."""
_READ = 1 << 18
_LINE_LIMIT = 4 * 1024 * 1024
_HEALTHY_SECONDS = 60.0
_NAMES = ("API", "events")


class ApiSupervisor:
    """Reports this node's pods by list and watch, with the kubelet's credentials or a given kubeconfig."""

    name = "API"

    def __init__(
        self,
        root: Path,
        sink: PodSink,
        kubeconfig: str | None = None,
        *,
        pace: tuple[float, float | None] = (1.0, None),
    ) -> None:
        """`pace` is the first and the longest wait between two tries, in seconds; None for the defaults."""
        self._root = root
        self._sink = sink
        self._given = kubeconfig
        self._pace = pace
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._names = {self.name}
        """The sources whose states the children reported."""

    def start(self) -> None:
        """Start on a daemon thread."""
        threading.Thread(target=self._run, name="fragtui-kube", daemon=True).start()

    def stop(self) -> None:
        """Stop soon; never waits."""
        self._stopping.set()
        child = self._child
        if child is not None:
            _kill(child)

    def _run(self) -> None:
        self._sink.state(self.name, "connecting", "")
        waiting = Backoff(self._pace[0], self._pace[1] or 60.0)
        while not self._stopping.is_set():
            lack = self._lack()
            if lack is not None:
                no_kubelet = why_none(self._root) if lack == NO_CREDENTIALS else None
                remedy = AS_ROOT if NEEDS_ROOT in lack and os.geteuid() != 0 else "use --kubeconfig FILE"
                remedy = "" if no_kubelet or lack == NOT_INSTALLED else remedy
                self._sink.state(self.name, "nothing" if no_kubelet else "absent", no_kubelet or lack, "", remedy)
                self._stopping.wait(waiting.slowest())
                waiting.reset()
                continue
            began = time.monotonic()
            why = self._watch()
            if self._stopping.is_set():
                return
            if time.monotonic() - began > _HEALTHY_SECONDS:
                waiting.reset()
            for name in sorted(self._names):  # What the child watched is not watched now.
                self._sink.state(name, "waiting", why)
            self._stopping.wait(waiting.wait())

    def _lack(self) -> str | None:
        """Return what is missing to ask an API server, or None. While something is missing, no child is started."""
        try:
            if self._given is not None:
                given_kubeconfig(self._given).check()
            else:
                with found_kubeconfig(self._root):
                    pass
        except CredentialsError as error:
            return None if self._given is None and has_service_account() else str(error)
        return NOT_INSTALLED if importlib.util.find_spec("yaml") is None else None

    def _watch(self) -> str:
        """Run a child until it ends; return why it did."""
        try:
            child = self._start()
        except OSError as error:
            return f"the API's watch can't be started: {os_reason(error)}"
        assert child.stderr is not None
        errors = ChildErrors(child.stderr)
        try:
            self._read(child, errors)
        finally:
            _kill(child)
            self._child = None
            said = errors.last_line
            errors.close()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
        return f"the API's watch ended ({said or f'status {child.wait()}'})"

    def _start(self) -> subprocess.Popen[bytes]:
        order = {
            "path": sys.path,
            "root": str(self._root),
            "kubeconfig": self._given,
            "pace": self._pace,
        }
        # A process group of its own, so that it is killed with its children.
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _PROGRAM, "fragtui-kube"],  # the last is its name in ps
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            process_group=0,
        )
        self._child = child
        if self._stopping.is_set():
            _kill(child)
        assert child.stdin is not None
        with suppress(BrokenPipeError):
            # It stays open: its end makes the child end.
            child.stdin.write(json.dumps(order).encode() + b"\n")
        return child

    def _read(self, child: subprocess.Popen[bytes], errors: ChildErrors) -> None:
        assert child.stdout is not None
        pending = bytearray()
        while not self._stopping.is_set() and (data := os.read(child.stdout.fileno(), _READ)):
            errors.read()
            pending += data
            if b"\n" in data:  # A long line is not copied and searched again for each piece.
                *lines, rest = bytes(pending).split(b"\n")
                pending = bytearray(rest)
                self._report(lines)
            if len(pending) > _LINE_LIMIT:
                return

    def _report(self, lines: list[bytes]) -> None:
        seen: list[PodObservation] = []
        for line in lines:
            try:
                facts: dict[str, Any] = read_json(line)
                if "seen" in facts:
                    seen.append(read_observation(facts["seen"]))
                    continue
                # In the order of arrival.
                if seen:
                    self._sink.observations(tuple(seen))
                    seen.clear()
                if "all" in facts:
                    self._sink.all_pods(tuple(read_pod_facts(pod) for pod in facts["all"]))
                elif "state" in facts:
                    name, state, *words = (read_text_fact(each) or "" for each in facts["state"])
                    if name in _NAMES:
                        self._names.add(name)
                        self._sink.state(name, state, *words[:3])
            except (ValueError, TypeError, KeyError, AttributeError):
                continue  # Only a child killed in the middle of a line writes this.
        if seen:
            self._sink.observations(tuple(seen))


def _kill(child: subprocess.Popen[bytes]) -> None:
    if child.returncode is None:
        with suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
