"""The container on a Kubernetes node that fragtui runs in: its own pod there, else a debug pod, deleted at the end."""

from __future__ import annotations

import os
import queue
import re
import select
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from fragtui.sources.files.child_errors import ChildErrors
from fragtui.sources.recording.remote_shell import LinkError, PodShell, found, start_piped
from fragtui.text import printable

_ANSWER_SECONDS = 15.0
_MAX_ANSWER = 1 << 16
"""Bytes kept of what kubectl prints."""
_START_SECONDS = 60.0
"""Seconds that a debug pod may take to start, with the pull of its image."""
_LOOK_SECONDS = 1.0
_READ_SECONDS = 2.0
"""Seconds that the screen may take to say that a debug pod will be made."""
_POD_SECONDS = 12 * 3600
"""Seconds after which a debug pod ends by itself, if this program can't delete it."""
_MAX_PODS = 3
"""Debug pods that may exist because kubectl did not answer; then no other is made."""
_POD = re.compile(r"([a-z0-9][a-z0-9-]{0,62})/([a-z0-9][a-z0-9.-]{0,252})", re.ASCII)
"""Namespace and name of a pod; anything else could be read as an option of kubectl."""
_MADE = re.compile(r"Creating debugging pod ([a-z0-9][a-z0-9.-]{0,252}) with container ([a-z0-9-]{1,63}) on node")
"""What kubectl debug prints before it makes the pod, with a name of its own choice."""


