"""TOML of people: read bounded, and every mistake is one line with file, line and what was expected."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fragtui.sources.config.places import ConfigError
from fragtui.sources.files.trust import Trust, open_inside, read_bounded
from fragtui.text import printable

MAX_TOML = 64 << 10
"""Bytes of a file; a longer one is refused."""
_TOML_LINE = re.compile(r"line (\d+)")


def _setting(name: str) -> re.Pattern[str]:
    """Return what matches a line that sets a key, or begins its table."""
    return re.compile(rf"""^\s*(["']?){re.escape(name)}\1\s*[=.]|^\s*\[+\s*(["']?){re.escape(name)}\2""")


@dataclass(frozen=True, slots=True)
class TomlFile:
    """The values of a file, with its text to find their lines."""

    path: str
    text: str
    values: dict[str, Any]

    def line_of(self, key: str) -> int:
        """Return the line on which a key such as ``order`` or ``keys.compact`` is set; 1 if it can't be found."""
        lines, line = self.text.split("\n"), 0
        for name in key.split("."):
            pattern = _setting(name)
            line = next((n for n, text in enumerate(lines[line:], line + 1) if pattern.match(text)), line)
        return max(1, line)

    def error(self, key: str, expected: str) -> ConfigError:
        """Return the error of a key."""
        return ConfigError(f"{self.path}: line {self.line_of(key)}: {key}: {expected}")


def parse_toml(text: str, path: str) -> TomlFile:
    """Return the values of a TOML text. Raises ConfigError."""
    import tomllib  # noqa: PLC0415  # 6 ms of CPU, and hardly any node has a file.

    try:
        return TomlFile(path, text, tomllib.loads(text))
    except RecursionError:
        raise ConfigError(f"{path}: expected TOML, found values nested too deeply") from None
    except ValueError as error:  # Of tomllib, or of a number of thousands of digits.
        found = _TOML_LINE.search(str(error))
        line = found[1] if found else str(text.count("\n") + 1)
        raise ConfigError(f"{path}: line {line}: expected TOML: {printable(str(error), 120)}") from error


def decode_toml(data: bytes, path: str) -> TomlFile:
    """Return the values of the bytes of a file, of which `MAX_TOML` + 1 were read. Raises ConfigError."""
    if len(data) > MAX_TOML:
        raise ConfigError(f"{path}: expected at most {MAX_TOML >> 10} KiB")
    try:
        return parse_toml(data.decode("utf-8"), path)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected UTF-8: {error}") from error


def read_own_toml(root: Path, path: Path) -> TomlFile | None:
    """Return the values of a file that fragtui finds by itself (`Trust.OWN`); None if it does not exist.

    Raises OSError if it can't be read or trusted, ConfigError for a mistake in it.
    """
    try:
        # An untrusted folder above a file that does not exist is no problem.
        read_bounded(open_inside(root, path), 0)
    except (FileNotFoundError, NotADirectoryError):
        if (root / path.relative_to("/")).is_symlink():
            raise FileNotFoundError(errno.ENOENT, "a link to no file", str(path)) from None
        return None
    return decode_toml(read_bounded(open_inside(root, path, Trust.OWN), MAX_TOML + 1), printable(str(path)))


def shown(value: Any) -> str:
    """Return a value of a file for a message."""
    try:
        return printable(repr(value), 60)
    except ValueError:  # A hexadecimal number may have more digits than Python writes.
        return "a number of thousands of digits"
