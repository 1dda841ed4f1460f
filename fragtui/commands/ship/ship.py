"""``fragtui ship``: fragtui for a node as one file, an image, a manifest or a debug line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.output_options import add_quiet
from fragtui.commands.ship.manifests import CONTAINERFILE, IMAGE, debug_line, exporter_manifest
from fragtui.commands.ship.zipapp import NotBuilt, build_zipapp
from fragtui.sources.files.host_files import os_reason
from fragtui.text import printable

HELP = "make a one-file zipapp, or print a Containerfile, a DaemonSet manifest or a kubectl debug line"

_KINDS = ("zipapp", "containerfile", "manifest", "debug-line")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("what", choices=_KINDS, metavar="|".join(_KINDS), help="what to make")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="zipapp to write (default fragtui.pyz)")
    parser.add_argument("--image", default=IMAGE, metavar="IMAGE", help=f"name of the image (default {IMAGE})")
    parser.add_argument("--node", default="NODE", metavar="NAME", help="name of the node in the debug line")
    add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    """Write or print it; return whether that failed as exit status."""
    if args.what == "zipapp":
        return _zipapp(args.file or Path("fragtui.pyz"))
    texts = {
        "containerfile": CONTAINERFILE,
        "manifest": exporter_manifest(args.image),
        "debug-line": debug_line(args.node, args.image),
    }
    print(texts[args.what], end="")
    return Exit.DONE


def _zipapp(target: Path) -> int:
    try:
        left_out = build_zipapp(target)
    except (NotBuilt, OSError) as error:
        why = os_reason(error) if isinstance(error, OSError) else str(error)
        print(f"fragtui ship: can't write {printable(str(target))}: {why}", file=sys.stderr)
        return Exit.FAILED
    size = target.stat().st_size / (1 << 20)
    print(f"{printable(str(target))}: {size:.1f} MiB, runs with Python 3.11 or later and nothing else")
    for name, why in left_out:
        print(f"  without {name}: {why}")
    return Exit.DONE
