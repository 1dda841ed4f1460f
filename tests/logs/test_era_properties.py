"""What holds for every era: nothing lost beside others, nothing wrong when cut, two CPUs kept apart or unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.logs.test_eras import incidents_in, stated
from tests.support.eras import ERAS, NOTHING, SWAP, Era, Facts, mem_info, zone
from tests.support.examples import examples
from tests.support.facts import is_part
from tests.support.transports import SYSLOG, TRANSPORTS

NAMES = [era.name for era in ERAS]
SINCE_5 = [era for era in ERAS if era.name[0] in "56"]
"""Those that may have a caller before each line (5.1 and later)."""
FOREIGN = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=60).map(
    lambda text: f"Jul 29 06:19:50 node-1 app[7]: {text}\n".encode()
)
LATER = {"victim", "constraint", "cause", "memory"}
"""What a later line says more exactly: the task that dies in the end, the cgroup that 5.0's constraint keeps quiet."""


def facts_of(era: Era) -> dict[str, Any]:
    return {"kind": "allocation_failure"} | NOTHING | era.facts


def is_subset(found: dict[str, Any], era: Era) -> list[str]:
    """Return the names of facts that are neither unknown nor the era's own."""
    wanted, said = facts_of(era), stated(found, era)
    by_place = {(each["node"], each["zone"]): each for each in wanted["zones"] or ()}
    wrong = [name for name in wanted if name != "zones" and not is_part(said[name], wanted[name])]
    zones = said["zones"] or ()
    return wrong + ["zones"] * any(not is_part(each, by_place.get((each["node"], each["zone"]))) for each in zones)


@pytest.mark.slow
@pytest.mark.parametrize("era", ERAS, ids=NAMES)
@pytest.mark.parametrize(
    "transport",
    [
        "dmesg",
        pytest.param("kmsg", marks=pytest.mark.by_hand),
        pytest.param("rsyslog with #012", marks=pytest.mark.by_hand),
        pytest.param("journalctl export", marks=pytest.mark.by_hand),
    ],
)
def test_cut_anywhere_no_fact_is_wrong(era: Era, transport: str) -> None:
    data = TRANSPORTS[transport](era.messages)
    # Every byte of what is most dense in facts, the head and the kill; of the rest every 47th.
    dense = 300 if transport == "dmesg" else 0
    cuts = {*range(dense), *range(len(data) - dense, len(data)), *range(ERAS.index(era), len(data), 47)}
    for cut in sorted(cuts):
        for found in incidents_in(data[:cut]):
            wrong = [name for name in is_subset(found, era) if name not in LATER]
            assert not wrong, (cut, data[max(0, cut - 80) : cut], [(name, found.get(name)) for name in wrong])


@given(st.lists(st.tuples(st.sampled_from(ERAS), st.lists(FOREIGN, max_size=3)), min_size=1, max_size=5))
@example([(ERAS[NAMES.index("6.6 vmalloc error")], []), (ERAS[NAMES.index("2.6.18 without a task line")], [])])
@examples(60)
def test_consecutive_reports_are_complete_and_in_order(parts: Sequence[tuple[Era, list[bytes]]]) -> None:
    data = b"".join(b"".join(noise) + SYSLOG(era.messages) for era, noise in parts)
    found = [each for each in incidents_in(data) if each["kind"] != "sandbox_failure"]
    without_memory = False
    for each, (era, _) in zip(found, parts, strict=True):
        assert not is_subset(each, era)
        # A dump without a task line, as 2.6.18 wrote it, is not certain beside those that have one.
        if any("omm: " in message for message in era.messages) or len({era.name for era, _ in parts}) == 1:
            said, wanted = stated(each, era), facts_of(era)
            if without_memory:  # All in one second: the next Mem-Info may be the one that is wanting.
                said, wanted = said | {"zones": None}, wanted | {"zones": None}
            assert said == wanted
        without_memory |= not facts_of(era)["zones"]


@pytest.mark.parametrize("era", ERAS, ids=NAMES)
def test_unrelated_lines_between_all_lines_change_nothing(era: Era) -> None:
    noise = b"Jul 29 06:19:50 node-1 app[7]: x: page allocation failure: order:9, mode:0x1 killed process 4 (y)\n"
    (found,) = incidents_in(b"".join(line + b"\n" + noise for line in SYSLOG(era.messages).splitlines()))
    assert stated(found, era) == facts_of(era)


