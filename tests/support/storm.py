"""Random keys, bursts, pastes, mouse events and sizes for the installed command, and the writes that they requested.

A storm is made from a seed alone, so that one which failed can be sent again. Every piece is written at once, as a
terminal writes it; what is asked for deliberately (one key, a look at the dialog, one key) is part of it, so that a
screen that no longer runs anything is found too.
"""

from __future__ import annotations

import fcntl
import os
import random
import select
import signal
import struct
import termios
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.terminal import Terminal

ALONE = 0.15
"""Seconds without another key before and after one that opens or confirms a remedy."""
AFTER_PASTE = 1.0
"""Seconds after a paste in which no key opens or confirms a remedy."""
QUIET = 12.0
"""Seconds of its processor time, after a batch, within which all its threads must have gone to sleep at once: a loop
that never yields does not."""
LONGEST = 90.0
"""The same in seconds of the clock, and those within which another size must be drawn: a machine may be busy."""

BEGIN, END = b"\x1b[200~", b"\x1b[201~"
_LETTERS = [bytes([code]) for code in range(0x20, 0x7F) if code != ord("q")]
_NAMED = [
    *(b"\r", b"\t", b"\x7f", b"\x1b", b"\x1b[Z", b"\x10", b"\x01", b"\x05", b"\x03", b"\x16", b"\x18"),
    *(b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D", b"\x1b[5~", b"\x1b[6~", b"\x1b[H", b"\x1b[F", b"\x1b[3~"),
    *(b"\x1b[1;2C", b"\x1b[1;2D", b"\x1b[1;5F", b"\x1b[1;5H", b"\x1bOP", b"\x1b[15~", b"\x1b[I", b"\x1b[O"),
    *("é".encode(), "漢".encode(), "🙂".encode()),
]
_OFTEN = [b"\r", b"\x1b", b"\x10", b"y", b"c", b"3", b"l", b"A", b"?", b"/", b"H", b"r", b"N", b"\t", b"s", b"z",
          b"g", b"G", b"M"]  # fmt: skip
_NASTY = [
    *((b"/", b"\r", b"\r"), (b"\x10", b"\r", b"\r", b"\r"), (b"c", b"\r", b"\x1b[I", b"\x1b"), (b"c", b"y")),
    *((b"\x10", b"\x1b[6~"), (b"\x10", b"\x1b"), (b"?", b"q"), (b"?", b"\x1b[6~"), (b"c", b"\x1b[6~"), (b"c", b"s")),
    *((b"H", b"H", b"c", b"y"), (b"/", b"\x1b", b"\x1b"), (b"3", b"\t", b"\r", b"\r"), (b"A", b"y"), (b"l", b"y")),
    *((b"\x10", b"c", b"o", b"m", b"p", b"\r", b"\r", b"\r"), (b"c", b"n", b"q", b"\x1b"), (b"\r", b"\x1b", b"\x1b")),
]
_RARE = [b"q", b"w", b"t"]
"""Keys that end it, that save a file, or that cost seconds."""
OPENING = {b"1": "drop-caches-1", b"2": "drop-caches-2", b"3": "drop-caches-3", b"c": "compact", b"N": "compact-node",
           b"K": "nudge-kcompactd", b"l": "", b"A": ""}  # fmt: skip
"""What each key opens; "" for what runs several remedies."""
_BY_HAND = [b"1", b"2", b"3", b"c", b"N", b"K", b"l", b"A"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that are written at once, the keys, clicks and pastes in them, and the pause after them in seconds."""

    data: bytes
    tokens: tuple[bytes, ...]
    pause: float = 0.0
    size: tuple[int, int] | None = None
    """A new size of the terminal in place of bytes: columns, rows."""
    calm: bool = False
    """Whether the application must have gone to sleep before it is sent."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A piece and the wall clock when it was sent."""

    piece: Piece
    time: float


def storm(seed: int, events: int, *, remedies: bool) -> Iterator[Piece]:
    """Yield pieces with so many events; with `remedies`, some of them deliberate pairs of keys."""
    rng = random.Random(seed)
    left = events
    since = 0
    while left > 0:
        pieces = _pieces(rng)
        yield from pieces
        count = sum(max(1, len(piece.tokens)) for piece in pieces)
        left -= count
        since += count
        if remedies and since > 500:
            since = 0
            yield from _deliberate(rng)


def _pieces(rng: random.Random) -> list[Piece]:
    kind = rng.random()
    pause = rng.choice((0.0, 0.0, 0.0, 0.001, 0.005, 0.01, 0.03))
    if kind < 0.25:
        return [_keys([_key(rng)], pause)]
    if kind < 0.55:
        return [_keys([_key(rng) for _ in range(rng.randint(2, 60))], pause)]
    if kind < 0.70:
        return [_keys(rng.choice(_NASTY), pause)]
    if kind < 0.80:
        return _paste(rng)
    if kind < 0.96:
        return [_mouse(rng, pause)]
    if kind < 0.98:
        size = (
            (rng.randint(1, 200), rng.randint(1, 60))
            if rng.random() < 0.5
            else rng.choice(((120, 40), (80, 24), (80, 24)))
        )
        return [Piece(b"", (), pause, size)]
    garbage = rng.randbytes(rng.randint(1, 12)).replace(b"q", b"?").replace(b"\x1b[20", b"\x1b[9")
    return [Piece(garbage, (b"garbage",) * 2, pause)]


def _keys(keys: Sequence[bytes], pause: float) -> Piece:
    return Piece(b"".join(keys), tuple(keys), pause)


def _key(rng: random.Random) -> bytes:
    kind = rng.random()
    if kind < 0.002:
        return rng.choice(_RARE)
    usual = [key for key in _LETTERS if key not in _RARE]
    return rng.choice(_OFTEN if kind < 0.4 else _NAMED if kind < 0.65 else usual)


def _paste(rng: random.Random) -> list[Piece]:
    """Return a paste with markers, whole or in two pieces, or one without markers, as old terminals send it."""
    words = [_key(rng) for _ in range(rng.randint(1, 40))]
    words += [rng.choice((b"\x1b[31my", b"\x1b[0m", b"\x1b[31mc\x1b[0m", b"\r\n", b"\x1b]0;c\x07y", b"\x1b[99;5y"))]
    rng.shuffle(words)
    text = b"".join(words).replace(b"q", b"o")
    if rng.random() < 0.2:
        return [Piece(text, tuple(words), 0.0)]
    whole = BEGIN + text + END
    paste = (b"paste",)
    if rng.random() < 0.4:
        return [Piece(whole, paste)]
    cut = rng.randint(1, len(whole) - 1)
    return [Piece(whole[:cut], paste, rng.choice((0.0, 0.01, 0.12, 0.3))), Piece(whole[cut:], paste)]


def _mouse(rng: random.Random, pause: float) -> Piece:
    """Return a click, a drag, moves or turns of the wheel."""

    def at(button: int, end: str = "M") -> bytes:
        return f"\x1b[<{button};{rng.randint(1, 130)};{rng.randint(1, 45)}{end}".encode()

    kind = rng.random()
    if kind < 0.3:
        place = f"{rng.randint(1, 120)};{rng.choice((rng.randint(1, 40), 40, 24))}"
        data = [f"\x1b[<0;{place}M".encode(), f"\x1b[<0;{place}m".encode()] * rng.choice((1, 1, 2, 3))
    elif kind < 0.6:
        data = [at(0), *(at(32) for _ in range(rng.randint(1, 25))), at(0, "m")]
    elif kind < 0.8:
        data = [at(35) for _ in range(rng.randint(1, 25))]
    else:
        data = [at(rng.choice((64, 65))) for _ in range(rng.randint(1, 25))]
    return Piece(b"".join(data), (b"mouse",) * len(data), pause)


def _deliberate(rng: random.Random) -> Iterator[Piece]:
    """Yield what a person does: back to the main screen, one key, a look at the dialog, `y`; or the storm in it."""
    yield Piece(b"", (), AFTER_PASTE + 0.2, (80, 24))
    yield _keys([b"\x1b"] * 8, 0.5)
    yield Piece(b"", (), 0.3, (81, 24), calm=True)
    yield _keys([rng.choice(_BY_HAND)], 1.0)
    yield Piece(b"", (), 0.3, (80, 24), calm=True)
    if rng.random() < 0.5:
        yield _keys([b"y"], 0.5)
    else:
        for _ in range(rng.randint(1, 4)):
            yield from _pieces(rng)


class Deaf(AssertionError):
    """The application spins, or draws nothing."""


class Storm:
    """Sends pieces to the application in a terminal and watches that it stays awake."""

    def __init__(self, term: Terminal) -> None:
        self.sent: list[Sent] = []
        self.events = 0
        self._term = term
        self._last = b""

    @property
    def over(self) -> bool:
        """Whether the application has ended."""
        if self._term.status is None:
            pid, status = os.waitpid(self._term.pid, os.WNOHANG)
            if pid:
                self._term.status = os.waitstatus_to_exitcode(status)
        return self._term.status is not None

    @property
    def tail(self) -> str:
        """The last of what it wrote, for a failure's message."""
        return self._last.decode(errors="replace")

    @property
    def cpu(self) -> float:
        """Seconds of processor time that it has used; 0 once it has ended."""
        try:
            fields = Path(f"/proc/{self._term.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def send(self, pieces: Iterable[Piece]) -> None:
        """Send them all, or until the application ends."""
        batch = 0
        for piece in pieces:
            if self.over:
                return
            if piece.calm or batch >= 400:
                batch = 0
                self.calm()
                self._redraws()
            batch += max(1, len(piece.tokens))
            self.events += max(1, len(piece.tokens))
            self.sent.append(Sent(piece, time.time()))
            if piece.size is not None:
                self._resize(*piece.size)
            self._write(piece.data)
            self.take(piece.pause)
        if not self.over:
            self.calm()
            self._redraws()

    def take(self, seconds: float = 0.0) -> int:
        """Take what it writes for so long; return how many bytes that were."""
        end, count = time.monotonic() + seconds, 0
        while True:
            left = max(0.0, end - time.monotonic())
            if not select.select([self._term.fd], [], [], left)[0]:
                return count
            try:
                data = os.read(self._term.fd, 65_536)
            except OSError:
                data = b""
            if not data:
                time.sleep(left)
                return count
            count += len(data)
            self._last = (self._last + data)[-8_000:]

    def calm(self) -> None:
        """Wait until all its threads sleep; raise Deaf if they never do."""
        end, asleep, used = time.monotonic() + LONGEST, 0, self.cpu
        while asleep < 3 and not self.over:
            self.take(0.005)
            states = self._states()
            if "T" in states:  # ctrl+z
                os.kill(self._term.pid, signal.SIGCONT)
            asleep = asleep + 1 if set(states) <= {"S"} else 0
            if time.monotonic() > end or self.cpu - used > QUIET:
                raise Deaf(f"not asleep after {self.cpu - used} s of processor time: {states}\n{self.tail}")

    def _redraws(self) -> None:
        """Check that another size is drawn."""
        for size in ((81, 24), (80, 24)):
            if self.over:
                return
            self.take()
            self._resize(*size)
            end = time.monotonic() + LONGEST
            while not self.take(0.02) and not self.over:
                if time.monotonic() > end:
                    raise Deaf(f"a new size is not drawn within {LONGEST} s\n{self.tail}")

    def _states(self) -> str:
        try:
            tasks = list(Path(f"/proc/{self._term.pid}/task").iterdir())
            return "".join(task.joinpath("stat").read_text().rpartition(")")[2].split()[0] for task in tasks)
        except OSError:  # A thread ended meanwhile.
            return "?"

    def _resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._term.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _write(self, data: bytes) -> None:
        end = time.monotonic() + LONGEST
        while data and not self.over:
            if select.select([], [self._term.fd], [], 0.05)[1]:
                try:
                    data = data[os.write(self._term.fd, data) :]
                except OSError:
                    return
            self.take()
            if time.monotonic() > end:
                raise Deaf(f"it reads nothing for {LONGEST} s\n{self.tail}")


def unasked(sent: Sequence[Sent], intents: Sequence[tuple[float, str, str]]) -> list[str]:
    """Return the intents (time, remedy, by whom) that no lone, deliberate pair of keys asked for.

    A key is alone if nothing else was typed, clicked or pasted 150 ms before and after it and nothing was pasted in
    the second before it. A pair opens a dialog with a key of the remedy (or with Enter, from the palette), and answers
    with `y` or Enter, at least 400 ms later; whatever comes between them must not have left the dialog.
    """
    lone = _lone(sent)
    pairs = [
        (opened.time, answered.time, opened.piece.tokens[0])
        for index, opened in enumerate(lone)
        if opened.piece.tokens[0] in (*OPENING, b"\r")
        for answered in lone[index + 1 : index + 4]
        if answered.piece.tokens[0] in (b"y", b"\r") and answered.time - opened.time >= 0.4
    ]
    return [
        f"{remedy} by {by} at {when:.3f}"
        for when, remedy, by in intents
        if not any(_asks(pair, when, remedy, by) for pair in pairs)
    ]


def _lone(sent: Sequence[Sent]) -> list[Sent]:
    typed = [one for one in sent if one.piece.tokens]
    pasted = [one.time for one in typed if b"paste" in one.piece.tokens]
    found = []
    for index, one in enumerate(typed):
        near = [*typed[max(0, index - 1) : index], *typed[index + 1 : index + 2]]
        alone = len(one.piece.tokens) == 1 and all(abs(one.time - other.time) >= ALONE for other in near)
        if alone and not any(0 <= one.time - when < AFTER_PASTE for when in pasted):
            found.append(one)
    return found


def _asks(pair: tuple[float, float, bytes], when: float, remedy: str, by: str) -> bool:
    _, answered, key = pair
    if by == "guard":
        return key in (b"A", b"\r") and answered <= when
    wanted, longest = (OPENING.get(key, ""), 60.0 if key == b"l" else 10.0)
    return answered <= when <= answered + longest and remedy.removeprefix("sync-").startswith(wanted)
