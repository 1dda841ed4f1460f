"""A directory of saved files as a node: its layout, and where each file is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

from fragtui.sources.files.host_files import read_text
from fragtui.sources.files.root_path import in_root
from fragtui.sources.files.trust import opener_of
from fragtui.sources.host.layouts import LAYOUT_FOLDER, LAYOUT_HOST, LAYOUTS, Layout
from fragtui.text import printable

_GLOB = re.compile(r"[*?\[]")
_LETTER = re.compile(r"\[[^\]]{0,100}\]|[A-Za-z]")
"""A letter of a pattern, or a set in brackets, which stays."""
_NODE_LOGS = ("dmesg.log", "kubelet.log")
"""Logs in the directory of a node itself."""
_ARCHIVE = re.compile(r"\.(?:tar(?:\.\w+)?|tgz|txz|tbz2?)$")
_DEEPEST = 6
"""An unpacked bundle is in a directory of its name, a must-gather also in one with its image's, in any wrapper."""
_HOST_DIRECTORIES = frozenset({"etc", "proc", "usr", "var"})
_NAMED_LOG = re.compile(r"dmesg|kern\.log|messages|syslog|journal|kubelet|events|describe|\.log", re.IGNORECASE)
"""Names of logs beside files of /proc, in a folder filled by hand."""
_NODE_MARKS = ("dmesg", "dmesg.txt", "dmesg.log", "dmesg[-_]*", "kern.log", "buddyinfo*", "kubelet*")
"""Files of which a folder has one of each node."""
_MAX_PLACES = 200
"""Directories that are searched for a bundle beside other files, at most `_BELOW` levels down."""
_BELOW = 3
_MAX_MATCHES = 10_000
_MAX_LOG = 64 << 20
"""Bytes of a log in a folder: a larger file is named by the user, to `explain` or as --kernel-log."""
_MAX_LOGS = 64
_NO_LOG = re.compile(
    r"(?:proc_)?(?:buddyinfo|zoneinfo|pagetypeinfo|meminfo|vmstat|slabinfo|version|uname|hostname|sysctl|pressure|os-release)"
    r"\b|.*\.(?:rec|png|svg|jpe?g|pdf|html?|pcap|so|bin|core|md)$",
    re.IGNORECASE,
)
"""Files of a folder that are no logs."""
_NO_LOGS = ("proc", "sys", "etc", "dev")
"""Directories without logs."""
_FOLDERS = 2
"""Levels of a folder's directories that are searched for logs."""
_HEADS = {
    "buddyinfo": re.compile(rb"Node +\d+, zone +\w+(?: +\d+){5,}[ \r]*\n"),
    "zoneinfo": re.compile(rb"Node +\d+, zone +\w+\r?\n +(?:per-node|pages free)"),
    "pagetypeinfo": re.compile(rb"Page block order:"),
    "meminfo": re.compile(rb"MemTotal:"),
    "vmstat": re.compile(rb"nr_free_pages \d"),
}
_HEAD_BYTES = 4096
_REPORTS = (b"page allocation failure", b"invoked oom-killer", b"Killed process", b"allocation stalls")
_SEARCHED = 1 << 20
_SECTION = "(?:^|\\n)# (?:(?:\\S*/)?cat )?/proc/{name}\\r?\\n(.*?)(?=\\n#==\\[|$)"
_MAX_NODES = 5000
_MAX_CRASHES = 20


