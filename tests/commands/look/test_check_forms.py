"""The forms of `fragtui check`: 80 columns, every zone, a plugin's line, again and again, with the logs."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from tests.sources.pods.test_runtime_log import failure
from tests.support.host_tree import FRAGMENTED, HEALTHY, HostTree, ZoneFacts
from tests.support.places import REPOSITORY
from tests.support.terminal import command, terminal
from tests.ui.panels.test_failures import refusal

LINE = re.compile(
    r"FRAGTUI (OK|WARNING|CRITICAL|UNKNOWN) - (?P<text>[^|]*) \|(?P<data>( [a-z_]+=[\d.]+(B|%)?(;[^; ]*){0,4})*)"
)


def many_nodes(root: Path, bare: int, nodes: int = 16) -> HostTree:
    blocks = [FRAGMENTED] * bare + [HEALTHY] * (nodes - bare)
    tree = HostTree(root, [ZoneFacts(node, "Normal", counts) for node, counts in enumerate(blocks)])
    tree.hostname = "ip-10-112-203-17.eu-central-1.compute.internal"
    tree.write()
    return tree


def test_sixteen_numa_nodes_fit_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many_nodes(tmp_path, 13)
    assert main(["check", "--root", str(tmp_path), "--order", "9"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "FRAGMENTED 13/16  13 of 16 NUMA nodes have no free 2M block."
    assert "node 0 Normal, and 12 like it" in lines[8]
    assert lines[8].endswith("  fragmented")
    assert "node 13 Normal, and 2 like it" in lines[9]
    assert main(["check", "--root", str(tmp_path), "--order", "9", "--wide"]) == 2
    wide = capsys.readouterr().out
    assert all(f"node {node} Normal" in wide for node in range(16))


@pytest.mark.parametrize(("bare", "status", "word"), [(0, 0, "OK"), (3, 1, "WARNING"), (16, 2, "CRITICAL")])
def test_a_plugin_gets_one_line_with_performance_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bare: int, status: int, word: str
) -> None:
    many_nodes(tmp_path, bare)
    assert main(["check", "--plugin", "nagios", "--root", str(tmp_path), "--order", "9"]) == status
    first, *others = capsys.readouterr().out.splitlines()
    matched = LINE.fullmatch(first)
    assert matched and matched[1] == word
    assert f" bare_nodes={bare % 16};;;0" in matched["data"]
    assert [line.split()[0] for line in others] == ["Denied", "Stuck", "Next" if bare == 0 else "Try"]


def test_a_plugin_gets_unknown_on_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "proc").mkdir()
    assert main(["check", "--plugin", "nagios", "--root", str(tmp_path)]) == 3
    assert capsys.readouterr().out.startswith("FRAGTUI UNKNOWN - UNKNOWN: Can't judge: /proc/buddyinfo: no such file")
    with pytest.raises(SystemExit) as ended:
        main(["check", "--plugin=nagios", "--no-such-option"])
    assert ended.value.code == 3
    assert capsys.readouterr().out.startswith("FRAGTUI UNKNOWN - ")
    with pytest.raises(SystemExit) as ended:
        main(["check", "--no-such-option"])
    assert ended.value.code == 3 and capsys.readouterr().out == ""


@pytest.mark.slow
def test_a_watch_checks_again_until_it_is_interrupted(fragmented: Path) -> None:
    words = [sys.executable, "-m", "fragtui", "check", "--json", "--watch", "0.25s", "--root", str(fragmented)]
    with subprocess.Popen([*words, "--order", "6"], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as watch:
        assert watch.stdout is not None
        samples = [json.loads(watch.stdout.readline()) for _ in range(3)]
        watch.send_signal(signal.SIGINT)
        assert watch.wait(20) == 2, "the status of the last sample"
    assert [sample["state"] for sample in samples] == ["fragmented"] * 3


@pytest.mark.slow
def test_a_watch_on_a_terminal_redraws_the_text_in_its_place(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path, FRAGMENTED)
    words = ["--root", str(tmp_path), "--order", "6", "--watch", "0.25s"]
    with terminal("check", *words, argv=command()) as shown:
        shown.until("FRAGMENTED")
        for zone in tree.zones[1:]:
            zone.free_blocks = HEALTHY
        tree.write()
        shown.until("Healthy")
        assert "FRAGMENTED" not in shown.text
        shown.kill(signal.SIGINT)
        assert shown.wait() == 0


@pytest.mark.parametrize("words", [["--watch", "0.1s"], ["--watch", "x"], ["--json", "--wide"]])
def test_wrong_forms_are_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", *words])
    assert ended.value.code == 3
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_denied_requests_are_read_only_if_asked_for(fragmented: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (fragmented / "var/log").mkdir(parents=True)
    (fragmented / "var/log/kern.log").write_text(refusal("10:00:00", "ethtool", 5))
    assert main(["check", "--root", str(fragmented)]) in (0, 1)
    text = capsys.readouterr().out
    assert text.count("not looked at: --pods reads the kernel log and the pods") == 2
    assert "none" not in text.split("\n\n")[0]
    assert main(["check", "--root", str(fragmented), "--pods"]) == 2, "the order of the denied request"
    text = capsys.readouterr().out
    assert text.startswith("FRAGMENTED  No free 128K block.")
    assert re.search(r"\nDenied  ethtool asked for 128K \d+ d ago and failed, 1 time", text)
    assert "\nStuck   ? unknown: " in text
    assert main(["check", "--root", str(fragmented), "--pods", "--json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert report["denied"]["last"]["comm"] == "ethtool" and report["stuck"] is None


def test_pods_and_denials_come_from_the_sources_that_the_options_name(
    fragmented: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel, kubelet = fragmented / "k.log", fragmented / "kubelet.log"
    kernel.write_text(refusal("10:00:00", "ethtool", 5))
    kubelet.write_text(failure("web", 1))
    named = ["--kernel-log", str(kernel), "--kubelet-log", str(kubelet)]
    assert main(["check", "--root", str(fragmented), "--pods", *named]) == 2
    text = capsys.readouterr().out
    assert re.search(r"\nDenied  ethtool asked for 128K .* and failed, 1 time", text)
    assert re.search(r"\nStuck   1 pod", text) and "shop/web" in text
    assert main(["check", "--root", str(fragmented), *named]) == 3
    error = capsys.readouterr().err
    assert error == "fragtui check: --kernel-log, --kubelet-log and --kubeconfig need --pods\n"


@pytest.mark.parametrize(("bare", "status"), [(0, 0), (3, 0), (16, 1)])
def test_node_problem_detector_gets_a_line_of_80_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bare: int, status: int
) -> None:
    many_nodes(tmp_path, bare)
    assert main(["check", "--plugin", "npd", "--root", str(tmp_path), "--order", "9"]) == status
    line = capsys.readouterr().out.removesuffix("\n")
    assert 0 < len(line.encode()) <= 80 and line.isprintable()
    assert line.startswith("FRAGMENTED" if bare == 16 else "OK" if bare == 0 else "LOW 3/16")


def test_node_problem_detector_gets_a_status_of_its_own_for_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "proc").mkdir()
    assert main(["check", "--plugin", "npd", "--root", str(tmp_path)]) not in (0, 1)
    out = capsys.readouterr().out
    assert out.startswith("UNKNOWN: ") and len(out.encode()) <= 81
    with pytest.raises(SystemExit) as ended:
        main(["check", "--plugin", "npd", "--no-such-option"])
    assert ended.value.code not in (0, 1)
