"""Stamps against the calendar of Python's own datetime."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.logs.klog import dated, parse_klog
from fragtui.logs.timestamps import iso_time, rfc3339_time, yearless_time

DAY = 86_400
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))) | st.just(UTC)
moments = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=zones)
nows = st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(moments)
def test_a_stamp_with_an_offset_is_the_moment_that_was_written(moment: datetime) -> None:
    for stamp in (moment.isoformat(), moment.isoformat(" "), moment.isoformat().replace("+00:00", "Z")):
        assert rfc3339_time(stamp) == iso_time(stamp) == pytest.approx(moment.timestamp(), abs=2e-6)


@given(moments, st.text(min_size=1, max_size=3))
def test_nothing_is_before_or_after_it(moment: datetime, text: str) -> None:
    assert rfc3339_time(text + moment.isoformat()) is None
    assert rfc3339_time(moment.isoformat() + text) is None


@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d{0,12})?(Z|[+-]\d\d:?\d\d)?"))
def test_any_text_is_a_moment_of_every_calendar_or_none(text: str) -> None:
    found = rfc3339_time(text)
    assert found is None or 0 <= found < 1e10


@pytest.mark.parametrize("stamp", ["2026-11-24T06:45:39", "2026-11-24T06:45:39 UTC", "2026-02-30T00:00:00Z", "", "Z"])
def test_without_an_offset_or_such_a_day_there_is_no_moment(stamp: str) -> None:
    assert rfc3339_time(stamp) is None


@given(nows, st.floats(-360, 1), st.integers(-14 * 4, 14 * 4))
def test_a_klog_line_of_the_last_year_gets_its_year(now: datetime, days: float, quarters: int) -> None:
    moment = (now + timedelta(days=days)).replace(microsecond=0)
    offset = quarters * 900
    wall = moment + timedelta(seconds=offset)
    klog = parse_klog(f"E{wall:%m%d %H:%M:%S}.000000 1 a.go:1] x")
    assert klog is not None
    assert dated(klog, now.timestamp(), offset) == moment.timestamp()


@given(nows, st.floats(-360, 0.9))
def test_a_syslog_line_of_the_last_year_gets_its_year(now: datetime, days: float) -> None:
    moment = (now + timedelta(days=days)).replace(microsecond=0)
    local = moment.astimezone()
    found = yearless_time(local.month, local.day, f"{local:%H:%M:%S}", now.timestamp())
    assert found is not None
    # An hour is written twice when summer time ends.
    assert found - moment.timestamp() in (0, 3600, -3600)


@pytest.mark.parametrize("month_day", ["0229", "0230", "1301"])
def test_only_a_day_of_some_year_is_dated(month_day: str) -> None:
    klog = parse_klog(f"E{month_day} 00:00:00.000000 1 a.go:1] x")
    assert klog is not None
    now = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
    expected = datetime(2024, 2, 29, tzinfo=UTC).timestamp() if month_day == "0229" else None
    assert dated(klog, now) == expected
