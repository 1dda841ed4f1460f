"""The consumers of outside text, as calls of one input each: every parser, and the users of its results."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from fragtui.cluster.api_objects import pod_ref_of, read_event, read_pod
from fragtui.cluster.crictl_json import read_sandboxes
from fragtui.cluster.observation import PodObservation
from fragtui.kernel.gfp.flags import parse_print_fmt
from fragtui.kernel.procfs.memory_stat import parse_memory_stat, parse_read_bytes
from fragtui.kernel.procfs.version import parse_version
from fragtui.logs.bounded_json import read_json
from fragtui.logs.line_writers import writers_of
from fragtui.model.failures.failure_list import FailureList
from fragtui.model.failures.groups import FailureGroups
from fragtui.model.failures.incident import Incident
from fragtui.model.log_linker import LogLinker
from fragtui.model.log_reader import LogReading, LogTerms
from fragtui.model.node.snapshot import Host, Snapshot
from fragtui.model.node.verdict import judge_node
from fragtui.model.pods.pod_tracker import PodTracker
from fragtui.model.remedy.audit_entry import parse_entry
from fragtui.model.remedy.forecast import forecast
from fragtui.model.remedy.remedy_history import Entry, describe_episode, episodes, repeats, runs_of
from fragtui.model.state.node_state import node_state
from fragtui.player import find_marks
from fragtui.remedies.guard.policy import PolicyError, format_policy, parse_policy
from fragtui.remedies.replay import ReplayedRemedies
from fragtui.render.card.card import card
from fragtui.render.check_json import check_fields
from fragtui.render.failure_table import LogsRead, closing_lines, incident_lines, tables, total_lines, typical_lines
from fragtui.render.metrics import node_metrics
from fragtui.render.terminal_text import Line, painted
from fragtui.sources.host.snapshot_builder import (
    BUDDYINFO,
    MEMINFO,
    PAGETYPEINFO,
    PRESSURE,
    VMSTAT,
    ZONEINFO,
    FileText,
    SnapshotBuilder,
    Tick,
)
from fragtui.sources.kernel_log.incident_stream import IncidentStream
from fragtui.sources.kernel_log.kmsg import sequence_of
from fragtui.sources.kernel_log.last_failed_order import newest_order
from fragtui.sources.kernel_log.ring import stream_time
from fragtui.sources.pods.json_stream import NotAList, read_list
from fragtui.sources.pods.observation_json import observation_json, read_observation
from fragtui.sources.pods.paced_reader import PodLineParser
from fragtui.sources.recording.format import NotARecording, SegmentWriter
from fragtui.sources.recording.kernel_log import RecordedLog
from fragtui.sources.recording.pods import RecordedPods
from fragtui.sources.recording.reader import RecordedReader, Recording, parse_recording
from tests.fuzz import seeds

NOW = 1.785e9
HOST = Host("node-1", "6.8.0-45-generic", parse_version("6.8.0-45-generic"), 4096)
Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Target:
    """What is fuzzed: the texts to begin with, and the calls that one input makes, each a unit of work."""

    texts: Callable[[], list[bytes]]
    calls: Callable[[bytes], Iterator[Call]]
    share: int
    """How much of the inputs it gets."""


def _shown(incident: Incident, failures: FailureGroups) -> None:
    failures.take(incident)
    _are_printable(incident_lines(incident, 80))
    json.dumps(incident.to_json(), ensure_ascii=False).encode()


def _are_printable(lines: Iterable[Line]) -> None:
    for line in lines:
        text = painted(line, colour=False)
        assert text.isprintable(), text


def _is_safe(value: object) -> None:
    for text in vars_of(value):
        assert text.isprintable(), value


def vars_of(value: object) -> Iterator[str]:
    """Yield every text in a value of slotted dataclasses, tuples and enums."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from vars_of(each)
    elif hasattr(value, "__slots__") and hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from vars_of(getattr(value, name))


