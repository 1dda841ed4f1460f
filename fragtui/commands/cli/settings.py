"""The settings of files and variables as defaults of options: option > variable > user's file > site's file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fragtui.sources.config.places import ConfigError, has_settings

if TYPE_CHECKING:  # See `take_settings`.
    from fragtui.model.node.verdict import Thresholds
    from fragtui.sources.config.settings import Settings, Value

SETTINGS_WITH_OPTION = ("theme", "ascii", "interval", "order", "idle_exit", "trace")
_NOT_ASKED = ("-h", "--help", "--version")
"""With one of these, no setting counts: help must work with a broken file too."""


def take_settings(actions: Iterable[argparse.Action], argv: Sequence[str]) -> Settings | None:
    """Make the settings the defaults of these options; return them, None if there is none, or no option depends on one.

    Raises ConfigError for a mistake in a file or variable.
    """
    by_name = {action.dest: action for action in actions if action.default is not argparse.SUPPRESS}
    asked = {name: by_name[name] for name in SETTINGS_WITH_OPTION if name in by_name}
    if (not asked and "read_only" not in by_name) or any(word in _NOT_ASKED for word in argv):
        return None
    if not has_settings(os.environ):
        return None
    from fragtui.sources.config.settings import read_settings  # noqa: PLC0415  # 3 ms of CPU, mostly for nothing.

    settings = read_settings()
    for name, action in asked.items():
        if settings.source(name) != "default":
            action.default = option_value(name, settings.values[name], action)
    return settings


def option_value(name: str, value: Value, action: argparse.Action) -> object:
    """Return a setting as its option takes it. Raises ConfigError if the option does not."""
    if action.type is None or not callable(action.type):
        return value.value
    try:
        return action.type(str(value.value))
    except argparse.ArgumentTypeError as error:
        raise ConfigError(f"{value.source}: {name}: {error}") from None


def keymap_of(settings: Settings | None) -> dict[str, tuple[str, ...]]:
    """Return the keys of commands that the settings change. Raises ConfigError for one that can't be."""
    if settings is None or not settings.keys:
        return {}
    from fragtui.ui.keys import KeyMapError, check_keymap  # noqa: PLC0415  # Textual takes 200 ms of CPU.

    keymap = {command: value.value for command, value in settings.keys.items()}
    try:
        check_keymap(keymap)
    except KeyMapError as error:
        raise ConfigError(f"{settings.keys[error.command].source}: keys.{error.command}: {error}") from None
    return keymap


def thresholds_of(args: argparse.Namespace) -> Thresholds:
    """Return where states begin, by the settings."""
    from fragtui.model.node.verdict import Thresholds  # noqa: PLC0415  # Every verb imports this module.

    settings: Settings | None = getattr(args, "settings", None)
    return Thresholds() if settings is None else Thresholds()._replace(**settings.thresholds)


def read_only_because(args: argparse.Namespace) -> str | None:
    """Return what asks for no remedy at all: the option, a variable or a file; None if nothing does."""
    if args.read_only:
        return "--read-only"
    settings: Settings | None = getattr(args, "settings", None)
    return f"read_only of {settings.source('read_only')}" if settings is not None and settings["read_only"] else None


def trace_forbidden(args: argparse.Namespace) -> str | None:
    """Return why nothing may be traced: read-only, unless the command line itself asks for a trace; else None."""
    why = read_only_because(args)
    return None if why is None or "trace" in args.named else f"started with {why}; add --trace to trace anyway"
