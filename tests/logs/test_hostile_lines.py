"""What a log may hold that its writer never meant: each costs itself at most, and no reader its thread."""

from __future__ import annotations

import json

import pytest

from fragtui.logs.bounded_json import read_json
from fragtui.logs.kmsg_record import parse_kmsg_record
from fragtui.logs.parser import LogParser
from fragtui.logs.record import LogRecord
from fragtui.logs.timestamps import dated_time, iso_time
from fragtui.sources.kernel_log.incident_stream import LineSplitter
from fragtui.text import JSON_BYTES, LINE_BYTES, bounded_int, epoch_seconds, printable

NOW = 1.785e9
DIGITS = "9" * 5000


def parsed(*lines: str | bytes) -> list[LogRecord]:
    parser = LogParser(now=NOW)
    records = [each for line in lines for each in parser.feed(line if isinstance(line, bytes) else line.encode())]
    return [*records, *parser.finish()]


@pytest.mark.parametrize("offset", ["+99:99", "-99:99", "+24:00", "+9999"])
def test_an_offset_that_no_zone_has_dates_nothing(offset: str) -> None:
    assert iso_time(f"2026-07-29T06:19:50{offset}") is None
    (record,) = parsed(f"2026-07-29T06:19:50{offset} node-1 app[1]: hello")
    assert record.text == "hello" and record.time is None
    (record,) = parsed(json.dumps({"log": "hello", "time": f"2026-07-29T06:19:50{offset}"}))
    assert record.text == "hello" and record.time is None


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z", "1969-12-31T00:00:00Z"])
def test_a_stamp_that_some_calendar_cannot_show_is_none(stamp: str) -> None:
    assert iso_time(stamp) is None


def test_a_year_that_some_calendar_cannot_show_is_none() -> None:
    assert dated_time(9999, 12, 31, "23:59:59") is None


def test_a_pid_of_5000_digits_is_no_pid() -> None:
    (record,) = parsed(f"<34>1 2026-07-29T06:19:50Z node-1 app {DIGITS} - - hello")
    assert record.text == "hello" and record.pid is None


def test_a_time_of_400_digits_in_dmesg_json_is_no_time() -> None:
    (record,) = parsed("{", '"pri": 4,', f'"time": {"9" * 400},', '"msg": "hello"')
    assert record.text == "hello" and record.monotonic is None


def test_a_kmsg_stamp_past_every_calendar_has_no_wall_clock() -> None:
    (record,) = parse_kmsg_record(b"4,1,99999999999999999999,-;hello", boot=NOW)
    assert record.text == "hello" and record.time is None


def test_a_journal_stamp_past_every_calendar_is_no_time() -> None:
    (record,) = parsed(json.dumps({"MESSAGE": "hello", "__REALTIME_TIMESTAMP": "9" * 19}))
    assert record.text == "hello" and record.time is None


def test_digits_of_other_scripts_are_no_number() -> None:
    for text in ("²", "٣", "１２", "𝟗", "1_0", "+1", "-1", " 1", "", DIGITS, "18446744073709551616"):
        assert bounded_int(text) is None
    assert bounded_int("18446744073709551615") == bounded_int(b"18446744073709551615") == 2**64 - 1
    assert bounded_int("64", most=63) is None


def test_only_a_time_within_calendar_range_is_kept() -> None:
    assert [epoch_seconds(each) for each in (0.0, NOW, 1e10, -1.0, float("nan"), float("inf"))] == [0.0, NOW] + [
        None
    ] * 4


@pytest.mark.parametrize("text", ["9" * 5000, "1e999", "NaN", "-Infinity", "1" * 5000 + ".5"])
def test_an_absurd_json_number_is_unknown(text: str) -> None:
    assert read_json(f'{{"a": {text}, "b": 1}}') == {"a": None, "b": 1}


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "\ud800", '"\\u00', ""])
def test_json_that_is_none_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        read_json(text)


def test_json_nested_deep_is_a_line_like_others() -> None:
    (record,) = parsed('{"log": ' + "[" * 60_000)
    assert record.text.startswith('{"log": [[[')
    assert len(record.text) <= LINE_BYTES


def test_half_a_surrogate_in_json_is_safe_to_show() -> None:
    (record,) = parsed('{"log": "a\\ud800b", "time": "x"}')
    assert record.text == "a\\ud800b" and record.text.encode()


def test_a_long_line_is_read_up_to_16_kib() -> None:
    (record,) = parsed(b"Jul 29 06:19:50 node-1 app[1]: " + b"x" * (5 << 20))
    assert record.torn and LINE_BYTES - 100 < len(record.text) <= LINE_BYTES


def test_escapes_make_no_line_longer_than_16_kib() -> None:
    (record,) = parsed(b"\x01" * LINE_BYTES)
    assert len(record.text) == LINE_BYTES and record.text.isprintable()
    assert len(printable("\U000e0001" * 300)) == 300


def test_a_long_json_line_is_decoded_up_to_a_mib_and_its_message_up_to_16_kib() -> None:
    (record,) = parsed(json.dumps({"log": "x" * 200_000, "time": "2026-07-29T06:19:50Z"}))
    assert record.time == 1785305990 and record.torn and len(record.text) == LINE_BYTES
    (record,) = parsed(json.dumps({"MESSAGE": "x" * 200_000, "PRIORITY": "3"}))
    assert record.level == 3 and record.torn and len(record.text) == LINE_BYTES
    (record,) = parsed(json.dumps({"log": "x" * JSON_BYTES}))
    assert record.torn and len(record.text) == LINE_BYTES


def test_a_message_of_nothing_but_newlines_gives_a_thousand_records_at_most() -> None:
    for line in (json.dumps({"MESSAGE": "\n" * 60_000 + "x"}), json.dumps({"log": "\n" * 60_000 + "x"})):
        assert len(parsed(line)) <= 1024
    assert len(parse_kmsg_record(b"4,1,1,-;" + b"\\x0a" * 60_000)) <= 1024


def test_a_long_binary_field_is_cut_and_the_entry_continues_after_it() -> None:
    field = b"x\n" * 50_000
    entry = (
        b"__REALTIME_TIMESTAMP=1785305990000000\nMESSAGE\n" + len(field).to_bytes(8, "little") + field + b"\n_PID=7\n"
    )
    records = parsed(*entry.split(b"\n"))
    assert {record.pid for record in records} == {7}
    assert sum(len(record.text) + 1 for record in records) <= LINE_BYTES + 1


def test_an_endless_line_keeps_its_beginning() -> None:
    splitter = LineSplitter()
    for data in (b"kernel: ", *[b"a" * 100_000] * 40):
        assert splitter.lines(data) == []
    (line, following) = splitter.lines(b"b\nnext\n")
    assert line.startswith(b"kernel: aaa") and len(line) <= JSON_BYTES + 1
    assert following == b"next"
