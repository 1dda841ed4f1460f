"""Remote nodes for tests: a command of the test's own in place of ssh, and a remote fragtui with a harmless remedy."""

from __future__ import annotations

import queue
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from fragtui.sources.host.reader import NodeReader
from fragtui.sources.host.snapshot_builder import Tick
from fragtui.sources.recording.recorder import Recorder
from fragtui.streamed_node import StreamedNode
from fragtui.ui.replay_app import StreamApp
from tests.support.host_tree import HostTree
from tests.support.places import REPOSITORY


class ScriptNode:
    """A node that is reached by a command; it gets the words for fragtui after its own."""

    note = ""
    typed_command = "ssh -t node-7 sudo fragtui"

    def __init__(self, *command: str) -> None:
        self.command = command
        self.reports: list[str] = []

    def shell(self) -> ScriptNode:
        """Return itself."""
        return self

    def report(self) -> str | None:
        """Return what the test has put in."""
        return self.reports.pop(0) if self.reports else None

    def leave(self) -> str | None:
        """Return None: nothing was made."""
        return None

    def arguments(self, words: Sequence[str], *, stdin: bool = False) -> list[str]:
        """Return the command with these words."""
        return [*self.command, *words]

    def exact(self, words: Sequence[str]) -> str:
        """Return the command as text."""
        return shlex.join(self.arguments(words))

    def shown(self, words: Sequence[str]) -> str:
        """Return it as ssh."""
        return shlex.join(("ssh", "node-7", "sudo", "-n", "fragtui", *words))


class RemoteLink:
    """A node whose fragtui writes into a link that the test holds."""

    name = "ssh://node-7"
    again = True

    def __init__(self, path: Path, node: ScriptNode | None = None) -> None:
        self.node = self.shell = node
        self.no_remedies = None if node else "the node of a stream is remote: run fragtui there"
        self.tree = HostTree.small(path)
        self.reader = NodeReader(path)
        self.ticks: list[Tick] = []
        self.reader.on_tick = self.ticks.append
        self.bytes: queue.Queue[bytes | None] = queue.Queue()
        self.opened = 0
        self.at = 5000.0

    def open(self) -> None:
        self.opened += 1
        self.recorder = Recorder(self.reader.host, kept=0, flush_seconds=0.0)
        self.recorder.write_to(self)  # type: ignore[arg-type]
        self.sample()

    def append(self, data: bytes) -> None:
        self.bytes.put(data)

    def sample(self) -> None:
        self.tree.write()
        self.reader.sample()
        self.at += 1.0
        self.recorder.take_tick(self.ticks[-1]._replace(monotonic=self.at))

    def cut(self) -> None:
        self.bytes.put(None)

    def read(self, seconds: float) -> bytes | None:
        try:
            return self.bytes.get(timeout=min(seconds, 0.05))
        except queue.Empty:
            return b""

    def why_ended(self) -> str:
        return "Connection to node-7 closed"

    def end(self) -> None:
        pass

    close = end


def stream_app(remote: RemoteLink, read_only: str | None = None) -> StreamApp:
    """Return the screen over such a link."""
    return StreamApp(lambda deliver, crash: StreamedNode(remote, deliver, crash), order=4, read_only=read_only)


REMOTE = """\
#!{python}
import sys
from pathlib import Path

sys.path.insert(0, {repository!r})
from fragtui.commands.cli.parser import main
from fragtui.remedies import runner

CHILD = '''
import json, time
print(json.dumps(dict(event="begin", step=0)), flush=True)
time.sleep({seconds})
print(json.dumps(dict(event="end", step=0, seconds={seconds}, cpu=0.0, error=None, partial=False)), flush=True)
'''
runner._program = lambda: ["-c", CHILD]
runner.lock_directories = lambda root, audit: (Path({folder!r}),)
sys.exit(main([*sys.argv[1:], "--audit", {folder!r} + "/audit.jsonl"]))
"""


def remote_program(folder: Path, seconds: float) -> Path:
    """Return a fragtui whose remedies write nothing and take so long; all else of it is the real one."""
    path = folder / "remote-fragtui"
    path.write_text(
        REMOTE.format(python=sys.executable, repository=str(REPOSITORY), folder=str(folder), seconds=seconds)
    )
    path.chmod(0o755)
    return path
