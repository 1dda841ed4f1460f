"""What mail, web pages, Markdown and terminals do to the lines of a log, undone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_TAG = re.compile(r"</?(?:pre|code|p|div|span|samp|tt|td|tr|li|font)(?: [^<>]*)?>", re.IGNORECASE)
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|nbsp|#39|#x27|#34);")
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "nbsp": " ", "#39": "'", "#x27": "'", "#34": '"'}
_ESCAPED = re.compile(r"\\([*_#>`~|\[\]<])")
_PAIR = re.compile(r"(?<=\d)_(?=\d+kB)")
_QUOTED = re.compile(r"=([0-9A-F]{2})")
_QUOTED_KEY = re.compile(r"[a-z_]=3D")
_CODE = re.compile(rb"=([0-9A-F]{2})")
_SOFT_BREAKS = re.compile(rb"(?<=[^\n]{59})=\r?\n")
_SOFT_BROKEN = re.compile(rb"^[^\n]{71,74}[^ \n]=\r?$", re.MULTILINE)
_LONGER = re.compile(rb"[^\r\n]{77}")
_SOFT_BREAK = range(60, 78)
"""Characters of a line that quoted-printable text breaks with ``=``: at most 76."""
RawLine = tuple[bytes, int, bool]
"""A line without its newline, its number, and whether it had none (torn)."""
_MIN_LENGTH, _MAX_LENGTH = 12, 80
"""Bytes of a line that is followed by its rest."""
_MIN_WIDTH = 64
"""Bytes of such a line with the first word of its rest: it was too long for one line."""
_MAX_JOINED = 4096
_MAX_WIDTH = 300
"""Columns of a terminal."""
_MIN_CUT = 2
"""Lines of just its width that show it."""
_MARKED_JSON = re.compile(rb"^>[> \x1e]*+[{\[](?:[\"{]|\r?$)", re.MULTILINE)
_MARKS = re.compile(rb"(?:> ?)+")
_MARKS_OF_LINES = re.compile(rb"^(?:> ?)+", re.MULTILINE)
_STAMPED = re.compile(
    rb"(?:[a-z]+\d? *:[a-z]+ *: |\S{1,64}[ :] ?)?(?:\[ *\+?\d{1,10}\.\d{3,9}\]|<\d{1,3}>|\d{4}-\d\d-\d\d[T ]\d\d:\d\d"
    rb"|\[?[A-Z][a-z]{2} ?[A-Z]?[a-z]{0,2} ?[ \d]\d \d\d:\d\d)"
)
_OWN_FORM = re.compile(rb"[IWEF]\d{4} \d\d:|time=\"|\{\"")
"""How kubelet and runtimes begin a line; behind a syslog daemon's program it is a rest."""
_NAMED = re.compile(rb"(?:[^\s\[]{1,64}:|\[\S{1,64}\] )[IWEF]\d{4} \d\d:")
"""A line of the kubelet behind the name of its file or pod."""
_PROGRAM = re.compile(rb".*(?:: ?| - -)$|\d{4}-\d\d-\d\dT\S+ \S+$")
_NO_REST = re.compile(
    rb"$| {2}|[\t#$*{}|]|[-=_~]{3,} *$|(?:[A-Z]+ )?[A-Z]+ {2,}[A-Z]+ {2}|On .*:$|.{0,24} (?:Normal|Warning) {2}"
)
"""A line that is no rest of another: empty, indented, a heading, a row of a table, an attribution."""
_AGE = rb"(?:\d++[smhdy])++(?: \(x\d+ over \S+\))?"
_ROW_WITHOUT_MESSAGE = re.compile(
    rb"[ >]*+(?:Warning|Normal) +[A-Z]\w+ +" + _AGE + rb" +[a-z][\w./-]*(?:, \S+)?$"
    rb"|[ >]*+(?:[^\s>]{1,300}+ ++)?" + _AGE + rb" +(?:Warning|Normal) +[A-Z]\w+(?: +[A-Za-z]+/\S+)?$"
    rb"|[ >]*+Type +Reason +Age +From$|[ >]*+---- +------ +---- +----$"
    rb"|[ >]*+(?:NAMESPACE ++)?LAST SEEN +TYPE +REASON(?: +OBJECT)?$"
)
"""A row of a table of events that a mail program broke before the last column, between any number of spaces."""
_ESCAPE = re.compile(rb"\\.")
_ROW = re.compile(rb"[ >]*+(?:(?:[^\s>]{1,300}+ ++)?" + _AGE + rb" +)?(?:Warning|Normal) +[A-Z]\w+(?= |\r?$)")
"""A row of a table of events: no line of the kernel is its rest."""
_BEGINS = re.compile(
    rb" |CPU: |Pid: |Mem-[Ii]nfo|(?!Not )[A-Z][a-z]+ |lowmem_reserve|\[|\d+ (?:total )?pages|active"
    rb"|(?:DMA|Normal|HighMem)|Workqueue|SL[AU]B: |Backtrace|\w+ invoked|oom"
)
"""The beginning of a kernel's line without a stamp."""


