"""A remote node in a real terminal: through a pipe, the user's own kubectl, and a real sshd on loopback."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fragtui.model.remedy.remedy_history import EndEntry, IntentEntry, Result
from fragtui.remedies.audit.log import AuditLog
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.kubectl import FakeKubectl
from tests.support.remote_node import remote_program
from tests.support.terminal import Terminal, command, terminal

pytestmark = pytest.mark.slow

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin")


def bars(screen: str) -> list[str]:
    """Return the rows of zones and sizes."""
    return [line.rstrip(" │") for line in screen.splitlines() if "▇" in line or " N0 " in line]


def program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def writers() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "--stream" in words and "record" in words and "-c" not in words:
            found.append(process)
    return found


def processes_of(folder: Path) -> list[psutil.Process]:
    """Return the processes of the remote fragtui in a folder that run a remedy, and the child that would write."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(word.startswith(str(folder)) for word in process.info["cmdline"] or [])
        and "drop-caches" in process.info["cmdline"]
    ]


def with_children(found: list[psutil.Process]) -> list[psutil.Process]:
    return [*found, *(child for process in found for child in process.children(recursive=True))]


def ask_for_a_drop(remote: Terminal) -> None:
    """Press the key of a remedy and confirm it; a key that came too early for a busy machine is pressed again."""
    for key, is_asked in (("1", False), ("y", True)):
        end = time.monotonic() + 40
        while ("y runs it" in remote.text) is is_asked and time.monotonic() < end:
            remote.rest()
            remote.press(key)
            remote.pump(0.6)


