"""A kubectl of the test's own: one node, its pods as files, and what it was asked."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

_SCRIPT = """\
#!/bin/sh
cd {folder}
echo "$@" >> asked
error() {{ echo "Error: $1" >&2; exit 1; }}
made() {{ cat first > pods/$pod; }}
case " $* " in
  *" current-context "*) cat context ;;
  *" get pods "*) cat own ;;
  *" debug "*)
    echo a >> count
    pod=node-debugger-worker-7-a$(wc -l < count)
    [ -s quiet ] || echo "Creating debugging pod $pod with container debugger on node worker-7."
    [ ! -s refuses ] || error "$(cat refuses)"
    [ ! -s hangs ] || {{ echo $pod >> late; exec sleep 30; }}
    [ ! -s slow ] || sleep $(cat slow)
    made ;;
  *" delete pod "*)
    [ ! -s undeletable ] || error "$(cat undeletable)"
    for word; do rm -f pods/$word; done ;;
  *status.phase*) cat pods/* 2>/dev/null | head -1 ;;
  *waiting.reason*) cat waiting ;;
  *" exec "*)
    while [ "$1" != -- ]; do shift; done; shift 2
    for word; do shift; [ "$word" = /host ] && word={folder}/../host; set -- "$@" "$word"; done
    exec {program} "$@" ;;
esac
"""


class FakeKubectl:
    """The command, in the first folder of `path`; a file of its folder changes what it does."""

    def __init__(self, folder: Path, program: str = "true") -> None:
        """`program` is run by exec in place of fragtui; `/host` is `folder`/host then."""
        self.folder = folder / "cluster"
        (self.folder / "pods").mkdir(parents=True)
        command = folder / "kubectl-bin/kubectl"
        command.parent.mkdir()
        command.write_text(_SCRIPT.format(folder=shlex.quote(str(self.folder)), program=program))
        command.chmod(0o755)
        self.path = f"{command.parent}:{os.environ['PATH']}"
        for name in ("own", "quiet", "refuses", "hangs", "slow", "undeletable", "waiting", "count", "asked", "late"):
            self.set(name, "")
        self.set("context", "prod\n")
        self.set("first", "Running")

    def set(self, name: str, text: str) -> None:
        """Set what it prints or does."""
        (self.folder / name).write_text(text)

    @property
    def asked(self) -> list[str]:
        """Its arguments, a line a call."""
        return (self.folder / "asked").read_text().splitlines()

    @property
    def pods(self) -> list[str]:
        """The debug pods that exist."""
        return sorted(path.name for path in (self.folder / "pods").iterdir())

    def phase(self, phase: str, pod: str | None = None) -> None:
        """Set the phase of the pod."""
        (self.folder / "pods" / (pod or self.pods[-1])).write_text(phase)

    def come_late(self) -> None:
        """Make the pods for which kubectl did not answer."""
        for pod in (self.folder / "late").read_text().split():
            self.phase("", pod)
