"""``fragtui export`` of the guide's case: one stuck pod, denied memory, and the alert for it."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from tests.commands.record.test_export import exporting, value, with_promtool
from tests.support.guide_case import guide_case

CASES: tuple[dict[str, bool], ...] = ({}, {"pod_first": True}, {"in_two_files": True})


def scraped(root: Path) -> str:
    """Return the metrics once a pod is stuck for a known reason, or as they are after 20 s."""
    end = time.monotonic() + 20
    with exporting("--root", str(root)) as address:
        while True:
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as page:
                text: str = page.read().decode()
            if value(text, 'fragtui_stuck_pods{memory="refused"}') or time.monotonic() > end:
                return text
            time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_pod_of_the_guide_was_denied_memory(tmp_path: Path, case: dict[str, bool]) -> None:
    text = scraped(guide_case(tmp_path, **case))
    counts = {memory: value(text, f'fragtui_stuck_pods{{memory="{memory}"}}') for memory in ("refused", "unknown")}
    assert counts == {"refused": 1, "unknown": 0}


@with_promtool
def test_the_alert_of_the_guides_case_fires(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = re.findall(r"^(fragtui_stuck_pods)\{(.*)\} (\S+)$", scraped(guide_case(tmp_path / "node")), re.MULTILINE)
    assert main(["export", "--rules"]) == 0
    (tmp_path / "rules.yml").write_text(capsys.readouterr().out)
    firing = 'ALERTS{alertname="FragtuiPodsStuckOnMemory",alertstate="firing"}'
    tests = {
        "interval": "1m",
        "input_series": [
            {"series": f'{name}{{{labels},instance="a",job="f"}}', "values": f"{number}x10"}
            for name, labels, number in samples
        ],
        "promql_expr_test": [
            {"expr": f"count({firing})", "eval_time": "8m", "exp_samples": [{"value": 1}]},
        ],
    }
    rules = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [tests]}
    (tmp_path / "test.yml").write_text(json.dumps(rules))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yml"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