class KubeNode:
    """One node; `shell` is for the thread that reads the stream, the other methods are for any thread."""

    def __init__(self, context: str, node: str, image: str | None) -> None:
        """Take the image of a debug pod; without one, none is made. An empty context is the current one."""
        self._node = node
        self._image = image and printable(image)
        self._context = context
        self._asked_context = bool(context)
        self._pod: tuple[str, str] | None = None
        """Name and container of the debug pod that was made last."""
        self._made: list[str] = []
        """Names of the debug pods that were made, or may have been, and are not deleted."""
        self._unnamed = False
        """Whether there may be a debug pod whose name is unknown."""
        self._nameless = f"kubectl debug named no pod; look for node-debugger-{node}-... and delete it"
        self._making = threading.Lock()
        """Held while a debug pod is made: it must not be made after, or unknown to, `leave`."""
        self._left = threading.Event()
        self._sure = True
        """Whether kubectl said how it went to make the last one: else it may still be made."""
        self._reported = False
        self._reports: queue.SimpleQueue[str] = queue.SimpleQueue()

    @property
    def typed_command(self) -> str:
        """How a person runs fragtui there."""
        return shlex.join(("kubectl", "fragtui", *self._options, self._node))  # A plug-in takes no option before it.

    def report(self) -> str | None:
        """Return the next sentence to report, None if there is none."""
        with suppress(queue.Empty):
            return self._reports.get_nowait()
        return None

    def shell(self) -> PodShell:
        """Return a container that runs. Raises LinkError."""
        if self._left.is_set():
            raise LinkError("stopped")
        if not self._asked_context:
            # The current context may change while the screen is open, and another cluster has a node of that name too.
            status, said, _ = self._run("config", "current-context")
            self._context = "" if status else printable(said.strip())
            self._asked_context = True
        if self._pod is None and (pod := self._own_pod()) is not None:
            return pod
        if self._pod is None or not self._is_coming(self._pod[0]):
            self._make()
        assert self._pod is not None
        name, container = self._pod
        self._wait(name)
        return PodShell(self._options, (name, f"--container={container}"))

    def exact(self, words: Sequence[str]) -> str:
        """Return the commands: NAMESPACE and POD stand for what the first one finds. Raises LinkError."""
        pod = PodShell(self._options, ("--namespace=NAMESPACE", "POD", "--container=fragtui"))
        run = shlex.join(("kubectl", *pod.arguments(words)[1:]))
        asked = shlex.join(("kubectl", *self._options, *self._asked))
        made = shlex.join(("kubectl", *self._options, *self._debugged))
        return f"{asked}; {run}" if self._image is None else f"{asked}; without such a pod {made}; {run}"

    def leave(self) -> str | None:
        """Delete the debug pod, if there is one; return what is left behind, None if nothing is."""
        self._left.set()
        why = ""
        try:
            with self._making:
                if self._made:
                    self._delete(*self._made)
        except LinkError as error:
            why = f" ({error})"
        except KeyboardInterrupt:
            self._unnamed = True
        if not self._made:
            return self._nameless if self._unnamed else None
        command = shlex.join(("kubectl", *self._options, "delete", "pod", *self._made))
        return f"a debug pod may be left on {self._node}{why}; delete it: {command}"

    @property
    def _asked(self) -> tuple[str, ...]:
        """Kubectl's words for fragtui's pods on the node."""
        return (
            "get",
            "pods",
            "--all-namespaces",
            "--selector=app.kubernetes.io/name=fragtui",
            f"--field-selector=spec.nodeName={self._node},status.phase=Running",
        )

    @property
    def _debugged(self) -> tuple[str, ...]:
        """Kubectl's words for a debug pod that sleeps."""
        return (
            "debug",
            f"node/{self._node}",
            f"--image={self._image}",
            "--image-pull-policy=IfNotPresent",
            "--profile=sysadmin",
            "--",
            "sleep",
            str(_POD_SECONDS),
        )

    @property
    def _options(self) -> tuple[str, ...]:
        return (f"--context={self._context}",) if self._context else ()

    def _own_pod(self) -> PodShell | None:
        """Return fragtui's pod on the node, None if there is none. Raises LinkError."""
        answer = self._answer(
            *self._asked,
            '--output=jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{"\\n"}{end}',
            f"--request-timeout={_ANSWER_SECONDS:.0f}s",
        )
        if (pod := _POD.fullmatch(answer.partition("\n")[0])) is not None:
            return PodShell(self._options, (f"--namespace={pod[1]}", pod[2], "--container=fragtui"))
        if self._image is None:
            raise LinkError(
                f"no pod of fragtui runs on {self._node}: see fragtui ship manifests; --host-image IMAGE makes a debug "
                "pod instead"
            )
        return None

    def _make(self) -> None:
        """Make a debug pod. Raises LinkError; another is made only if none of an earlier try can be left."""
        with self._making:
            if self._left.is_set():
                raise LinkError("stopped")
            if self._unnamed:
                raise LinkError(self._nameless)
            if len(self._made) >= _MAX_PODS:
                raise LinkError(f"kubectl debug did not answer {_MAX_PODS} times")
            if not self._reported:
                self._reported = True
                self._reports.put(
                    f"making a privileged debug pod on {self._node}, deleted when this screen closes; no pod of "
                    f"fragtui runs there; image: {self._image}"
                )
                end = time.monotonic() + _READ_SECONDS
                while not self._reports.empty() and time.monotonic() < end:
                    self._left.wait(0.05)
            # It sleeps: what fragtui writes goes through kubectl exec, not into the container's log on the node.
            status, said, why = self._run(*self._debugged)
            if made := _MADE.search(said):
                self._pod = made[1], made[2]
                self._made.append(made[1])
                self._sure = status is not None
            elif not status:
                self._unnamed = True
                raise LinkError(self._nameless)
            if status != 0:
                raise LinkError(why)

    def _is_coming(self, name: str) -> bool:
        """Return whether a debug pod runs or will; one that has ended is deleted. Raises LinkError."""
        phase = self._phase(name)
        if phase in ("Pending", "Running"):
            return True
        if phase:
            self._delete(name)
        elif self._sure:
            self._made = [made for made in self._made if made != name]
        self._pod = None
        return False

    def _wait(self, name: str) -> None:
        """Wait until a debug pod runs. Raises LinkError."""
        end = time.monotonic() + _START_SECONDS
        while (phase := self._phase(name)) != "Running":
            if self._left.is_set():
                raise LinkError("stopped")
            if phase != "Pending" or time.monotonic() > end:
                why = self._answer("get", "pod", name, "--ignore-not-found", f"--output=jsonpath={_REASONS}").strip()
                raise LinkError(f"debug pod {name}: {phase or 'not found'}{printable(f', {why}') if why else ''}")
            self._left.wait(_LOOK_SECONDS)

    def _phase(self, name: str) -> str:
        """Return the phase of a pod, empty if it does not exist. Raises LinkError."""
        return printable(self._answer("get", "pod", name, "--ignore-not-found", "--output=jsonpath={.status.phase}"))

    def _delete(self, *names: str) -> None:
        self._answer("delete", "pod", *names, "--ignore-not-found", "--wait=false", "--grace-period=1")
        self._made = [name for name in self._made if name not in names]

    def _answer(self, *words: str) -> str:
        """Return what kubectl prints. Raises LinkError."""
        status, said, why = self._run(*words)
        if status != 0:
            raise LinkError(why)
        return said

    def _run(self, *words: str) -> tuple[int | None, str, str]:
        """Return the status of kubectl (None: no answer in time), its output, and why it failed. Raises LinkError."""
        child = start_piped([found("kubectl"), *self._options, *words])
        try:
            said, status, why = _answer_of(child, time.monotonic() + 2 * _ANSWER_SECONDS)
        finally:
            if child.poll() is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        if status is None:
            why = f"kubectl {words[0]} did not answer"
        return status, said.decode("utf-8", "replace"), why or f"kubectl {words[0]} ended with status {status}"


def _answer_of(child: subprocess.Popen[bytes], end: float) -> tuple[bytes, int | None, str]:
    """Return the first bytes of a command's output, its status (None: it runs at `end`), and its last error line."""
    assert child.stdout is not None and child.stderr is not None
    with child.stdout, child.stderr:
        poll, said, errors = select.poll(), b"", ChildErrors(child.stderr)
        poll.register(child.stdout, select.POLLIN)
        while (left := end - time.monotonic()) > 0:
            if poll.poll(min(left, 0.2) * 1000):
                if not (data := os.read(child.stdout.fileno(), _MAX_ANSWER)):
                    break
                said = (said + data)[:_MAX_ANSWER]
            errors.read()  # The command must not wait for room there.
        status = None
        with suppress(subprocess.TimeoutExpired):
            status = child.wait(max(0.0, end - time.monotonic()))
        return said, status, errors.last_line


_REASONS = "{.status.containerStatuses[*].state.waiting.reason}{.status.reason}"
