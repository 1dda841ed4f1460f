"""Where settings come from, and whether there are any: most nodes have none, and then nothing else is imported."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

SITE_FILE = Path("/etc/fragtui/config.toml")
_USER_FILE = "fragtui/config.toml"
"""Below XDG_CONFIG_HOME, which is ~/.config by default."""
_VARIABLE = "FRAGTUI_"


class ConfigError(Exception):
    """A mistake in a file or variable: its place and what was expected there, in one line."""


def variable_of(name: str) -> str:
    """Return the variable of a setting: ``FRAGTUI_INTERVAL``."""
    return f"{_VARIABLE}{name.upper()}"


def user_file(environment: Mapping[str, str]) -> Path | None:
    """Return the path of the user's file; None without XDG_CONFIG_HOME and HOME."""
    base, home = environment.get("XDG_CONFIG_HOME", ""), environment.get("HOME", "")
    if base.startswith("/"):  # The XDG specification: a relative path is to be ignored.
        return Path(base) / _USER_FILE
    return Path(home) / ".config" / _USER_FILE if home.startswith("/") else None


def has_settings(environment: Mapping[str, str]) -> bool:
    """Return whether a file or a variable may set something."""
    files = (SITE_FILE, user_file(environment))
    return any(name.startswith(_VARIABLE) for name in environment) or any(
        path is not None and os.path.lexists(path) for path in files
    )