def with_caller(era: Era, caller: str) -> list[bytes]:
    lines = TRANSPORTS["dmesg -r"](era.messages).splitlines()
    return [line.replace(b"] ", f"][{caller:>7}] ".encode(), 1) for line in lines]


def mixed(one: list[bytes], two: list[bytes], data: st.DataObject) -> bytes:
    """Merge two logs' lines, in runs of any length."""
    lines: list[bytes] = []
    while one or two:
        source = one if not two or (one and data.draw(st.booleans())) else two
        count = data.draw(st.integers(1, 12))
        lines += source[:count]
        del source[:count]
    return b"\n".join(lines) + b"\n"


@pytest.mark.slow
@given(st.sampled_from(SINCE_5), st.sampled_from(SINCE_5), st.data())
@examples(100)
def test_two_callers_reports_are_kept_apart(one: Era, two: Era, data: st.DataObject) -> None:
    found = incidents_in(mixed(with_caller(one, "T460"), with_caller(two, "C1"), data))
    assert len(found) == 2
    if is_subset(found[0], one):
        found.reverse()
    assert [stated(found[0], one), stated(found[1], two)] == [facts_of(one), facts_of(two)]


def report_of(tag: int, mode: str) -> tuple[list[list[str]], Facts]:
    """Return one CPU's report in the pieces that the kernel does not tear apart, and its facts."""
    comm, order = f"task/{tag}", tag % 9 + 1
    zones = [
        zone(0, "DMA", [tag, 1, 0, 0, 0, 0, 0, 0, 0, 0, tag], 9000 + tag, (10 + tag, 20, 30)),
        zone(0, "Normal", [tag, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0], 80000 + tag, (1000 + tag, 2000, 3000)),
        zone(1, "Normal", [7, tag, 2, 0, 0, 0, 0, 0, 0, 0, 0], 70000 + tag, (1000, 2000 + tag, 3000)),
    ]
    frames = [f"frame_{place}_of_{tag}" for place in range(8)]
    dump = [f"CPU: {tag} PID: {tag * 10} Comm: {comm} Not tainted 4.{tag}.0 #1", "Call Trace:"]
    dump += [f" {frame}+0x1/0x2" for frame in frames]
    rest = [line for message in mem_info(zones, letters="UME") for line in message.split("\n")]
    rest += [*SWAP, "1 pages RAM", "2 pages reserved"]
    pieces = [[f"{comm}: page allocation failure: order:{order}, mode:{mode}"], dump, *([line] for line in rest)]
    facts = {"comm": comm, "pid": tag * 10, "cpu": tag, "order": order, "kernel": f"4.{tag}.0"}
    return pieces, {"kind": "allocation_failure"} | NOTHING | facts | {"stack": frames, "zones": zones}


@pytest.mark.slow
@given(st.sampled_from(["0x20", "0x14000c0(GFP_KERNEL), nodemask=(null)"]), st.data())
@examples(100)
def test_mixed_reports_of_two_cpus_give_no_wrong_facts(mode: str, data: st.DataObject) -> None:
    """Stack dumps are serialised by the kernel; head lines and Mem-Info of two CPUs run through each other."""
    (one, first), (two, second) = report_of(3, mode), report_of(5, mode)
    lines: list[str] = []
    while one or two:
        source = one if not two or (one and data.draw(st.booleans())) else two
        count = data.draw(st.integers(1, 6))
        lines += [line for piece in source[:count] for line in piece]
        del source[:count]
    found = {each["comm"]: each for each in incidents_in("\n".join(lines).encode() + b"\n")}
    assert found.keys() == {"task/3", "task/5"}
    for comm, facts in (("task/3", first), ("task/5", second)):
        era = Era(comm, (), {name: facts[name] for name in facts if name not in {"mode", "gfp", "nodemask"}})
        said = found[comm] | {"mode": None, "gfp": None, "nodemask": None}
        assert not is_subset(said, era)


def test_the_table_reaches_every_kind() -> None:
    kinds = {facts_of(era)["kind"] for era in ERAS}
    assert kinds == {"allocation_failure", "stall", "vmalloc_failure", "slab_failure", "oom"}
