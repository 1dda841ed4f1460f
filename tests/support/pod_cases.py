"""Texts about pods whose right facts are known, and how the facts of `explain` differ from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations

from fragtui.model.failures.incident import Incident

_MEMORY = {"yes": True, "no": False, "cannot tell": None}
_KEYS = ("pod=", "class=", "memory=", "uid=", "sandbox=", "container=", "count=", "time=", "linked=")


def faults_of(expected: str, incidents: Sequence[Incident]) -> list[str]:
    """Return what differs, empty if nothing.

    `expected` has the incidents separated by `` ;; ``: ``pod=NS/NAME class=A|B memory=yes``, with ``-`` for unknown,
    or ``kernel line``; only the keys that it names are compared.
    """
    wanted = [part for part in expected.split(" ;; ") if part]
    pods = [incident for incident in incidents if incident.report is None]
    lines = wanted.count("kernel line")
    faults = [] if len(incidents) - len(pods) >= lines else ["no kernel line"]
    facts = [_facts(part) for part in wanted if part != "kernel line"]
    if len(facts) != len(pods):
        return [*faults, f"{len(pods)} failed pods instead of {len(facts)}: {[_shown(pod) for pod in pods]}"]
    tried = [
        [fault for fact, pod in zip(facts, order, strict=True) for fault in _differences(fact, pod)]
        for order in permutations(pods)
    ]
    return [*faults, *min(tried, key=len)]


def _facts(part: str) -> dict[str, str]:
    facts: dict[str, str] = {}
    key = ""
    for word in part.split(" "):
        if word.startswith(_KEYS):
            key, _, value = word.partition("=")
            facts[key] = value
        else:
            facts[key] += f" {word}"
    return facts


def _shown(pod: Incident) -> str:
    return f"{pod.namespace}/{pod.pod} {pod.cause} {pod.reason}"


def _differences(facts: dict[str, str], pod: Incident) -> list[str]:
    time = (pod.to_json()["time"] or "-") if pod.time is not None else "-"
    is_right: dict[str, Callable[[str], bool]] = {
        "pod": lambda value: value == f"{pod.namespace or '-'}/{pod.pod or '-'}",
        "class": lambda value: pod.cause in value.split("|"),
        "memory": lambda value: pod.memory is _MEMORY[value],
        "uid": lambda value: value == (pod.pod_uid or "-"),
        "sandbox": (pod.sandbox_id or "-").startswith,
        "container": (pod.container_id or "-").startswith,
        "count": lambda value: int(value) == 1 + (pod.repeated or 0),
        "time": str(time).startswith,
        "linked": lambda value: bool(pod.linked) is (value == "True"),
    }
    has = {
        "pod": f"{pod.namespace}/{pod.pod}", "class": pod.cause, "memory": pod.memory, "uid": pod.pod_uid,
        "sandbox": pod.sandbox_id, "container": pod.container_id, "count": 1 + (pod.repeated or 0), "time": time,
        "linked": pod.linked,
    }  # fmt: skip
    return [f"{key} {has[key]!s}, not {value}" for key, value in facts.items() if not is_right[key](value)]