class SavedTree:
    """The files of one node; or, with `nodes`, a bundle of several nodes, without a file of a single node.

    `node` is the node's name if its directory has it.
    """

    def __init__(self, root: Path, layout: Layout, node: str | None = None, nodes: tuple[Path, ...] = ()) -> None:
        self.root = root
        self.layout = layout
        self.node = node
        self.nodes = nodes
        self._kernel_logs: tuple[Path, ...] | None = None

    def proc(self, name: str) -> Path:
        """Return the path of a file of /proc; if it does not exist, the path where it is expected.

        A link in a saved tree is followed inside the tree only; a link without a target there is returned itself, and
        is not to be followed.
        """
        if self.nodes:
            return self.root / "nodes" / name
        names = dict.fromkeys((name, name.replace("/", "_")))
        found = self._first(pattern.format(name=each) for pattern in self.layout.proc for each in names)
        if found is None and self.layout.sections and (holder := self._section_of(name)) is not None:
            return holder
        if found is None and self.layout is LAYOUT_FOLDER:
            return self._by_head(name) or self._inside(name)
        return found or self._inside(f"proc/{name}")

    def _by_head(self, name: str) -> Path | None:
        """Return a file of a folder that begins as this file of /proc does, whatever its name is."""
        head, opener = _HEADS.get(name), opener_of(self.root, live=False)
        for path in self._group("*") if head is not None else ():
            try:
                with os.fdopen(opener(path), "rb", buffering=0) as file:
                    if head is not None and head.match(file.read(_HEAD_BYTES)):
                        return path
            except OSError:
                continue
        return None

    def hostname(self) -> Path | None:
        """Return the file with the node's name."""
        return self._first(self.layout.hostname)

    def uname(self) -> Path | None:
        """Return the file with the output of ``uname -a``."""
        return self._first(self.layout.uname)

    def section(self, name: str) -> re.Pattern[str] | None:
        """Return the expression of a file of /proc in the text at its path; None if that is the file itself."""
        return _section_of(name) if self.layout.sections and self._section_of(name) is not None else None

    def kernel_logs(self) -> tuple[Path, ...]:
        """Return the logs of kernels that crashed, at most `_MAX_CRASHES`, and last the best of the saved logs."""
        if self._kernel_logs is None:
            first: tuple[Path, ...] = ()
            layout = self.layout
            for pattern in (*layout.kernel_logs, *layout.other_logs) if not self.nodes else ():
                files = self._group(pattern)
                first = first or (files if pattern in layout.kernel_logs else ())
                if any(_has_report(self.root, path) for path in files):
                    first = files
                    break
            patterns = layout.crash_logs if not self.nodes else ()
            crashed = (path for pattern in patterns for path in self._files(pattern) if path not in first)
            self._kernel_logs = (*list(dict.fromkeys(crashed))[-_MAX_CRASHES:], *reversed(first))
        return self._kernel_logs

    def kernel_log(self) -> Path | None:
        """Return the best saved log with the kernel's messages, else that of a kernel that crashed."""
        return next(reversed(self.kernel_logs()), None)

    def sysctl(self) -> Path | None:
        """Return the file with the output of ``sysctl -a``."""
        return self._first(self.layout.sysctl)

    def pod_logs(self) -> tuple[Path, ...]:
        """Return the logs of kubelet and runtime, and saved events and pods."""
        patterns = self.layout.pod_logs if not self.nodes else ()
        return tuple(dict.fromkeys(path for pattern in patterns for path in self._group(pattern)))

    def logs(self) -> tuple[Path, ...]:
        """Return the logs to read: the kernel's, and those of kubelet and runtime."""
        return tuple(dict.fromkeys((*reversed(self.kernel_logs()), *self.pod_logs())))

    def _group(self, pattern: str) -> tuple[Path, ...]:
        """Return the files of the first of a pattern's alternatives that has any."""
        for alternative in pattern.split("|"):
            files = tuple(
                path
                for path in self._files(alternative)
                if not self.layout.every_file or _is_log(path.relative_to(self.root), path)
            )
            if files:
                return files[:_MAX_LOGS]
        return ()

    def _section_of(self, name: str) -> Path | None:
        wanted = _section_of(name)
        for path in (path for pattern in self.layout.sections for path in self._files(pattern)):
            if wanted.search(read_text(self.root, path, _MAX_LOG) or "") is not None:
                return path
        return None

    @property
    def ambiguous(self) -> str | None:
        """Return how to choose one node's directory if this has several or is still packed; None if it is one node."""
        if not self.nodes:
            return self._packed()
        names = ", ".join(printable(str(path.relative_to(self.root)), 80) for path in self.nodes[:6])
        more = f" and {len(self.nodes) - 6} more" if len(self.nodes) > 6 else ""
        return f"this {self.layout.name} has {len(self.nodes)} nodes, give one of them as --root: {names}{more}"

    def _inside(self, path: str) -> Path:
        try:
            return in_root(self.root, f"/{path.rpartition('/')[0]}") / path.rpartition("/")[2]
        except OSError:
            return self.root / path

    def _packed(self) -> str | None:
        """Return a notice that the bundle is here as an archive only."""
        if (
            self.layout not in (LAYOUT_FOLDER, LAYOUT_HOST)
            or self.proc("buddyinfo").exists()
            or self.kernel_log() is not None
        ):
            return None
        archives = [path for pattern in ("*.tar*", "*.tgz", "*.txz") for path in _matches(self.root, pattern)]
        name = next((path.name for path in archives if is_packed(path)), None)
        if name is None:
            return None
        name = printable(name, 100)
        return f"only an archive is here: unpack it (tar -xf {name}) and give the directory that it makes as --root"

    def _first(self, patterns: Iterable[str]) -> Path | None:
        return next((path for pattern in patterns for path in self._files(pattern)), None)

    def _files(self, pattern: str) -> Iterator[Path]:
        """Yield the regular files of a pattern; in any letter case if none matches: Windows does not keep the case."""
        found = False
        for path in _files(self.root, pattern):
            found = True
            yield path
        if not found and self.layout is not LAYOUT_HOST:
            yield from _files(self.root, _any_case(pattern))