def explain_calls(data: bytes) -> Iterator[Call]:
    """Read a log as `fragtui explain` does."""
    digest, reading, failures = LogLinker(), LogReading(LogTerms("", NOW)), FailureGroups(limit=8)
    lines = data.split(b"\n")

    def line(number: int) -> None:
        for found in reading.feed(lines[number], number + 1, number == len(lines) - 1):
            for each in digest.feed(found):
                _shown(each.incident, failures)
        assert not reading.unread

    def finish() -> None:
        for found in reading.finish():
            for each in digest.feed(found):
                _shown(each.incident, failures)
        assert not reading.unread
        for each in digest.finish():
            _shown(each.incident, failures)

    def summary() -> None:
        read = LogsRead(len(lines), writers=writers_of(lines[:100]))
        _are_printable(closing_lines(FailureGroups(), read, 80))
        if failures.count:
            _are_printable([*total_lines(failures, 80), *tables(failures, 80, 5), *typical_lines(failures, 80)])

    yield from (partial(line, number) for number in range(len(lines)))
    yield finish
    yield summary


def stream_calls(data: bytes) -> Iterator[Call]:
    """Follow a log as the screen does."""
    stream, kept = IncidentStream("file", None, None, now=NOW), FailureList()

    def update() -> None:
        found = stream.update("file", 0, since=0.0)
        assert not found.unread_lines
        _is_safe(found.incidents)
        kept.take(found)
        assert len(kept.rows) >= 0

    for number, line in enumerate(data.split(b"\n")):
        yield partial(stream.feed_numbered, line, number)
        if number % 50 == 49:  # A call is given what a log brings in a moment, not thousands of reports.
            yield update
    yield stream.finish
    yield update


def kmsg_calls(data: bytes) -> Iterator[Call]:
    """Read one record of /dev/kmsg as the screen and `check` do."""
    stream = IncidentStream("kmsg", None, None, boot=NOW)

    def record() -> None:
        sequence_of(data)
        stream_time(data)
        newest_order((data,), 0.0)
        stream.feed_near_kmsg(data)
        stream.finish()
        found = stream.update("/dev/kmsg", 0)
        assert not found.unread_lines
        _is_safe(found.incidents)

    yield record


def _passed_on(observation: PodObservation) -> PodObservation:
    """Return an observation as it comes out of the API's child process and out of a recording."""
    return read_observation(read_json(json.dumps(observation_json(observation))))


def pod_calls(data: bytes) -> Iterator[Call]:
    """Read a log of kubelet or runtime as the screen does."""
    lines, tracker = PodLineParser(lambda: NOW, 0.0), PodTracker()

    def read(line: bytes) -> None:
        for observation in lines.feed(line):
            tracker.observe(observation, NOW)
            assert _passed_on(observation).pod == observation.pod
        assert not lines.unread

    def finish() -> None:
        for observation in lines.end():
            tracker.observe(observation, NOW)
        assert not lines.unread
        _is_safe((*tracker.snapshot(NOW).pods, *tracker.snapshot(NOW).started))

    yield from (partial(read, line) for line in data.split(b"\n"))
    yield finish


def api_calls(data: bytes) -> Iterator[Call]:
    """Read what an API server and crictl send."""
    tracker = PodTracker()

    def take(thing: dict[str, object]) -> None:
        for each in (thing, thing.get("object")):
            if isinstance(each, dict):
                pod_ref_of(each)
                for observation in (read_pod(each), read_event(each), read_pod(each, deleted=True)):
                    if observation is not None:
                        tracker.observe(_passed_on(observation), NOW)

    def read() -> None:
        with suppress(NotAList):
            take(read_list(iter((data,)), take))
        with suppress(ValueError):
            loaded = read_json(data)
            take(loaded if isinstance(loaded, dict) else {})
        for observation in read_sandboxes(data.decode("utf-8", "replace")) or ():
            tracker.observe(_passed_on(observation), NOW)
        _is_safe(tracker.snapshot(NOW).pods)

    yield read


