"""A long JSON list, read object by object as it arrives; objects that were passed on are not kept."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from typing import Any

from fragtui.logs.bounded_json import DECODER

_OBJECT_LIMIT = 2 * 1024 * 1024
"""Most characters of one object; etcd stores none above 1.5 MiB. Parsed, it takes up to 20 times as much memory."""
_SPACE = " \t\r\n"


class NotAList(Exception):
    """The text is not a JSON object with items; the message says what it is."""


def read_list(chunks: Iterator[bytes], on_item: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Pass on each object of the field ``items`` and return the other fields. Raises `NotAList`.

    `json.loads` would keep the whole answer three times (bytes, text, objects): 30 MiB for a full node. The other
    fields together are no longer than one object may be.
    """
    room = _OBJECT_LIMIT
    text = _Text(chunks)
    others: dict[str, Any] = {}
    if text.next() != "{":
        raise NotAList("not an object")
    mark = text.next(",}") if text.peek() == "}" else ","
    while mark == ",":
        name = text.value()
        text.next(":")
        if name == "items" and text.peek() == "[":
            text.next()
            mark = "," if text.peek() != "]" else text.next()
            while mark == ",":
                item = text.value()
                if isinstance(item, dict):
                    on_item(item)
                mark = text.next(",]")
        else:
            others[str(name)] = text.value()
            room -= len(str(name)) + text.taken
            if room < 0:
                raise _too_long()
        mark = text.next(",}")
    return others


def _too_long() -> NotAList:
    return NotAList(f"not JSON, or an object longer than {_OBJECT_LIMIT >> 20} MiB")


class _Text:
    """Text that arrived and is not consumed yet."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._scan = DECODER.raw_decode
        self._text = ""
        self._at = 0
        self.taken = 0
        """Characters of the last value."""

    def peek(self) -> str:
        """Return the next character that is not a space, without consuming it."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            self._more(1)

    def next(self, wanted: str = "") -> str:
        """Consume the next character that is not a space; it must be one of `wanted`."""
        character = self.peek()
        if wanted and character not in wanted:
            raise NotAList("not JSON")
        self._at += 1
        return character

    def value(self) -> Any:
        """Consume the next value."""
        self.peek()
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except RecursionError:
                raise NotAList("nested too deeply") from None
            except ValueError:
                # Incomplete or wrong: read as much again, so that a long object is not scanned for every chunk.
                self._more(len(self._text) - self._at)
                continue
            if end == len(self._text) or self._text[end] in ".eE":  # a number may continue
                self._more(1)
                continue
            self.taken, self._at = end - self._at, end
            return value

    def _more(self, count: int) -> None:
        text = [self._text[self._at :]]
        if len(text[0]) > _OBJECT_LIMIT:
            raise _too_long()
        while count > 0:
            chunk = next(self._chunks, None)
            if chunk is None:
                if len(text) == 1:
                    raise NotAList("not JSON, or cut off")
                break
            text.append(self._decoder.decode(chunk))
            count -= len(text[-1])
        self._text, self._at = "".join(text), 0