def without_markup(text: str) -> str:
    """Return a line without HTML tags and entities and without Markdown's escapes; ``<br>`` becomes a newline.

    Markdown takes the ``*`` of ``1*4kB 2*8kB`` for emphasis, and some sites store it as ``_``.
    """
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", text))
        text = text.removesuffix("\n")
    if "&" in text:
        text = _ENTITY.sub(lambda found: _ENTITIES[found[0][1:-1]], text)
    if "\\" in text:
        text = _ESCAPED.sub(r"\1", text)
    if "_4kB" in text or "_8kB" in text:
        text = _PAIR.sub("*", text)
    return text


def is_soft_broken(text: str, known: bool) -> bool:
    """Return whether quoted-printable text goes on in the next line; `known` says that the log is such text.

    A mail program may wrap a zone's blocks before their total: ``0*4096kB =``.
    """
    return text[-1:] == "=" and len(text) in _SOFT_BREAK and (known or not text.endswith(("kB =", ") =")))


def is_quoted_printable(text: str) -> bool:
    """Return whether a line has a quoted character of quoted-printable text that no log has."""
    return _QUOTED_KEY.search(text) is not None or " =3D " in text


def unquote_printable(text: str) -> str:
    """Return a line of quoted-printable text decoded."""
    data = _QUOTED.sub(lambda found: chr(int(found[1], 16)), text)
    try:
        return data.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return data


