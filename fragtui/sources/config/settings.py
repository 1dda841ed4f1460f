"""The settings: their checks, and their values from variables, the user's file, the site's file, in this order.

What restricts remedies (`SITE_ONLY`) comes from the site's file alone and is enforced by `remedies.site_policy`, which
reads it itself: nothing here can loosen it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fragtui.model.node.verdict import DEFAULT_THRESHOLDS
from fragtui.sources.config.places import SITE_FILE, ConfigError, user_file, variable_of
from fragtui.sources.config.toml_file import TomlFile, read_own_toml, shown
from fragtui.sources.files.own_files import file_problem
from fragtui.text import printable

REMEDY_NAMES = (
    "sync",
    "drop-caches-1",
    "drop-caches-2",
    "drop-caches-3",
    "reclaim-cgroup",
    "nudge-kcompactd",
    "compact-node",
    "compact",
)
"""What `allowed_remedies` may list; one with a sync first is allowed with the one without."""
_KEYS, _THRESHOLDS = "keys", "thresholds"
"""The tables; the name of a setting in one is ``keys.compact``."""
_MAX_NUMBER = 1e9
_MAX_TEXT = 100
_MAX_KEYS = 200
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")

Check = Callable[[Any], Any]
"""Returns the value of a setting from that of TOML. Raises ValueError with what was expected."""


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a setting and where it comes from: ``default``, a variable, or a file and line."""

    value: Any
    source: str = "default"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings by name, and the files that are not used, each with the reason."""

    values: Mapping[str, Value]
    ignored: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.values[name].value

    def source(self, name: str) -> str:
        """Return where a setting comes from."""
        return self.values[name].source

    @property
    def keys(self) -> dict[str, Value]:
        """The keys of each command that has others than its own."""
        return self._table(_KEYS)

    @property
    def thresholds(self) -> dict[str, Any]:
        """The values of `Thresholds` by name."""
        return {name: value.value for name, value in self._table(_THRESHOLDS).items()}

    def _table(self, name: str) -> dict[str, Value]:
        start = f"{name}."
        return {key.removeprefix(start): value for key, value in self.values.items() if key.startswith(start)}


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT or not value.isprintable():
        raise ValueError(f"expected a text of 1 to {_MAX_TEXT} characters")
    return value


def _flag(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in _TRUE + _FALSE:
        return value.lower() in _TRUE
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def _number(value: Any) -> str:
    """Return a number as text, as its option takes it: the option has the range."""
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= _MAX_NUMBER:
        raise ValueError("expected a number")
    return _text(str(value).strip())


def _confirm(value: Any) -> str:
    if value not in ("ask", "type"):
        raise ValueError('expected "ask" or "type" (the node\'s name)')
    return str(value)


def _remedies(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(name in REMEDY_NAMES for name in value):
        raise ValueError(f"expected a list of {', '.join(REMEDY_NAMES)}")
    return tuple(name for name in REMEDY_NAMES if name in value)


def _keys(value: Any) -> tuple[str, ...]:
    """Return the keys of a command; which commands and keys exist is known to the screen."""
    listed = value.split() if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed or not all(isinstance(key, str) and key for key in listed):
        raise ValueError('expected a key or a list of keys, such as "C" or ["f5"]')
    return tuple(_text(key) for key in listed)


def _between(low: int, high: int, *, whole: bool) -> Check:
    def check(value: Any) -> float:
        number = float(_number(value))
        if not low <= number <= high or (whole and number != int(number)):
            raise ValueError(f"expected a {'whole ' if whole else ''}number from {low:,} to {high:,}")
        return int(number) if whole else number

    return check


def _entries(name: str, value: Any) -> dict[str, Any]:
    """Return the settings of a table by their full names, or the one setting that is none. Raises ValueError."""
    if name not in (_KEYS, _THRESHOLDS):
        return {name: value}
    example = 'compact = "C"' if name == _KEYS else "low_blocks = 32"
    if isinstance(value, str):
        value = dict(pair.partition("=")[::2] for pair in value.split(";") if pair.strip())
    if not isinstance(value, dict) or len(value) > _MAX_KEYS:
        raise ValueError(f"expected a table, such as {example}")
    return {f"{name}.{printable(entry.strip(), 40)}": given for entry, given in value.items()}


def _value(name: str, given: Any) -> Any:
    """Return the value of a setting. Raises ValueError with what was expected."""
    if name.startswith(f"{_KEYS}."):
        return _keys(given)
    if (known := _KNOWN.get(name)) is None:
        names = [*DEFAULTS, _KEYS, _THRESHOLDS]
        if name.startswith(f"{_THRESHOLDS}."):
            names = [each.partition(".")[2] for each in THRESHOLDS]
        raise ValueError(f"expected one of {', '.join(names)}")
    return known[1](given)


DEFAULTS: dict[str, tuple[Any, Check]] = {
    "theme": (None, _text),
    "ascii": (False, _flag),
    "interval": (None, _number),
    "order": (None, _number),
    "idle_exit": (None, _text),
    "read_only": (False, _flag),
    "trace": (False, _flag),
    "confirm": ("ask", _confirm),
    "allowed_remedies": (None, _remedies),
}
"""Default and check of each setting outside of tables; None is the default of its option, or all remedies."""
_CHECKS: dict[str, Check] = {
    "low_blocks": _between(1, 10_000, whole=True),
    "low_share": _between(50, 100, whole=False),
    "recovering_seconds": _between(0, 86_400, whole=False),
}
THRESHOLDS = {f"{_THRESHOLDS}.{name}": (value, _CHECKS[name]) for name, value in DEFAULT_THRESHOLDS._asdict().items()}
"""The same for the table ``thresholds``."""
TABLES = (_KEYS, _THRESHOLDS)
_KNOWN: dict[str, tuple[Any, Check]] = {**DEFAULTS, **THRESHOLDS}
SITE_ONLY = ("confirm", "allowed_remedies")
"""Settings of the site's file only."""


