"""What holds of every value that a reader of outside numbers, stamps, JSON and facts gives, whatever it was given."""

from __future__ import annotations

import gzip
import json
import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.cluster.observation import PodObservation
from fragtui.logs.bounded_json import json_text, read_json
from fragtui.logs.parser import LogParser
from fragtui.logs.timestamps import iso_time
from fragtui.model.remedy.audit_entry import parse_entry
from fragtui.sources.pods.observation_json import read_observation
from fragtui.sources.recording.format import RECORDING_VERSION, NotARecording
from fragtui.sources.recording.reader import RecordedReader, Recording, parse_recording
from fragtui.text import LATEST, LINE_BYTES, bounded_int, epoch_seconds, printable
from tests.support.examples import examples

NUMBERS = st.integers() | st.floats() | st.sampled_from([10**20, -(10**19), 10**400, 1e308])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
TWO = st.integers(0, 99).map("{:02}".format)
ZONES = st.sampled_from(["", "Z"]) | st.builds("{}{}:{}".format, st.sampled_from("+-"), TWO, TWO)
YEARS = st.integers(0, 9999).map("{:04}".format)
STAMPS = st.builds("{}-{}-{}T{}:{}:{}{}".format, YEARS, TWO, TWO, TWO, TWO, TWO, ZONES)


@given(st.text() | st.integers(0).map(str), st.integers(0, 1 << 64))
def test_a_bounded_number_is_the_value_of_its_digits_or_none(text: str, most: int) -> None:
    value = bounded_int(text, most)
    assert value is None or (0 <= value <= most and text.isascii() and int(text) == value)
    assert bounded_int(text.encode("utf-8", "replace"), most) == value


@given(NUMBERS | st.none())
def test_a_moment_is_between_1970_and_2286_or_none(seconds: float | None) -> None:
    found = epoch_seconds(seconds)
    assert found is None or (found == seconds and 0 <= found < LATEST)


@given(st.text(), st.integers(1, 400))
def test_a_printable_text_is_no_longer_than_its_limit(text: str, limit: int) -> None:
    found = printable(text, limit)
    assert found.isprintable() and len(found) <= limit


@given(STAMPS)
def test_any_stamp_is_a_moment_of_every_calendar_or_none(stamp: str) -> None:
    found = iso_time(stamp)
    assert found is None or 0 <= found < LATEST


@examples(40)
@given(st.text() | JSON.map(json.dumps))
def test_any_json_is_read_or_is_a_value_error_and_has_no_number_past_all_bounds(text: str) -> None:
    with suppress(ValueError):
        json.loads(json_text(read_json(text)), parse_constant=lambda name: 1 / 0)


@examples(40)
@given(JSON.map(json.dumps))
def test_any_object_where_a_line_belongs_is_read_or_left_out(text: str) -> None:
    for line in (text, f'{{"MESSAGE": {text}, "PRIORITY": {text}}}', f'{{"log": "x", "time": {text}, "host": {text}}}'):
        for record in LogParser(now=1.7e9).feed(line.encode("utf-8", "surrogatepass")):
            assert record.text.isprintable() and len(record.text) <= LINE_BYTES
            assert record.time is None or 0 <= record.time < LATEST


@examples(40)
@given(st.dictionaries(st.sampled_from(list(PodObservation.__dataclass_fields__)), JSON), JSON)
def test_any_json_gives_a_well_typed_observation_or_none(facts: dict[str, Any], name: Any) -> None:
    facts = {**facts, "said": "failed", "pod": {"namespace": None, "name": name, "uid": None}}
    with suppress(ValueError, TypeError, KeyError):
        found = read_observation(read_json(json.dumps(facts)))
        assert isinstance(found.error, str) and found.error.isprintable()
        assert found.time is None or 0 <= found.time < LATEST
        assert all(isinstance(pid, int) for pid in found.pids)


@pytest.mark.slow
@examples(40)
@given(st.lists(st.tuples(st.sampled_from("TLPRCX"), st.integers(-(1 << 80), 1 << 80) | st.floats(), JSON, JSON)))
def test_any_lines_are_a_recording_or_are_rejected(lines: list[tuple[str, float, Any, Any]]) -> None:
    host = {"name": None, "release": "6.8", "page_size": 4096, "page_size_assumed": False}
    values = [["fragtui recording", RECORDING_VERSION, 1, 1.7e9, host], ["T", 1.5, 1700000000.5, {}]]
    for kind, at, time, value in lines:
        values += [[kind, at, value], ["T", 1.5, 1700000000.5, {"vmstat": value}], [kind, at, time, value]]
    for end in range(2, len(values) + 1):
        body = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in values[:end])
        data = gzip.compress(body + b'["C",%d]\n' % zlib.crc32(body), 1)
        with suppress(NotARecording):
            found = parse_recording(data)
            assert isinstance(found, Recording) and all(0 <= tick.time < LATEST for tick in found.ticks)
            reader = RecordedReader(found)
            for _ in found.ticks:
                with suppress(ValueError):
                    reader.sample()


@examples(40)
@given(st.dictionaries(st.sampled_from(["v", "kind", "id", "time", "pid", "order", "steps", "paths", "result"]), JSON))
def test_any_fields_are_an_entry_of_the_audit_log_or_none(fields: dict[str, Any]) -> None:
    whole = {"v": 1, "kind": "intent", "id": "a", "time": 1.0, "remedy": "r", "steps": [], "paths": [], "by": "x",
             "pid": 1, "uid": 0, **fields}  # fmt: skip
    entry = parse_entry(json.dumps(whole))
    assert entry is None or 0 <= entry.time < LATEST
