"""Names taken out of a text: the same name becomes the same token wherever it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_EDGE = "A-Za-z0-9"


@dataclass(frozen=True, slots=True)
class Redaction:
    """What to put in the place of which name; one of nothing leaves texts as they are."""

    tokens: dict[str, str] = field(default_factory=dict)
    _pattern: re.Pattern[str] | None = None

    def text(self, text: str) -> str:
        """Return the text with every known name replaced, also inside longer words that it is set off in."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self.tokens[found[0]], text)

    def name(self, name: str | None) -> str | None:
        """Return the token of a name."""
        return self.tokens.get(name, name) if name is not None else None


def redaction_of(
    hosts: Iterable[str | None], namespaces: Iterable[str | None], pods: Iterable[tuple[str | None, str | None]]
) -> Redaction:
    """Return the redaction of these names, numbered in their order; pods are names with uids.

    A host's short name is the host too. A name that stands for two things gets the first one's token.
    """
    tokens: dict[str, str] = {}
    for name in _known(hosts):
        short = name.split(".")[0]
        token = tokens.get(short) or f"host-{len(set(tokens.values())) + 1}"
        tokens.setdefault(name, token)
        tokens.setdefault(short, token)
    for number, name in enumerate(_known(namespaces), 1):
        tokens.setdefault(name, f"namespace-{number}")
    seen: dict[str, str] = {}
    for pod, uid in pods:
        key = pod or uid
        if not key:
            continue
        token = seen.setdefault(key, f"pod-{len(seen) + 1}")
        if pod:
            tokens.setdefault(pod, token)
        if uid:
            tokens.setdefault(uid, f"{token}-uid")
            tokens.setdefault(uid.replace("-", "_"), f"{token}-uid")
    if not tokens:
        return Redaction()
    longest_first = sorted(tokens, key=len, reverse=True)
    words = "|".join(map(re.escape, longest_first))
    return Redaction(tokens, re.compile(rf"(?<![{_EDGE}])(?:{words})(?![{_EDGE}])"))


def _known(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))
