"""What the options of ``fragtui gate`` accept. Each function raises argparse.ArgumentTypeError for another text."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

from fragtui.remedies.escalation import EscalationStep
from fragtui.remedies.guard.policy import PolicyError, policy_of
from fragtui.sources.host.in_use import UNIT_NAME
from fragtui.text import bounded_int, parse_duration, parse_size, printable

_NEED = re.compile(r"(\d{1,9})x(\d{1,9}[KMGT](?:i?B)?)", re.ASCII)
_MAX_WAIT_SECONDS = 86_400.0


def need_of(text: str) -> tuple[int, int]:
    """Return number and bytes of the blocks of ``200x2M``."""
    match = _NEED.fullmatch(text)
    size = parse_size(match[2]) if match else None
    if match is None or size is None or size & (size - 1) or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected blocks of a power of two, such as 200x2M")
    return int(match[1]), size


def size_of(text: str) -> int:
    """Return the bytes of a size such as ``96G``."""
    if (size := parse_size(text)) is None:
        raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected a size such as 96G")
    return size


def number_of(most: int) -> Callable[[str], int]:
    """Return the parser of a whole number up to `most`."""

    def number(text: str) -> int:
        if (value := bounded_int(text, most)) is None:
            raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected a whole number up to {most}")
        return value

    return number


def unit_of(text: str) -> str:
    """Return the name of a unit of systemd."""
    if UNIT_NAME.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected the name of a unit")
    return text


def process_of(text: str) -> str:
    """Return the name of a process, without a path."""
    if not text or not text.isprintable() or "/" in text or len(text) > 255:
        raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected the name of a process, without a path")
    return text


def wait_of(text: str) -> float:
    """Return the seconds of a time up to a day."""
    seconds = parse_duration(text)
    if seconds is None or seconds > _MAX_WAIT_SECONDS:
        raise argparse.ArgumentTypeError(f"{printable(text, 60)}: expected a time up to 1d such as 90s or 10m")
    return seconds


def steps_of(text: str) -> tuple[EscalationStep, ...]:
    """Return the steps of a list with commas, gentlest first."""
    try:
        return policy_of({"steps": [word.strip() for word in text.split(",")]}).steps
    except PolicyError as error:
        raise argparse.ArgumentTypeError(str(error).partition(": ")[2]) from None
