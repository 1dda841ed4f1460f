"""``fragtui fleet``: all nodes that a Prometheus knows, worst first."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error
from fragtui.commands.cli.output import escape_what_it_lacks, takes_colour, width_of
from fragtui.commands.cli.output_options import add_color, add_json
from fragtui.commands.cli.settings import thresholds_of
from fragtui.commands.look.fleet_screen import add_screen_options, show_fleet
from fragtui.json_line import json_line
from fragtui.model.node.verdict import COSTLY_ORDER, Severity
from fragtui.text import parse_duration, parse_size, printable

if TYPE_CHECKING:
    from fragtui.model.fleet.fleet import Fleet

HELP = "show all nodes that a Prometheus knows, worst first"
PAGE_SIZE = 4096
"""Bytes of the page that sizes are given by; no metric has it."""
_LABEL = re.compile(r"[a-zA-Z_]\w*", re.ASCII)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument(
        "--prometheus", required=True, metavar="URL", help="server that speaks Prometheus' HTTP API, without /api/v1"
    )
    parser.add_argument(
        "--size", type=_order_of, metavar="SIZE", help="size of the blocks instead of --order, with pages of 4K: 32M"
    )
    parser.add_argument(
        "--match", default="", metavar="SELECTOR", help='only these nodes: \'{cluster="x",pool=~"gpu.*"}\''
    )
    parser.add_argument("--group-by", type=_label, metavar="LABEL", help="the nodes by a label, such as pool or zone")
    parser.add_argument("--once", action="store_true", help="print the table and exit; so it is without a terminal")
    add_json(parser, "one JSON object, with --once")
    parser.add_argument(
        "--interval", dest="every", type=_seconds, default=30.0, metavar="SECONDS", help="between readings (default 30)"
    )
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="bearer token, read again at each request")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="authority that signed the server's certificate (PEM)")
    parser.add_argument("--client-cert", type=Path, metavar="FILE", help="client certificate (PEM)")
    parser.add_argument("--client-key", type=Path, metavar="FILE", help="its key, if its file has none")
    parser.add_argument("--tenant", metavar="ID", help="tenant of Mimir or Cortex (X-Scope-OrgID)")
    parser.add_argument("--insecure-http", action="store_true", help="allow http to another machine")
    add_color(parser)
    add_screen_options(parser)
    parser.epilog = (
        "Nodes with fragtui export give their own verdict; of others node_exporter's buddyinfo and zoneinfo are "
        "counted, best by the rules of fragtui export --rules --fleet."
    )


def _order_of(text: str) -> int:
    size = parse_size(text)
    if size is None or size < PAGE_SIZE or size & (size - 1):
        raise argparse.ArgumentTypeError(
            f"{printable(text, 60)}: expected a power of two from 4K on, such as 2M or 32M"
        )
    return (size // PAGE_SIZE).bit_length() - 1


def _label(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected the name of a label")
    return text


def _seconds(text: str) -> float:
    seconds = parse_duration(text)
    if seconds is None or not 1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected a time from 1s to 1h")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Show the fleet, or print it once; see `VERBS` for the exit status."""
    if args.size is not None and "order" in args.named:
        report_error(args, "--size and --order exclude each other")
        return Exit.USAGE
    if args.client_key is not None and args.client_cert is None:
        report_error(args, "--client-key needs --client-cert")
        return Exit.USAGE
    # ssl, http and the reader take 45 ms of CPU, and `fragtui --help` imports this module, too.
    from fragtui.model.fleet.fleet import FleetError  # noqa: PLC0415
    from fragtui.sources.prometheus.client import Access, PrometheusClient  # noqa: PLC0415
    from fragtui.sources.prometheus.fleet_reader import FleetReader  # noqa: PLC0415

    order = next((order for order in (args.size, args.order) if order is not None), COSTLY_ORDER)
    access = Access(
        args.prometheus, args.token_file, args.ca, args.client_cert, args.client_key, args.tenant, args.insecure_http
    )
    try:
        client = PrometheusClient(access)
        reader = FleetReader(client, order, match=args.match, page_size=PAGE_SIZE, thresholds=thresholds_of(args))
        if client.warning is not None:
            report_error(args, f"warning: {client.warning}")
        if not args.once and not args.json and sys.stdout.isatty():
            args.order = order  # For a node that is shown live, too.
            return show_fleet(args, reader, client.url)
        fleet = reader.read()
    except FleetError as error:
        report_error(args, str(error))
        return Exit.UNAVAILABLE
    _print(args, fleet)
    return _status(fleet)


def _print(args: argparse.Namespace, fleet: Fleet) -> None:
    from fragtui.render.fleet.fleet_json import fleet_fields  # noqa: PLC0415  # See `run`.
    from fragtui.render.fleet.table import fleet_lines  # noqa: PLC0415
    from fragtui.render.terminal_text import painted  # noqa: PLC0415

    if args.json:
        print(json_line(fleet_fields(fleet)))
        return
    escape_what_it_lacks(sys.stdout)
    colour = takes_colour(sys.stdout, args.color)
    for line in fleet_lines(fleet, width_of(sys.stdout), args.group_by):
        print(painted(line, colour=colour))


def _status(fleet: Fleet) -> int:
    """Return whether all nodes are OK; else whether one is known not to be, or it is only not known."""
    if any(node.severity in (Severity.WARNING, Severity.CRITICAL) and not node.stale for node in fleet.nodes):
        return Exit.FAILED
    sure = all(node.severity is Severity.FINE and not node.stale for node in fleet.nodes)
    return Exit.DONE if sure and fleet.nodes else Exit.UNAVAILABLE
