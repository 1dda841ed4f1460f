"""Reclaiming one cgroup on a real kernel: its page cache goes, the other's stays, and the ladder goes on by itself.

They change only cgroups of their own, and read and write files of their own.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from fragtui.model.node.cgroup_memory import CgroupMemories, CgroupMemory, CgroupPrice
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import usable_blocks
from fragtui.model.remedy.forecast import forecast
from fragtui.model.remedy.remedy_history import EndEntry, EvidenceEntry, IntentEntry, Result
from fragtui.remedies import escalation
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import RECLAIM, reclaim_cgroup
from fragtui.remedies.escalation import EndReason, Escalation, EscalationEnd, EscalationStep
from fragtui.remedies.guard.loop import Guard
from fragtui.remedies.guard.policy import Policy
from fragtui.remedies.runner import RemedyRun, RunRefused, RunRequest
from fragtui.sources.host.cgroups import read_cgroups, read_price
from fragtui.sources.host.reader import NodeReader
from tests.support.cgroup import Group, limited
from tests.support.lab import alone, lab, long

pytestmark = lab
ROOT = Path("/")
ORDER = 9
MIB = 1 << 20
_HOLD = """
import ctypes, mmap, os, sys
path, size, scattered = sys.argv[1], int(sys.argv[2]) << 20, sys.argv[3:] == ["scattered"]
with open(path, "wb") as file:
    if scattered:
        file.truncate(2 * size)
    else:
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    os.fsync(file.fileno())
if scattered:
    # Every second page is locked into memory: a reclaim frees those between them, which are no larger block.
    file = os.open(path, os.O_RDONLY)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
    for offset in range(0, size, 4096):
        os.pread(file, 4096, offset)
        os.pread(file, 4096, size + offset)
    assert ctypes.CDLL(None).mlockall(2) == 0
    kept = mmap.mmap(file, size, mmap.MAP_SHARED, mmap.PROT_READ, offset=size)
print("READY", flush=True)
for _ in sys.stdin:
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass
    print("READ", flush=True)
"""


class Holder:
    """A process in a cgroup of its own, whose page cache is one file."""

    def __init__(self, group: Group, path: Path, megabytes: int, *, scattered: bool) -> None:
        words = [str(path), str(megabytes), *(["scattered"] if scattered else [])]
        command = group.command([sys.executable, "-c", _HOLD, *words])
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.folder = str(group.folder).lstrip("/")
        assert self._process.stdout is not None and self._process.stdout.readline() == "READY\n"

    def read_again(self) -> None:
        """Have the process read its file."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "READ\n"

    @property
    def memory(self) -> CgroupMemory:
        """Its cgroup as it is read."""
        found = {cgroup.folder: cgroup for cgroup in read_cgroups(ROOT).cgroups}
        return found[self.folder]

    @property
    def price(self) -> CgroupPrice:
        """Its counters now."""
        return read_price(ROOT, self.folder)

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


@contextmanager
def holder(folder: Path, name: str, megabytes: int, *, scattered: bool = False) -> Iterator[Holder]:
    with limited("memory", 4 << 30, name) as group:
        path = folder / f"held{name}"
        found = Holder(group, path, megabytes, scattered=scattered)
        try:
            time.sleep(1.2)
            yield found
        finally:
            found.end()
            path.unlink()


@pytest.fixture(autouse=True)
def one_at_a_time() -> Iterator[None]:
    with alone():
        # Page cache of a test fills the small pieces first: then it holds no larger block that a reclaim would give.
        Path("/proc/sys/vm/drop_caches").write_text("3")
        Path("/proc/sys/vm/compact_memory").write_text("1")
        yield


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "audit.jsonl")


def run_to_end(climb: Escalation, reader: NodeReader, first: Snapshot | None = None) -> EscalationEnd:
    """Run it to its end; the first step is judged by the snapshot `first`, so that other tasks don't change it."""
    end = climb.advance(first or reader.sample(page_types=True))
    while end is None:
        time.sleep(0.1)
        end = climb.advance(reader.sample(page_types=True))
    return end