def is_packed(path: Path) -> bool:
    """Return whether a file is an archive by its name."""
    return _ARCHIVE.search(path.name) is not None and path.is_file()


def saved_tree(root: Path) -> SavedTree:
    """Return the kind of tree of `root`, or of what it wraps; a plain host by default. Raises no OSError."""
    place, above = root, list[Path]()
    for _ in range(_DEEPEST):
        if (tree := _tree_at(place)) is not None:
            return tree
        inside = _directories(place)
        if len(inside) != 1:
            break
        above = [*above, place][-_FOLDERS:]
        place = inside[0]
    parent = root.parent
    if parent.name == "nodes" and any(_is_there(parent.parent, mark) for mark in LAYOUTS[1].marks):
        return SavedTree(root, LAYOUTS[1], root.name)
    bundles = _bundles_below(place)
    if len(bundles) == 1:
        return bundles[0]
    if bundles:
        return SavedTree(place, bundles[0].layout, nodes=tuple(tree.root for tree in bundles))
    return _folder(next(filter(_has_files, above), place)) or SavedTree(root, LAYOUT_HOST)


def _tree_at(place: Path) -> SavedTree | None:
    """Return the tree whose files are in this directory itself."""
    listed = _listed(place)
    for layout in LAYOUTS:
        if any(_is_there(place, mark) or _is_renamed(place, listed, mark) for mark in layout.marks):
            return _of_node(place, layout)
    if _has_buddyinfo(place) and not (place / "proc").is_dir():
        return SavedTree(place, LAYOUT_FOLDER)
    names = {path.name for path in _directories(place)} & _HOST_DIRECTORIES
    if _has_logs(place / "var/log") or ("etc" in names and names & {"usr", "var"}):
        return SavedTree(place, LAYOUT_HOST)
    if not names & {"etc", "proc"}:
        return None
    return SavedTree(place, LAYOUT_FOLDER if _has_named_log(place) else LAYOUT_HOST)


def _listed(place: Path) -> frozenset[str]:
    try:
        return frozenset(path.name.lower() for path in islice(place.iterdir(), _MAX_MATCHES))
    except OSError:
        return frozenset()


def _is_renamed(place: Path, listed: frozenset[str], mark: str) -> bool:
    """Return whether a mark exists in another letter case; `listed` are the directory's names in lower case."""
    return mark.partition("/")[0].lower() in listed and _is_there(place, _any_case(mark))


def _bundles_below(place: Path) -> list[SavedTree]:
    """Return the bundles of the highest level below a directory that has any."""
    level, seen = [place], 0
    for _ in range(_BELOW):
        level = [path for above in level for path in _directories(above)][: _MAX_PLACES - seen]
        seen += len(level)
        trees = [tree for tree in map(_tree_at, level) if tree is not None and tree.layout in LAYOUTS]
        if trees:
            return trees
    return []


def _folder(place: Path) -> SavedTree | None:
    """Return the tree of a folder with files at any level; of several nodes if its folders have the same logs."""
    folders = _directories(place)
    for mark in _NODE_MARKS:
        nodes = tuple(path for path in folders if _is_there(path, mark))
        if len(nodes) > 1:
            return SavedTree(place, LAYOUT_FOLDER, nodes=nodes)
    with_files = _has_files(place) or any(next(_files(place, pattern), None) for pattern in ("*/*", "*/*/*"))
    return SavedTree(place, LAYOUT_FOLDER) if with_files else None


