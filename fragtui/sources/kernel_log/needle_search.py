"""Literal needles in large blocks, as fast as the C library finds them."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

_SMALL = 1 << 15
"""Bytes of a block that is searched without looking for marks: a pasted line may lack them."""
_MESSAGE = b'"MESSAGE"'
"""Only a block of a journal's JSON has it, and there it is found at once."""


class _Search(Protocol):
    """A search for needles in a block."""

    def __call__(self, block: bytes, needles: Sequence[bytes], only_first: bool = False, start: int = 0) -> list[int]:
        """Return the offsets of the needles from `start` on, sorted by needle.

        With `only_first` that of one of them, empty if none.
        """


class GatedNeedles(NamedTuple):
    """Needles that are searched only in blocks with one of the marks, and in small ones.

    A mark that is frequent is found at once; a block without any costs one search for each mark.
    """

    marks: Sequence[bytes]
    needles: Sequence[bytes]
    prefix: bytes
    """One more needle, that begins much else: it counts if `confirmed` matches at it."""
    confirmed: re.Pattern[bytes]

    def found(self, search: _Search, block: bytes) -> list[int]:
        """Return the offsets of the needles in a block, in no order."""
        if len(block) > _SMALL and not search(block, self.marks, only_first=True):
            return []
        hits = [place for place in search(block, (self.prefix,)) if self.confirmed.match(block, place)]
        return [*hits, *search(block, self.needles)]


class BlockSearch:
    """Searches blocks for needles, for those of a journal's JSON only in such blocks, and for gated ones."""

    def __init__(self, needles: Sequence[bytes], gated: GatedNeedles | None = None) -> None:
        self._journal = [needle for needle in needles if needle.startswith(_MESSAGE)]
        self._everywhere = [needle for needle in needles if not needle.startswith(_MESSAGE)]
        self._gated = gated
        self._strstr = strstr_search()

    def __call__(self, block: bytes, zeros: bool, start: int = 0) -> list[int]:
        """Return the offsets of the needles in a block, sorted. `zeros`: one of its bytes may be zero.

        Before `start` is what the block before had, too: only gated needles, which may be new there, are searched.
        """
        search = by_bytes_find if zeros or self._strstr is None else self._strstr
        hits = search(block, self._everywhere, start=start)
        if self._journal and search(block, (_MESSAGE,), True, start):
            hits += search(block, self._journal, start=start)
        if self._gated is not None:
            hits += self._gated.found(search, block)
        hits.sort()
        return hits


def by_bytes_find(block: bytes, needles: Sequence[bytes], only_first: bool = False, start: int = 0) -> list[int]:
    """Search with `bytes.find`, which takes several times as long as strstr(3)."""
    hits: list[int] = []
    for needle in needles:
        place = block.find(needle, start)
        while place >= 0:
            if only_first:
                return [place]
            hits.append(place)
            place = block.find(needle, place + 1)
    return hits


def strstr_search() -> _Search | None:
    """Return the search with strstr(3), None if the C library has none.

    It is for blocks without a zero byte; one is behind every `bytes`.
    """
    try:
        strstr = ctypes.CDLL(None).strstr
    except (OSError, AttributeError, TypeError):
        return None
    strstr.restype = ctypes.c_void_p
    strstr.argtypes = [ctypes.c_void_p, ctypes.c_char_p]

    def search(block: bytes, needles: Sequence[bytes], only_first: bool = False, start: int = 0) -> list[int]:
        begin: int = strstr(block, b"")  # Where its bytes are; ctypes.cast takes four times as long.
        hits: list[int] = []
        for needle in needles:
            place = strstr(begin + start, needle)
            while place is not None:
                if only_first:
                    return [place - begin]
                hits.append(place - begin)
                place = strstr(place + 1, needle)
        return hits

    return search
