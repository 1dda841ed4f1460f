"""Options of the verbs that keep reading, or show the screen: the interval, the logs, the look, the end."""

from __future__ import annotations

import argparse
from pathlib import Path

from fragtui.text import parse_duration

_MAX_IDLE_SECONDS = 30 * 86_400.0


def add_interval(parser: argparse.ArgumentParser) -> None:
    """Add ``--interval``."""
    # `fragtui check` has other options of this module, and needs neither sampler nor colours.
    from fragtui.sampler import MAX_INTERVAL, MIN_INTERVAL  # noqa: PLC0415

    parser.add_argument(
        "--interval",
        type=_interval,
        default=1.0,
        metavar="S",
        help=f"seconds between samples, {MIN_INTERVAL:g} to {MAX_INTERVAL:g} (default 1)",
    )


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the logs and the credentials of the API server."""
    for option, what in (
        ("--kernel-log", "kernel messages"),
        ("--kubelet-log", "messages of kubelet and runtime"),
    ):
        parser.add_argument(option, default="auto", metavar="auto|FILE|none", help=f"source of {what} (default auto)")
    parser.add_argument(
        "--kubeconfig", type=_file, metavar="FILE", help="credentials for the API server instead of the kubelet's"
    )


def add_look_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the full screen: its colours and glyphs, and when it ends by itself."""
    from fragtui.ui.widgets.palette import AUTO, THEME_CHOICES  # noqa: PLC0415  # See above.

    parser.add_argument(
        "--theme",
        type=_theme,
        default=AUTO,
        metavar="NAME",
        help=f"{', '.join(THEME_CHOICES)} (default auto: light or dark as the terminal is)",
    )
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII characters only")
    parser.add_argument(
        "--idle-exit",
        type=_idle_exit,
        default=None,
        metavar="off|DURATION",
        help="quit after this time without a key, such as 30m or 8h, even if something runs (default off)",
    )


def add_trace_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--trace``."""
    parser.add_argument(
        "--trace",
        action="store_true",
        help="trace denied requests, fragmentation and waits (root; makes and removes a tracefs instance)",
    )


def _theme(text: str) -> str:
    from fragtui.ui.widgets.palette import THEME_CHOICES  # noqa: PLC0415  # See above.

    if text not in THEME_CHOICES:
        raise argparse.ArgumentTypeError(f"{text}: expected one of {', '.join(THEME_CHOICES)}")
    return text


def _idle_exit(text: str) -> float | None:
    if text == "off":
        return None
    seconds = parse_duration(text)
    if seconds is None or not 1 <= seconds <= _MAX_IDLE_SECONDS:
        raise argparse.ArgumentTypeError(f"{text}: expected off, or 1s to 30d, such as 30m")
    return seconds


def _file(text: str) -> str:
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"{text}: expected a file, it does not exist")
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text}: expected a file, this is a directory")
    return text


def _interval(text: str) -> float:
    from fragtui.sampler import MAX_INTERVAL, MIN_INTERVAL  # noqa: PLC0415  # See above.

    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not MIN_INTERVAL <= value <= MAX_INTERVAL:
        raise argparse.ArgumentTypeError(f"{text}: expected {MIN_INTERVAL:g} to {MAX_INTERVAL:g} seconds")
    return value
