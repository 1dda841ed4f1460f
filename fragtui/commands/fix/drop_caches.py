"""``fragtui drop-caches``: free page cache, slab or both, logged and with a report."""

from __future__ import annotations

import argparse

from fragtui.commands.fix.run_remedy import add_options, run_remedy
from fragtui.remedies.catalogue import drop_caches

HELP = "drop page cache (1), slab (2) or both (3), after a confirmation"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument(
        "value", nargs="?", choices=("1", "2", "3"), default="1", help="1 page cache (default), 2 slab, 3 both"
    )
    parser.add_argument("--sync", action="store_true", help="write dirty pages first: only clean ones can be dropped")
    add_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run the remedy; see `run_remedy` for the exit status."""
    return run_remedy(args, drop_caches(int(args.value), sync=args.sync))