class WrapJoiner:
    """Takes the lines of one wrapped log in order; holds one that may go on in the next.

    `width` is that of the text if its lines have no stamps: only a line that its rest's first word would have made
    longer goes on then. None if they have stamps: a line without one continues the line before.
    `cut` says that a terminal of `width` columns cut the lines, also within words.
    """

    __slots__ = ("_cut", "_held", "_last", "_width")

    def __init__(self, width: int | None, cut: bool = False) -> None:
        self._held: RawLine | None = None
        self._last = 0
        """Bytes of the line that was joined last."""
        self._width = width
        self._cut = cut

    @classmethod
    def of(cls, head: bytes) -> WrapJoiner | None:
        """Return one for a log that begins so, None if it is not wrapped."""
        if b"\xc2\xa0" in head:  # From a web page, whose lines are whole.
            return None
        whole = [line.rstrip(b"\r") for line in head.split(b"\n")[:-1]]
        lines = [_unquoted(line) for line in whole]
        width = max(map(len, whole), default=0)
        going_on = [
            len(line)
            for line, rest in zip(whole, lines[1:], strict=False)
            if len(line) >= _MIN_WIDTH and line[-1:] != b"=" and not _begins(rest)
        ]
        cut = going_on.count(width)
        stamped = [line for line, text in zip(whole, lines, strict=True) if _is_stamped(text)]
        least = 1 if stamped and width > _MAX_LENGTH else _MIN_CUT  # Mail has no line as long.
        if width <= _MAX_WIDTH and cut >= least and 4 * cut >= 3 * len(going_on):
            return cls(width, True)
        if any(map(_has_words, stamped or whole)):
            return None
        # A word that is longer than the width is a line by itself.
        width = max((len(line) for line in whole if len(line) <= _MAX_LENGTH and b" " in line.strip()), default=0)
        if width < _MIN_WIDTH and not any(map(_ROW_WITHOUT_MESSAGE.match, whole)):
            return None
        return cls(None if stamped else width)

    @property
    def busy(self) -> bool:
        """Whether a line is held."""
        return self._held is not None

    def feed(self, line: bytes, number: int, torn: bool) -> tuple[RawLine, ...]:
        """Return the lines that a line completes."""
        held, self._held = self._held, None
        length = len(line.rstrip(b"\r"))
        if held is not None and (rest := self._rest(held[0], line)) is not None:
            cut = self._cut or self._last == _MAX_LENGTH  # Mail has shorter lines, terminals often just these.
            space = b"  " if _ROW_WITHOUT_MESSAGE.match(held[0].rstrip(b"\r")) else b" "
            joined = held[0].rstrip(b"\r") + rest if cut else held[0].rstrip(b" \r") + space + rest.lstrip(b" ")
            taken = (joined, held[1], torn)
        elif held is not None:
            return held, *self.feed(line, number, torn)
        else:
            taken = (line, number, torn)
        self._last = length
        if torn or not self._may_go_on(line, length, held is None):
            return (taken,)
        self._held = taken
        return ()

    def _may_go_on(self, line: bytes, length: int, is_first: bool) -> bool:
        if self._cut:
            return length == self._width
        if (length < _MIN_LENGTH and is_first) or (
            length > _MAX_LENGTH and (is_first or _has_words(_unquoted(line), 0))
        ):
            return False
        if line.endswith((b"=", b"=\r")) and not line.endswith((b" =", b" =\r")):
            return False  # Quoted-printable text is joined without a space.
        return not is_first or self._width is not None or _is_stamped(_unquoted(line))

    def finish(self) -> tuple[RawLine, ...]:
        """Return what is held, at the end of the log."""
        held, self._held = self._held, None
        return () if held is None else (held,)

    def _rest(self, held: bytes, line: bytes) -> bytes | None:
        """Return the text of a line that continues the one held, None if it is another line."""
        text = _unquoted(line)
        if len(held) > _MAX_JOINED:
            return None
        if self._cut:
            return None if _is_stamped(text) or not text else text
        if _ROW_WITHOUT_MESSAGE.match(held.rstrip(b"\r")):
            return text if text.startswith(b"---") or not (_NO_REST.match(text) or _ROW.match(text)) else None
        word = text.partition(b" ")[0]
        is_open = _is_open(held.rstrip(b" \r")) or _ROW.match(held) is not None
        if self._last + 1 + len(word) <= (_MIN_WIDTH if is_open or self._width is None else self._width):
            return None
        if len(line) > _MAX_LENGTH and _has_words(line):
            return None  # It would have been wrapped, too.
        if _OWN_FORM.match(text) and _PROGRAM.match(held):
            return text
        bare = self._width is not None and not is_open
        return None if _begins(text, bare) else text


def _begins(text: bytes, bare: bool = True) -> bool:
    """Return whether a line is no rest of the line before; `bare` if its log has no stamps."""
    return bool(_NO_REST.match(text) or _ROW.match(text) or _is_stamped(text) or (bare and _BEGINS.match(text)))


def _is_stamped(text: bytes) -> bool:
    return bool(_STAMPED.match(text) or _OWN_FORM.match(text) or _NAMED.match(text))


def _is_open(held: bytes) -> bool:
    """Return whether a line ends inside a quoted text, or before a value."""
    return held.endswith(b" =") or _ESCAPE.sub(b"", held).count(b'"') % 2 == 1


