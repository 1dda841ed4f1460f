"""Moments as people write them: journalctl's forms, in any zone, bounded."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.commands.cli.parser import main, parse
from fragtui.commands.cli.time_range import TimeRange, parse_moment, time_range_of
from fragtui.text import LATEST

NOW = 1_795_953_600.0
"""2026-11-29 12:00:00 UTC."""


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have a zone that is neither UTC nor without summer time."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("now", "2026-11-29 12:00:00"),
        ("today", "2026-11-28 23:00:00"),
        ("yesterday", "2026-11-27 23:00:00"),
        ("tomorrow", "2026-11-29 23:00:00"),
        ("1h ago", "2026-11-29 11:00:00"),
        ("-1h", "2026-11-29 11:00:00"),
        ("+1h", "2026-11-29 13:00:00"),
        ("-90", "2026-11-29 11:58:30"),
        ("1h 30min ago", "2026-11-29 10:30:00"),
        ("1h30m ago", "2026-11-29 10:30:00"),
        ("2 days ago", "2026-11-27 12:00:00"),
        ("1 WEEK ago", "2026-11-22 12:00:00"),
        ("0.5h ago", "2026-11-29 11:30:00"),
        ("2026-11-28 20:00", "2026-11-28 19:00:00"),
        ("2026-11-28T20:00:05", "2026-11-28 19:00:05"),
        ("2026-07-01 20:00:05", "2026-07-01 18:00:05"),
        ("2026-11-28", "2026-11-27 23:00:00"),
        ("2026-11-28 20:00 UTC", "2026-11-28 20:00:00"),
        ("2026-11-28T20:00:00Z", "2026-11-28 20:00:00"),
        ("2026-11-28T20:00:00-05:00", "2026-11-29 01:00:00"),
        (" 9:15 ", "2026-11-29 08:15:00"),
        ("@1795953600", "2026-11-29 12:00:00"),
    ],
)
def test_a_moment_is_read_as_journalctl_reads_it(text: str, utc: str) -> None:
    wanted = datetime.fromisoformat(f"{utc}+00:00").timestamp()
    assert parse_moment(text, NOW) == pytest.approx(wanted)


@pytest.mark.parametrize(
    "text",
    ["", " ", "-", "ago", "soon", "1 moon ago", "1h ago ago", "--1h", "2026-13-01", "2026-11-28 25:00", "20", "20:60",
     "@", "@1e9", "@99999999999", "1969-12-31", "-999999999w", "+999999999w", "Z", "٣h ago", "1h" * 1000, "\x1b[31m"],
)  # fmt: skip
def test_what_is_no_moment_is_none(text: str) -> None:
    assert parse_moment(text, NOW) is None


@given(st.text(max_size=80) | st.text("0123456789-+:@. TZhmsdwago", max_size=80), st.floats(0, LATEST - 1))
def test_no_text_raises_and_every_moment_can_be_shown(text: str, now: float) -> None:
    moment = parse_moment(text, now)
    assert moment is None or 0 <= moment < LATEST + 2 * 86_400
    if moment is not None:
        assert str(TimeRange(moment))


def test_a_range_has_both_its_ends_and_an_unknown_moment_is_outside() -> None:
    chosen = TimeRange(10.0, 20.0)
    assert [chosen.covers(at) for at in (9.9, 10.0, 20.0, 20.1, None)] == [False, True, True, False, False]
    assert TimeRange().covers(None) and not TimeRange()
    assert TimeRange(None, 20.0).covers(0.0) and TimeRange(10.0).covers(LATEST)
    assert str(TimeRange(NOW)) == "since 2026-11-29 13:00:00"


def test_a_relative_time_is_no_option() -> None:
    args = parse(["explain", "--since", "-1h", "--until", "-5m", "x.log"])
    chosen = time_range_of(args)
    assert chosen.since is not None and chosen.until is not None
    assert chosen.until - chosen.since == pytest.approx(3300, abs=1)
    assert args.files == ["x.log"]


def test_explain_takes_the_incidents_of_the_range_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "kern.log"
    log.write_text(
        "".join(
            f"{stamp}n kernel: {comm}: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL)\n"
            for stamp, comm in (
                ("2026-11-28T18:00:00+00:00 ", "early"),
                ("2026-11-28T19:30:00+00:00 ", "inside"),
                ("2026-11-28T21:00:00+00:00 ", "late"),
            )
        )
    )
    words = ["explain", "--json", "--since", "2026-11-28 20:00", "--until", "2026-11-28 21:00", str(log)]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["comm"] for line in out.splitlines()] == ["inside"]
    assert err == ""


def test_incidents_without_a_time_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "pasted"
    log.write_text("a: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL)\n")
    assert main(["explain", "--json", "--since", "yesterday", str(log)]) == 0
    assert capsys.readouterr() == ("", "fragtui explain: 1 incident without a time left out\n")
