"""``fragtui explain`` on logs made to exhaust memory: it reports what it skips, and memory stays flat."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fragtui.sources.files import unpacking
from fragtui.sources.pods import saved_objects
from tests.support.places import GENUINE

pytestmark = pytest.mark.slow

MIB = 1 << 20
SIZE = int(os.environ.get("FRAGTUI_BOMB_MIB", "160")) * MIB
"""Unpacked bytes; the issue asks for 1024 MiB, and already 160 took 350 MiB of memory."""
PEAK_KIB = 64 * 1024
REPORT = GENUINE.read_bytes()
CALL = """
import argparse, re, resource, sys
from fragtui.commands.look import explain as m
p = argparse.ArgumentParser()
m.configure(p)
code = m.run(p.parse_args())
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
print("PEAK", max(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss), file=sys.stderr)
sys.exit(code)
"""
# A child's ru_maxrss includes the size of pytest before exec; VmHWM starts at zero again.


class Explained:
    """The output of the verb and the largest resident size of its processes in KiB."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        *said, peak = done.stderr.decode().splitlines()
        self.status = done.returncode
        self.said = said
        self.peak_kib = int(peak.removeprefix("PEAK "))
        self.incidents = [json.loads(line) for line in done.stdout.splitlines()]

    def asked(self) -> list[str | None]:
        return [each["comm"] for each in self.incidents]


def explain(*words: str, **stdin: object) -> Explained:
    command = [sys.executable, "-c", CALL, "--json", *words]
    return Explained(subprocess.run(command, capture_output=True, check=False, timeout=120, **stdin))  # type: ignore[call-overload]


def gzipped_zeros(path: Path) -> None:
    with gzip.open(path, "wb", 1) as log:
        for _ in range(SIZE // MIB):
            log.write(bytes(MIB))
        log.write(b"\n" + REPORT)


def xz_zeros(path: Path) -> None:
    with lzma.open(path, "wb", preset=0) as log:
        for _ in range(SIZE // MIB):
            log.write(bytes(MIB))
        log.write(b"\n" + REPORT)


def gzipped_letters(path: Path) -> None:
    with gzip.open(path, "wb", 1) as log:
        for _ in range(SIZE // MIB):
            log.write(b"x" * MIB)
        log.write(b"\n" + REPORT)


def sparse(path: Path) -> None:
    with path.open("wb") as log:
        log.truncate(SIZE)
        log.seek(SIZE)
        log.write(REPORT)


def one_line(path: Path) -> None:
    with path.open("wb") as log:
        for _ in range(SIZE // MIB):
            log.write(b"page allocation failure ".ljust(MIB, b"y"))
        log.write(b"\n" + REPORT)


@pytest.mark.parametrize("write", [gzipped_zeros, xz_zeros, gzipped_letters, sparse, one_line])
def test_memory_stays_flat_and_what_follows_is_explained(write: Callable[[Path], None], tmp_path: Path) -> None:
    log = tmp_path / "messages"
    write(log)
    found = explain(str(log))
    assert found.status == 0
    assert "runc:[1:CHILD]" in found.asked()
    assert found.peak_kib < PEAK_KIB
    cut = write in (gzipped_letters, one_line)
    assert found.said == ([f"fragtui explain: {log}: 1 line longer than 16 KiB was cut"] if cut else [])


@pytest.mark.by_hand
def test_many_logs_side_by_side_stay_flat_too(tmp_path: Path) -> None:
    for number in range(12):
        with gzip.open(tmp_path / f"{number}.gz", "wb", 1) as log:
            for _ in range(8):
                log.write((b"z" * 99 + b"\n") * (MIB // 100))
    assert explain(*(str(tmp_path / f"{number}.gz") for number in range(12))).peak_kib < PEAK_KIB


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom"])
def test_a_device_is_refused_in_one_line(device: str) -> None:
    found = explain(device)
    assert (found.status, found.said) == (1, [f"fragtui explain: {device}: not a regular file or pipe"])
    with Path(device).open("rb") as stream:
        found = explain("-", stdin=stream)
    assert (found.status, found.said) == (1, ["fragtui explain: -: not a regular file or pipe"])


def test_pipes_and_fifos_and_an_empty_standard_input_are_read(tmp_path: Path) -> None:
    assert explain("-", input=REPORT).asked() == ["runc:[1:CHILD]"]
    assert explain("/dev/stdin", input=REPORT).asked() == ["runc:[1:CHILD]"]
    assert explain("-", stdin=subprocess.DEVNULL).status == 0
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["sh", "-c", f"cat > {fifo}"], stdin=subprocess.PIPE) as writer:
        assert writer.stdin is not None
        writer.stdin.write(REPORT)
        writer.stdin.close()
        assert explain(str(fifo)).asked() == ["runc:[1:CHILD]"]


def test_an_endless_pipe_without_a_newline_stays_flat() -> None:
    with subprocess.Popen(["head", "-c", str(SIZE), "/dev/zero"], stdout=subprocess.PIPE) as zeros:
        assert explain("-", stdin=zeros.stdout).peak_kib < PEAK_KIB


def test_reading_stops_at_the_limit_of_unpacked_bytes_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import argparse

    from fragtui.commands.look import explain as verb

    monkeypatch.setattr(unpacking, "UNPACKED_BYTES", 3 * MIB)
    log = tmp_path / "messages.gz"
    log.write_bytes(gzip.compress(REPORT + b"a line\n" * MIB))
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    assert verb.run(parser.parse_args([str(log)])) == 1
    said = capsys.readouterr()
    assert "runc:[1:CHILD] was denied" in said.out
    assert said.err == f"fragtui explain: {log}: stopped after 3M unpacked\n"


def test_a_list_of_too_many_events_keeps_the_newest_with_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def event(second: int) -> str:
        moment = f"2026-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
        pod = {"kind": "Pod", "namespace": "shop", "name": f"p{second}", "uid": f"u{second}"}
        why = {"reason": "FailedCreatePodSandBox", "message": "Failed to create pod sandbox: rpc error: " + "x" * 200}
        return json.dumps({"kind": "Event", "involvedObject": pod, "type": "Warning", "lastTimestamp": moment, **why})

    monkeypatch.setattr(saved_objects, "MAX_KEPT_OBJECTS", 100)
    text = '{\n"apiVersion": "v1",\n"items": [' + ",\n".join(event(second) for second in range(350)) + "]}\n"
    found, why = saved_objects.read_objects(io.BytesIO(text.encode()))
    assert [each.pod.name for each in found] == [f"p{second}" for second in range(200, 350)]
    assert why == "only the newest of its objects were read: 200 left out"


def test_an_object_without_an_end_is_no_list_and_is_not_kept() -> None:
    for text in ('{\n"apiVersion": "' + "x" * (3 * MIB), '{\n"apiVersion": "v1"' + f',\n"a": "{"x" * 999}"' * 3000):
        _, why = saved_objects.read_objects(io.BytesIO(text.encode()))
        assert "an object longer than 2 MiB" in (why or "")