def proc_calls(data: bytes) -> Iterator[Call]:
    """Read a file of /proc in the place of each."""
    text = data.decode("utf-8", "replace")

    def read(*names: str) -> Snapshot:
        return SnapshotBuilder(HOST).snapshot(Tick(NOW, 1.0, {name: FileText(name, text) for name in names}))

    def judged() -> None:
        snapshot = read(BUDDYINFO, ZONEINFO)
        state = node_state(snapshot, judge_node(snapshot, 4))
        json.dumps(check_fields(snapshot, state, forecast(snapshot, 4), ""))
        node_metrics(snapshot, state, "1")
        card(state, 60, NOW)

    yield judged
    yield from (partial(read, name) for name in (PAGETYPEINFO, MEMINFO, VMSTAT, PRESSURE))
    yield lambda: (parse_print_fmt(text), parse_memory_stat(text), parse_read_bytes(text))
    yield lambda: _recorded(text, text.replace("1", "2"))


def audit_calls(data: bytes) -> Iterator[Call]:
    """Read an audit log as `history`, `report` and the exporter do."""
    entries: list[Entry] = []

    def use_history() -> None:
        history = episodes(entries)
        assert all(describe_episode(each, False).isprintable() for each in history)
        repeats(history, NOW)
        runs_of(history)

    for line in data.decode("utf-8", "replace").split("\n"):
        yield lambda line=line: entries.extend(filter(None, (parse_entry(line),)))  # type: ignore[misc]
    yield use_history


def policy_calls(data: bytes) -> Iterator[Call]:
    """Read a policy."""

    def read() -> None:
        try:
            policy = parse_policy(data.decode("utf-8", "replace"))
        except PolicyError as error:
            assert str(error).isprintable()
        else:
            parse_policy(format_policy(policy))

    yield read


def recording_calls(data: bytes) -> Iterator[Call]:
    """Replay a recording whose only flush holds these lines, and one that is these bytes."""
    whole = gzip.compress(data + b'["C",%d]\n' % zlib.crc32(data), 1)
    found: list[Recording] = []

    def parse() -> None:
        for each in (whole, gzip.compress(data, 1), data):
            with suppress(NotARecording):
                found.append(parse_recording(each))

    yield parse
    for recording in found[:1]:
        log, pods, remedies, reader = RecordedLog(), RecordedPods(), ReplayedRemedies(), RecordedReader(recording)
        yield partial(find_marks, recording)
        for event in recording.events[:200]:
            yield partial(log.update, event)
            yield partial(pods.take, event)
            if event.kind == "R":
                yield partial(remedies.take, "".join(map(str, event.facts[:1])))
        yield partial(_replayed, pods)
        for _ in recording.ticks[:20]:
            yield partial(_sampled, reader, remedies)


def _recorded(*texts: str) -> None:
    """Check that texts come out of a recording as they went in."""
    ticks = [Tick(NOW, float(at), {"vmstat": FileText("vmstat", text)}) for at, text in enumerate(texts)]
    found = RecordedReader(parse_recording(SegmentWriter(HOST, ticks[0], {}).pack(ticks, end=True)))
    for text in texts:
        assert found._read().files["vmstat"].text == text.encode("utf-8", "replace").decode()


def _replayed(pods: RecordedPods) -> None:
    update = pods.update(NOW)
    _is_safe((update.stuck.pods, update.sources))


def _sampled(reader: RecordedReader, remedies: ReplayedRemedies) -> None:
    with suppress(ValueError):
        snapshot = reader.sample()
        time.gmtime(snapshot.time)
        judge_node(snapshot, 4)
        remedies.see(snapshot)


TARGETS = {
    "explain": Target(seeds.kernel_logs, explain_calls, 12),
    "explain of pods": Target(seeds.pod_logs, explain_calls, 8),
    "kernel log": Target(seeds.kernel_logs, stream_calls, 8),
    "/dev/kmsg": Target(seeds.kmsg_records, kmsg_calls, 15),
    "kubelet log": Target(seeds.pod_logs, pod_calls, 12),
    "API and crictl": Target(seeds.api_texts, api_calls, 10),
    "/proc": Target(seeds.proc_texts, proc_calls, 8),
    "audit log": Target(seeds.audit_lines, audit_calls, 12),
    "policy": Target(seeds.policies, policy_calls, 5),
    "recording": Target(seeds.recordings, recording_calls, 10),
}
