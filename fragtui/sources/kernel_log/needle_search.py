"""Literal needles in large blocks, as fast as the C library finds them."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

_SMALL = 1 << 15
"""Bytes of a block that is searched without looking for marks: a pasted line may lack them."""


class Search(Protocol):
    """A search for needles in a block."""

    def __call__(self, block: bytes, needles: Sequence[bytes], only_first: bool = False) -> list[int]:
        """Return the offsets of the needles, sorted; with `only_first` that of one of them, empty if none is there."""


class GatedNeedles(NamedTuple):
    """Needles that are searched only in blocks with one of the marks, and in small ones.

    A mark that is frequent is found at once; a block without any costs one search for each mark.
    """

    marks: Sequence[bytes]
    needles: Sequence[bytes]
    prefix: bytes
    """One more needle, that begins much else: it counts if `confirmed` matches at it."""
    confirmed: re.Pattern[bytes]

    def found(self, search: Search, block: bytes) -> list[int]:
        """Return the offsets of the needles in a block, in no order."""
        if len(block) > _SMALL and not search(block, self.marks, only_first=True):
            return []
        hits = [place for place in search(block, (self.prefix,)) if self.confirmed.match(block, place)]
        return [*hits, *search(block, self.needles)]


def _by_bytes_find(block: bytes, needles: Sequence[bytes], only_first: bool = False) -> list[int]:
    hits: list[int] = []
    for needle in needles:
        place = block.find(needle)
        while place >= 0:
            if only_first:
                return [place]
            hits.append(place)
            place = block.find(needle, place + 1)
    hits.sort()
    return hits


def best_search() -> Search:
    """Return the fastest search that this machine has.

    It is strstr(3), several times as fast as `bytes.find`, for blocks without a zero byte; one is behind every `bytes`.
    """
    try:
        strstr = ctypes.CDLL(None).strstr
    except (OSError, AttributeError, TypeError):
        return _by_bytes_find
    strstr.restype = ctypes.c_void_p
    strstr.argtypes = [ctypes.c_void_p, ctypes.c_char_p]

    def search(block: bytes, needles: Sequence[bytes], only_first: bool = False) -> list[int]:
        if b"\0" in block:
            return _by_bytes_find(block, needles, only_first)
        begin = ctypes.cast(ctypes.c_char_p(block), ctypes.c_void_p).value or 0
        hits: list[int] = []
        for needle in needles:
            place = strstr(begin, needle)
            while place is not None:
                if only_first:
                    return [place - begin]
                hits.append(place - begin)
                place = strstr(place + 1, needle)
        hits.sort()
        return hits

    return search
