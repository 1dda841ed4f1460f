"""The phrases that fragtui does not use, and what it uses instead.

`BANNED` is for all that a user reads: screen, verbs, help, man page, metrics, README. `BANNED_IN_PROSE` is for
docstrings and comments. `.github/CONTRIBUTING.md` has the terms that are used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrase:
    """A pattern that matches no text of fragtui, and the plain words for it."""

    pattern: re.Pattern[str]
    instead: str


def _phrases(table: dict[str, str]) -> tuple[Phrase, ...]:
    return tuple(
        Phrase(re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), instead) for pattern, instead in table.items()
    )


_ARCHAIC = {
    r"(?:can(?:'t|not)?|could(?: not|n't)?|to|not|may|might|be) be had|be had": "available, free; not available",
    r"stands? free|stood free": "is free, are free",
    r"hangs? on (?:it|that|this|them|refused)|hung on|hangs on": "is blocked by, is linked to",
    r"told by": "reported by",
    r"on record": "recorded, logged; remedies that ran",
    r"at the price(?: of)?": "cost; at the cost of",
    r"anew": "again",
    r"whoever|whosoever|whatsoever": "a process that, anyone who; whatever",
    r"nobody knows|nobody can (?:say|tell)|can't be told|cannot be told": "unknown: reason",
    r"under way": "running",
    r"barred|bars (?:it|them)": "disabled, unavailable because, reserved",
    r"at rest": "idle",
    r"thereof|therein|thereby|wherein|whereof|hitherto|henceforth|hence": "plain words",
    r"another illness|an illness|illness": "a different problem",
    # --heal is an option and "healed", alone, a result of gate.
    r"(?<!--)heals?|(?<!^)healed|healed(?!$)|healing": "fixes, recovers",
    r"looks? what is left|looks? what remains": "checks again later",
    r"lies? together|lay together": "is adjacent, is contiguous",
    r"was refused all the same|all the same": "still failed",
}
_FOR_READERS = {
    r"held back": "reserved by the kernel; waiting (guard)",
    r"foreign": "by another tool",
    r"(?:a )?faults? of (?:its|their) own": "an internal error",
    r"(?:not|isn't|aren't|nothing) there": "does not exist, no such file or directory",
    r"says? so|said so": "prints the reason, reports it",
    r"refused to (?!connect|start|run)": "denied",
    r"nothing can be said": "can't judge: reason",
    r"by itself that proves nothing|proves nothing": "not proof of a memory problem",
    r"in words": "as text",
    r"has no word|the log does not say why": "no cause in the log",
    r"somebody else|someone unknown": "another tool, another user",
    r"what it breaks": "what fails because of it",
    r"for strangers": "to share outside",
    r"made ready|makes ready": "prepared",
    r"built anew|made anew": "rebuilt",
    r"those who|he who|who restarts": "processes that; a supervisor",
    r"goes as a rule": "is usually freed",
    r"which flatters": "so this is optimistic",
    r"with the bars recovering": "watch the bars recover",
    r"leaves it alone": "does not read it",
    r"in no zone yet": "not initialised yet",
    r"outcome unknown": "did not report back",
    r"what it should bring|what it brought|what it costs here": "expected result; result; cost on this node",
    r"known of it|nothing stands out|by nobody": "history; no setting stands out; no source",
    r"of a sudden|as it were|so to speak": "plain words",
}
BANNED = _phrases(_ARCHAIC | _FOR_READERS)
BANNED_IN_PROSE = _phrases(
    _ARCHAIC
    | {
        r"tells? whether|says? whether": "return whether",
        r"has to be told|is told|are told|was told|were told": "is reported, is sent",
        r"told (?:of|in|from|to|apart|about)": "reported, sent, distinguished",
        r"takes? .{0,20} for nothing": "assumes an empty",
        r"for want of|lest|unto|save for|ere": "without, so that not, except",
        r"illnesses|remedied": "problems, fixed",
        r"reckon\w*": "compute, count",
        r"surest": "the most certain",
        r"news before|news since": "the previous update",
    }
)