def test_the_culprits_page_cache_goes_and_the_others_stays(tmp_path: Path, log: AuditLog) -> None:
    reader = NodeReader(ROOT)
    with holder(tmp_path, "-culprit", 800) as culprit, holder(tmp_path, "-other", 100) as other:
        before, kept, quiet = culprit.memory, other.memory, other.price
        assert before.cache >= 790 * MIB and kept.cache >= 95 * MIB
        sample = reader.sample(page_types=True)
        free = usable_blocks(sample, ORDER)
        remedy = reclaim_cgroup(before, "culprit")
        expected = forecast(sample, ORDER).gain(remedy.effect)
        assert free is not None and expected.blocks is not None and expected.low is not None
        wanted = free + 100
        end = run_to_end(Escalation([remedy], ROOT, log, ORDER, wanted, "command"), reader)
        assert end.reason is EndReason.REACHED, (end, expected)
        assert end.gained is not None and expected.high is not None
        print(f"forecast {expected.low} {expected.blocks} {expected.high}, gained {end.gained}")
        assert expected.low <= end.gained <= expected.high
        assert read_size(culprit) < 20 * MIB and other.memory.cache >= kept.cache - MIB
        other.read_again()
        assert other.price.since(quiet).refaults == 0
        culprit_price = culprit.price
        culprit.read_again()
        paid = culprit.price.since(culprit_price)
        assert paid.refaults is not None and paid.refaults > 100 * MIB >> 12, "this is the price, and it is counted"
    entries = log.read().entries
    assert [type(entry) for entry in entries] == [IntentEntry, EndEntry, EvidenceEntry]
    intent, ended, evidence = entries
    assert isinstance(intent, IntentEntry) and isinstance(ended, EndEntry) and isinstance(evidence, EvidenceEntry)
    assert intent.remedy == RECLAIM and intent.paths[0].startswith(f"/{culprit.folder}/")
    assert ended.result is Result.DONE and evidence.cgroup_refaults is not None


def read_size(held: Holder) -> int:
    """Return its page cache, 0 if it is no longer listed."""
    return next((cgroup.cache for cgroup in read_cgroups(ROOT).cgroups if cgroup.folder == held.folder), 0)


def test_the_verb_reclaims_one_cgroup(tmp_path: Path, log: AuditLog, capsys: pytest.CaptureFixture[str]) -> None:
    with holder(tmp_path, "-verb", 600) as held, holder(tmp_path, "-kept", 100) as kept:
        assert main(["reclaim", held.memory.path, "-y", "-o", "json", "--order", "9", "--audit", str(log.path)]) == 0
        fields = json.loads(capsys.readouterr().out)
        print(fields["expected"], fields["blocks"])
        assert fields["remedy"] == RECLAIM
        low, high, gained = fields["expected"]["low"], fields["expected"]["high"], fields["blocks"]["gained"]
        assert low * 0.95 - 4 <= gained <= high * 1.05 + 4
        assert read_size(held) < 20 * MIB and read_size(kept) >= 95 * MIB
    assert [type(entry) for entry in log.read().entries] == [IntentEntry, EndEntry, EvidenceEntry]


@long
def test_where_one_cgroup_is_not_enough_the_ladder_goes_on(tmp_path: Path, log: AuditLog) -> None:
    reader = NodeReader(ROOT)
    with holder(tmp_path, "-first", 300) as first, holder(tmp_path, "-second", 500) as second:
        steps = [reclaim_cgroup(held.memory, name) for held, name in ((first, "first"), (second, "second"))]
        view = forecast(sample := reader.sample(page_types=True), ORDER)
        gains = [view.gain(step.effect).blocks or 0 for step in steps]
        free = usable_blocks(sample, ORDER) or 0
        # More than any step alone is expected to give: both run, in order.
        end = run_to_end(Escalation(steps, ROOT, log, ORDER, free + max(gains) + 50, "command"), reader, sample)
        assert [step.remedy.title for step in end.steps] == [step.title for step in steps]
        assert read_size(first) < 20 * MIB and read_size(second) < 20 * MIB
    kinds = [type(entry) for entry in log.read().entries if not isinstance(entry, EvidenceEntry)]
    assert kinds == [IntentEntry, EndEntry] * 2, "no write without its intent line before it"