def read_settings(environment: Mapping[str, str] = os.environ, site: Path = SITE_FILE) -> Settings:
    """Return the settings of variables and files. Raises ConfigError for the first mistake.

    A file that another user may have written, or that can't be read, is not used.
    """
    values = {name: Value(default) for name, (default, _) in _KNOWN.items()}
    ignored: list[str] = []
    for path, is_site in ((site, True), (user_file(environment), False)):
        if path is None:
            continue
        try:
            file = read_own_toml(Path("/"), path)
        except OSError as error:
            ignored.append(printable(file_problem(error, path)))
            continue
        if file is not None:
            values |= _stricter(values, checked(file, is_site=is_site))
    for name in (*DEFAULTS, *TABLES):
        variable = variable_of(name)
        if (text := environment.get(variable)) is None or name in SITE_ONLY:
            continue
        place = name
        try:
            found = {}
            for place, given in _entries(name, text).items():
                found[place] = Value(_value(place, given), variable)
        except ValueError as error:
            entry = f" {place.partition('.')[2]}:" if place != name else ""
            raise ConfigError(f"{variable}:{entry} {error}, found {shown(text)}") from None
        values |= _stricter(values, found)
    return Settings(values, tuple(ignored))


def checked(file: TomlFile, *, is_site: bool) -> dict[str, Value]:
    """Return the settings of a file. Raises ConfigError for the first mistake."""
    values: dict[str, Value] = {}
    for name, table in file.values.items():
        if name in SITE_ONLY and not is_site:
            raise file.error(name, f"only {SITE_FILE} sets it")
        place, given = printable(name, 40), table
        try:
            for place, given in _entries(name, table).items():
                values[place] = Value(_value(place, given), f"{file.path}:{file.line_of(place)}")
        except ValueError as error:
            raise file.error(printable(place, 80), f"{error}, found {shown(given)}") from None
    return values


def _stricter(before: Mapping[str, Value], new: dict[str, Value]) -> dict[str, Value]:
    """Return the new values without one that would loosen `read_only`."""
    return {name: value for name, value in new.items() if name != "read_only" or not before[name].value}
