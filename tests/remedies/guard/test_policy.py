import tomllib
from dataclasses import fields
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.remedies.escalation import EscalationStep
from fragtui.remedies.guard.policy import (
    Policy,
    PolicyError,
    QuietHours,
    format_policy,
    parse_policy,
    policy_of,
    read_policy,
)

moments = st.times().map(lambda moment: time(moment.hour, moment.minute))
spans = st.integers(60, 86_400).map(float)
policies = st.builds(
    Policy,
    order=st.integers(0, 13),
    blocks=st.integers(1, 10_000),
    free=st.none() | st.integers(1, 1 << 20).map(lambda megabytes: megabytes << 20),
    hold=st.integers(0, 3600).map(float) | st.floats(0, 3600).map(lambda s: round(s, 3)),
    steps=st.sets(st.sampled_from(EscalationStep), min_size=1).map(
        lambda chosen: tuple(r for r in EscalationStep if r in chosen)
    ),
    period=st.none() | spans,
    cooldown=spans,
    per_hour=st.integers(1, 60),
    quiet=st.lists(st.builds(QuietHours, moments, moments), max_size=2).map(tuple),
    pressure=st.floats(0, 100),
    give_up=st.integers(1, 10),
    dry_run=st.booleans(),
)


@given(policies)
def test_a_policy_is_read_as_it_was_written(policy: Policy) -> None:
    assert parse_policy(format_policy(policy)) == policy


@given(st.text())
def test_any_text_is_a_policy_or_one_clear_line(text: str) -> None:
    try:
        parse_policy(text, "file.toml")
    except PolicyError as error:
        assert str(error).startswith("file.toml: line ") and ": expected" in str(error)
        assert str(error).isprintable()


@given(
    st.dictionaries(
        st.sampled_from([field.name for field in fields(Policy)]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text() | st.integers()),
    )
)
def test_any_value_is_taken_or_refused_by_the_name_of_its_setting(given_settings: dict[str, object]) -> None:
    try:
        policy_of(given_settings)
    except PolicyError as error:
        assert any(str(error).startswith(f"{name}: expected") for name in given_settings)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("order = 4\nblocks = 0\n", "p: line 2: blocks: expected a whole number from 1 to"),
        ("\n\nsteps = ['reboot']", "p: line 3: steps: expected a list of sync, wake-kcompactd, compact-node, "),
        ("steps = []", "p: line 1: steps: expected a list"),
        ("# x\nthreshold = 1", "p: line 2: threshold: expected one of blocks, cooldown"),
        ("a = 1\nb = = 2", "p: line 2: expected TOML"),
        ("hold = 'soon'", "p: line 1: hold: expected a time of at least 0s such as 90s, 10m, 2h, found 'soon'"),
        ("free = 8", "p: line 1: free: expected a size such as 8G, found 8"),
        ("period = 5", "p: line 1: period: expected a time of at least 60s"),
        ("quiet = ['25:00-07:00']", "p: line 1: quiet: expected spans such as '08:00-18:00', found '25:00-07:00'"),
        ("pressure = 140", "p: line 1: pressure: expected a percentage from 0 to 100, found 140"),
        ("dry_run = 1", "p: line 1: dry_run: expected true or false, found 1"),
        ("blocks = true", "p: line 1: blocks: expected a whole number"),
    ],
)
def test_an_error_is_reported_with_its_line_and_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as error:
        parse_policy(text, "p")
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_flags_go_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "guard.toml").write_text('order = 6\nsteps = ["compact", "sync"]\nquiet = "22:00-06:00"\n')
    policy = policy_of({"blocks": 7, "hold": "2m"}, read_policy(tmp_path / "guard.toml"))
    assert (policy.order, policy.blocks, policy.hold) == (6, 7, 120)
    assert policy.steps == (EscalationStep.SYNC, EscalationStep.COMPACT)
    with pytest.raises(PolicyError, match="expected a readable file"):
        read_policy(tmp_path / "none")
    (tmp_path / "bad").write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError, match="expected UTF-8"):
        read_policy(tmp_path / "bad")


def test_compaction_must_be_asked_for() -> None:
    assert not {EscalationStep.COMPACT, EscalationStep.COMPACT_NODE} & set(Policy().steps)
    assert tomllib.loads(format_policy(Policy()))["steps"] == ["sync", "drop-page-cache", "drop-slab"]


@pytest.mark.parametrize(
    ("span", "inside", "outside"),
    [
        (QuietHours(time(8), time(18)), time(8), time(18)),
        (QuietHours(time(22), time(6)), time(23, 59), time(6)),
        (QuietHours(time(22), time(6)), time(0), time(21, 59)),
    ],
)
def test_quiet_hours_may_go_over_midnight(span: QuietHours, inside: time, outside: time) -> None:
    assert span.covers(inside) and not span.covers(outside)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order = " + "9" * 5000, "expected TOML"),
        ("order = 0x" + "f" * 5000, "expected a whole number from 0 to 30"),
        ("hold = " + "9" * 400, "expected a time"),
        ("hold = 0x" + "f" * 5000, "expected a time"),
        ("hold = inf", "expected a time"),
        ('hold = "' + "9" * 5000 + 'd"', "expected a time"),
        ("pressure = 0x" + "f" * 5000, "expected a percentage"),
        ("pressure = nan", "expected a percentage"),
        ("quiet = 0x" + "f" * 5000, "expected spans"),
        ("steps = " + "[" * 50_000, "expected TOML"),
    ],
    ids=lambda text: text[:16],
)
def test_a_number_past_all_bounds_is_one_clear_line(text: str, expected: str) -> None:
    with pytest.raises(PolicyError) as raised:
        parse_policy(text, "file.toml")
    assert str(raised.value).startswith("file.toml: line ") or "nested too deeply" in str(raised.value)
    assert expected in str(raised.value) and len(str(raised.value)) < 300


def test_a_policy_is_at_most_64_kib_long(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_bytes(b"#" * 70_000)
    with pytest.raises(PolicyError, match="at most 64 KiB"):
        read_policy(tmp_path / "p.toml")
