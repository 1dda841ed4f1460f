"""``fragtui export``: Prometheus metrics on a port or in a file, and alert rules."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error, report_progress
from fragtui.commands.cli.output_options import add_quiet
from fragtui.commands.cli.settings import thresholds_of, trace_forbidden
from fragtui.commands.cli.signals import end_signals
from fragtui.commands.cli.source_factory import joined_readers
from fragtui.commands.cli.source_options import add_source_options, add_trace_option
from fragtui.commands.record.exporter import NodeSource, registry_of
from fragtui.commands.record.metrics_server import MetricsServer, Security, ServerError, exposure
from fragtui.model.node.verdict import COSTLY_ORDER
from fragtui.output_file import PUBLIC, replace_file
from fragtui.render.alert_rules import alert_rules
from fragtui.render.prometheus.dashboard import dashboard
from fragtui.render.prometheus.lean import MAX_SERIES
from fragtui.render.prometheus.recording_rules import recording_rules
from fragtui.sources.files.host_files import os_reason
from fragtui.text import printable

if TYPE_CHECKING:
    from prometheus_client.registry import CollectorRegistry

    from fragtui.model.tracing.trace_batch import TraceBatch
    from fragtui.sources.tracing.reader import TraceReader

HELP = "serve Prometheus metrics, write them to a textfile, or print rules and a dashboard"
DEFAULT_LISTEN = "127.0.0.1:9917"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--listen",
        type=_address,
        default=_address(DEFAULT_LISTEN),
        metavar="[HOST:]PORT",
        help=f"serve /metrics at this address (default {DEFAULT_LISTEN}: this machine only; port 0: any free port)",
    )
    way.add_argument("--textfile", type=Path, metavar="FILE", help="write one sample for node_exporter and exit")
    way.add_argument("--rules", action="store_true", help="print alert rules for the target order and exit")
    parser.add_argument("--dashboard", action="store_true", help="print a Grafana dashboard (JSON) and exit")
    parser.add_argument(
        "--fleet", action="store_true", help="rules: recording rules that count blocks from node_exporter's metrics"
    )
    parser.add_argument(
        "--lean",
        action="store_true",
        help=f"at most {MAX_SERIES} series, of files that every user may read: no failures, no pods, no remedies",
    )
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="serve https with this certificate chain (PEM)")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="key of the certificate, if its file has none")
    parser.add_argument(
        "--client-ca", type=Path, metavar="FILE", help="require a client certificate signed by this authority"
    )
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="require the bearer token in this file")
    add_quiet(parser)
    add_source_options(parser)
    add_trace_option(parser)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text}: expected [HOST:]PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def run(args: argparse.Namespace) -> int:
    """Serve until a signal arrives, or write once; return the exit status."""
    if args.fleet and not args.rules:
        report_error(args, "--fleet needs --rules")
        return Exit.USAGE
    if args.dashboard and (args.rules or args.textfile):
        report_error(args, f"--dashboard and {'--rules' if args.rules else '--textfile'} exclude each other")
        return Exit.USAGE
    order = COSTLY_ORDER if args.order is None else args.order
    if args.rules:
        print(recording_rules(order) if args.fleet else alert_rules(order, thresholds_of(args).low_blocks), end="")
        return Exit.DONE
    if args.dashboard:
        print(dashboard(), end="")
        return Exit.DONE
    try:
        from prometheus_client import generate_latest  # noqa: PLC0415  # Of the extra prom.
    except ImportError:
        print("fragtui export: prometheus-client is not installed: pip install 'fragtui[prom]'", file=sys.stderr)
        return Exit.USAGE
    return _serve(args) if args.textfile is None else _write(args, generate_latest)


def _write(args: argparse.Namespace, exposition: Callable[[CollectorRegistry], bytes]) -> int:
    try:
        with replace_file(args.textfile, PUBLIC) as file:
            file.write(exposition(registry_of(_source(args, counting=False))))
    except OSError as error:
        print(f"fragtui export: can't write {printable(str(args.textfile))}: {os_reason(error)}", file=sys.stderr)
        return Exit.FAILED
    return Exit.DONE


def _source(args: argparse.Namespace, *, counting: bool) -> NodeSource:
    return NodeSource(args.root, args.order, args.audit, thresholds_of(args), counting=counting, lean=args.lean)


def _serve(args: argparse.Namespace) -> int:
    security = Security(args.tls_cert, args.tls_key, args.client_ca, args.token_file)
    if security.certificate is None and (security.key or security.client_authority):
        print("fragtui export: --tls-key and --client-ca need --tls-cert", file=sys.stderr)
        return Exit.USAGE
    source = _source(args, counting=True)
    host, port = args.listen
    with end_signals() as ended:
        try:
            server = MetricsServer((host, port), registry_of(source), security)
        except ServerError as error:
            print(f"fragtui export: {error}", file=sys.stderr)
            return Exit.FAILED
        threading.Thread(target=server.serve_forever, name="fragtui-http", daemon=True).start()
        if (warning := exposure(host, security)) is not None:
            print(f"fragtui export: warning: {warning}", file=sys.stderr)
        others = []
        if not args.lean:
            readers = joined_readers(args, source.reader, hold=True)
            others = [readers.pods(source.pod_update), readers.kernel_log(source.kernel_log)]
        for other in others:
            other.start()
        trace = _trace_reader(args, source) if args.trace and not args.lean else None
        if trace is not None:
            trace.start()
        shown = f"[{host}]" if ":" in host else host
        scheme = "http" if security.certificate is None else "https"
        port = server.server_address[1]
        report_progress(args, f"{scheme}://{shown}:{port}/metrics")
        ended.wait()
        for other in others:
            other.stop()
        if trace is not None:
            trace.close()
        server.shutdown()
    return Exit.DONE


def _trace_reader(args: argparse.Namespace, source: NodeSource) -> TraceReader | None:
    """Return the reader of a trace; None, after a warning, if this node may not be traced."""
    from fragtui.sources.tracing.reader import TraceReader  # noqa: PLC0415  # 5 ms of CPU, seldom asked for.

    def warn(why: str) -> None:
        print(f"fragtui export: warning: no trace: {why}", file=sys.stderr)

    def take(batch: TraceBatch) -> None:
        source.trace(batch)
        if batch.ended:
            warn(batch.ended)

    reader = source.reader
    if not reader.live:
        warn("it needs the live node")
        return None
    if (why := trace_forbidden(args)) is not None:
        warn(why)
        return None
    return TraceReader(reader.tree.root, take, warn, reader.host.version)
