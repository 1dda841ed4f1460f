"""The guard's policy: a TOML file or flags, checked before the guard starts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

from fragtui.remedies.escalation import EscalationStep
from fragtui.sources.config.places import ConfigError
from fragtui.sources.config.toml_file import MAX_TOML, TomlFile, decode_toml, parse_toml, shown
from fragtui.text import parse_duration, parse_size, printable

_QUIET = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


class PolicyError(Exception):
    """An invalid policy: the place of the error and what was expected there, in one line."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A daily span of local time in which nothing runs; it may span midnight."""

    start: time
    end: time

    def covers(self, moment: time) -> bool:
        """Return whether the span contains the moment; its end is excluded."""
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end

    def __str__(self) -> str:
        """Return it as in a policy."""
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True, slots=True)
class Policy:
    """When the guard runs remedies, and which ones. Time spans in seconds."""

    order: int = 4
    """Order of the guarded blocks."""
    blocks: int = 64
    """A run starts if kernel requests may get fewer blocks than this."""
    free: int | None = None
    """A run starts too if less memory than this is free (MemFree), in bytes; None to look at blocks alone."""
    hold: float = 30.0
    """How long there must be fewer, without a break."""
    steps: tuple[EscalationStep, ...] = (EscalationStep.SYNC, EscalationStep.PAGE_CACHE, EscalationStep.SLAB)
    """Allowed steps; compaction stalls workloads, so it is off by default."""
    period: float | None = None
    """Run also at this interval, even with enough blocks; None to run only when blocks run out."""
    cooldown: float = 600.0
    """Shortest time between two runs."""
    per_hour: int = 3
    """Maximum of runs in any hour."""
    quiet: tuple[QuietHours, ...] = ()
    """Daily spans of local time in which nothing runs."""
    pressure: float = 40.0
    """PSI memory some avg10, in percent, from which the guard waits."""
    give_up: int = 3
    """Runs in a row without a real gain after which it gives up."""
    dry_run: bool = False
    """Decide and report, but run nothing."""


def parse_policy(text: str, path: str = "policy") -> Policy:
    """Return the policy of a TOML text; raise PolicyError with file, line and what was expected."""
    try:
        return _policy_of_file(parse_toml(text, path))
    except ConfigError as error:
        raise PolicyError(str(error)) from error


def read_policy(path: Path) -> Policy:
    """Return the policy of a file; raise PolicyError if it is invalid or unreadable."""
    try:
        with path.open("rb") as file:
            return _policy_of_file(decode_toml(file.read(MAX_TOML + 1), str(path)))
    except OSError as error:
        raise PolicyError(f"{path}: expected a readable file: {(error.strerror or str(error)).lower()}") from error
    except ConfigError as error:
        raise PolicyError(str(error)) from error


def _policy_of_file(file: TomlFile) -> Policy:
    try:
        return policy_of(file.values)
    except PolicyError as error:
        name, _, expected = str(error).partition(": ")
        raise file.error(name, expected) from None


def policy_of(given: Mapping[str, Any], base: Policy | None = None) -> Policy:
    """Return `base` with the given settings; raise PolicyError, its message beginning with the setting's name."""
    policy = base or Policy()
    known = {field.name for field in fields(Policy)}
    changes: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise PolicyError(f"{printable(name, 40)}: expected one of {', '.join(sorted(known))}")
        changes[name] = _CHECKS[name](name, value)
    return replace(policy, **changes)


def format_policy(policy: Policy) -> str:
    """Return the policy as TOML."""
    lines = [
        f"order = {policy.order}",
        f"blocks = {policy.blocks}",
        f'hold = "{_span_text(policy.hold)}"',
        f"steps = [{', '.join(f'{step.value!r}' for step in policy.steps)}]",
        f'cooldown = "{_span_text(policy.cooldown)}"',
        f"per_hour = {policy.per_hour}",
        f"quiet = [{', '.join(repr(str(span)) for span in policy.quiet)}]",
        f"pressure = {policy.pressure!r}",
        f"give_up = {policy.give_up}",
        f"dry_run = {str(policy.dry_run).lower()}",
    ]
    if policy.free is not None:
        lines.append(f'free = "{_size_text(policy.free)}"')
    if policy.period is not None:
        lines.append(f'period = "{_span_text(policy.period)}"')
    return "\n".join(lines) + "\n"


def _span_text(seconds: float) -> str:
    return f"{int(seconds)}s" if seconds == int(seconds) else f"{seconds:.6f}".rstrip("0") + "s"


def _size_text(size: int) -> str:
    unit = max(index for index in range(4) if size % (1 << 10 * (index + 1)) == 0)
    return f"{size >> 10 * (unit + 1)}{'KMGT'[unit]}"


def _whole(low: int, high: int) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise PolicyError(f"{name}: expected a whole number from {low} to {high}, found {shown(value)}")
        return value

    return check


def _span(low: float) -> Callable[[str, Any], float]:
    def check(name: str, value: Any) -> float:
        seconds = parse_duration(value) if isinstance(value, str) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value
        # The upper bound rejects infinities and typing errors; no policy means more than a year.
        if seconds is None or not low <= seconds <= 366 * 86_400:
            raise PolicyError(
                f"{name}: expected a time of at least {low:g}s such as 90s, 10m, 2h, found {shown(value)}"
            )
        return float(seconds)

    return check


def _memory(name: str, value: Any) -> int:
    size = parse_size(value) if isinstance(value, str) else None
    if size is None:
        raise PolicyError(f"{name}: expected a size such as 8G, found {shown(value)}")
    return size


def _percent(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise PolicyError(f"{name}: expected a percentage from 0 to 100, found {shown(value)}")
    return float(value)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise PolicyError(f"{name}: expected true or false, found {shown(value)}")
    return value


def _steps(name: str, value: Any) -> tuple[EscalationStep, ...]:
    expected = f"{name}: expected a list of {', '.join(EscalationStep)}"
    if not isinstance(value, list | tuple) or not value:
        raise PolicyError(f"{expected}, found {shown(value)}")
    for step in value:
        if step not in list(EscalationStep):
            raise PolicyError(f"{expected}, found {shown(step)}")
    chosen = {EscalationStep(step) for step in value}
    return tuple(step for step in EscalationStep if step in chosen)


def _quiet(name: str, value: Any) -> tuple[QuietHours, ...]:
    spans = []
    for text in value if isinstance(value, list | tuple) else [value]:
        found = _QUIET.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise PolicyError(f"{name}: expected spans such as '08:00-18:00', found {shown(text)}")
        spans.append(QuietHours(time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))))
    return tuple(spans)


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "order": _whole(0, 30),
    "blocks": _whole(1, 1 << 40),
    "free": _memory,
    "hold": _span(0),
    "steps": _steps,
    "period": _span(60),
    "cooldown": _span(1),
    "per_hour": _whole(1, 60),
    "quiet": _quiet,
    "pressure": _percent,
    "give_up": _whole(1, 1000),
    "dry_run": _flag,
}


def local_time(seconds: float) -> time:
    """Return the local time of day of a moment in seconds since the epoch."""
    return datetime.fromtimestamp(seconds).time()
