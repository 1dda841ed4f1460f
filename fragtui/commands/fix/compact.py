"""``fragtui compact``: compact all memory or one NUMA node, logged and with a report."""

from __future__ import annotations

import argparse

from fragtui.commands.fix.run_remedy import add_options, run_remedy
from fragtui.remedies.catalogue import compact_all, compact_node, read_wake

HELP = "compact memory, after a confirmation"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--node", type=_node, metavar="N", help="only this NUMA node")
    which.add_argument(
        "--gentle",
        action="store_true",
        help="only wake kcompactd: rewrite its setting with the same value (5.15 and later)",
    )
    parser.add_argument(
        "--sync", action="store_true", help="write dirty pages first: from 6.9 on, one of them can end compaction early"
    )
    add_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run the remedy; see `run_remedy` for the exit status."""
    if args.gentle:
        return run_remedy(args, read_wake(args.root))
    if args.node is None:
        return run_remedy(args, compact_all(sync=args.sync))
    return run_remedy(args, compact_node(args.node, sync=args.sync))


def _node(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}: expected a NUMA node number")
    return int(text)
