"""The page and the JSON of ``fragtui doctor``: every source, what it proved or why it can't be read, what to do."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from fragtui.model.node.source_state import AS_ROOT, Sight, SourceState
from fragtui.render.source_text import pods_sight, remedy_words, unseen

SCHEMA = 1
"""Version of the JSON."""
_NAME_WIDTH = 13
_MAX_WIDTH = 80
_MARKS = {Sight.LOOKED: "✓", Sight.BLIND: "?", Sight.NOTHING: "–", Sight.PENDING: "?"}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What doctor found out."""

    node: str | None
    release: str | None
    root: str
    uid: int
    command: str | None
    """The command line of this program, quoted for a shell; None if sudo would not help."""
    files: tuple[SourceState, ...]
    log: SourceState
    pods: tuple[SourceState, ...]
    writes: tuple[SourceState, ...]
    """What a remedy needs to write."""
    terminal: tuple[tuple[str, str], ...]
    """Facts of the terminal: name and text."""

    @property
    def sources(self) -> tuple[SourceState, ...]:
        """Every source."""
        return (*self.files, self.log, *self.pods, *self.writes)

    @property
    def missing(self) -> tuple[SourceState, ...]:
        """The sources that could not be looked at; not those that the user switched off."""
        return tuple(
            source for source in self.sources if source.sight in (Sight.BLIND, Sight.PENDING) and source.state != "off"
        )

    @property
    def status(self) -> int:
        """The exit status: 0 nothing is missing, 1 something is, 3 buddyinfo can't be read."""
        if any(source.name == "buddyinfo" for source in self.missing):
            return 3
        return 1 if self.missing else 0


def doctor_lines(found: Diagnosis, width: int) -> list[str]:
    """Return the page in at most 80 columns; only a command to copy is never broken."""
    width = max(40, min(width, _MAX_WIDTH))
    about = f"{found.node or 'unnamed node'}, kernel {found.release or 'unknown'}, {_user(found.uid)}"
    lines = _wrapped(about if found.root == "/" else f"{about}, --root {found.root}", width)
    for title, sources in (
        ("Memory", found.files),
        ("Denied requests", (found.log,)),
        ("Stuck pods", found.pods),
        ("Remedies", found.writes),
    ):
        lines += ["", title]
        for source in sources:
            mark = _MARKS[Sight.NOTHING if source.state == "off" else source.sight]
            word = "unavailable" if sources is found.writes else source.sight.value
            lines += _source(source, mark, word, width, found.command)
    lines += ["", "Terminal"]
    for name, text in found.terminal:
        lines += _wrapped(text, width, f"  {name:<{_NAME_WIDTH}} ")
    return [*lines, "", *_wrapped(_summary(found), width)]


def doctor_json(found: Diagnosis) -> dict[str, object]:
    """Return the fields of the JSON object; what is unknown is None."""
    return {
        "schema": SCHEMA,
        "node": found.node,
        "kernel": found.release,
        "root": found.root,
        "uid": found.uid,
        "status": found.status,
        "sources": [
            {
                "name": source.name,
                "sight": source.sight.value,
                "state": source.state,
                "proof": source.proof or None,
                "reason": source.cannot_tell or None,
                "remedy": remedy_words(source.remedy, found.command) or None,
            }
            for source in found.sources
        ],
        "stuck_pods": pods_sight(found.pods).value,
        "unseen": [each.what for each in unseen(found.log, found.pods)],
        "terminal": dict(found.terminal),
    }


def _source(source: SourceState, mark: str, word: str, width: int, command: str | None) -> list[str]:
    """Return the lines of one source; `word` says what it is if it was not looked at."""
    lead = f"{mark} {source.name:<{_NAME_WIDTH}} "
    if source.sight is Sight.LOOKED:
        lines = _wrapped(source.proof or "looked", width, lead)
        # Of the kernel log it is why a better source can't be read.
        lack = "note: " if source.name == "kernel log" else "can't show "
        shows_not = f"{lack}{source.cannot_tell}" if source.cannot_tell else ""
        return lines + (_wrapped(shows_not, width, " " * len(lead)) if shows_not else [])
    why = source.cannot_tell or source.state
    lines = _wrapped(why if source.state == "off" else f"{word}: {why}", width, lead)
    if step := remedy_words(source.remedy, command):
        # A command is copied: it stays in one line.
        lines += [" " * len(lead) + step] if source.remedy == AS_ROOT else _wrapped(step, width, " " * len(lead))
    return lines


def _wrapped(text: str, width: int, lead: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False
    ) or [lead.rstrip()]


def _user(uid: int) -> str:
    return "as root" if uid == 0 else f"as uid {uid}, not root"


def _summary(found: Diagnosis) -> str:
    if not found.missing:
        return "Nothing is missing."
    names = ", ".join(source.name for source in found.missing)
    unknown = [each.what for each in unseen(found.log, found.pods)]
    if any(source.name == "buddyinfo" for source in found.missing):
        unknown.insert(0, "the state of the memory")
    if not unknown:
        return f"Missing: {names}."
    *others, last = unknown
    return f"Missing: {names}. Unknown therefore: {', '.join(others)}{' and ' if others else ''}{last}."