@long
def test_the_guard_reclaims_the_next_cgroup_after_a_useless_reclaim_of_the_largest(
    tmp_path: Path, log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = NodeReader(ROOT)
    with (
        holder(tmp_path, "-scattered", 900, scattered=True) as useless,
        holder(tmp_path, "-next", 700) as culprit,
        holder(tmp_path, "-last", 300) as last,
    ):
        own = {held.folder for held in (useless, culprit, last)}

        def own_cgroups(root: Path) -> CgroupMemories:
            found = read_cgroups(root)
            return replace(found, cgroups=tuple(cgroup for cgroup in found.cgroups if cgroup.folder in own))

        monkeypatch.setattr(escalation, "read_cgroups", own_cgroups)
        sizes = [held.memory.cache for held in (useless, culprit, last)]
        print(sizes)
        assert sizes[0] > sizes[1] > sizes[2]
        free = usable_blocks(reader.sample(), ORDER) or 0
        steps = (EscalationStep.RECLAIM,)
        policy = Policy(order=ORDER, blocks=free + 150, hold=0, cooldown=1, per_hour=9, steps=steps, pressure=100)
        guard = Guard(policy, ROOT, log, time.monotonic())
        ends: list[EscalationEnd] = []
        end = time.monotonic() + 60
        while guard.state.stopped is None and time.monotonic() < end:
            guard.tick(reader.sample(page_types=guard.escalation is None))
            if guard.last_end is not None:
                ends.append(guard.last_end)
                guard.last_end = None
                if ends[-1].reason is EndReason.REACHED:
                    break
            time.sleep(0.05)
        guard.close()
        for run in ends:
            print(run.reason, run.why, [(step.remedy.title, step.expected.blocks, run.gained) for step in run.steps])
        assert [run.reason for run in ends] == [EndReason.EXHAUSTED, EndReason.REACHED], guard.state.stopped
        assert read_size(useless) < 20 * MIB and read_size(culprit) < 20 * MIB and read_size(last) >= 290 * MIB
    intents = [entry for entry in log.read().entries if isinstance(entry, IntentEntry)]
    assert [(intent.by, intent.remedy) for intent in intents] == [("guard", RECLAIM)] * 2
    assert [intent.paths[0].rpartition("/")[0] for intent in intents] == [f"/{useless.folder}", f"/{culprit.folder}"]
    later = Guard(policy, ROOT, log, time.monotonic())
    later.close()
    assert [lesson.misses for name, lesson in later.state.lessons.items() if "-scattered" in name] == [1]


def test_a_cgroup_that_was_made_again_is_not_written(tmp_path: Path, log: AuditLog) -> None:
    with holder(tmp_path, "-gone", 50) as held:
        memory = held.memory
        held.end()
        folder = Path("/", held.folder)
        for _ in range(100):
            try:
                folder.rmdir()
                break
            except OSError:
                time.sleep(0.05)
        folder.mkdir()
        with pytest.raises(RunRefused, match="another cgroup has its name"):
            RemedyRun.start(reclaim_cgroup(memory, "gone"), ROOT, log, RunRequest("command"))
    assert log.read().entries == ()


def test_an_abort_ends_it(tmp_path: Path, log: AuditLog) -> None:
    with holder(tmp_path, "-long", 1500) as held:
        running = RemedyRun.start(reclaim_cgroup(held.memory, "long"), ROOT, log, RunRequest("command"))
        running.abort()
        outcome = running.wait(20)
        assert outcome is not None and outcome.result in (Result.ABORTED, Result.DONE)
        ended = log.read().entries[-1]
        assert isinstance(ended, EndEntry) and ended.result is outcome.result
