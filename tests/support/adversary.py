"""Texts that make a regular expression try as much as it can, derived from the expression itself.

The parser of the standard library's `re` is private to it; a test may look at it, the product may not.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_PARSER: Any = importlib.import_module("re._parser")
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_COMMON = "a0A_ -./:,=\\\"'()[]{}<>|*\t\n\x00é"
_CATEGORIES: dict[str, Callable[[str], bool]] = {
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_WORD": lambda char: char.isalnum() or char == "_",
}
_LONG = 16
"""A repeat that may take so many more than it must can be made to try them all."""
_ENDS = ("", "\x00", "\n\x00 ")

Node = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Attack:
    """A text of any length: `unit` again and again behind `head`, and `end`, which keeps a match from its end."""

    head: str
    unit: str
    end: str

    def text(self, size: int) -> str:
        """Return the text of about that many characters."""
        return self.head + self.unit * (size // len(self.unit)) + self.end


def attacks(pattern: re.Pattern[Any], again: bool) -> list[Attack]:
    """Return the texts to try on a pattern: for each long repeat what it takes and what comes behind it.

    `again`: a match may begin anywhere, so what leads to each repeat is tried over and over too.
    """
    source, flags = pattern.pattern, pattern.flags
    parsed = list(_PARSER.parse(source, flags & ~re.UNICODE if isinstance(source, bytes) else flags))
    chars = _alphabet(parsed, bool(flags & re.IGNORECASE))
    found: dict[Attack, None] = {}
    for head, bodies, between, rest in _sites(parsed, "", ""):
        inside = "".join(_sample(body) for body in bodies)
        units = [char for char in chars if any(_takes(body, char) for body in bodies)]
        units += [inside, between, inside + between, inside + rest]
        for unit in dict.fromkeys(units):
            if unit:
                found |= dict.fromkeys(Attack(head, unit, end) for end in (*_ENDS, rest[:-1] + "\x00"))
        if head and again:
            units = [head + inside + each for each in ("", *chars, between, rest[:-1])]
            found |= dict.fromkeys(Attack("", unit, end) for unit in units for end in _ENDS[1:])
    return list(found)


def _sites(nodes: Sequence[Node], head: str, rest: str) -> Iterator[tuple[str, list[list[Node]], str, str]]:
    """Yield every long repeat: what leads to it, what it repeats, what leads to the next one, what ends the match."""
    for place, (op, value) in enumerate(nodes):
        before = head + _sample(nodes[:place])
        after = _sample(nodes[place + 1 :]) + rest
        for part in _parts(op, value):
            yield from _sites(part, before, after)
        if _is_long(op, value):
            stop = next((at for at in range(place + 1, len(nodes)) if _has_long(nodes[at])), len(nodes))
            yield before, _parts(op, value), _sample(nodes[place + 1 : stop]), after


def _is_long(op: Any, value: Any) -> bool:
    return str(op) in _REPEATS and value[1] - value[0] >= _LONG


def _has_long(node: Node) -> bool:
    return _is_long(*node) or any(_has_long(inner) for part in _parts(*node) for inner in part)


def _parts(op: Any, value: Any) -> list[list[Node]]:
    """Return the sequences inside a node."""
    match str(op):
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return [list(value[2])]
        case "SUBPATTERN":
            return [list(value[3])]
        case "ATOMIC_GROUP":
            return [list(value)]
        case "BRANCH":
            return [list(part) for part in value[1]]
        case "ASSERT" | "ASSERT_NOT":
            return [list(value[1])]
        case _:
            return []


def _sample(nodes: Sequence[Node]) -> str:
    """Return a short text that the nodes match, as far as that can be said without trying."""
    said = []
    for place, (op, value) in enumerate(nodes):
        match str(op):
            case "LITERAL":
                said.append(chr(value))
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                said.append(_sample(list(value[2])) * value[0])
            case "BRANCH":
                said.append(_sample(list(value[1][0])))
            case "ASSERT":
                # What must be before the match, or after it.
                if value[0] < 0 or place == len(nodes) - 1:
                    said.append(_sample(list(value[1])))
            case "SUBPATTERN" | "ATOMIC_GROUP":
                said.append(_sample(_parts(op, value)[0]))
            case "IN" | "ANY" | "NOT_LITERAL":
                said.append(next((char for char in _likely(op, value) if _is(op, value, char)), ""))
            case _:
                pass
    return "".join(said)


def _likely(op: Any, value: Any) -> str:
    """Return characters of which a node of one character may match some."""
    named = "".join(chr(each[1]) for each in value if str(each[0]) == "LITERAL") if str(op) == "IN" else ""
    return _COMMON + named


def _takes(nodes: Sequence[Node], char: str) -> bool:
    """Return whether the nodes may begin with that character."""
    for op, value in nodes:
        if str(op) in {"LITERAL", "NOT_LITERAL", "ANY", "IN"}:
            return _is(op, value, char)
        if parts := _parts(op, value):
            if str(op) not in {"ASSERT", "ASSERT_NOT"} and any(_takes(part, char) for part in parts):
                return True
            if str(op) not in {"ASSERT", "ASSERT_NOT"} and not (str(op) in _REPEATS and value[0] == 0):
                return False
    return False


def _is(op: Any, value: Any, char: str) -> bool:
    """Return whether a node of one character matches that one; the case of letters counts."""
    code = ord(char)
    match str(op):
        case "ANY":
            return char != "\n"
        case "LITERAL":
            return bool(value == code)
        case "NOT_LITERAL":
            return bool(value != code)
        case "RANGE":
            return bool(value[0] <= code <= value[1])
        case "CATEGORY":
            name = str(value).replace("_NOT", "")
            return _CATEGORIES[name](char) is not ("_NOT" in str(value))
        case _:
            negated = str(value[0][0]) == "NEGATE"
            return any(_is(item[0], item[1], char) for item in value[negated:]) is not negated


def _alphabet(nodes: Sequence[Node], any_case: bool) -> list[str]:
    """Return one character of each kind that the expression distinguishes."""
    tests = list(_single(nodes))
    letters = dict.fromkeys(_COMMON)
    for op, value in tests:
        if str(op) in {"LITERAL", "NOT_LITERAL"}:
            letters[chr(value)] = None
    kinds: dict[tuple[bool, ...], str] = {}
    for char in letters:
        swapped = char.swapcase() if any_case else char
        kinds.setdefault(tuple(_is(op, value, char) or _is(op, value, swapped) for op, value in tests), char)
    return list(kinds.values())


def _single(nodes: Sequence[Node]) -> Iterator[Node]:
    for op, value in nodes:
        if str(op) in {"LITERAL", "NOT_LITERAL", "ANY", "IN"}:
            yield op, value
        for part in _parts(op, value):
            yield from _single(part)
