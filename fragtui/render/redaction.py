"""Redaction of a text: a name becomes the same token wherever it occurs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_EDGE = "A-Za-z0-9"
_KNOWN_TO_ALL = frozenset(("default", "kube-system", "kube-public", "kube-node-lease", "localhost"))
"""Names that every cluster has: they identify no one, and some are common words."""
_UUID = r"[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}"
_DNS = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
_NAMED = (
    # The kubelet's long spelling, as a log directory too; klog's pod="ns/name"; docker's k8s_CONTAINER_POD_NS_UID_N.
    re.compile(rf"(?<![{_EDGE}.-])(?P<pod>{_DNS})_(?P<space>[a-z0-9-]+)\((?:{_UUID}|[0-9a-f]{{32}})?\)"),
    re.compile(rf'\bpod="?(?P<space>[a-z0-9-]+)/(?P<pod>{_DNS})'),
    re.compile(rf"\bk8s_[A-Za-z0-9.-]+_(?P<pod>{_DNS})_(?P<space>[a-z0-9-]+)_"),
    re.compile(rf"/pods/(?P<space>[a-z0-9-]+)_(?P<pod>{_DNS})_(?:{_UUID}|[0-9a-f]{{32}})"),
    re.compile(rf'\bnamespace[=: ]+\\?"?(?P<space>{_DNS})\\?"'),
    re.compile(rf'\b(?:pod|sandbox for|for pod)[=: ]+\\?"(?P<pod>{_DNS})\\?"'),
    re.compile(rf'\b(?:node|host)(?:name)?[=: ]+\\?"(?P<host>{_DNS})\\?"'),
)
"""Forms in which a text names a pod, a namespace or a node that no source has reported."""
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_GROUP = r"[0-9a-f]{1,4}"
_NO_HOST = (
    "go|so|ko|conf|cfg|log|json|sock|gz|xz|yml|yaml|pid|slice|service|scope|mount|socket|task|py|sh|c|h|prom|tar|"
    "cold|isra|part|constprop"
)
"""Last words of files, units and symbols, which look like hosts."""
_OWN_UNITS = "kubepods|kubelet|containerd|cri|crio|docker|k3s|rke2|libpod|machine|system|systemd|user|session|init|snap"
"""First words of units that every node has, or that the container runtimes make."""
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("mail", re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++")),
    (
        "image",
        re.compile(
            rf"(?<![{_EDGE}./-])(?:[a-z0-9-]++\.)++[a-z]{{2,}}+(?::\d++)?+/[a-z0-9._/-]{{1,255}}+"
            r"(?::[\w.-]+|@sha256:[0-9a-f]+)+",
            re.IGNORECASE,
        ),
    ),
    ("uid", re.compile(rf"(?:(?<![{_EDGE}])|(?<=pod)){_UUID}(?![{_EDGE}])", re.IGNORECASE)),
    ("id", re.compile(rf"(?<![{_EDGE}])(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{{12,128}}(?![{_EDGE}])")),
    ("mac", re.compile(rf"(?<![{_EDGE}:])(?:[0-9a-f]{{2}}:){{5}}[0-9a-f]{{2}}(?![{_EDGE}:])", re.IGNORECASE)),
    ("ip", re.compile(rf"(?<![{_EDGE}.]){_OCTET}(?:\.{_OCTET}){{3}}(?![{_EDGE}]|\.\d)")),
    (
        "ip",
        re.compile(
            rf"(?<![{_EDGE}:])(?:(?:{_GROUP}:){{7}}{_GROUP}|(?:{_GROUP}:){{1,6}}(?::{_GROUP}){{1,6}}|"
            rf"(?:{_GROUP}:){{2,7}}:|::(?:{_GROUP}:){{0,5}}{_GROUP})(?![{_EDGE}:])",
            re.IGNORECASE,
        ),
    ),
    (
        "host",
        re.compile(
            rf"(?:(?<![{_EDGE}./_-])|(?<=//))(?!io\.containerd\.)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.){{2,}}(?!(?:{_NO_HOST})\b)"
            rf"[a-z]{{2,}}(?![{_EDGE}_(-]|\.[{_EDGE}])",
            re.IGNORECASE,
        ),
    ),
    (
        "unit",
        re.compile(
            rf"(?<![\w.@:-])(?!(?:{_OWN_UNITS})\b)[a-z0-9][\w.@:-]*(?=\.(?:service|scope|slice|mount|socket)(?![\w.]))",
            re.IGNORECASE,
        ),
    ),
    ("user", re.compile(r"(?<=/home/)[^/\s]+|(?<=/Users/)[^/\s]+")),
)
"""Identifiers known by their form: addresses, ids, images, names with a domain."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """The token for each name; an empty redaction leaves texts as they are."""

    tokens: dict[str, str] = field(default_factory=dict)
    """By the name in lower case."""
    _pattern: re.Pattern[str] | None = None
    _shaped: dict[str, str] | None = None
    """Tokens of identifiers found by their form, in order of first occurrence; None: forms are not replaced."""
    _taken: dict[str, int] = field(default_factory=dict)
    """Tokens of names, and the last number used for each kind of form: a text may hold thousands."""

    def text(self, text: str) -> str:
        """Return the text with every known name replaced, also inside longer words if punctuation delimits it.

        Addresses, ids and other forms are replaced whether known or not, unless the redaction is empty.
        """
        if self._shaped is not None:
            # Forms first: a known name may be part of an address, and the rest of the address would remain.
            for kind, pattern in _SHAPES:
                text = pattern.sub(lambda match, kind=kind: self._token(kind, match[0]), text)  # type: ignore[misc]
        if self._pattern is not None:
            text = self._pattern.sub(lambda match: self.tokens[match[0].lower()], text)
        return text

    def name(self, name: str | None) -> str | None:
        """Return the token of a name, or the name if it has none."""
        return self.tokens.get(name.lower(), name) if name is not None else None

    def _token(self, kind: str, name: str) -> str:
        assert self._shaped is not None
        if (known := self.tokens.get(name.lower())) is not None:
            return known
        key = f"{kind} {name.lower().replace('_', '-')}"
        if key not in self._shaped:
            taken = self._taken
            if not taken:
                taken.update(dict.fromkeys(self.tokens.values(), 0))
            number = taken.get(kind, 0) + 1
            while f"{kind}-{number}" in taken:
                number += 1
            taken[kind] = number
            self._shaped[key] = f"{kind}-{number}"
        return self._shaped[key]


def redaction_of(
    hosts: Iterable[str | None],
    namespaces: Iterable[str | None],
    pods: Iterable[tuple[str | None, str | None]],
    texts: Iterable[str | None] = (),
    places: Iterable[str | None] = (),
) -> Redaction:
    """Return the redaction of these names, numbered in their order; pods are pairs of name and uid.

    A host's short name gets the host's token. A name of two kinds gets the token of the first. `texts` are searched for
    more names; `places` are directories of the person who made the report.
    """
    named = [match for text in texts if text for match in _named_in(text)]
    tokens: dict[str, str] = {}
    for place in _known(places):
        if place not in ("/", "."):
            tokens.setdefault(place.lower().rstrip("/"), "ROOT")
    host_tokens: dict[str, str] = {}
    for name in _known((*hosts, *(name for kind, name in named if kind == "host"))):
        short = name.lower().split(".")[0]
        token = host_tokens.setdefault(short, f"host-{len(host_tokens) + 1}")
        tokens.setdefault(name.lower(), token)
        if not short.isdigit():
            tokens.setdefault(short, token)
    for number, name in enumerate(_known((*namespaces, *(name for kind, name in named if kind == "space"))), 1):
        tokens.setdefault(name.lower(), f"namespace-{number}")
    seen: dict[str, str] = {}
    for pod, uid in (*pods, *((name, None) for kind, name in named if kind == "pod")):
        key = pod or uid
        if not key or key.lower() in _KNOWN_TO_ALL:
            continue
        token = seen.setdefault(key.lower(), f"pod-{len(seen) + 1}")
        if pod:
            tokens.setdefault(pod.lower(), token)
        if uid:
            tokens.setdefault(uid.lower(), f"{token}-uid")
            tokens.setdefault(uid.lower().replace("-", "_"), f"{token}-uid")
    longest_first = sorted(tokens, key=len, reverse=True)
    words = "|".join(map(re.escape, longest_first))
    # A cgroup writes pod<uid> as one word.
    edge = rf"(?:(?<![{_EDGE}])|(?<=(?<![{_EDGE}])pod))"
    pattern = re.compile(rf"{edge}(?:{words})(?![{_EDGE}])", re.IGNORECASE) if tokens else None
    return Redaction(tokens, pattern, {})


def _named_in(text: str) -> Iterator[tuple[str, str]]:
    for pattern in _NAMED:
        for match in pattern.finditer(text):
            yield from ((kind, name) for kind, name in match.groupdict().items() if name)


def _known(names: Iterable[str | None]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name and name.lower() not in _KNOWN_TO_ALL]
