"""``fragtui report`` as it is called."""

from __future__ import annotations

import json
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from fragtui.commands.cli.parser import main
from tests.sources.pods.test_proof import processes
from tests.sources.pods.test_runtime_log import journalctl
from tests.support.big8 import DENIED, NOT_LOGGED, OOM_KILLS, big8
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.places import REPOSITORY
from tests.support.terminal import terminal

SAMPLES = REPOSITORY / "tests"
KERNEL = '{"MESSAGE": "eth0: up", "_TRANSPORT": "kernel", "__REALTIME_TIMESTAMP": "1795946134693201"}'


def saved_host(tmp_path: Path) -> Path:
    tree = HostTree.small(tmp_path / "node", FRAGMENTED)
    report = (SAMPLES / "kernel/samples/kmsg-6.18-lab-1.txt").read_text()
    tree.put("var/log/kern.log", "".join(f"Jan  1 10:00:00 node-7 kernel: {line}\n" for line in report.splitlines()))
    return tree.root


def test_a_saved_host_as_a_file(tmp_path: Path) -> None:
    place, out = saved_host(tmp_path), tmp_path / "ticket.md"
    assert main(["report", "--root", str(place), "-o", str(out)]) == 0
    page = out.read_text()
    assert "# Memory fragmentation on node-7" in page
    assert "kern.log" in page
    assert "- **allocation failure, 4M (order 10): runc" in page
    assert "None logged." in page
    assert main(["report", "--full", "--root", str(place), "-o", str(tmp_path / "full.md")]) == 0
    assert "### allocation failure, 4M (order 10): runc" in (tmp_path / "full.md").read_text()


def test_a_redacted_report_goes_to_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--redact", "--root", str(saved_host(tmp_path))]) == 0
    page = capsys.readouterr().out
    assert "# Memory fragmentation on host-1" in page
    assert "node-7" not in page


def test_a_report_of_this_node_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report"]) == 0
    page = capsys.readouterr().out
    assert "**Stuck pods**" in page or "## Stuck pods" in page
    assert "node 0" in page


def slow_node(root: Path, programs: Path) -> Path:
    """A node with a kubelet whose journalctl never answers."""
    HostTree.small(root)
    (root / "var/log/journal").mkdir(parents=True)
    processes(root, "systemd", "kthreadd", "kubelet")
    journalctl(programs, "trap '' TERM INT HUP; while :; do sleep 1; done")
    return root