def _has_words(line: bytes, behind: int = _MAX_LENGTH) -> bool:
    """Return whether a line has a space where a mail program would have wrapped it."""
    return b" " in line[behind:].strip()


def without_marks(text: bytes) -> bytes:
    """Return lines without the marks of a mail's quote."""
    return _MARKS_OF_LINES.sub(b"", text)


def _unquoted(line: bytes) -> bytes:
    """Return a line without the marks of a mail's quote."""
    return line[quote.end() :] if line[:1] == b">" and (quote := _MARKS.match(line)) else line


class MailJoiner:
    """Takes the lines of a log that a mail has in quoted-printable text (`soft`) or quotes as an answer (`marked`).

    It returns them whole and decoded, without the answer's marks, each with its last number.
    """

    __slots__ = ("_held", "_marked", "_number", "_soft", "_wraps")

    def __init__(self, head: bytes, soft: bool, marked: bool) -> None:
        self._held = b""
        self._number = 0
        self._soft, self._marked = soft, marked
        lines = (_SOFT_BREAKS.sub(b"", head) if soft else head).split(b"\n")
        self._wraps = WrapJoiner.of(b"\n".join(map(self._bare, lines)))

    def _bare(self, line: bytes) -> bytes:
        line = _decoded(line) if self._soft else line
        return _unquoted(line) if self._marked else line

    @property
    def busy(self) -> bool:
        """Whether a line is held."""
        return bool(self._held) or (self._wraps is not None and self._wraps.busy)

    def feed(self, line: bytes, number: int, torn: bool) -> tuple[RawLine, ...]:
        """Return the lines that a line completes."""
        line, self._number = line.rstrip(b"\r"), number
        if self._soft and not torn and _is_soft(line) and len(self._held) < _MAX_JOINED:
            self._held += line[:-1]
            return ()
        whole, self._held = self._bare(self._held + line), b""
        return ((whole, number, torn),) if self._wraps is None else self._wraps.feed(whole, number, torn)

    def finish(self) -> tuple[RawLine, ...]:
        """Return what is held, at the end of the log."""
        rest = self.feed(b"", self._number, True) if self._held else ()
        return rest if self._wraps is None else (*rest, *self._wraps.finish())


def joiner_of(head: bytes) -> WrapJoiner | MailJoiner | None:
    """Return the joiner of the lines that mail made of one, for a log that begins so; None if its lines are whole."""
    soft, marked = begins_quoted(head), _MARKED_JSON.search(head) is not None and _is_marked(head)
    return MailJoiner(head, soft, marked) if soft or marked else WrapJoiner.of(head)


def _is_marked(head: bytes) -> bool:
    """Return whether a mail quotes most lines."""
    lines = [line for line in head.split(b"\n") if line.strip()]
    return 2 * sum(line[:1] == b">" for line in lines) > len(lines)


def _is_soft(line: bytes) -> bool:
    return line[-1:] == b"=" and len(line) <= _SOFT_BREAK[-1]


def begins_quoted(head: bytes) -> bool:
    """Return whether the beginning of a log is quoted-printable text."""
    if b"=\n" not in head and b"=\r\n" not in head:
        return False
    if _SOFT_BROKEN.search(head) and _LONGER.search(head) is None:
        return True
    return b"=3D" in head and _SOFT_BREAKS.search(head) is not None and is_quoted_printable(head.decode("latin-1"))


def decoded_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of quoted-printable text decoded, with their newlines."""
    soft = b""
    for line in lines:
        bare = line.rstrip(b"\r\n")
        if _is_soft(bare) and len(soft) < _MAX_JOINED:
            soft += bare[:-1]
        else:
            yield _decoded(soft + line)
            soft = b""
    yield _decoded(soft)


def _decoded(line: bytes) -> bytes:
    return _CODE.sub(lambda found: bytes((int(found[1], 16),)), line)
