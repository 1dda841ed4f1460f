"""Why a pod's sandbox did not start, classified by the error's text alone.

The table is searched in order: special reasons come before general ones, and everything that resembles "cannot
allocate memory" before memory itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from fragtui.cluster.failure_reasons import REASONS
from fragtui.logs.go_quoting import flatten


@dataclass(frozen=True, slots=True)
class ReasonClass:
    """One class of reasons, with a sentence and advice for the engineer."""

    name: str
    """Stable key: ``netns-highorder``, ``cgroup-kmem-leak``, ``cni``."""
    memory: bool | None
    """True if the text means that the kernel denied memory, False for another problem, None if it is unclear."""
    words: str
    advice: str


_CLASSES = tuple(ReasonClass(name, memory, words, advice) for name, memory, _, words, advice in REASONS)
UNKNOWN_REASON = ReasonClass("unknown", None, "no cause in the log", "Look at the pod's events and the runtime's log.")
STARTING = ReasonClass(
    "no-word", None, "no source has given a reason yet", "Give the kubelet's log or a kubeconfig that may list events."
)

_WRAPPERS = r"""^(?:
      (?:\(combined\ from\ similar\ events\):|FailedCreatePodSandBox:?|Failed\ (?:to\ )?create\ pod\ sandbox:|docker:)
    | failed\ to\ "\w+"\ for\ "[^"]*"\ with\ \w+:\ "?
    | (?:failed\ to\ create\ sandbox|createpodsandbox)\ for\ pod\ "[^"]*"(?:\ failed)?:
    | RunPodSandbox\ from\ runtime\ service\ failed:
    | error\ syncing\ pod\ .{0,300}?,\ skipping:
    | [\w-]+\ cleanup:
    | `?/?[\w./-]*runc\ [^`]{0,400}`\ failed:
    | rpc\ error:(?:\ code\ =\ \w*)?(?:\ desc\ =)?
    | failed\ to\ (?:start|create|run|setup|set\ up)\ (?:a\ )?sandbox(?:\ container)?(?:\ for\ pod)?
        (?:\ "[^"]*"|\ \.\.\.)?(?::|(?=\ Error\ response))
    | (?:failed\ )?to\ start\ sandbox\ container\ for\ pod\ (?:"[^"]*"|\.\.\.):?
    | error\ response\ from\ daemon:
    | error:\ (?!code\b)
    | \{"message":\s*"
    | invalid\ header\ field\ value\ "
    | handler\ for\ (?:POST|GET)\ \S+\ returned\ error:
    | create\ container\ failed\ with\ error:
    | container\ creation\ error:
    | (?:OCI|oci)\ runtime\ (?:create\ failed|error):
    | failed\ to\ create\ (?:containerd|shim)\ task:
    | runc\ create\ failed:
    | container\ create(?:ion)?\ (?:failed|error):
    | time="[^"]*"\ level=\w+\ msg="
    | unable\ to\ start\ container\ process:
    | \w+\.go:\d+:
    | starting\ container\ process\ caused:?
    | ["`:\s]+
    )\s*"""
CUT = "…"
"""The end of an error that is cut off: what follows there may be ENOMEM."""
_LIMIT = 20_000
_TAIL = ' "}>…│'
_CUT_ENOMEM = re.compile(r"\b([Cc]a)nnot alloc(?:a(?:t(?:e(?: m(?:e(?:m(?:or?)?)?)?)?)?)?)?(?:…|\.{2,3}|>)?\"*$")
"""The words at the end of an error that a column or a page has cut."""
_POD_NAMES = re.compile(r'\bpod(?:UID)?[ =]\s?"[^"]{0,320}"|(?<![\w.\-\\])[\w.\-\\]++\([0-9a-f\-]{0,36}\)')


@lru_cache(maxsize=64)  # several lines repeat one error, and each is looked up twice
def innermost_error(error: str) -> str:
    """Return the innermost part of an error: what failed, without the layers that passed it on.

    ``rpc error: … OCI runtime create failed: … caused "exit status 6"": unknown`` becomes
    ``running exec setns process for init caused "exit status 6"``. Empty if there is no inner part.
    """
    text = flatten(error[:_LIMIT])[:6000]
    for _ in range(40):
        match = _wrappers().match(text)
        if match is None or match.end() == 0:
            break
        text = text[match.end() :]
    while (shorter := text.rstrip(_TAIL).removesuffix(": unknown").removesuffix(", skipping")) != text:
        text = shorter
    return text + '"' if text.count('"') % 2 else text


def classify(error: str) -> ReasonClass:
    """Return the class of an error text, `UNKNOWN_REASON` if no row of the table matches. Never raises.

    Names of pods are not evidence: ``flannel-abc`` may fail for any reason.
    """
    is_cut = error.endswith(CUT)
    error = _CUT_ENOMEM.sub(r"\1nnot allocate memory", error[:_LIMIT])
    row = _row_of(innermost_error(error)) or _row_of(_POD_NAMES.sub(" ", flatten(error)[:6000])) or UNKNOWN_REASON
    return UNKNOWN_REASON if is_cut and row.memory is False else row


def _row_of(text: str) -> ReasonClass | None:
    return next((row for pattern, row in _table() if pattern.search(text)), None)


@cache  # Compiled at the first error: few logs have one.
def _table() -> tuple[tuple[re.Pattern[str], ReasonClass], ...]:
    patterns = (re.compile("|".join(patterns), re.IGNORECASE) for _, _, patterns, _, _ in REASONS)
    return tuple(zip(patterns, _CLASSES, strict=True))


@cache
def _wrappers() -> re.Pattern[str]:
    return re.compile(_WRAPPERS, re.IGNORECASE | re.VERBOSE)


def specificity(row: ReasonClass) -> int:
    """Return how specific a class is: 3 a known cause, 2 unclear whether memory, 1 unknown cause, 0 no report yet."""
    if row is STARTING:
        return 0
    if row is UNKNOWN_REASON:
        return 1
    return 2 if row.memory is None else 3
