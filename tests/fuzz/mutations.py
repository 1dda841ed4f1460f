"""Real texts made hostile: bytes flipped, cut, spliced and repeated, numbers, stamps, escapes and JSON replaced."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence

LIMIT = 64 << 10
"""Bytes of the longest input."""
_NUMBER = re.compile(rb"\d+")
_STAMP = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^ \"\]]*|[+-]\d\d:?\d\d|[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d")
_WORD = re.compile(rb"[^\s=:,\"]+")
_NUMBERS = (
    b"9" * 5000, b"9" * 400, b"9" * 310, b"9" * 21, b"18446744073709551616", b"9223372036854775808", b"4294967296",
    b"0", b"-1", b"00000000000000000000000000001", b"1e999", b"NaN", b"Infinity", b"-Infinity", b"0x" + b"f" * 5000,
    "²".encode(), "٣٤".encode(), "１２".encode(), "𝟗".encode(), b"1.5", b"+5", b"99", b"1_000", b"",
)  # fmt: skip
_STAMPS = (
    b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00+23:59", b"2026-07-29T06:19:50+99:99", b"2026-07-29T06:19:50-99:99",
    b"0000-00-00T00:00:00Z", b"2026-02-30T25:61:61Z", b"+99:99", b"-9999", b"Feb 31 24:60:60", b"Jan 99 99:99:99",
    b"2026-07-29T06:19:50." + b"1" * 5000 + b"Z", "٢٠٢٦-٠٧-٢٩T٠٦:١٩:٥٠Z".encode(), b"1969-12-31T23:59:59Z",
)  # fmt: skip
_ODD = (
    b"\x00", b"\x1b[31m", b"\x1b]0;x\x07", b"\xff\xfe", b"\xed\xa0\x80", "\u202e".encode(), "\u2028".encode(), b"\r",
    b"\\", b'\\"', b"\\x0a", b"\\ud800", b"\\U0010ffff", b"#012", b'"', b"[", b"{", b"(", b" ", b"\t", b",", b"=",
    b"\n", b"\n\n", "\ufeff".encode(), "𝕏".encode(), b"\x85", b"\xc2\x85", b"<", b">", b"|", b"/", b":",
)  # fmt: skip
_UNITS = (b"a", b" ", b"0", b'"', b"\\", b"(", b"[", b"a ", b": ", b"a=", b"/", b".", b"<a>", b"[<")
_VALUES: tuple[object, ...] = (
    None, True, [], {}, "", [[]], {"a": {}}, [{}], 0, -1, 1 << 63, 1 << 64, 1e308, -0.5, "\ud800", "\x1b[31m", "x" * 99,
    [1, 2, 3], [256], ["x"], {"name": 5}, {"name": "x", "namespace": []}, "2026-07-29T06:19:50+99:99", "9" * 5000,
)  # fmt: skip
_RAW_VALUES = (
    b"9" * 5000, b"-" + b"9" * 400, b"1e999", b"NaN", b"Infinity", b"1" * 3000 + b".5", b"[" * 3000 + b"]" * 3000,
    b'{"a":' * 2000 + b"1" + b"}" * 2000, b"[" * 900 + b"]" * 900, b"[" * 60_000, b'"\\ud800"', b'"\\u0000\\n\\n"',
)  # fmt: skip


class Mutator:
    """Makes hostile inputs of given ones; the same seed makes the same inputs."""

    def __init__(self, seed: int | str, texts: Sequence[bytes]) -> None:
        self._chance = random.Random(seed)
        self._texts = texts
        self._ways: tuple[Callable[[bytes], bytes], ...] = (
            self._flip, self._cut, self._splice, self._repeat, self._replaced(_NUMBER, _NUMBERS),
            self._replaced(_STAMP, _STAMPS), self._insert, self._word_moved, self._json, self._json_raw, self._long,
        )  # fmt: skip

    def next(self) -> bytes:
        """Return one input: a text with one to four changes."""
        text = self._chance.choice(self._texts)
        for _ in range(self._chance.choice((0, 1, 1, 1, 2, 2, 3, 4))):
            text = self._chance.choice(self._ways)(text)[:LIMIT]
        return text

    def _place(self, text: bytes) -> int:
        return self._chance.randrange(len(text) + 1)

    def _flip(self, text: bytes) -> bytes:
        changed = bytearray(text)
        for _ in range(self._chance.choice((1, 1, 2, 8)) if changed else 0):
            changed[self._chance.randrange(len(changed))] = self._chance.randrange(256)
        return bytes(changed)

    def _cut(self, text: bytes) -> bytes:
        at = self._place(text)
        return text[:at] if self._chance.random() < 0.7 else text[at:]

    def _splice(self, text: bytes) -> bytes:
        other = self._chance.choice(self._texts)
        return text[: self._place(text)] + other[self._place(other) :]

    def _repeat(self, text: bytes) -> bytes:
        begin = self._place(text)
        part = text[begin : begin + self._chance.choice((1, 1, 2, 3, 5, 8, 20, 100))]
        most = max(1, (LIMIT - len(text)) // max(1, len(part)))
        # Few are as long as they may be: those are slow, and hold no more kinds of fault.
        count = self._chance.choice((2, 2, 3, 5, 10, 50, 100, 500, self._chance.randint(1, most)))
        return text[:begin] + part * min(count, most) + text[begin:]

    def _replaced(self, pattern: re.Pattern[bytes], values: Sequence[bytes]) -> Callable[[bytes], bytes]:
        def change(text: bytes) -> bytes:
            places = list(pattern.finditer(text[:8192]))
            if not places:
                return text
            found = self._chance.choice(places)
            return text[: found.start()] + self._chance.choice(values) + text[found.end() :]

        return change

    def _insert(self, text: bytes) -> bytes:
        at = self._place(text)
        return text[:at] + self._chance.choice(_ODD) * self._chance.choice((1, 1, 1, 2, 40)) + text[at:]

    def _word_moved(self, text: bytes) -> bytes:
        words = list(_WORD.finditer(text[:8192]))
        if len(words) < 2:
            return text
        one, two = self._chance.choice(words), self._chance.choice(words)
        return text[: one.start()] + two[0] + text[one.end() :]

    def _long(self, text: bytes) -> bytes:
        """Put a run of one or two characters somewhere: what makes an expression slow."""
        at, unit = (
            self._place(text),
            self._chance.choice((b"a", b" ", b"0", b'"', b"\\", b"(", b"[", b"a ", b": ", b"a=")),
        )
        return text[:at] + unit * self._chance.choice((300, 5000, 9000)) + text[at:]

    def _lines_with_json(self, text: bytes) -> tuple[list[bytes], list[int]]:
        lines = text.split(b"\n")
        return lines, [place for place, line in enumerate(lines) if line.lstrip()[:1] in {b"{", b"["}]

    def _json(self, text: bytes) -> bytes:
        """Replace a value in a JSON line, or in a text that is JSON as a whole, by one of another type."""
        lines, places = self._lines_with_json(text)
        if not places:
            return text
        place = self._chance.choice(places)
        for whole in (lines[place], text):
            try:
                loaded = json.loads(whole)
            except (ValueError, RecursionError):
                continue
            changed = json.dumps(self._changed(loaded)).encode()
            return b"\n".join((*lines[:place], changed, *lines[place + 1 :])) if whole is lines[place] else changed
        return text

    def _changed(self, value: object) -> object:
        if isinstance(value, dict) and value and self._chance.random() < 0.85:
            key = self._chance.choice(list(value))
            return {**value, key: self._changed(value[key])}
        if isinstance(value, list) and value and self._chance.random() < 0.7:
            at = self._chance.randrange(len(value))
            return [*value[:at], self._changed(value[at]), *value[at + 1 :]]
        return self._chance.choice(_VALUES)

    def _json_raw(self, text: bytes) -> bytes:
        """Put behind a colon what `json.dumps` would not write, or name a field a second time."""
        colons = [found.end() for found in re.finditer(rb'":\s*', text[:8192])]
        if not colons:
            return text
        at = self._chance.choice(colons)
        end = text.find(b",", at)
        end = len(text) if end < 0 else end
        return text[:at] + self._chance.choice(_RAW_VALUES) + text[end:]
