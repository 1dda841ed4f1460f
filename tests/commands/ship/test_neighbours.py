"""What ``fragtui ship`` makes for tools of the cluster: the kubectl plug-in, krew's manifest, node-problem-detector."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fragtui import __version__
from fragtui.commands.cli.parser import build, main

IMAGE = "registry.example/tools/fragtui:7"
SHELLS = [
    [path, *words[1:]]
    for words in (["dash"], ["bash", "--posix"], ["busybox", "sh"])
    if (path := shutil.which(words[0])) is not None
]
KUBECTL = """\
#!/bin/sh
printf '%s\\0' "$@" >> "$PLACE/calls"
printf '\\n' >> "$PLACE/calls"
case "$*" in
  *"get pods"*) cat "$PLACE/pods" ;;
  *"get node"*) [ -e "$PLACE/node" ] || { echo 'Error from server (NotFound)' >&2; exit 1; } ;;
  *) exit 4 ;;
esac
"""
"""A kubectl that keeps its arguments, knows the pods and nodes in files, and ends as fragtui in the pod would."""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    assert main(["ship", "krew", str(tmp_path / "k"), "--image", IMAGE, "-q"]) == 0
    (tmp_path / "bin").mkdir()
    kubectl = tmp_path / "bin/kubectl"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    (tmp_path / "pods").write_text("")
    (tmp_path / "node").write_text("")
    return tmp_path / "k" / "kubectl-fragtui"


def run(plugin: Path, *words: str, shell: Sequence[str] = ()) -> tuple[int, str, list[list[str]]]:
    """Return status, standard error, and the arguments of each call of kubectl."""
    place = plugin.parent.parent
    done = subprocess.run(
        [*shell, str(plugin), *words],
        env={"PATH": f"{place}/bin:/usr/bin:/bin", "PLACE": str(place)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    calls = place / "calls"
    rows = calls.read_text().split("\n")[:-1] if calls.exists() else []
    calls.unlink(missing_ok=True)
    return done.returncode, done.stderr, [row.split("\0")[:-1] for row in rows]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: Path(words[0]).name)
def test_it_runs_in_the_pod_of_that_node(plugin: Path, shell: Sequence[str]) -> None:
    (plugin.parent.parent / "pods").write_text("fragtui/fragtui-x7\nother/fragtui-0\n")
    status, _, (asked, ran) = run(plugin, "worker-7", "gfp", "GFP_KERNEL | x", shell=shell)
    assert {"--selector=app.kubernetes.io/name=fragtui", "--all-namespaces"} <= set(asked)
    assert "--field-selector=spec.nodeName=worker-7,status.phase=Running" in asked
    inside = ["/usr/local/bin/fragtui", "--root", "/host", "gfp", "GFP_KERNEL | x"]
    assert ran == ["exec", "-i", "--namespace=fragtui", "fragtui-x7", "--container=fragtui", "--", *inside]
    assert status == 4, "that of fragtui"


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: Path(words[0]).name)
def test_a_node_without_the_pod_is_debugged(plugin: Path, shell: Sequence[str]) -> None:
    words = ("--context", "a b", "--kubeconfig=/k c", "node/worker-7", "--read-only")
    _, said, (asked, exists, ran) = run(plugin, *words, shell=shell)
    assert [call[:2] for call in (asked, exists, ran)] == [["--context=a b", "--kubeconfig=/k c"]] * 3
    assert ran[2:] == [
        "debug", "node/worker-7", "-i", f"--image={IMAGE}", "--image-pull-policy=IfNotPresent", "--profile=sysadmin",
        "--", "/usr/local/bin/fragtui", "--root", "/host", "--read-only",
    ]  # fmt: skip
    assert "stays until kubectl delete pod" in said


def test_a_node_that_does_not_exist_is_not_debugged(plugin: Path) -> None:
    (plugin.parent.parent / "node").unlink()
    status, said, calls = run(plugin, "worker-8")
    assert (status, [call[0] for call in calls]) == (1, ["get", "get"])
    assert "NotFound" in said


@pytest.mark.parametrize("words", [(), ("$(id)",), ("",), ("a,b",), ("--image",), ("--nope", "worker-7")])
def test_what_names_no_node_calls_nothing(plugin: Path, words: Sequence[str]) -> None:
    status, said, calls = run(plugin, *words)
    assert status == 2 and said and not calls


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("pods", ["", "fragtui/fragtui-x7\n"])
def test_kubectl_knows_every_option(plugin: Path, pods: str) -> None:
    (plugin.parent.parent / "pods").write_text(pods)
    for call in run(plugin, "worker-7")[2]:
        ours = call[: call.index("--")] if "--" in call else call
        done = subprocess.run(["kubectl", *ours, "--help"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    wrong = subprocess.run(["kubectl", *ours, "--nope", "--help"], capture_output=True, text=True, check=False)
    assert "unknown flag" in wrong.stderr


def test_krew_gets_the_archive_that_its_manifest_names(plugin: Path, tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (extra: k8s)")
    manifest: Any = yaml.safe_load((plugin.parent / "fragtui.yaml").read_text())
    assert (manifest["apiVersion"], manifest["kind"]) == ("krew.googlecontainertools.github.com/v1alpha2", "Plugin")
    assert manifest["spec"]["version"] == f"v{__version__}" and len(manifest["spec"]["shortDescription"]) <= 50
    (platform,) = manifest["spec"]["platforms"]
    archive = plugin.parent / "kubectl-fragtui.tar.gz"
    assert platform["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "out", filter="data")
    assert (
        [each["from"] for each in platform["files"]]
        == ["kubectl-fragtui"]
        == [path.name for path in (tmp_path / "out").iterdir()]
    )
    unpacked = tmp_path / "out" / platform["bin"]
    assert unpacked.read_bytes() == plugin.read_bytes() and unpacked.stat().st_mode & 0o111
    assert main(["ship", "krew", str(tmp_path / "again"), "--image", IMAGE, "-q"]) == 0
    assert (tmp_path / "again" / archive.name).read_bytes() == archive.read_bytes()


def test_node_problem_detector_gets_a_condition_with_the_rule_that_sets_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ship", "npd", "--program", "/opt/fragtui"]) == 0
    config = json.loads(capsys.readouterr().out)
    assert config["plugin"] == "custom"
    (condition,), (rule,) = config["conditions"], config["rules"]
    assert (rule["type"], rule["condition"]) == ("permanent", condition["type"])
    # Go's unmarshalling takes reasons as they are, but the API server wants CamelCase in a condition.
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+", each["reason"]) for each in (condition, rule))
    assert rule["path"] == "/opt/fragtui"
    args = build(rule["args"]).parse_args(rule["args"])
    assert (args.verb, args.plugin) == ("check", "npd")
    seconds = [int(text.removesuffix("s")) for text in (rule["timeout"], config["pluginConfig"]["timeout"])]
    assert seconds[0] <= seconds[1], "else node-problem-detector refuses the file"
    assert config["pluginConfig"]["max_output_length"] == 80
