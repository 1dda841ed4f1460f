"""Units, ports and processes of the node: in use, not in use, or unknown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fragtui.kernel.procfs.sockets import listening_ports
from fragtui.sources.files.trust import find_program
from fragtui.sources.host import in_use as module
from fragtui.sources.host.in_use import UNIT_NAME, in_use

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
TCP = HEAD + (
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n"
    "   1: 0100007F:0050 0100007F:1F91 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0\n"
)
TCP6 = HEAD + (
    "   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0\n"
)


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A /proc with the kernel's threads, a server in a namespace of its own, and a script."""
    for pid, comm, command in (
        (1, "systemd", b"/sbin/init\0"),
        (2, "kthreadd", b""),
        (70, "python3", b"/opt/bin/vllm\0serve\0"),
        (71, "a-name-of-15-ch", b"x\0"),
    ):
        folder = tmp_path / "proc" / str(pid)
        (folder / "net").mkdir(parents=True)
        (folder / "ns").mkdir()
        (folder / "ns/net").write_text("")
        (folder / "comm").write_text(f"{comm}\n")
        (folder / "cmdline").write_bytes(command)
        (folder / "net/tcp").write_text(HEAD)
    (tmp_path / "proc/70/net/tcp").write_text(TCP)
    (tmp_path / "proc/70/net/tcp6").write_text(TCP6)
    return tmp_path


def test_only_listening_sockets_count() -> None:
    assert listening_ports(TCP) == {8080}
    assert listening_ports(TCP6) == {22}
    assert listening_ports("") == listening_ports("\0" * 100 + "0: 0A") == frozenset()


@pytest.mark.parametrize(
    ("port", "name", "live"),
    [(8080, "", True), (22, "", True), (80, "", False), (0, "vllm", True), (0, "python3", True), (0, "serve", False),
     (0, "a-name-of-15-chars-and-more", True), (0, "a-name", False), (0, "python", False)],
)  # fmt: skip
def test_a_port_or_process_in_use_is_found(node: Path, port: int, name: str, live: bool) -> None:
    found = in_use(node, [], [port] if port else [], [name] if name else [])
    assert bool(found.live) is live and not found.unknown
    assert not live or "pid 7" in found.live[0]


def test_what_is_not_visible_is_unknown(node: Path) -> None:
    (node / "proc/2/comm").write_text("sh\n")
    found = in_use(node, ["a.service"], [80], ["vllm"])
    assert not found.live and len(found.unknown) == 3
    assert "systemctl on the node" in found.unknown[0] and all("visible" in why for why in found.unknown[1:])
    (node / "proc/2/comm").unlink()
    assert len(in_use(node, [], [80], ["vllm"]).unknown) == 2


def test_a_search_that_takes_too_long_is_unknown(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SEARCH_SECONDS", -1.0)
    found = in_use(node, [], [8080], ["vllm"])
    assert not found.live and len(found.unknown) == 2 and "takes longer" in found.unknown[0]


def test_a_port_behind_too_many_listening_sockets_is_unknown(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any user may listen on many ports; connections come after the listening sockets."""
    socket, connection = TCP.splitlines(keepends=True)[1:]
    monkeypatch.setattr(module, "_MAX_TEXT", 8192)
    (node / "proc/70/net/tcp").write_text(HEAD + socket * 100)
    found = in_use(node, [], [80], [])
    assert not found.live and "too many listening sockets" in found.unknown[0]
    (node / "proc/70/net/tcp").write_text(HEAD + socket + connection * 100)
    assert in_use(node, [], [80], []) == module.InUse((), ())


def test_processes_that_end_meanwhile_are_passed_over(node: Path) -> None:
    (node / "proc/70/comm").unlink()
    (node / "proc/70/net/tcp").unlink()
    found = in_use(node, [], [80], ["vllm"])
    assert found == module.InUse((), ())


@pytest.mark.parametrize(
    ("script", "live", "unknown"),
    [
        ("echo active", "unit a.service is active", ""),
        ("echo activating", "unit a.service is activating", ""),
        ("echo inactive", "", ""),
        ("echo failed", "", ""),
        ("true", "", "ended with status 0"),
        ("echo 'no\x1b[1m bus' >&2; exit 1", "", r"no\x1b[1m bus"),
        ("exec sleep 9", "", "did not answer"),
        (
            'test "$*" = "show --property=ActiveState --value -- a.service" && env | grep -qv SECRET && echo inactive',
            "",
            "",
        ),
    ],
)
def test_the_state_of_a_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, live: str, unknown: str
) -> None:
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(module, "find_program", lambda name: str(tmp_path / name))
    if "sleep" in script:
        monkeypatch.setattr(module, "_SYSTEMCTL_SECONDS", 0.5)
    found = in_use(Path("/"), ["a.service"], [], [])
    assert (live in found.live) if live else not found.live
    assert (unknown in found.unknown[0]) if unknown else not found.unknown


def test_a_systemctl_that_another_user_may_change_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\necho inactive\n")
    program.chmod(0o777)
    monkeypatch.setattr(module, "find_program", lambda name: find_program(name, (str(tmp_path),)))
    found = in_use(Path("/"), ["a.service"], [], [])
    assert not found.live and "can be written by" in found.unknown[0]
    assert not (tmp_path / "ran").exists()


def test_own_process_does_not_count(tmp_path: Path) -> None:
    for pid, comm in ((2, "kthreadd"), (os.getpid(), "job")):
        (tmp_path / f"proc/{pid}").mkdir(parents=True)
        (tmp_path / f"proc/{pid}/comm").write_text(f"{comm}\n")
        (tmp_path / f"proc/{pid}/cmdline").write_text("")
    assert in_use(tmp_path, [], [], ["job"]) == module.InUse((), ())


@pytest.mark.parametrize("name", ["-a", "a b", "a*", "", "a\n", "a;b", "x" * 256, "a?", "[a]"])
def test_names_that_are_options_or_patterns_are_no_units(name: str) -> None:
    assert UNIT_NAME.fullmatch(name) is None and UNIT_NAME.fullmatch("vllm@1-a.service")
