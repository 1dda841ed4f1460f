"""Repeated, cheap reading of host files under a given root, with the reason for each failure."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from fragtui.sources.files.trust import UntrustedError, open_inside, read_inside
from fragtui.text import printable

NEEDS_ROOT = "no permission (needs root)"
"""`os_reason` for EACCES."""
_CHUNK = 64 * 1024
_LIMIT = 32 * 1024 * 1024


class HostFile:
    """One file that is read whole at each tick through an open descriptor.

    procfs generates its text for each read at offset 0, so one descriptor is enough. A descriptor that fails is closed
    and the file is opened again at the next read, so a file that returns is found. Files elsewhere (`kept` false) are
    opened for each read: a program that replaces a file, as rsync does, leaves the old one readable. Links are resolved
    inside `root` only.
    """

    def __init__(self, root: Path, path: Path, *, kept: bool = True, section: re.Pattern[str] | None = None) -> None:
        """`section` is the expression of the text within the file, its group 1; None for a file of its own."""
        self._section = section
        self.path = path
        self._root = root
        self._kept = kept
        self._descriptor: int | None = None

    def read(self) -> str:
        """Return the file's text (bytes that are not UTF-8 become U+FFFD); raise OSError if it can't be read."""
        if self._descriptor is None:
            self._descriptor = open_inside(self._root, self.path)
        chunks: list[bytes] = []
        offset = 0
        try:
            # seq_file returns about a page at a time, for any buffer size.
            while (chunk := os.pread(self._descriptor, _CHUNK, offset)) and offset < _LIMIT:
                chunks.append(chunk)
                offset += len(chunk)
        except OSError:
            self.close()
            raise
        if not self._kept:
            self.close()
        text = b"".join(chunks).decode("utf-8", "replace")
        if self._section is None:
            return text
        if (found := self._section.search(text)) is None:
            raise FileNotFoundError(errno.ENOENT, "no such section", str(self.path))
        return f"{found[1]}\n"

    def close(self) -> None:
        """Close the descriptor."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def os_reason(error: OSError) -> str:
    """Return why a file could not be read or written, for an engineer."""
    if isinstance(error, UntrustedError):
        return error.strerror or str(error)
    words = {
        errno.ENOENT: "no such file or directory",
        errno.EACCES: NEEDS_ROOT,
        errno.EPERM: "not permitted (capability or lockdown)",
        errno.EROFS: "read-only file system",
        errno.EOPNOTSUPP: "switched off in this kernel",
        errno.ENOMEM: "no memory to read it",
        errno.ENOTDIR: "no such file or directory",
        errno.EISDIR: "a directory, not a file",
        errno.ELOOP: "a link that leads to no file of the tree",
        errno.ESPIPE: "a pipe or terminal, not a file",
    }
    return words.get(error.errno or 0) or errno_words(error)


def errno_words(error: OSError) -> str:
    """Return the system's own words for an error, without a capital letter."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def read_text(root: Path, path: str | Path, limit: int = 1 << 20) -> str | None:
    """Return a small file's text without surrounding white space, or None if it can't be read.

    `path` is the node's, or one that starts with `root`; see `open_inside`.
    """
    try:
        return read_inside(root, path, limit).decode("utf-8", "replace").strip()
    except OSError:
        return None


def pod_node_name() -> str | None:
    """Return the name of this node in its cluster, which the manifests pass in NODE_NAME; None outside of a pod.

    Other programs (Jenkins) use that variable for another name, so it counts only in a pod.
    """
    return printable(os.environ.get("NODE_NAME", "")) or None if "KUBERNETES_SERVICE_HOST" in os.environ else None
