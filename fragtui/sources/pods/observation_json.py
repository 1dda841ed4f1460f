"""Observations and pods as JSON values and back: for recordings and for the pipe from the API's child process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fragtui.cluster.observation import PodFact, PodObservation
from fragtui.cluster.pod_ref import PodRef
from fragtui.text import epoch_seconds, printable

_TEXT_LIMIT = 16_000
_MAX_PIDS = 64
_MAX_COUNTED = 1 << 63
_NEEDED = ("source", "step", "error", "stage")
_TEXTS = ("sandbox_id", "container_id", "event_id", "container")
_STAMPS = ("time", "first_time", "since", "next_try")
_COUNTS = ("line", "last_line", "count")


def observation_json(observation: PodObservation) -> dict[str, Any]:
    """Return the observation as a JSON value."""
    facts = asdict(observation)
    return {"said": facts.pop("fact").value, **facts}


def read_observation(facts: Mapping[str, Any]) -> PodObservation:
    """Return the observation of a JSON value. Raises ValueError, TypeError or KeyError if it is not one."""
    if not isinstance(facts, Mapping):
        raise TypeError("an observation")
    pids = facts.get("pids") or []
    if not isinstance(pids, list) or len(pids) > _MAX_PIDS or not all(isinstance(pid, int) for pid in pids):
        raise TypeError("pids")
    texts = {name: read_text_fact(facts.get(name), _TEXT_LIMIT) for name in (*_NEEDED, *_TEXTS)}
    known: dict[str, Any] = {name: text or "" for name, text in texts.items() if name in _NEEDED}
    known |= {name: texts[name] for name in _TEXTS}
    known |= {name: epoch_seconds(_number(facts.get(name))) for name in _STAMPS}
    known |= {name: _whole(facts.get(name)) for name in _COUNTS}
    pod = read_pod_facts(facts["pod"])
    return PodObservation(**{**known, "fact": PodFact(facts["said"]), "pod": pod, "pids": tuple(pids)})


def _number(value: object) -> float | None:
    if value is not None and not isinstance(value, int | float):
        raise TypeError("a number")
    return value


def _whole(value: object) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError("a whole number")
    return value if value is not None and abs(value) < _MAX_COUNTED else None


def read_pod_facts(facts: Mapping[str, object]) -> PodRef:
    """Return the pod of a JSON value. Raises TypeError or KeyError if it is not one."""
    return PodRef(*(read_text_fact(facts[key]) for key in ("namespace", "name", "uid")))


def read_text_fact(value: object, limit: int = 300) -> str | None:
    """Return a printable text, or None. Raises TypeError for anything else."""
    if value is not None and not isinstance(value, str):
        raise TypeError("a text")
    return None if value is None else printable(value, limit)
