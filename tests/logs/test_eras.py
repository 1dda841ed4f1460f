"""Every era's report through every transport gives every field that it states, and nothing that it does not."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.support.eras import ERAS, NOTHING, Era
from tests.support.explained import explain_log
from tests.support.transports import TRANSPORTS, Transport

NOW = 1.79e9


def incidents_in(data: bytes) -> list[dict[str, Any]]:
    """Return the objects of `explain --json`."""
    return [incident.to_json() for incident in explain_log(io.BytesIO(data), now=NOW)]


def stated(found: dict[str, Any], era: Era) -> dict[str, Any]:
    """Return the fields that the table speaks of, zones with the parts that it names."""
    wanted = {"kind": "allocation_failure"} | NOTHING | era.facts
    said = {name: found[name] for name in wanted}
    if said["zones"]:
        names = wanted["zones"][0] if wanted["zones"] else said["zones"][0]
        said["zones"] = [{name: each[name] for name in names} for each in said["zones"]]
    return said


@pytest.mark.slow
@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS.keys())
def test_every_report_survives_every_transport(transport: Transport) -> None:
    for era in ERAS:
        found = incidents_in(transport(era.messages))
        assert len(found) == 1, (era.name, [each["kind"] for each in found])
        assert stated(found[0], era) == {"kind": "allocation_failure"} | NOTHING | era.facts, era.name


def test_an_oom_is_called_fragmentation_only_without_a_constraint() -> None:
    cpuset = next(era for era in ERAS if era.name == "6.1 oom of a cpuset")
    for order in range(5):
        log = TRANSPORTS["dmesg"](cpuset.messages).replace(b", order=0,", b", order=%d," % order)
        (bound,) = incidents_in(log)
        assert "nodes that its cpuset allows" in bound["explanation"]
        assert "because memory is fragmented" not in bound["explanation"]
        if order in {0, 4}:  # No order that the OOM killer is called for in want of a block.
            (free,) = incidents_in(log.replace(b"CONSTRAINT_CPUSET", b"CONSTRAINT_NONE"))
            assert "because memory is fragmented" not in free["explanation"]
