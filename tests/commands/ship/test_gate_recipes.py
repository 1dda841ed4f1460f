"""What ``fragtui ship`` prints to run the gate: each recipe's own program reads it, and the gate takes its words."""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fragtui.commands.cli.parser import main, parse
from fragtui.commands.ship.ship import PROGRAM_PATH

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (extra: k8s)")

NEED, IMAGE = "64x4M", "registry.example/tools/fragtui:7"
SHELLS = [words for words in (["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(words[0])]


def recipe(capsys: pytest.CaptureFixture[str], kind: str, *words: str) -> str:
    assert main(["ship", kind, "--need", NEED, *words]) == 0
    return capsys.readouterr().out


def checked(words: list[str], *, root: str = "/") -> argparse.Namespace:
    """Return the words as the gate takes them: it runs remedies for that need, and nobody is asked."""
    args = parse(["--root", root, *words])
    assert args.verb == "gate" and args.need == (64, 4 << 20) and args.heal and args.yes and args.wait > 0
    return args


def gate_container(template: dict[str, Any]) -> dict[str, Any]:
    """Return the init container, after comparing its mounts with the volumes of its pod."""
    (container,) = template["initContainers"]
    paths = {volume["name"]: volume["hostPath"]["path"] for volume in template["volumes"]}
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert {name: f"/host{path}" for name, path in paths.items()} == {n: m["mountPath"] for n, m in mounts.items()}
    written = {paths[name] for name, mount in mounts.items() if not mount.get("readOnly")}
    assert written == {"/proc/sys/vm", "/sys/devices/system/node", "/var/log/fragtui", "/run/fragtui"}
    assert "/etc/fragtui" in paths.values(), "the site's policy holds"
    assert container["securityContext"]["privileged"] is False and container["image"] == IMAGE
    return dict(container)


def test_the_init_container_runs_the_gate_with_the_mounts_that_remedies_need(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pod = yaml.safe_load(recipe(capsys, "gate-pod", "--image", IMAGE))
    assert (pod["apiVersion"], pod["kind"]) == ("v1", "Pod")
    checked(gate_container(pod["spec"])["args"])


def test_the_daemon_set_takes_one_node_after_another(capsys: pytest.CaptureFixture[str]) -> None:
    found = yaml.safe_load(recipe(capsys, "gate-daemonset", "--image", IMAGE))
    spec = found["spec"]
    assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    pod = spec["template"]["spec"]
    assert pod["nodeSelector"]["fragtui/gate"] == "on" and "hostNetwork" not in pod
    checked(gate_container(pod)["args"])
    (kept,) = pod["containers"]
    assert kept["securityContext"]["runAsNonRoot"] is True and "volumeMounts" not in kept
    assert kept["command"] == [PROGRAM_PATH] and parse(kept["args"]).root == Path("/")


@pytest.mark.parametrize("kind", ["gate-pod", "gate-daemonset"])
def test_it_is_valid_by_the_published_schemas(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed (extra: dev)")
    validator.validate(yaml.safe_load(recipe(capsys, kind)), "1.30", strict=True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_reads_the_drop_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = recipe(capsys, "gate-drop-in", "--program", "/bin/true")
    (line,) = (line for line in text.splitlines() if line.startswith("ExecStartPre=+"))
    assert line.startswith("ExecStartPre=+/bin/true gate ")
    checked(shlex.split(line)[1:])
    (tmp_path / "job.service.d").mkdir()
    (tmp_path / "job.service.d/fragtui-gate.conf").write_text(text)
    unit = tmp_path / "job.service"
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert not [line for line in done.stderr.splitlines() if "job.service" in line], done.stderr
    (tmp_path / "job.service.d/fragtui-gate.conf").write_text(text.replace("ExecStartPre=", "ExecStartPrior="))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert "ExecStartPrior" in done.stderr, "systemd-analyze reads the drop-in"


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])
def test_the_prolog_ends_as_the_gate_does(tmp_path: Path, capsys: pytest.CaptureFixture[str], shell: list[str]) -> None:
    program = tmp_path / "fragtui"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/words\nexit 5\n')
    program.chmod(0o755)
    script = tmp_path / "prolog"
    script.write_text(recipe(capsys, "gate-prolog", "--program", str(program)))
    assert subprocess.run([*shell, str(script)], check=False, timeout=20).returncode == 5
    args = checked((tmp_path / "words").read_text().split("\n")[:-1])
    assert args.unless_process == ["slurmstepd"], "the steps of other jobs"


@pytest.mark.parametrize("need", ["64", "64x3M", "64x4M; id", "$(id)", "{image}"])
def test_a_need_that_the_gate_does_not_take_is_wrong_usage(capsys: pytest.CaptureFixture[str], need: str) -> None:
    with pytest.raises(SystemExit) as left:
        main(["ship", "gate-prolog", "--need", need])
    assert left.value.code == 2 and not capsys.readouterr().out
