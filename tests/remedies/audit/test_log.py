import errno
import json
import multiprocessing
import os
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fragtui.model.remedy.audit_entry import format_entry, parse_entry
from fragtui.model.remedy.remedy_history import (
    EndEntry,
    Entry,
    EvidenceEntry,
    IntentEntry,
    Result,
    describe_episode,
    episodes,
)
from fragtui.remedies.audit.log import AuditError, AuditLog
from fragtui.remedies.audit.path import audit_path

words = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
maybe_whole = st.none() | st.integers(-(1 << 60), 1 << 60)
numbers = st.floats(0, 1e12)
maybe_number = st.none() | numbers
moments = st.floats(0, 9_999_999_999)
intents = st.builds(
    IntentEntry,
    id=words,
    time=moments,
    remedy=words,
    steps=st.lists(words, max_size=3).map(tuple),
    paths=st.lists(words, max_size=3).map(tuple),
    by=words,
    pid=st.integers(0, 1 << 22),
    uid=st.integers(0, 1 << 32),
    login=st.none() | words,
    order=st.none() | st.integers(0, 63),
    blocks=maybe_whole,
    expected_blocks=maybe_whole,
    expected_bytes=maybe_whole,
)
ends = st.builds(
    EndEntry,
    id=words,
    time=moments,
    result=st.sampled_from(Result),
    seconds=numbers,
    cpu=maybe_number,
    error=st.none() | words,
)
checkpoints = st.builds(
    EvidenceEntry,
    id=words,
    time=moments,
    after=numbers,
    order=st.integers(0, 13),
    blocks=st.integers(0, 1 << 40),
    stalled=maybe_number,
    refaults=maybe_whole,
    half_life=maybe_number,
)
entries = st.one_of(intents, ends, checkpoints)


def intent(name: str = "a") -> IntentEntry:
    return IntentEntry(name, 1.0, "compact", ("writes '1'",), ("/x",), "screen", 1, 0)


@given(entries)
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    line = format_entry(entry)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert parse_entry(line.decode()) == entry


@given(st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_read_or_refused_and_never_raises(text: str) -> None:
    assert parse_entry(text) is None


@given(entries, st.data())
def test_a_field_of_another_type_is_not_guessed_at(entry: Entry, data: st.DataObject) -> None:
    fields = json.loads(format_entry(entry))
    name = data.draw(st.sampled_from(sorted(set(fields) - {"v", "kind"})))
    fields[name] = data.draw(st.sampled_from([{"x": 1}, True, [1], [[]]]))
    assert parse_entry(json.dumps(fields)) is None


def test_hostile_text_in_the_log_is_made_safe() -> None:
    line = format_entry(intent()).decode().replace("screen", "\\u001b]0;x\\u0007")
    read = parse_entry(line)
    assert isinstance(read, IntentEntry) and read.by == "\\x1b]0;x\\x07"


def test_the_log_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "deep/er/audit.jsonl")
    log.append(intent())
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert log.read().entries == (intent(),)
    assert audit_path(None, Path("/host")).path == Path("/host/var/log/fragtui/audit.jsonl")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(cut=st.integers(1, 400))
def test_a_torn_last_line_takes_no_other_with_it(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.unlink(missing_ok=True)
    log = AuditLog(path)
    log.append(intent("a"))
    log.append(intent("b"))
    data = path.read_bytes()
    first = len(format_entry(intent("a")))
    path.write_bytes(data[: max(first, len(data) - cut)])
    before = log.read()
    assert before.entries == (intent("a"),)
    log.append(intent("c"))
    read = log.read().entries
    # Cut right before its newline, the line was whole but for that.
    assert read == ((intent("a"), intent("b"), intent("c")) if cut == 1 else (intent("a"), intent("c")))


def test_it_turns_over_by_size_before_an_intent_and_keeps_all_readable(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl", size=1000, kept=3)
    for number in range(40):
        log.append(intent(f"{number:03}"))
        log.append(EndEntry(f"{number:03}", 2.0, Result.DONE, 1.0))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2", "audit.jsonl.3"]
    reading = log.read()
    assert not reading.problems
    seen = [entry.id for entry in reading.entries if isinstance(entry, IntentEntry)]
    assert seen == sorted(seen) and seen[-1] == "039"
    # Only intents rotate the log, so an end is in the file of its intent.
    assert all(episode.ended is not None for episode in episodes(reading.entries))


def test_a_link_a_fifo_and_a_directory_are_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep")
    (tmp_path / "link").symlink_to(victim)
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dir").mkdir()
    for name in ("link", "fifo", "dir"):
        with pytest.raises(AuditError, match=name):
            AuditLog(tmp_path / name).append(intent())
    assert victim.read_text() == "keep"


def test_a_full_disk_is_an_error() -> None:
    with pytest.raises(AuditError, match="/dev/full"):
        AuditLog(Path("/dev/full")).append(intent())


def test_a_short_write_is_an_error_and_the_line_torn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    log.append(intent("a"))
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:20]))
    with pytest.raises(AuditError, match=os.strerror(errno.ENOSPC).lower()):
        log.append(intent("b"))
    monkeypatch.undo()
    assert log.read().problems == (f"{log.path}: line 2: torn",)
    log.append(intent("c"))
    assert log.read().entries == (intent("a"), intent("c"))


def test_an_absent_log_is_empty_and_an_unreadable_one_a_problem(tmp_path: Path) -> None:
    assert AuditLog(tmp_path / "none").read() == AuditLog(tmp_path / "none").read()
    assert AuditLog(tmp_path / "none").read().problems == ()
    assert AuditLog(tmp_path).read().problems


def _append_many(path: Path, name: str) -> None:
    log = AuditLog(path, size=5000, kept=50)
    for number in range(60):
        log.append(intent(f"{name}{number}"))


def test_many_processes_lose_no_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_append_many, args=(path, name)) for name in "abc"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    reading = AuditLog(path, kept=50).read()
    assert reading.problems == ()
    assert {entry.id for entry in reading.entries} == {f"{name}{n}" for name in "abc" for n in range(60)}


@pytest.mark.slow
def test_what_is_turned_over_while_it_is_read_is_not_missed(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl", size=300, kept=50)
    done, fewest, count = threading.Event(), [], 0

    def read_on() -> None:
        while not done.is_set():
            before = count
            fewest.append(len(log.read().entries) - before)

    reader = threading.Thread(target=read_on)
    reader.start()
    try:
        for number in range(60):
            log.append(intent(str(number)))
            count = number + 1
    finally:
        done.set()
        reader.join()
    assert min(fewest) >= 0


@pytest.mark.parametrize(
    "field",
    [
        '"time": 1e300', '"time": -1', '"time": 253402300800', '"time": NaN', '"pid": ' + "9" * 5000,
        '"pid": ' + "9" * 20, '"order": 64', '"order": -1', '"blocks": ' + "9" * 400, '"id": {}', '"steps": [[]]',
        '"steps": ' + "[" * 3000,
    ],
    ids=lambda field: field[:20],
)  # fmt: skip
def test_an_intent_with_values_that_fragtui_never_writes_is_no_entry(field: str) -> None:
    fields = json.loads(format_entry(replace(intent("a"), order=3, blocks=1)))
    line = json.dumps(fields)[:-1] + f", {field}}}"
    found = parse_entry(line)
    assert found is None or (isinstance(found, IntentEntry) and found.blocks is None)
    for episode in episodes(() if found is None else (found,)):
        assert describe_episode(episode, unknown=False)
