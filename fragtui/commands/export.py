"""``fragtui export``: Prometheus metrics on a port or in a file, and alert rules."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from fragtui.model.verdict import COSTLY_ORDER

HELP = "serve Prometheus metrics, write them to a textfile, or print alert rules"
DEFAULT_LISTEN = "127.0.0.1:9917"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--listen",
        type=_address,
        default=_address(DEFAULT_LISTEN),
        metavar="[HOST:]PORT",
        help=f"serve /metrics there (default {DEFAULT_LISTEN}: this machine only; port 0: any free one)",
    )
    way.add_argument("--textfile", type=Path, metavar="FILE", help="write one sample for node_exporter and end")
    way.add_argument("--rules", action="store_true", help="print alert rules for the target order and end")
    for option, what in (
        ("--kernel-log", "kernel messages are"),
        ("--kubelet-log", "kubelet and runtime messages are"),
    ):
        parser.add_argument(option, default="auto", metavar="auto|FILE|none", help=f"where {what} read (default auto)")
    parser.add_argument("--kubeconfig", metavar="FILE", help="credentials for the API server instead of the kubelet's")
    parser.epilog = "exit status: 0 ended by a signal, written or printed; 1 not served or not written; 2 wrong usage"


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text}: expected [HOST:]PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def run(args: argparse.Namespace) -> int:
    """Serve until a signal, or write once; see the epilog for the status."""
    if args.rules:
        from fragtui.model.alert_rules import alert_rules

        print(alert_rules(COSTLY_ORDER if args.order is None else args.order), end="")
        return 0
    try:
        import prometheus_client  # noqa: F401
    except ImportError:
        print("fragtui export: needs the Python package prometheus-client (fragtui[prom])", file=sys.stderr)
        return 2
    return _serve(args) if args.textfile is None else _write(args)


def _write(args: argparse.Namespace) -> int:
    from prometheus_client import write_to_textfile

    from fragtui.commands.exporter import Source, registry_of
    from fragtui.sources.host_files import reason

    try:
        write_to_textfile(str(args.textfile), registry_of(Source(args.root, args.order, args.audit)))
    except OSError as error:
        print(f"fragtui export: {args.textfile}: {reason(error)}", file=sys.stderr)
        return 1
    return 0


def _serve(args: argparse.Namespace) -> int:
    from prometheus_client import start_http_server

    from fragtui.commands.exporter import Source, registry_of
    from fragtui.sources.kernel_log import KernelLog
    from fragtui.sources.pod_watch import PodWatch

    source = Source(args.root, args.order, args.audit, counting=True)
    host, port = args.listen
    try:
        server, _ = start_http_server(port, host, registry_of(source))
    except OSError as error:
        print(f"fragtui export: {host}:{port}: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        return 1
    log = KernelLog(args.root, args.kernel_log, source.kernel_log)
    pods = PodWatch(args.root, args.kubelet_log, args.kubeconfig, source.pod_news)
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    for sent in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sent, end)
    log.start()
    pods.start()
    shown = f"[{host}]" if ":" in host else host
    print(f"fragtui export: http://{shown}:{server.server_port}/metrics", file=sys.stderr, flush=True)
    ended.wait()
    pods.stop()
    log.stop()
    server.shutdown()
    return 0
