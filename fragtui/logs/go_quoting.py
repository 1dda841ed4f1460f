r"""Text as Go programs quote it: ``"a \"b\" \n"``, nested as deep as errors wrap each other."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_SLASHED_QUOTE = re.compile(r"(?<!\\)\\++(?=[\"'])")
_SLASHED_BREAK = re.compile(r"(?<!\\)\\++[nrt]|[\n\r\t]")
_SPACES = re.compile(r"\s{2,}")


def _unescaped(match: re.Match[str]) -> str:
    byte, short, long, octal, simple = match.groups()
    if simple is not None:
        return _SIMPLE.get(simple, simple)
    code = int(octal, 8) if octal else int(byte or short or long, 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else match.group()


def unescape(text: str) -> str:
    """Return the inside of a Go string literal with one level of its escapes resolved."""
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def quoted_end(text: str, start: int) -> int:
    """Return where the quoted string that opens at `start` closes, or the text's length if the end was cut off."""
    at = start + 1
    while True:
        quote = text.find('"', at)
        if quote < 0:
            return len(text)
        slashes = quote
        while slashes > start + 1 and text[slashes - 1] == "\\":
            slashes -= 1
        if (quote - slashes) % 2 == 0:
            return quote
        at = quote + 1


def read_value(text: str, start: int) -> tuple[str, int]:
    """Return the value that begins at `start`, quoted or up to a space, and the index after it.

    A quoted value whose end was cut off extends to the end of the text. Brackets and braces keep their spaces
    (klog prints Go structs and JSON unquoted: ``event={"ID":"x","Type":"y"}``, ``pods=["a/b"]``).
    """
    if start >= len(text):
        return "", start
    first = text[start]
    if first == '"':
        end = quoted_end(text, start)
        return unescape(text[start + 1 : end]), min(end + 1, len(text))
    if first in "{[&":
        end = _balanced_end(text, start)
        return text[start:end], end
    end = text.find(" ", start)
    end = len(text) if end < 0 else end
    return text[start:end], end


def _balanced_end(text: str, start: int) -> int:
    depth, at = 0, start
    while at < len(text):
        char = text[at]
        if char == '"':
            at = quoted_end(text, at)
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
            if depth <= 0:
                return at + 1
        elif char == " " and depth == 0:
            return at
        at += 1
    return len(text)


def flatten(text: str) -> str:
    """Return an error without its nested quoting, on one line with single spaces."""
    text = _SLASHED_BREAK.sub(" ", _SLASHED_QUOTE.sub("", text))
    return _SPACES.sub(" ", text).strip()
