"""A long JSON list, read object by object as it arrives; objects that were passed on are not kept."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from typing import Any

from fragtui.logs.bounded_json import DECODER, WRAPPED_DECODER, unwrapped

_OBJECT_LIMIT = 2 * 1024 * 1024
"""Most characters of one object; etcd stores none above 1.5 MiB. Parsed, it takes up to 20 times as much memory."""
_SPACE = " \t\r\n\x1e\ufeff"
"""RFC 7464 writes a record separator before each object, some programs a byte order mark before the first."""
_NEAR = 256


class NotAList(Exception):
    """The text is not a JSON object with items; the message says what it is."""


def read_list(chunks: Iterator[bytes], on_item: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Pass on each object of the field ``items`` and return the other fields. Raises `NotAList`.

    `json.loads` would keep the whole answer three times (bytes, text, objects): 30 MiB for a full node. The other
    fields together are no longer than one object may be.
    """
    return _object(_Text(chunks), on_item)


def read_documents(chunks: Iterator[bytes], on_item: Callable[[dict[str, Any]], None]) -> None:
    """Pass on the objects of JSON documents that follow each other, those of lists one by one; skip lines between.

    Raises `NotAList` at a document that is cut off or no JSON.
    """
    text = _Text(chunks)
    while (first := text.peek(at_end="")) != "":
        if first == "{":
            if whole := _object(text, on_item):
                on_item(whole)
        elif first == "[" and text.begins_list():
            text.next()
            _items(text, on_item)
        else:
            text.skip_line()


def _items(text: _Text, on_item: Callable[[dict[str, Any]], None]) -> None:
    """Pass on the objects of a list whose bracket is consumed."""
    mark = "," if text.peek() != "]" else text.next()
    while mark == ",":
        item = text.value()
        if isinstance(item, dict):
            on_item(item)
        mark = text.next(",]")


def _object(text: _Text, on_item: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    room = _OBJECT_LIMIT
    others: dict[str, Any] = {}
    if text.next() != "{":
        raise NotAList("not an object")
    mark = text.next(",}") if text.peek() == "}" else ","
    while mark == ",":
        name = text.value()
        text.next(":")
        if name == "items" and text.peek() == "[":
            text.next()
            _items(text, on_item)
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
        self._text = ""
        self._at = 0
        self.taken = 0
        """Characters of the last value."""

    def peek(self, at_end: str | None = None) -> str:
        """Return the next character that is not a space, without consuming it; at the end `at_end`, unless None."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            try:
                self._more(1)
            except NotAList:
                if at_end is None:
                    raise
                return at_end

    def begins_list(self) -> bool:
        """Return whether the bracket here begins a list of objects."""
        while len(rest := self._text[self._at + 1 : self._at + _NEAR].lstrip(_SPACE)) == 0:
            if len(self._text) - self._at >= _NEAR:
                return False
            try:
                self._more(len(self._text) - self._at + 1)
            except NotAList:
                return False
        return rest[0] in "{]"

    def skip_line(self) -> None:
        """Skip the rest of the line."""
        while (end := self._text.find("\n", self._at)) < 0:
            self._text, self._at = "", 0
            try:
                self._more(1)
            except NotAList:
                return
        self._at = end + 1

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
                try:
                    value, end = DECODER.raw_decode(self._text, self._at)
                except json.JSONDecodeError as error:
                    if not error.msg.startswith("Invalid control character"):
                        raise
                    value, end = WRAPPED_DECODER.raw_decode(self._text, self._at)  # A mail program wrapped it.
                    value = unwrapped(value)
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
