"""What mail, web pages and Markdown do to a line of a log, undone."""

from __future__ import annotations

import re

_TAG = re.compile(r"</?(?:pre|code|p|div|span|samp|tt|td|tr|li|font)(?: [^<>]*)?>", re.IGNORECASE)
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|nbsp|#39|#x27|#34);")
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "nbsp": " ", "#39": "'", "#x27": "'", "#34": '"'}
_ESCAPED = re.compile(r"\\([*_#>`~|\[\]<])")
_PAIR = re.compile(r"(?<=\d)_(?=\d+kB)")
_QUOTED = re.compile(r"=([0-9A-F]{2})")
_QUOTED_KEY = re.compile(r"[a-z_]=3D")
_SOFT_BREAK = range(60, 78)
"""Characters of a line that quoted-printable text breaks with ``=``: at most 76."""


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
