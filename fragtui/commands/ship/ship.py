"""``fragtui ship``: what it takes to get fragtui onto a node: one file, an image, a manifest, a debug line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fragtui.commands.ship.manifests import CONTAINERFILE, IMAGE, debug_line, exporter_manifest
from fragtui.commands.ship.zipapp import NotBuilt, build_zipapp
from fragtui.sources.files.host_files import os_reason
from fragtui.text import printable

HELP = "get it onto a node: a one-file zipapp, a Containerfile, a DaemonSet manifest, a kubectl debug line"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("what", choices=("zipapp", "containerfile", "manifest", "debug-line"), help="what to make")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the zipapp to write (default fragtui.pyz)")
    parser.add_argument("--image", default=IMAGE, metavar="IMAGE", help=f"the image's name (default {IMAGE})")
    parser.add_argument("--node", default="NODE", metavar="NAME", help="the node's name in the debug line")
    parser.epilog = "exit status: 0 made or printed, 1 not made, 2 wrong usage"


def run(args: argparse.Namespace) -> int:
    """Write or print it; see the epilog for the status."""
    if args.what == "zipapp":
        return _zipapp(args.file or Path("fragtui.pyz"))
    texts = {
        "containerfile": CONTAINERFILE,
        "manifest": exporter_manifest(args.image),
        "debug-line": debug_line(args.node, args.image),
    }
    print(texts[args.what], end="")
    return 0


def _zipapp(target: Path) -> int:
    try:
        left_out = build_zipapp(target)
    except (NotBuilt, OSError) as error:
        why = os_reason(error) if isinstance(error, OSError) else str(error)
        print(f"fragtui ship: {printable(str(target))}: {why}", file=sys.stderr)
        return 1
    size = target.stat().st_size / (1 << 20)
    print(f"{printable(str(target))}: {size:.1f} MiB, runs with Python 3.11 or later and nothing else")
    for name, why in left_out:
        print(f"  without {name}: {why}")
    return 0
