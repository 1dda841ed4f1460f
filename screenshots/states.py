"""Draw every state of a node at every size and colour depth: python -m screenshots.states ROOTS DIRECTORY [CASE...].

ROOTS has a folder for each state: saved files of a node that is in it, as ``--root`` takes them. Two more are written
here, whose logs prove that nothing failed, or whose free blocks the kernel keeps; the recorded incident adds a denial
and a recovery. The installed command runs on a pseudo terminal: the pictures show what a terminal gets.
`index.html` in DIRECTORY shows them all.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

from rich.cells import cell_len

from fragtui.ui.terminal.svg import Cell, document, draw, placed
from tests.support.contrast import as_drawn
from tests.support.host_tree import HostTree, ZoneFacts
from tests.support.terminal import Terminal, terminal

RECORDING = Path(__file__).parent / "incident.rec"
SIZES = ((60, 20), (80, 24), (120, 40), (200, 60))
DEPTHS: dict[str, dict[str, str]] = {
    "24-bit": {},
    "256": {"COLORTERM": ""},
    "16": {"COLORTERM": "", "TERM": "xterm"},
    "no-color": {"NO_COLOR": "1"},
}
REPLAYED = {"denied": "0>..", "recovering": "$"}
"""Cases of the recording, and the keys that lead to each once it is paused."""
QUESTIONS = "What is wrong, how bad is it, who was denied memory, which pods wait, what to do?"
_TEXT, _GROUND = "#d0d0d0", "#101010"
"""What a terminal shows where a program sets no colour."""
_STILL_SECONDS = 0.7
"""A screen that has not changed for so long is complete."""
_MAX_SECONDS = 20.0
_BUSY = ("reading the kernel log…", "looking for the kubelet's log")
"""What the panels show before their source has delivered."""


def settle(shown: Terminal) -> None:
    """Wait until the screen is complete and does not change; raise SystemExit if it never does."""
    end = time.monotonic() + _MAX_SECONDS
    before, since = "", time.monotonic()
    while time.monotonic() < since + _STILL_SECONDS or not before.strip() or any(map(before.__contains__, _BUSY)):
        if time.monotonic() > end:
            raise SystemExit(f"screenshots: the screen does not come to rest:\n{before}")
        shown.pump(0.1)
        if shown.text != before:
            before, since = shown.text, time.monotonic()


def svg(shown: Terminal, title: str) -> str:
    """Return what the terminal shows as a picture."""
    screen = shown.screen
    rows = [list(_row(shown, row)) for row in range(screen.lines)]
    (ground, _), *_ = Counter(cell.ground for row in rows for cell in row).most_common(1)
    lines = (placed(draw(row, ground), number) for number, row in enumerate(rows))
    return document("".join(lines), screen.columns, screen.lines, title, ground)


def _row(shown: Terminal, row: int) -> Iterator[Cell]:
    for column in range(shown.screen.columns):
        cell = shown.screen.buffer[row][column]
        if not (width := cell_len(cell.data)):
            continue
        colour = _TEXT if cell.fg == "default" else as_drawn(cell.fg)
        ground = _GROUND if cell.bg == "default" else as_drawn(cell.bg)
        yield Cell(column, width, cell.data, *((ground, colour) if cell.reverse else (colour, ground)), cell.bold)


def write_roots(directory: Path) -> None:
    """Write the saved files of a healthy node and of one that keeps its free blocks, with logs."""
    blocks = (20_000, 4_000, 900, 120, 40, 10, 4, 2, 0, 0, 0)
    free = sum(count << order for order, count in enumerate(blocks))
    for tree in (
        HostTree.small(directory / "healthy"),
        HostTree(directory / "keeps", [ZoneFacts(0, "Normal", blocks, min=free - 4)]),
    ):
        tree.write()
        tree.put("var/log/kern.log", "Nov 29 12:40:01 node-7 kernel: [12.5] eth0: link up\n")
        tree.put("var/log/kubelet.log", 'I1129 12:40:01.118932 812 kubelet.go:2300] "SyncLoop ADD" source="api"\n')


def cases(*folders: Path) -> dict[str, tuple[str, ...]]:
    """Return the arguments that put the screen into each state: the roots in these folders, and the recording."""
    roots = sorted(root for folder in folders for root in folder.iterdir() if (root / "proc").is_dir())
    saved = {root.name: ("--root", str(root)) for root in roots}
    return saved | dict.fromkeys(REPLAYED, ("replay", str(RECORDING)))


def draw_case(
    name: str,
    arguments: tuple[str, ...],
    directory: Path,
    sizes: tuple[tuple[int, int], ...] = SIZES,
    depths: Mapping[str, Mapping[str, str]] = DEPTHS,
) -> Iterator[Path]:
    """Write the pictures of one state and yield each; the command is started once for each depth."""
    for depth, environment in depths.items():
        with terminal(*arguments, "--theme", "dark", **environment) as shown:
            if keys := REPLAYED.get(name):
                shown.until(" replay ")
                shown.press(" ")
                shown.until("paused")
            for key in keys or "":
                shown.press(key)
                shown.pump(0.3)
            settle(shown)
            for columns, rows in sizes:
                shown.resize(columns, rows)
                settle(shown)
                path = directory / f"{name}-{columns}x{rows}-{depth}.svg"
                path.write_text(svg(shown, f"{name} · {columns}×{rows} · {depth}"))
                yield path


def index(names: list[str], sizes: tuple[tuple[int, int], ...] = SIZES) -> str:
    """Return the page that shows the pictures of these cases."""
    body = []
    for name in names:
        body.append(f'<h2 id="{escape(name)}">{escape(name)}</h2>')
        for columns, rows in sizes:
            files = [(f"{name}-{columns}x{rows}-{depth}.svg", f"{columns}×{rows}, {depth}") for depth in DEPTHS]
            body.append("<div>")
            for file, title in files:
                link, text = escape(file), escape(title)
                body.append(f'<a href="{link}"><img src="{link}" alt="{escape(name)}, {text}"><br>{text}</a>')
            body.append("</div>")
    links = " · ".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in names)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>fragtui: every state</title><style>'
        "body{font:14px sans-serif;background:#ddd;margin:1em}div{display:grid;grid-template-columns:repeat(4,1fr);"
        "gap:8px;margin-bottom:8px}img{width:100%}a{color:#036}</style>"
        f"<h1>fragtui: every state</h1><p>{escape(QUESTIONS)}</p><p>{links}</p>" + "\n".join(body) + "</html>\n"
    )


def main(roots: Path, directory: Path, *wanted: str) -> None:
    """Write the pictures of the wanted cases, of all if none is named, and their page."""
    with tempfile.TemporaryDirectory() as written:
        write_roots(Path(written))
        found = cases(roots, Path(written))
        if unknown := [name for name in wanted if name not in found]:
            raise SystemExit(f"screenshots: no case {', '.join(unknown)}; there are {', '.join(found)}")
        directory.mkdir(parents=True, exist_ok=True)
        for name in wanted or found:
            for path in draw_case(name, found[name], directory):
                print(path)
        (directory / "index.html").write_text(index(list(wanted or found)))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
