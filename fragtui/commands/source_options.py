"""The options of the verbs that go on reading: how often, and from which logs."""

from __future__ import annotations

import argparse

from fragtui.sampler import MAX_INTERVAL, MIN_INTERVAL


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--interval``, the places of the logs, and the credentials for the API."""
    parser.add_argument(
        "--interval",
        type=_interval,
        default=1.0,
        metavar="S",
        help=f"seconds between samples, {MIN_INTERVAL:g} to {MAX_INTERVAL:g} (default 1)",
    )
    for option, what in (
        ("--kernel-log", "kernel messages are"),
        ("--kubelet-log", "kubelet and runtime messages are"),
    ):
        parser.add_argument(option, default="auto", metavar="auto|FILE|none", help=f"where {what} read (default auto)")
    parser.add_argument("--kubeconfig", metavar="FILE", help="credentials for the API server instead of the kubelet's")


def _interval(text: str) -> float:
    value = float(text)
    if not MIN_INTERVAL <= value <= MAX_INTERVAL:
        raise argparse.ArgumentTypeError(f"{text}: expected {MIN_INTERVAL:g} to {MAX_INTERVAL:g} seconds")
    return value