def _has_logs(place: Path) -> bool:
    """Return whether this is a host's log directory: not the way to a bundle that was packed with its path."""
    return place.is_dir() and (_has_files(place) or len(_directories(place)) != 1)


def _of_node(place: Path, layout: Layout) -> SavedTree:
    if not layout.nodes or any((place / log).is_file() for log in _NODE_LOGS):
        return SavedTree(place, layout, place.name if layout.named else None)
    logs = (*layout.kernel_logs, *layout.pod_logs)
    nodes = [
        path
        for pattern in layout.nodes
        for path in sorted(place.glob(pattern))[:_MAX_NODES]
        if path.is_dir() and any(_is_there(path, log) for log in logs)
    ]
    if len(nodes) == 1:
        return SavedTree(nodes[0], layout, nodes[0].name)
    return SavedTree(place, layout, nodes=tuple(nodes))


def _has_buddyinfo(place: Path) -> bool:
    return any(_is_there(place, pattern.format(name="buddyinfo")) for pattern in LAYOUT_FOLDER.proc)


def _has_named_log(place: Path) -> bool:
    files = (path for pattern in ("*", "*/*") for path in _files(place, pattern))
    return any(path.relative_to(place).parts[0] not in _NO_LOGS and _NAMED_LOG.search(path.name) for path in files)


def _has_files(place: Path) -> bool:
    try:
        return any(path.is_file() and not path.is_symlink() for path in place.iterdir())
    except OSError:
        return False


def _is_log(name: Path, path: Path) -> bool:
    """Return whether a file of a folder may be a log: by its name in the folder and its size."""
    try:
        if name.parts[0] in _NO_LOGS or _NO_LOG.match(path.name) is not None or is_packed(path):
            return False
        return path.stat().st_size <= _MAX_LOG
    except OSError:
        return False


def _has_report(root: Path, path: Path) -> bool:
    """Return whether a log may have a report of the kernel; a large one is not searched for it."""
    # Only saved trees have such logs: 4 ms of CPU less for a live node.
    from fragtui.sources.files.log_files import open_log  # noqa: PLC0415

    try:
        with open_log(path, opener_of(root, live=False)) as log:
            before = b""
            for _ in range(_MAX_LOG // _SEARCHED):
                if not (data := log.read(_SEARCHED)):
                    return False
                if any(needle in before + data for needle in _REPORTS):
                    return True
                before = data[-64:]
    except (OSError, EOFError):
        return False
    return True


@lru_cache(maxsize=16)
def _section_of(name: str) -> re.Pattern[str]:
    return re.compile(_SECTION.format(name=re.escape(name)), re.DOTALL)


@lru_cache(maxsize=256)
def _any_case(pattern: str) -> str:
    """Return a pattern that takes letters of either case, except in brackets."""
    return _LETTER.sub(lambda at: at[0] if at[0][0] == "[" else f"[{at[0].lower()}{at[0].upper()}]", pattern)


def _directories(place: Path) -> list[Path]:
    """Return the directories in one, by name, without links and what macOS adds to archives."""
    try:
        return sorted(
            path
            for path in islice(place.iterdir(), _MAX_MATCHES)
            if path.is_dir() and not path.is_symlink() and not path.name.startswith((".", "__"))
        )
    except OSError:
        return []


def _is_there(place: Path, pattern: str) -> bool:
    return next(_matches(place, pattern), None) is not None


def _files(place: Path, pattern: str) -> Iterator[Path]:
    """Yield the regular files of a pattern; links are followed inside the tree only."""
    for path in _matches(place, pattern):
        try:
            inside = in_root(place, str(path.relative_to(place)))
        except OSError:
            continue
        if inside.is_file():
            yield inside


def _matches(place: Path, pattern: str) -> Iterator[Path]:
    """Yield the paths of a pattern; a plain name needs no listing of the directory."""
    try:
        if _GLOB.search(pattern):
            yield from sorted(islice(place.glob(pattern), _MAX_MATCHES))
        elif (path := place / pattern).exists() or path.is_symlink():
            yield path
    except OSError:
        return
