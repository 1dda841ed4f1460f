"""The running sandboxes from ``crictl``, called at intervals in a child process with a time limit."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

from fragtui.cluster.crictl_json import read_sandboxes
from fragtui.model.node.source_state import AS_ROOT
from fragtui.sources.backoff import Backoff
from fragtui.sources.files.child_errors import last_line
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.trust import UntrustedError, find_program, program_environment
from fragtui.sources.pods.interfaces import PodSink
from fragtui.text import counted

EVERY_SECONDS = 20.0
LIMIT_SECONDS = 10.0
_MAX_BYTES = 16 * 1024 * 1024
CRICTL_CANNOT_SHOW = "why a pod failed: crictl knows only which sandboxes run"


class CrictlSource:
    """Reports which sandboxes run on this node, if crictl is installed."""

    name = "crictl"

    def __init__(
        self, root: Path, sink: PodSink, *, folders: tuple[str, ...] | None = None, every: float = EVERY_SECONDS
    ) -> None:
        """`folders` replace those in which the program is looked up, `every` the seconds between two calls."""
        self._root = root
        self._sink = sink
        self._folders = folders
        self._every = every
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._sandboxes = 0

    def start(self) -> None:
        """Start on a daemon thread."""
        threading.Thread(target=self._run, name="fragtui-crictl", daemon=True).start()

    def stop(self) -> None:
        """Stop soon; never waits."""
        self._stopping.set()
        child = self._child
        if child is not None:
            child.kill()

    def _run(self) -> None:
        if self._root != Path("/"):
            self._sink.state(self.name, "off", "runs only on the node itself, not under another root")
            return
        backoff = Backoff(self._every, 300.0)
        while not self._stopping.is_set():
            try:
                why = self._ask(find_program("crictl", self._folders))
            except FileNotFoundError:
                self._sink.state(self.name, "nothing", "crictl is not installed")
                self._stopping.wait(self._every)
                continue
            except UntrustedError as error:
                self._sink.state(self.name, "refused", f"not run: {os_reason(error)}")
                self._stopping.wait(self._every)
                continue
            if why is None:
                backoff.reset()
                self._sink.state(
                    self.name, "live", CRICTL_CANNOT_SHOW, counted(self._sandboxes, "sandbox", "sandboxes")
                )
                self._stopping.wait(self._every)
            else:
                as_root = os.geteuid() != 0 and "permission denied" in why.lower()
                self._sink.state(self.name, "waiting", why, "", AS_ROOT if as_root else "")
                self._stopping.wait(backoff.wait())

    def _ask(self, program: str) -> str | None:
        """Call crictl once and report the sandboxes; return why there was no answer, else None."""
        command = [program, f"--timeout={LIMIT_SECONDS:.0f}s", "pods", "-o", "json"]
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=program_environment(),
                cwd="/",
            )
        except OSError as error:
            return f"crictl can't be run: {os_reason(error)}"
        child = self._child
        try:
            out, err = child.communicate(timeout=LIMIT_SECONDS + 2)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            return f"crictl did not answer in {LIMIT_SECONDS:.0f} s"
        finally:
            self._child = None
        if child.returncode != 0:
            return last_line(err) or f"crictl ended with status {child.returncode}"
        try:
            sandboxes = read_sandboxes(out[:_MAX_BYTES].decode("utf-8", "replace"))
        except Exception:
            return "crictl's answer could not be read"
        if sandboxes is None:
            return "crictl's answer is not its JSON"
        self._sandboxes = len(sandboxes)
        self._sink.observations(sandboxes)
        return None