def test_a_pipe_shows_the_bars_of_the_node_and_says_when_it_ends(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    here = shlex.join(command())
    piped = f"{here} record --root {tmp_path} --stream --for 6s -q - | {here} replay - --order 4"
    with terminal("--root", str(tmp_path), "--order", "4") as local:
        shown = local.until("FRAGMENTED")
    with terminal("-c", piped, argv=["sh"]) as remote:
        remote.until("● stream, every")
        assert [row[:60] for row in bars(remote.until("FRAGMENTED"))][:3] == [row[:60] for row in bars(shown)][:3]
        remote.until("⚠ stream lost")
        assert "its writer has ended" in remote.text
        remote.press("q")
        assert remote.wait() == 0


def test_idle_exit_ends_a_stream_too(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    here = shlex.join(command())
    piped = f"{here} record --root {tmp_path} --stream -q - | {here} replay - --idle-exit 2s"
    with terminal("-c", piped, argv=["sh"]) as remote:
        assert remote.wait(60.0) == 0
        assert b"fragtui ended: no key for 2.0s (--idle-exit)" in remote.written


@pytest.mark.parametrize("what", ["nothing", "no stream"])
def test_a_pipe_without_a_stream_says_what_came(what: str) -> None:
    here = shlex.join(command())
    writer = "true" if what == "nothing" else "echo 'sudo: a password is required'"
    with terminal("-c", f"{writer} | {here} replay -", argv=["sh"], columns=200) as remote:
        remote.until("its writer has ended" if what == "nothing" else "it printed: sudo: a password is required")
        remote.press("q")
        assert remote.wait() == 0


def test_standard_input_must_be_a_stream() -> None:
    with terminal("replay", "-") as here:
        assert here.wait() == 2
        assert "standard input is a terminal" in here.text


@pytest.mark.parametrize("host", ["node-7", "ssh://", "ssh://-oProxyCommand=x", "kube://Node", "ssh://a b", "http://x"])
def test_a_host_that_is_none_is_wrong_usage(host: str) -> None:
    done = subprocess.run([*command(), "--host", host], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "expected ssh://" in done.stderr


def test_what_only_the_node_itself_can_do_is_wrong_usage() -> None:
    command_line = [*command(), "--host", "ssh://node-7", "--trace"]
    done = subprocess.run(command_line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "--trace: not with --host" in done.stderr


def test_kubectl_finds_the_pod_and_runs_fragtui_in_it(tmp_path: Path) -> None:
    HostTree.small(tmp_path / "host", FRAGMENTED)
    asked = tmp_path / "asked"
    program(
        tmp_path / "bin/kubectl",
        f'echo $(echo "$@") >> {asked}\n'
        'case "$*" in *"get pods"*) echo fragtui/fragtui-x2k; exit ;; esac\n'
        f"exec {shlex.join(command())} record --stream -q - --root {tmp_path}/host",
    )
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    with terminal("--host", "kube://prod/worker-7", "--order", "4", PATH=path) as remote:
        remote.until("● kube://prod/worker-7")
        remote.until("FRAGMENTED")
        remote.press("q")
        assert remote.wait() == 0
    get, run = asked.read_text().splitlines()[:2]
    assert "--context=prod get pods" in get and "spec.nodeName=worker-7,status.phase=Running" in get
    assert run.startswith("--context=prod exec --namespace=fragtui fragtui-x2k --container=fragtui -- /usr/local/bin/")


def test_without_a_pod_on_the_node_the_screen_says_what_is_missing(tmp_path: Path) -> None:
    program(tmp_path / "bin/kubectl", "exit 0")
    with terminal("--host", "kube://worker-7", columns=200, PATH=f"{tmp_path}/bin:{os.environ['PATH']}") as remote:
        remote.until("no pod of fragtui runs on worker-7")
        remote.press("q")
        assert remote.wait() == 0


def test_a_debug_pod_serves_stream_and_remedy_and_is_named_when_it_cannot_be_deleted(tmp_path: Path) -> None:
    HostTree.small(tmp_path / "host", FRAGMENTED)
    kubectl = FakeKubectl(tmp_path, shlex.join(command()))
    with terminal(
        "--host",
        "kube://worker-7",
        "--host-image",
        "r/fragtui:1",
        "--order",
        "4",
        columns=100,
        rows=30,
        PATH=kubectl.path,
    ) as remote:
        remote.until("● kube://worker-7")
        remote.until("FRAGMENTED")
        ask_for_a_drop(remote)
        remote.until("✗ Not run on node-7")
        kubectl.set("undeletable", "pods is forbidden")
        remote.press("q")
        assert remote.wait() == 0
        assert b"making a privileged debug pod on worker-7, deleted when this screen closes" in remote.written
        assert b"delete it: kubectl --context=prod delete pod node-debugger-worker-7-a1" in remote.written
    assert sum(" debug " in line for line in kubectl.asked) == 1


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[tuple[str, str, Path]]:
    """Run an sshd on loopback; yield the host to name, a PATH with an ssh that has its key, and the file of its pid."""
    if SSHD is None or os.geteuid() != 0:
        pytest.skip("needs sshd and root")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    (tmp_path / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nAuthorizedKeysFile {tmp_path}/user.pub\n"
        f"StrictModes no\nUsePAM no\nPidFile none\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    daemon = subprocess.Popen([SSHD, "-D", "-f", tmp_path / "config"], stderr=subprocess.DEVNULL)
    program(
        tmp_path / "bin/ssh",
        f"exec {shutil.which('ssh')} -F none -i {tmp_path}/user -o StrictHostKeyChecking=no -o LogLevel=ERROR "
        f'-o UserKnownHostsFile={tmp_path}/known "$@"',
    )
    end = time.monotonic() + 10
    while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < end:
        time.sleep(0.05)
    yield f"ssh://root@127.0.0.1:{port}", f"{tmp_path}/bin:{os.environ['PATH']}", tmp_path
    daemon.kill()
    daemon.wait()


def test_over_ssh_the_screen_is_live_shows_a_stalled_and_a_lost_link_and_leaves_nothing_behind(
    ssh: tuple[str, str, Path],
) -> None:
    host, path, _ = ssh
    before = {process.pid for process in writers()}
    host_program = command()[0] if len(command()) == 1 else sys.executable
    with terminal("--host", host, "--host-program", host_program, columns=200, PATH=path) as remote:
        remote.until(f"● {host}, every")
        mine = [process for process in writers() if process.pid not in before]
        assert mine
        for process in mine:
            process.send_signal(signal.SIGSTOP)
        remote.until(f"⚠ no data from {host} for")
        for process in mine:
            process.send_signal(signal.SIGCONT)
        remote.until(f"● {host}, every")
        for process in mine:
            process.kill()
        remote.until(f"⚠ {host} lost")
        remote.until(f"● {host}, every")
        remote.press("q")
        assert remote.wait() == 0
    end = time.monotonic() + 15
    while (left := [process for process in writers() if process.pid not in before]) and time.monotonic() < end:
        time.sleep(0.2)
    assert not left


def test_over_ssh_a_remedy_is_run_there_under_its_audit_log_and_the_abort_key_leaves_nothing_behind(
    ssh: tuple[str, str, Path],
) -> None:
    host, path, folder = ssh
    program = remote_program(folder, 300.0)
    options = ("--host", host, "--host-program", str(program), "--order", "4")
    with terminal(*options, columns=100, rows=30, PATH=path) as remote:
        remote.until("y 1 s ")
        ask_for_a_drop(remote)
        remote.until(lambda text: re.search(r"page cache on \S+: \d+", text) is not None)
        assert len(running := with_children(processes_of(folder))) >= 2
        remote.press("x")
        remote.until("Before and after: Drop page cache")
        assert not psutil.wait_procs(running, timeout=15)[1]
        remote.press("\x1b")
        remote_program(folder, 0.2)
        ask_for_a_drop(remote)
        remote.until("done in")
        remote.until("Before and after: Drop page cache")
    entries = AuditLog(folder / "audit.jsonl").read().entries
    intents = [entry for entry in entries if isinstance(entry, IntentEntry)]
    ends = [entry for entry in entries if isinstance(entry, EndEntry)]
    assert [intent.by for intent in intents] == ["remote screen"] * 2 and intents[0].order == 4
    assert [end.result for end in ends] == [Result.ABORTED, Result.DONE]


def test_the_reason_of_ssh_is_on_screen(tmp_path: Path) -> None:
    program(tmp_path / "bin/ssh", "echo 'root@node-7: Permission denied (publickey).' >&2; exit 255")
    with terminal("--host", "ssh://node-7", columns=200, PATH=f"{tmp_path}/bin:{os.environ['PATH']}") as remote:
        remote.until("Permission denied (publickey)")
        assert "next try in" in remote.text
        remote.press("q")
        assert remote.wait() == 0
