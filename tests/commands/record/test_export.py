"""``fragtui export``, checked with Prometheus's own tools."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.failure_counts import FailureCounts
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.incidents import kernel_incident
from tests.support.places import REPOSITORY

pytest.importorskip("prometheus_client", reason="prometheus-client is not installed (extra: prom)")
with_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (prometheus)")
with_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")


BLIND = (
    "Unknown there: the free blocks (buddyinfo, zoneinfo), denied requests (kernel_log), stuck pods (API and\n"
    "kubelet log), or what the other sources add. fragtui doctor says why."
)
OTHERS = {
    "g": "crictl", "h": "zoneinfo", "i": "vmstat", "j": "meminfo", "k": "pagetypeinfo", "l": "pressure/memory",
    "m": "events", "n": "runtime_log", "o": "audit_log",
}  # fmt: skip


def textfile(tmp_path: Path, *words: str) -> str:
    out = tmp_path / "fragtui.prom"
    assert main(["export", "--textfile", str(out), *words]) == 0
    return out.read_text()


def value(text: str, sample: str) -> float | None:
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


@with_promtool
@pytest.mark.parametrize("live", [True, False])
def test_promtool_accepts_the_metrics(tmp_path: Path, live: bool) -> None:
    words = [] if live else ["--root", str(HostTree.small(tmp_path / "host").root)]
    text = textfile(tmp_path, *words)
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr, done.stderr


@with_promtool
def test_promtool_accepts_the_rules_and_they_fire(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--rules", "--order", "4"]) == 0
    (tmp_path / "rules.yml").write_text(capsys.readouterr().out)
    done = subprocess.run(
        ["promtool", "check", "rules", str(tmp_path / "rules.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    series = {
        'fragtui_order_available{request="GFP_KERNEL",order="4",instance="a",job="f"}': "0x10",
        'fragtui_order_available{request="GFP_KERNEL",order="4",instance="b",job="f"}': "1x10",
        'fragtui_target_blocks{order="4",instance="b",job="f"}': "3x10",
        'fragtui_allocation_failures_total{cause="veth",instance="a",job="f"}': "0 0 2 2 2 2 2 2 2 2",
        'fragtui_stuck_pods{memory="refused",instance="a",job="f"}': "1x10",
        'fragtui_source_up{source="buddyinfo",instance="c",job="f"}': "0x10",
        'fragtui_source_up{source="kernel_log",instance="d",job="f",node="worker-4"}': "0x10",
        'fragtui_source_up{source="api",instance="e",job="f"}': "0x10",
        'fragtui_source_up{source="kubelet_log",instance="e",job="f"}': "0x10",
        # One of the two is enough to see the pods.
        'fragtui_source_up{source="api",instance="g",job="f"}': "0x10",
        'fragtui_source_up{source="kubelet_log",instance="g",job="f"}': "1x10",
        **{
            f'fragtui_source_up{{source="{source}",instance="{instance}",job="f"}}': "0x10"
            for instance, source in OTHERS.items()
        },
    }
    blind = {f'instance="{instance}"' for instance in ("c", "d", "e", *OTHERS)}
    wanted = {
        "FragtuiOrderUnavailable": 'instance="a"',
        "FragtuiOrderRunningOut": 'instance="b"',
        "FragtuiPodsStuckOnMemory": 'instance="a"',
    }
    firing = [*(wanted | {"FragtuiAllocationFailures": 'cause="veth"'}).items(), *(("FragtuiBlind", b) for b in blind)]
    (tmp_path / "test.yml").write_text(
        json.dumps(
            {
                "rule_files": ["rules.yml"],
                "evaluation_interval": "1m",
                "tests": [
                    {
                        "interval": "1m",
                        "input_series": [{"series": name, "values": values} for name, values in series.items()],
                        "promql_expr_test": [
                            {
                                "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing",{where}}})',
                                "eval_time": "8m",
                                "exp_samples": [{"value": 1}],
                            }
                            for alert, where in firing
                        ]
                        + [
                            {
                                "expr": 'count(ALERTS{alertname="FragtuiBlind",alertstate="firing"})',
                                "eval_time": "8m",
                                "exp_samples": [{"value": len(blind)}],
                            }
                        ],
                        "alert_rule_test": [
                            {
                                "alertname": "FragtuiBlind",
                                "eval_time": "8m",
                                "exp_alerts": [
                                    {
                                        "exp_labels": {"severity": "warning", "job": "f", **labels},
                                        "exp_annotations": {
                                            "summary": f"fragtui can't read {labels['source']} on {node}",
                                            "description": BLIND,
                                        },
                                    }
                                    for node, labels in (
                                        ("c", {"instance": "c", "source": "buddyinfo"}),
                                        ("worker-4", {"instance": "d", "source": "kernel_log", "node": "worker-4"}),
                                        ("e", {"instance": "e", "source": "API and kubelet log"}),
                                        *(
                                            (instance, {"instance": instance, "source": source})
                                            for instance, source in OTHERS.items()
                                        ),
                                    )
                                ],
                            }
                        ],
                    }
                ],
            }
        )
    )
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yml"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_values_are_those_of_the_files(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path / "host", FRAGMENTED)
    text = textfile(tmp_path, "--root", str(tree.root), "--order", "4")
    assert value(text, 'fragtui_free_blocks{numa_node="0",order="3",zone="Normal"}') == 40
    assert value(text, 'fragtui_unusable_index{numa_node="0",order="4",zone="Normal"}') == 1
    assert value(text, 'fragtui_order_available{order="3",request="GFP_KERNEL"}') == 1
    assert value(text, 'fragtui_order_available{order="4",request="GFP_KERNEL"}') == 0
    sample = 'fragtui_order_verdict{order="4",request="GFP_KERNEL",verdict="%s"}'
    assert [value(text, sample % verdict) for verdict in ("available", "fragmented", "short")] == [0, 1, 0]
    assert value(text, 'fragtui_largest_free_bytes{numa_node="0",zone="Normal"}') == 32768
    assert value(text, 'fragtui_severity{order="4"}') == 2
    assert value(text, 'fragtui_state{order="4",state="fragmented"}') == 1
    assert value(text, 'fragtui_state{order="4",state="ok"}') == 0
    assert value(text, 'fragtui_bare_numa_nodes{order="4"}') == 0
    assert value(text, 'fragtui_target_blocks{order="4"}') == 0


def test_an_unknown_value_has_no_sample(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path / "host")
    (tree.root / "proc/buddyinfo").unlink()
    text = textfile(tmp_path, "--root", str(tree.root))
    assert value(text, 'fragtui_source_up{source="buddyinfo"}') == 0
    assert value(text, 'fragtui_source_up{source="vmstat"}') == 1
    assert value(text, 'fragtui_severity{order="3"}') == 3
    assert not re.search(r"^fragtui_(free_blocks|order_available|target_blocks|stuck_pods)[{ ]", text, re.MULTILINE)


def test_a_failure_counts_once_under_its_last_cause_and_only_from_the_start_on() -> None:
    counts = FailureCounts(since=100.0)
    old = kernel_incident(ReportKind.ALLOCATION_FAILURE, time=50.0, cause="veth", id="old")
    head = kernel_incident(ReportKind.ALLOCATION_FAILURE, time=120.0, cause=None, id="new")
    whole = kernel_incident(ReportKind.ALLOCATION_FAILURE, time=120.0, cause="netns", suppressed=2, id="new")
    counts.take(KernelLogUpdate((old, head), (), 0, (), "kmsg", None), 120.0)
    assert sum(counts.totals(120.5).values()) == 0, "its stack may still come"
    counts.take(KernelLogUpdate((), (whole,), 0, (), "kmsg", None), 121.0)
    assert counts.totals(124.0)["netns"] == 3
    counts.take(KernelLogUpdate((), (whole,), 0, (), "kmsg", None), 125.0)
    totals = counts.totals(130.0)
    assert (totals["netns"], totals["veth"], totals["unknown"]) == (3, 0, 0)


@contextmanager
def exporting(*words: str) -> Iterator[str]:
    command = [sys.executable, "-m", "fragtui", "export", "--listen", "127.0.0.1:0", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY)
    try:
        assert process.stderr is not None
        found = re.search(r"http://(127\.0\.0\.1:\d+)/metrics", process.stderr.readline())
        assert found
        yield found[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_it_serves_on_loopback_and_ends_on_sigterm() -> None:
    with exporting() as address, urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as page:
        text = page.read().decode()
    assert value(text, 'fragtui_source_up{source="buddyinfo"}') == 1
    assert "fragtui_remedies" in text


def test_a_port_in_use_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["export", "--listen", f"127.0.0.1:{port}"]) == 1
    assert capsys.readouterr().err == f"fragtui export: 127.0.0.1:{port}: address already in use\n"


@with_prometheus
def test_a_real_prometheus_scrapes_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with exporting() as address:
        (tmp_path / "prometheus.yml").write_text(
            f"scrape_configs:\n- job_name: f\n  scrape_interval: 1s\n  static_configs:\n  - targets: ['{address}']\n"
        )
        process = subprocess.Popen(
            [
                "prometheus",
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            query = urllib.parse.urlencode({"query": 'fragtui_order_available{request="GFP_KERNEL",order="0"}'})
            found: list[dict[str, object]] = []
            end = time.monotonic() + 40
            while not found:
                assert time.monotonic() < end, "prometheus has no sample"
                time.sleep(0.5)
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{query}", timeout=5) as page:
                        found = json.load(page)["data"]["result"]
                except OSError:
                    continue
        finally:
            process.kill()
            process.wait()
    assert found[0]["value"][1] == "1"  # type: ignore[index]
