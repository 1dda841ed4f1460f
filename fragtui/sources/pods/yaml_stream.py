"""Lists of API objects in YAML, object by object; PyYAML reads only those that may report a failed pod."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from fragtui.text import bounded_int

_MAX_OBJECT = 1 << 20
"""Bytes of one object; a longer one is left out."""
_MAX_READ = 2000
"""Objects that PyYAML reads: its pure-Python part takes about 3 ms for one."""
_WANTED = re.compile(
    rb"^[ -]*reason: *['\"]?(?:Failed|NetworkNotReady|Started)|^ *waiting: *$|^ *phase: *['\"]?Pending"
    rb"|^ *reason: *['\"]?(?:StartError|ContainerCannotRun)",
    re.MULTILINE,
)
_KIND = re.compile(rb"^[ -]*kind: *['\"]?(?:Event|Pod|List|EventList|PodList)['\"]?\s*$", re.MULTILINE)
_FIRST = re.compile(rb"\s*(?:#[^\n]*\n\s*)*(?:---[ \t]*\n\s*)?(?:- )?(?:apiVersion|kind|items|metadata) *:")
_ITEM = re.compile(rb"( {0,4})- ")


class NoYaml(Exception):
    """Why the text can't be read."""


def is_yaml(head: bytes) -> bool:
    """Return whether a text that begins with `head` is a YAML document of events or pods."""
    return _FIRST.match(head) is not None and b"apiVersion:" in head and _KIND.search(head) is not None


def read_yaml(lines: Iterator[bytes], on_item: Callable[[dict[str, Any]], None]) -> int:
    """Pass on the objects of YAML documents; return how many were left out: too long, too many or not YAML.

    Raises `NoYaml` if PyYAML is not installed.
    """
    try:
        # 10 ms of CPU and an optional dependency.
        from fragtui.sources.pods.kubernetes.kubeconfig_yaml import NotRead, parse_yaml  # noqa: PLC0415
    except ImportError:
        raise NoYaml("it is YAML, and PyYAML is not installed (extra k8s)") from None
    left_out = read = 0
    for text in _objects(lines):
        if text is None:
            left_out += 1
            continue
        if _WANTED.search(text) is None:
            continue
        read += 1
        if read > _MAX_READ:
            left_out += 1
            continue
        try:
            value = parse_yaml(text)
        except NotRead:
            left_out += 1
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                on_item(_typed(item))
    return left_out


def _typed(value: Any, key: str = "") -> Any:
    """Return a value whose counts are numbers and whose flags are booleans: PyYAML was asked for texts only."""
    if isinstance(value, dict):
        return {name: _typed(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_typed(each) for each in value]
    if key in ("count", "deprecatedCount", "restartCount"):
        return bounded_int(value) if isinstance(value, str) and value.isdecimal() else None
    return value == "true" if key in ("ready", "started") else value


def _objects(lines: Iterator[bytes]) -> Iterator[bytes | None]:
    """Yield the text of each item of a list and of each single document; None for one that is too long."""
    held: list[bytes] = []
    size = 0
    indent: bytes | None = None
    """Of the items of the list that is read, None outside of one."""
    for line in lines:
        item = _ITEM.match(line)
        begins_list = indent is None and item is not None and (not held or held[-1].startswith(b"items:"))
        if begins_list and item is not None:
            indent, held, size = item[1], [], 0
        new_item = item is not None and indent == item[1]
        at_left = line[:1] not in b" #\n\r" and not line.startswith(b"- ")
        if line.startswith(b"---") or new_item or (indent is not None and at_left):
            if held or size:
                yield b"".join(held) if size <= _MAX_OBJECT else None
            held, size = [], 0
            if not new_item:
                indent = None
        if line.startswith(b"---"):
            continue
        size += len(line)
        if size <= _MAX_OBJECT:
            held.append(line)
    if held or size:
        yield b"".join(held) if size <= _MAX_OBJECT else None
