"""Who wrote the lines of a log: the kubelet or the runtime; their number is the proof that the log can be read."""

from __future__ import annotations

KUBELET_LOG, RUNTIME_LOG = "kubelet log", "runtime log"
_MARKS = (
    (KUBELET_LOG, ("kubelet", "k3s", "k3s-agent", "rke2", "kubelite", "hyperkube", "microk8s.daemon-kubelite")),
    (RUNTIME_LOG, ("containerd", "dockerd", "crio", "cri-dockerd", "microk8s.daemon-containerd")),
)
_IN_JSON = tuple((log, tuple(f'"{name}"'.encode() for name in names)) for log, names in _MARKS)
_IN_TEXT = tuple((log, tuple(f" {name}[".encode() for name in names)) for log, names in _MARKS)


def writer_of(line: bytes) -> str | None:
    """Return `KUBELET_LOG` or `RUNTIME_LOG` by the identifier of a journal entry or a syslog line, else None."""
    for log, marks in _IN_JSON if line.startswith(b"{") else _IN_TEXT:
        for mark in marks:
            if mark in line:
                return log
    return None


class LineTally:
    """Counts the lines of each writer."""

    def __init__(self, unnamed: str | None = None) -> None:
        """`unnamed` is the writer of lines that don't name it, None if it is unknown."""
        self._unnamed = unnamed
        self.counts = {KUBELET_LOG: 0, RUNTIME_LOG: 0}

    def see(self, lines: list[bytes]) -> None:
        """Count the lines."""
        for line in lines:
            if (writer := writer_of(line) or self._unnamed) is not None:
                self.counts[writer] += 1
