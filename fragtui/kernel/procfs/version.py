"""Kernel release strings, compared as versions."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_RELEASE = re.compile(r"(?<!\d)(\d{1,4})\.(\d{1,4})(?:\.(\d{1,6}))?")
_RHEL = re.compile(r"\.el(\d{1,3})")


class KernelVersion(NamedTuple):
    """A kernel release: its numbers, and the RHEL major version if the string has one (``.el7``)."""

    major: int
    minor: int
    patch: int
    release: str
    rhel: int | None = None

    @property
    def numbers(self) -> tuple[int, int, int]:
        """The three numbers, for comparison."""
        return self.major, self.minor, self.patch

    def at_least(self, major: int, minor: int, patch: int = 0) -> bool:
        """Return whether this release's number is `major.minor.patch` or later (vendors backport)."""
        return self.numbers >= (major, minor, patch)


@lru_cache(maxsize=64)
def parse_version(release: str) -> KernelVersion | None:
    """Return the version in a release string such as ``3.10.0-1160.el7.x86_64``, or None if there is none."""
    if (found := _RELEASE.search(release)) is None:
        return None
    rhel = _RHEL.search(release)
    major, minor, patch = (int(number or 0) for number in found.groups())
    return KernelVersion(major, minor, patch, release, int(rhel[1]) if rhel else None)
