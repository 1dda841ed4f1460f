"""The largest processes of a node: read seldom, on a thread of its own, with names that can't harm."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fragtui.commands.look.screen import _process_reader
from fragtui.model.node.consumers import Consumers
from fragtui.sources.host.processes import LARGEST, ProcessReader
from fragtui.sources.host.reader import NodeReader

POD = "e501ca8a-ec23-11e8-b17a-0a586444015a"


def put_process(proc: Path, pid: int, comm: str, pages: int, cgroup: str = "0::/system.slice/x.service\n") -> None:
    folder = proc / str(pid)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "statm").write_text(f"{pages * 2} {pages} 10 1 0 9 0\n")
    (folder / "comm").write_text(f"{comm}\n")
    (folder / "cgroup").write_text(cgroup)


class Reading:
    """A reader whose readings can be waited for."""

    def __init__(self, proc: Path) -> None:
        self.arrived = threading.Semaphore(0)
        self.found: list[Consumers] = []
        self.crashes: list[str] = []
        self.reader = ProcessReader(proc, 4096, self.take, self.crashes.append)

    def take(self, consumers: Consumers) -> None:
        self.found.append(consumers)
        self.arrived.release()

    def look(self) -> Consumers:
        self.reader.look()
        assert self.arrived.acquire(timeout=20), self.crashes
        return self.found[-1]


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    put_process(tmp_path, 1, "systemd", 3000)
    (tmp_path / "meminfo").write_text("MemTotal: 1 kB\n")
    return tmp_path


def test_the_largest_come_first_with_their_cgroups_and_kernel_threads_are_left_out(proc: Path) -> None:
    put_process(proc, 2, "kthreadd", 0)
    for pid in range(100, 140):
        put_process(proc, pid, f"worker {pid}", pid)
    put_process(proc, 50, "java", 90_000, f"5:cpu,cpuacct:/a\n4:memory:/kubepods/pod{POD}/abc\n0::/b\n")
    found = Reading(proc).look()
    assert [(row.comm, row.resident) for row in found.processes[:2]] == [
        ("java", 90_000 << 12),
        ("systemd", 3000 << 12),
    ]
    assert found.processes[0].cgroup == f"/kubepods/pod{POD}/abc"
    assert len(found.processes) == LARGEST and found.looked_at == 42
    assert found.why is None and found.seconds is None and found.processes[0].grown is None


def test_it_reads_at_most_every_five_seconds(proc: Path) -> None:
    reading = Reading(proc)
    reading.look()
    for _ in range(20):
        reading.reader.look()
    assert not reading.arrived.acquire(timeout=0.2) and len(reading.found) == 1


def test_growth_is_counted_from_the_first_reading(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fragtui.sources.host.processes.MIN_SECONDS", 0.0)
    monkeypatch.setattr("fragtui.sources.host.processes.MAX_SHARE", 1.0)
    reading = Reading(proc)
    reading.look()
    put_process(proc, 1, "systemd", 3100)
    put_process(proc, 9, "new", 50)
    while reading.reader._thread is not None and reading.reader._thread.is_alive():
        reading.reader._thread.join(0.1)
    found = reading.look()
    assert found.seconds is not None and found.seconds > 0
    assert [row.grown for row in found.processes] == [100 << 12, None]


def test_names_are_printable_and_bounded(proc: Path) -> None:
    put_process(proc, 7, "\x1b]0;pwn\x07" + "x" * 5000, 9000, "0::/" + "y" * 50_000 + "\x1b[31m\n")
    first = Reading(proc).look().processes[0]
    assert len(first.comm) <= 33 and first.comm.isprintable()
    assert first.cgroup is not None and len(first.cgroup) <= 1001 and first.cgroup.isprintable()


def test_garbage_is_left_out_and_what_cannot_be_read_has_its_reason(proc: Path, tmp_path: Path) -> None:
    for pid, text in ((20, "x y"), (21, ""), (22, "1"), (23, "5 -4")):
        put_process(proc, pid, "garbage", 1)
        (proc / str(pid) / "statm").write_text(text)
    assert [row.pid for row in Reading(proc).look().processes] == [1]
    missing = Reading(tmp_path / "none").look()
    assert missing.processes == () and missing.why == "no such file or directory"
    (tmp_path / "empty").mkdir()
    assert Reading(tmp_path / "empty").look().why == "it lists no process"


def test_hidden_processes_are_said_to_be_hidden(tmp_path: Path) -> None:
    put_process(tmp_path, 77, "mine", 100)
    assert "hidepid" in (Reading(tmp_path).look().why or "")
    put_process(tmp_path, 1, "init", 10)
    (tmp_path / "1/ns").mkdir()
    (tmp_path / "1/ns/pid").symlink_to("pid:[4026532345]")
    assert "of this container" in (Reading(tmp_path).look().why or "")
    (tmp_path / "1/ns/pid").unlink()
    (tmp_path / "1/ns/pid").symlink_to("pid:[4026531836]")
    assert Reading(tmp_path).look().why is None


def test_the_screen_reads_the_processes_of_this_machine() -> None:
    reader = NodeReader(Path("/"))
    found: list[Consumers] = []
    arrived = threading.Event()

    def take(consumers: Consumers) -> None:
        found.append(consumers)
        arrived.set()

    _process_reader(reader, take, pytest.fail).look()
    assert arrived.wait(20)
    sizes = [row.resident for row in found[0].processes]
    assert sizes and sizes == sorted(sizes, reverse=True) and sizes[0] > 1 << 20
    assert found[0].looked_at >= len(sizes)