def test_slow_sources_do_not_delay_it_and_each_is_named(
    tmp_path: Path, programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = slow_node(tmp_path, programs)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # It accepts, and never answers.
        kubeconfig = tmp_path / "kubeconfig"
        cluster = {"server": f"https://127.0.0.1:{silent.getsockname()[1]}", "insecure-skip-tls-verify": True}
        kubeconfig.write_text(
            json.dumps(
                {
                    "current-context": "x",
                    "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
                    "clusters": [{"name": "x", "cluster": cluster}],
                    "users": [{"name": "x", "user": {"token": "t"}}],
                }
            )
        )
        kubeconfig.chmod(0o600)
        words = ["report", "--json", "--root", str(root), "--kubeconfig", str(kubeconfig)]
        main(["report", "--root", str(root)])  # Imports what is not measured here.
        capsys.readouterr()
        began = time.monotonic()
        assert main(words) == 0
        assert time.monotonic() - began < 2
        report = json.loads(capsys.readouterr().out)
    why = {problem["path"]: problem["why"] for problem in report["unreadable"]}
    late = "no answer within 1.2 s"
    assert all(late in why[name] for name in ("kernel log", "kubelet log", "runtime log", "API"))
    assert report["denied"] is report["stuck"] is report["pods"] is report["incidents"] is None
    assert {unseen["question"] for unseen in report["unseen"]} == {"denials", "pods"}
    assert all(name in report["pods_not_visible"] for name in ("kubelet log: ", "runtime log: ", "API: "))


def test_every_dead_source_is_named_on_the_page_with_the_last_words_of_its_child(
    tmp_path: Path, programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = slow_node(tmp_path, programs)
    why = "No journal files were opened due to insufficient permissions."
    journalctl(programs, f'echo "{why}" >&2; exit 1')
    assert main(["report", "--root", str(root), "--kubeconfig", str(root / "proc/meminfo")]) == 0
    page = capsys.readouterr().out
    assert re.search(rf"- kernel log: \S+/dev/kmsg does not exist; the journal: {why}", page)
    assert f"Unknown: kubelet log: the journal: {why}; runtime log: the journal: {why}; API: " in page
    unread = page.split("What could not be read")[1]
    assert all(name in unread for name in ("kernel log", "kubelet log", "runtime log", "API"))
    assert "None found" not in page and "None in" not in page


def test_a_node_without_a_kubelet_is_not_called_blind(
    tmp_path: Path, programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = slow_node(tmp_path, programs)
    processes(root, "systemd", "kthreadd", "sshd")
    journalctl(programs, f"echo '{KERNEL}'; trap exit TERM; while :; do sleep 0.05; done")
    assert main(["report", "--root", str(root)]) == 0
    page = capsys.readouterr().out
    assert "PARTLY BLIND" not in page
    assert "**Stuck pods**: Nothing to look at: kubelet log: no kubelet on this host" in page
    assert "None in journal." in page


@pytest.mark.slow
def test_131_failures_and_many_pods_are_one_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--root", str(big8(tmp_path))]) == 0
    page = capsys.readouterr().out
    assert len(page.splitlines()) <= 64
    assert f"\n{DENIED} allocation failures, 1 OOM kill, at least {NOT_LOGGED} more not logged, 2026-11-28" in page
    assert "The 7 newest of 38 groups:" in page
    assert re.search(r"\| 20:43:21 \| 17 +\| 256K \(order 6\) \| \S+evil\S+, \+6 +\| unknown \|", page)
    assert page.count("- **allocation failure, ") == 3


@pytest.mark.slow
def test_the_object_is_that_of_check_and_explain_with_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = big8(tmp_path / "node")

    def printed(*words: str) -> list[dict[str, Any]]:
        assert main(list(words)) == (2 if words[0] == "check" else 0)
        return [json.loads(row) for row in capsys.readouterr().out.splitlines()]

    (report,) = printed("report", "-o", "json", "--root", str(root))
    (check,) = printed("check", "--pods", "--json", "--root", str(root))
    unread = check.pop("unreadable")
    assert {key: report[key] for key in check} == check
    assert all(problem in report["unreadable"] for problem in unread)
    failures = printed("explain", "--json", str(root / "var/log/kern.log"), str(root / "var/log/kubelet.log"))
    others = {"id": None, "linked": None, "explanation": None}  # An id contains the name of the log as given.
    assert [{"schema": 1, **incident, **others} for incident in report["incidents"]] == [
        {**failure, **others} for failure in failures
    ]
    of_kernel = [item for item in report["incidents"] if item["kind"] != "sandbox_failure"]
    assert len(of_kernel) == DENIED + OOM_KILLS
    assert sum(group["count"] for group in report["groups"]) == len(of_kernel)
    assert sum(pod["blame"] is not None for pod in report["pods"]) >= len(report["stuck"]["by_memory"])

    (tmp_path / "out").mkdir()
    path = tmp_path / "out/json"
    assert main(["report", "--json", "--redact", "--root", str(root), "-o", str(path)]) == 0
    text = path.read_text()
    redacted = json.loads(text)
    assert redacted["node"] == "host-1"
    assert "checkout-recommendation" not in text and "node-long-name-7" not in text
    assert redacted["denied"]["count"] == DENIED
    assert {pod["name"] for pod in redacted["pods"] if pod["name"]} <= {f"pod-{number}" for number in range(99)}


@pytest.mark.slow
def test_on_a_terminal_the_report_is_wrapped_and_bold_and_progress_is_gone(tmp_path: Path) -> None:
    with terminal("report", "--root", str(big8(tmp_path)), columns=100, rows=60) as screen:
        assert screen.wait() == 0
        assert b"\x1b[1mMemory fragmentation on node-long-name-7" in screen.written
        assert b"- \x1b[1mDenied\x1b[0m: 130 " in screen.written
        assert b"reading pods" in screen.written
        assert "reading pods" not in screen.text


def test_a_file_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--root", str(saved_host(tmp_path)), "-o", str(tmp_path / "no/such.md")]) == 1
    assert "no such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    "folder", [("kubelet.log",), ("kubelet.log", "crio/a.log"), ("1.log", "2.log", "3.log", "4.log")]
)
def test_without_a_kernel_log_check_and_report_name_the_saved_logs_that_they_read(
    folder: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place, name in enumerate(folder):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(
            f'E0404 16:48:5{place}.4     227 kuberuntime_sandbox.go:72] "Failed to create sandbox for pod" '
            f'err="cannot allocate memory" pod="web/api-{place}"\n'
        )
    more = f" and {len(folder) - 3} more" if len(folder) > 3 else ""
    why = f"no kernel log saved; read: {', '.join(folder[:3])}{more}"
    assert main(["check", "--pods", "--root", str(tmp_path)]) == 3
    assert f"? unknown: {why}" in capsys.readouterr().out
    main(["report", "--root", str(tmp_path)])
    assert f"Unknown: {why}." in capsys.readouterr().out
    main(["report", "--json", "--root", str(tmp_path)])
    fields = json.loads(capsys.readouterr().out)
    assert {"question": "denials", "why": why} in fields["unseen"] and fields["incidents"] is None
    assert {pod["name"] for pod in fields["pods"]} == {f"api-{place}" for place in range(len(folder))}
