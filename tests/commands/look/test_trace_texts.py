"""A saved trace through `explain`, and a trace in the report."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

import pytest

from fragtui.commands.cli.parser import build, main
from fragtui.commands.look.report import collect
from fragtui.kernel.tracing.event_lines import parse_events
from fragtui.model.tracing.trace_collector import TraceCollector
from fragtui.model.tracing.trace_tally import TraceTally
from fragtui.render.report.report_json import report_fields
from fragtui.render.report_page import report_page
from fragtui.sources.saved.trace import read_trace
from tests.support.traces import KERNELS, saved_trace

UID = "0e1fd1c8-1b2c-4d3e-8f4a-5b6c7d8e9f00"


@pytest.mark.parametrize("packed", [False, True])
def test_explain_shows_the_tables_of_a_saved_trace(
    tmp_path: Path, packed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "saved"
    path.write_bytes(gzip.compress(saved_trace("6.1")) if packed else saved_trace("6.1"))
    assert main(["explain", str(path)]) == 0
    text = capsys.readouterr().out
    assert "Trace: 59 events over 0.9s." in text and "Denied requests: 1 (1 of 2M (order 9))" in text
    assert "Unmovable from Movable" in text and "17     5.9 ms" in text
    assert "pod or cgroup" not in text and "lines read" not in text, "a trace names no cgroup"


def test_a_log_beside_a_trace_is_explained_as_ever(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "saved").write_bytes(saved_trace("6.12"))
    (tmp_path / "log").write_text("nothing here\n")
    assert main(["explain", str(tmp_path / "saved"), str(tmp_path / "log")]) == 0
    text = capsys.readouterr().out
    assert "Trace: 12 events" in text and "no failure in 1 line" in text


def test_explain_prints_a_trace_as_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "saved").write_bytes(saved_trace("6.1"))
    assert main(["explain", "--json", str(tmp_path / "saved")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "trace" and found["denied_by_order"] == [{"order": 9, "count": 1}]
    assert found["since"] is None and found["waits"][0]["count"] == 17 and found["lost"] == 0


def test_a_damaged_trace_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = gzip.compress(saved_trace("6.1") * 40)
    (tmp_path / "saved.gz").write_bytes(packed[: len(packed) // 2])
    assert main(["explain", str(tmp_path / "saved.gz")]) == 1
    assert "saved.gz" in capsys.readouterr().err


def test_lost_events_of_a_saved_trace_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "saved").write_bytes(saved_trace("6.18") + b"CPU:0 [LOST 12 EVENTS]\n" + saved_trace("6.18"))
    assert main(["explain", str(tmp_path / "saved")]) == 0
    assert "12 events lost: all counts are lower bounds" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("piece", [100, 4099])
def test_pieces_of_a_trace_give_the_sums_of_the_whole(kernel: str, piece: int, tmp_path: Path) -> None:
    path = tmp_path / "saved"
    path.write_bytes(saved_trace(kernel))
    with path.open("rb") as whole, Pieces(path, piece) as pieces:
        (one, events), (other, more) = read_trace(whole), read_trace(cast("IO[bytes]", pieces))
    assert events == more > 10 and one.denied == other.denied and one.groups[0].times == other.groups[0].times
    assert one.waits() == other.waits()


class Pieces:
    """A log that returns a few bytes at each read."""

    def __init__(self, path: Path, size: int) -> None:
        self._file, self._size = path.open("rb"), size

    def __enter__(self) -> Pieces:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, self._size))


def traced() -> TraceTally:
    collector = TraceCollector(lambda pid, comm: f"/kubepods/pod{UID}/x|y")
    collector.take(parse_events(saved_trace("6.18"))[0])
    tally = TraceTally(1_700_000_000.0)
    tally.take(collector.batch(1_700_000_010.0, lost=3, parts=("waits: no event x",)))
    return tally


def test_the_report_has_the_trace_in_both_lengths_and_redacted(root: Path) -> None:
    facts = collect(build(["report"]).parse_args(["report", "--root", str(root)]))
    assert "log never prints" not in report_page(facts) and report_fields(facts)["trace"] is None
    facts = replace(facts, trace=traced())
    for full in (False, True):
        page = report_page(facts, full=full)
        assert "## What the log never prints" in page and "3 events lost, so all counts are lower bounds" in page
        assert "64 of 16K (order 2)" in page and "- off: waits: no event x" in page and UID in page
        assert UID not in report_page(facts, full=full, redact=True)
    fields = report_fields(facts, redact=True)["trace"]
    assert fields["denied"] == 64 and UID not in json.dumps(fields)
    assert fields["requests"][0]["gfp"] and fields["off"] == ["waits: no event x"]


def test_a_report_of_saved_files_says_that_it_has_no_trace(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--root", str(root), "--trace", "1"]) == 0
    assert "a trace needs the live node" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["report", "--trace", "0"])
    assert "expected 1 to 3600 seconds" in capsys.readouterr().err
