"""The request part of a head line: ``order:5, mode:0x40dc0(GFP_KERNEL|__GFP_COMP), nodemask=(null),cpuset=/,...``.

Shapes: mm/page_alloc.c warn_alloc() and warn_alloc_failed(), mm/oom_kill.c dump_header(), 2.6.18 to 6.19.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fragtui.kernel.procfs.buddyinfo import MAX_ORDER

_ORDER = re.compile(r"order[:=](-?\d{1,4})(?=[,\s.]|$)", re.ASCII)
_MODE = re.compile(
    r"(?:mode:|gfp_mask=|gfp=)(0x[0-9a-fA-F]{1,16}|0)(?=[,\s(/).]|$)(?!\([^()]*$)(?:\(([^()]*)\))?", re.ASCII
)
# If the names are cut off, the mask alone looks like one of a kernel that prints none: both are unknown then.
_NAMES = re.compile(r"\((_{0,2}GFP_[A-Z0-9_|x]*)\)")
# A list ends with a digit: a list that ends with a comma is cut.
_NODEMASK = re.compile(r"nodemask=(\(null\)(?=,|\s*$)|\d(?:[\d,-]*\d)?(?=,cpuset=|, ? ?order=|\s*$))", re.ASCII)
_CPUSET = re.compile(r"(?>.*?cpuset=)(.*?)[, ]mems_allowed=")
"""Matched from the start of the line to the first ``cpuset=``."""
_MEMS = re.compile(r"mems_allowed=(\d(?:[\d,-]*\d)?)(?=,(?:oom_memcg|global_oom|task_memcg)|\s|$)", re.ASCII)
_MAX_DIGITS = 20
_GLUED = re.compile(r"(?<=\S)\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? ")


@dataclass(frozen=True, slots=True)
class ReportedRequest:
    """A request for memory. `names` are the flags as printed, None if the kernel printed none."""

    order: int | None = None
    mode: int | None = None
    names: tuple[str, ...] | None = None
    nodemask: str | None = None
    cpuset: str | None = None
    mems_allowed: str | None = None


def intact_part(text: str, torn: bool, after: int = 0) -> str:
    """Return the part of a line that is certain.

    That is without its last word if the line may be cut, and without text that another CPU printed at its end (seen: a
    whole next record). A stamp before `after` is the line's own.
    """
    if "] " in text and (glued := _GLUED.search(text, after)):
        text, torn = text[: glued.start()], False
    if not torn:
        return text
    end = max(text.rfind(" "), text.rfind(","), text.rfind("("))
    return text[: end + 1]


def parse_request(text: str) -> ReportedRequest:
    """Return the facts about the request in an intact line; absent or malformed facts are None."""
    found = _ORDER.search(text)
    mode = _MODE.search(text)
    names = mode[2] if mode else None
    nodemask = _NODEMASK.search(text)
    cpuset = _CPUSET.match(text)
    mems = _MEMS.search(text)
    return ReportedRequest(
        order=parse_order(found[1]) if found else None,
        mode=int(mode[1], 16) if mode else None,
        names=split_names(names),
        nodemask=nodemask[1] if nodemask else None,
        cpuset=cpuset[1] if cpuset else None,
        mems_allowed=mems[1] if mems else None,
    )


def parse_order(text: str) -> int | None:
    """Return the order that a few digits spell, -1 (sysrq-f) included, or None for an order that no kernel has."""
    order = int(text[:_MAX_DIGITS])
    return order if -1 <= order <= MAX_ORDER else None


def split_names(names: str | None) -> tuple[str, ...] | None:
    """Return printed flag names as a tuple; ``()`` as in ``mode:0x0()`` says that no flag was set."""
    if names is None or (names and not all(part.isascii() and part for part in names.split("|"))):
        return None
    return tuple(names.split("|")) if names else ()


def parse_names_line(text: str) -> tuple[str, ...] | None:
    """Return the flag names of a line that begins with them: the second half of a wrapped head line."""
    found = _NAMES.match(text.lstrip())
    return split_names(found[1]) if found else None
