"""``fragtui reclaim``: reclaim the page cache of one cgroup, logged and with a report."""

from __future__ import annotations

import argparse

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error
from fragtui.commands.fix.gate_options import size_of
from fragtui.commands.fix.run_remedy import add_options, run_remedy
from fragtui.json_line import json_line
from fragtui.remedies.catalogue import reclaim_cgroup
from fragtui.sources.host.cgroups import read_cgroups
from fragtui.text import counted, format_bytes, printable

HELP = "reclaim the page cache of one cgroup, after a confirmation; without a name, print those with most"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument(
        "cgroup", nargs="?", metavar="CGROUP", help="its path as printed, or a part such as a pod's uid"
    )
    parser.add_argument("--amount", type=size_of, metavar="SIZE", help="only so much (cgroup v2); otherwise all of it")
    parser.add_argument("--sync", action="store_true", help="write dirty pages first: only clean ones can be reclaimed")
    add_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run the remedy; see `run_remedy` for the exit status."""
    found = read_cgroups(args.root)
    if args.cgroup is None:
        if args.json:
            rows = [{"path": cgroup.path, "cache": cgroup.cache, "dirty": cgroup.dirty} for cgroup in found.cgroups]
            print(json_line({"cgroups": rows, "why": found.why}))
        for cgroup in () if args.json else found.cgroups:
            dirty = "unknown" if cgroup.dirty is None else format_bytes(cgroup.dirty)
            print(f"{format_bytes(cgroup.cache):>6} page cache, {dirty:>6} dirty  {cgroup.path}")
        if found.why:
            report_error(args, found.why)
        return Exit.DONE if found.cgroups else Exit.UNAVAILABLE
    exact = [cgroup for cgroup in found.cgroups if cgroup.path == args.cgroup]
    named = exact or [cgroup for cgroup in found.cgroups if args.cgroup and args.cgroup in cgroup.path]
    if len(named) != 1:
        many = f"{counted(len(named), 'cgroup')} of those with most page cache have that in their path"
        none = f"none of the {counted(len(found.cgroups), 'cgroup')} with most page cache has that in its path"
        report_error(args, f"{printable(args.cgroup, 200)}: {many if named else found.why or none}")
        return Exit.UNAVAILABLE if found.why and not named else Exit.USAGE
    if args.amount is not None and named[0].version == 1:
        report_error(args, "--amount: cgroup v1 reclaims all that it can")
        return Exit.USAGE
    return run_remedy(args, reclaim_cgroup(named[0], named[0].path, args.amount, sync=args.sync))
