"""Sightings and pods as plain facts and back: for a recording, and for the pipe from the API's child process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from fragtui.cluster.pod_ref import PodRef
from fragtui.cluster.sighting import Said, Sighting
from fragtui.text import printable

_TEXT_LIMIT = 16_000


def facts_of(sighting: Sighting) -> dict[str, Any]:
    """Return the sighting as what JSON can hold."""
    return {**asdict(sighting), "said": sighting.said.value}


def read_sighting(facts: Mapping[str, Any]) -> Sighting:
    """Return the sighting again. Raises ValueError, TypeError or KeyError where the facts are none."""
    known: dict[str, Any] = {field.name: facts[field.name] for field in fields(Sighting) if field.name in facts}
    for name, value in known.items():
        if isinstance(value, str):
            known[name] = printable(value, _TEXT_LIMIT)
        elif isinstance(value, bool) or not isinstance(value, int | float | list | dict | None):
            raise TypeError(name)
    pids = known.get("pids", [])
    if not all(isinstance(pid, int) for pid in pids):
        raise TypeError("pids")
    pod = read_pod_facts(facts["pod"])
    return Sighting(**{**known, "said": Said(facts["said"]), "pod": pod, "pids": tuple(pids)})


def read_pod_facts(facts: Mapping[str, object]) -> PodRef:
    """Return the pod again. Raises TypeError or KeyError where the facts are none."""
    return PodRef(*(read_text_fact(facts[key]) for key in ("namespace", "name", "uid")))


def read_text_fact(value: object) -> str | None:
    """Return a text made safe, or None. Raises TypeError for anything else."""
    if value is not None and not isinstance(value, str):
        raise TypeError("a text")
    return None if value is None else printable(value)
