"""``fragtui ship manifests``: what issue and measurements ask of watch and treat, one test for each group of fields."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fragtui import __version__
from fragtui.commands.cli.parser import build, main, parse
from fragtui.commands.ship.ship import PROGRAM_PATH
from fragtui.remedies.guard.policy import Policy, parse_policy
from fragtui.render.alert_rules import alert_rules
from tests.support.places import REPOSITORY

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (extra: k8s)")

IMAGE = "registry.example/tools/fragtui:7"
MODES = ("watch", "treat")
with_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
in_a_namespace = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare (util-linux)"
)
Object = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("ship") / "new" / "manifests"
    assert main(["ship", "manifests", str(made), "--image", IMAGE, "--guard", "-q"]) == 0
    return made


def documents(file: Path) -> list[Object]:
    return [document for document in yaml.safe_load_all(file.read_text()) if document]


def daemon_set(folder: Path, mode: str) -> Object:
    (found,) = documents(folder / mode / "daemonset.yaml")
    return found


def pod(folder: Path, mode: str) -> Object:
    spec: Object = daemon_set(folder, mode)["spec"]["template"]["spec"]
    return spec


def container(folder: Path, mode: str, name: str = "fragtui") -> Object:
    (found,) = (each for each in pod(folder, mode)["containers"] if each["name"] == name)
    return found  # type: ignore[no-any-return]


def host_mounts(folder: Path, mode: str, name: str = "fragtui") -> dict[str, Object]:
    """Return the mounts of a container by the path on the node."""
    paths = {each["name"]: each["hostPath"]["path"] for each in pod(folder, mode)["volumes"] if "hostPath" in each}
    return {paths[m["name"]]: m for m in container(folder, mode, name)["volumeMounts"] if m["name"] in paths}


@pytest.mark.parametrize("mode", MODES)
class TestBoth:
    def test_it_has_the_nodes_network_name_and_dns(self, folder: Path, mode: str) -> None:
        spec = pod(folder, mode)
        assert spec["hostNetwork"] is True and spec["dnsPolicy"] == "ClusterFirstWithHostNet"
        for each in spec["containers"]:
            env = {entry["name"]: entry.get("valueFrom") for entry in each["env"]}
            assert env["NODE_NAME"] == {"fieldRef": {"fieldPath": "spec.nodeName"}}

    def test_its_service_account_lists_and_watches_pods_and_events_and_nothing_else(
        self, folder: Path, mode: str
    ) -> None:
        account, role, binding = documents(folder / "common/access.yaml")
        assert role["rules"] == [{"apiGroups": [""], "resources": ["pods", "events"], "verbs": ["list", "watch"]}]
        assert binding["roleRef"]["name"] == role["metadata"]["name"]
        (subject,) = binding["subjects"]
        assert (subject["name"], subject["namespace"]) == tuple(account["metadata"][k] for k in ("name", "namespace"))
        spec = pod(folder, mode)
        assert spec["serviceAccountName"] == subject["name"] and spec["automountServiceAccountToken"] is True

    def test_it_runs_on_every_linux_node_and_is_replaced_a_tenth_at_a_time(self, folder: Path, mode: str) -> None:
        spec = pod(folder, mode)
        assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}
        assert spec["tolerations"] == [{"operator": "Exists"}]
        strategy = daemon_set(folder, mode)["spec"]["updateStrategy"]
        assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}}

    def test_its_priority_class_has_the_quota_that_some_clouds_ask_for(self, folder: Path, mode: str) -> None:
        _, quota = documents(folder / "common/namespace.yaml")
        (scope,) = quota["spec"]["scopeSelector"]["matchExpressions"]
        assert scope["values"] == [pod(folder, mode)["priorityClassName"]]

    def test_its_limit_holds_two_screens_beside_the_exporter(self, folder: Path, mode: str) -> None:
        exporter, screen = 36, 95  # MB, measured on a node, with their children
        resources = container(folder, mode)["resources"]
        assert int(resources["limits"]["memory"].removesuffix("Mi")) * 1.048 > exporter + 2 * screen
        assert set(resources) == {"requests", "limits"} and set(resources["limits"]) == {"cpu", "memory"}

    def test_its_probes_ask_the_exporter(self, folder: Path, mode: str) -> None:
        served = container(folder, mode)
        assert served["ports"] == [{"name": "metrics", "containerPort": 9917, "protocol": "TCP"}]
        for probe in ("livenessProbe", "readinessProbe"):
            assert served[probe]["httpGet"] == {"path": "/healthz", "port": "metrics"}

    def test_it_listens_at_the_address_of_the_pod_alone(self, folder: Path, mode: str) -> None:
        served = container(folder, mode)
        env = {each["name"]: each.get("valueFrom") for each in served["env"]}
        assert env["POD_IP"] == {"fieldRef": {"fieldPath": "status.podIP"}}
        words = [word.replace("$(POD_IP)", "192.0.2.7") for word in served["args"]]
        args = build(words).parse_args(words)
        assert args.verb == "export" and args.listen == ("192.0.2.7", 9917)

    def test_it_has_one_image_and_the_labels_of_an_app(self, folder: Path, mode: str) -> None:
        assert {each["image"] for each in pod(folder, mode)["containers"]} == {IMAGE}
        found = daemon_set(folder, mode)
        template = found["spec"]["template"]["metadata"]
        assert found["metadata"]["labels"] == template["labels"]
        assert template["labels"]["app.kubernetes.io/name"] == "fragtui"
        assert template["labels"]["app.kubernetes.io/version"] == __version__
        # The selector can't be changed later: it holds what never changes, so one mode replaces the other.
        assert found["spec"]["selector"]["matchLabels"] == {"app.kubernetes.io/name": "fragtui"}
        assert template["annotations"]["kubectl.kubernetes.io/default-container"] == "fragtui"
        assert template["annotations"]["prometheus.io/port"] == "9917"

    def test_it_has_no_privilege_and_no_capability(self, folder: Path, mode: str) -> None:
        spec = pod(folder, mode)
        assert not {"hostPID", "hostIPC", "hostUsers"} & set(spec)
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"sysctls", "seLinuxOptions", "appArmorProfile", "windowsOptions"} & set(spec["securityContext"])
        for each in spec["containers"]:
            assert each["securityContext"] == {
                "privileged": False,
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }

    def test_every_mount_has_its_volume_and_every_volume_is_mounted(self, folder: Path, mode: str) -> None:
        spec = pod(folder, mode)
        mounted = {mount["name"] for each in spec["containers"] for mount in each["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["volumes"]}
        for path, mount in host_mounts(folder, mode).items():
            assert mount["mountPath"] == f"/host{path}", "the image's entry point has --root /host"
        assert container(folder, mode)["workingDir"] == "/tmp"
        assert {"name": "tmp", "mountPath": "/tmp"} in container(folder, mode)["volumeMounts"]


class TestWatch:
    def test_all_but_its_mounts_and_network_meets_the_level_restricted(self, folder: Path) -> None:
        """The other controls of the Pod Security Standards are in `TestBoth`, by equality."""
        assert pod(folder, "watch")["securityContext"]["runAsNonRoot"] is True
        assert pod(folder, "watch")["securityContext"]["runAsUser"] > 0
        assert {next(iter(set(each) - {"name"})) for each in pod(folder, "watch")["volumes"]} == {
            "hostPath",
            "emptyDir",
        }
        namespace = documents(folder / "common/namespace.yaml")[0]
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"

    def test_it_mounts_only_what_it_reads_read_only_with_all_below(self, folder: Path) -> None:
        mounts = host_mounts(folder, "watch")
        assert set(mounts) == {"/proc", "/sys", "/var/log", "/run/log"}
        for mount in mounts.values():
            assert mount["readOnly"] is True and mount["recursiveReadOnly"] == "Enabled"
            assert "mountPropagation" not in mount, "a recursive read-only mount may have none"

    def test_each_fragtui_in_it_is_read_only(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for entry in container(folder, "watch")["env"]:
            if "value" in entry:
                monkeypatch.setenv(entry["name"], entry["value"])
        assert main(["config", "-o", "json"]) == 0
        assert json.loads(capsys.readouterr().out)["settings"]["read_only"]["value"] is True
        assert "--read-only" in (folder / "watch/daemonset.yaml").read_text()

    def test_it_has_no_guard(self, folder: Path) -> None:
        assert [each["name"] for each in pod(folder, "watch")["containers"]] == ["fragtui"]


class TestLean:
    def test_it_mounts_nothing_and_meets_the_level_restricted(self, folder: Path) -> None:
        spec = pod(folder, "lean")
        assert not {"volumes", "hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & set(spec)
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (served,) = spec["containers"]
        assert served["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "runAsGroup": 65534,
            "privileged": False,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "volumeMounts" not in served and served["image"] == IMAGE

    def test_it_serves_lean_metrics_of_the_pods_own_proc(self, folder: Path) -> None:
        served = container(folder, "lean", "metrics")
        args = parse(served["args"])
        assert served["command"] == [PROGRAM_PATH] and args.root == Path("/"), "not the entry point's --root /host"
        assert args.verb == "export" and args.lean and args.listen == ("0.0.0.0", 9917)
        assert served["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}


class TestTreat:
    def test_it_writes_to_what_a_remedy_needs_and_to_its_own_files(self, folder: Path) -> None:
        mounts = host_mounts(folder, "treat")
        assert {path for path, mount in mounts.items() if not mount.get("readOnly")} == {
            "/proc/sys/vm",
            "/sys/devices/system/node",
            "/var/log/fragtui",
            "/run/fragtui",
        }
        assert mounts["/etc/fragtui"]["readOnly"] is True, "the site's policy holds in the pod, too"
        assert pod(folder, "treat")["securityContext"]["runAsUser"] == 0

    def test_guard_is_a_mode_of_it_with_its_policy_in_a_file(self, folder: Path) -> None:
        guard = container(folder, "treat", "guard")
        build(guard["args"]).parse_args(guard["args"])
        assert guard["args"][:3] == ["guard", "--dry-run", "--stay"]
        (kustomization,) = documents(folder / "treat/kustomization.yaml")
        (generated,) = kustomization["configMapGenerator"]
        volume = {each["name"]: each for each in pod(folder, "treat")["volumes"]}["guard-policy"]
        assert volume["configMap"]["name"] == generated["name"]
        (mount,) = (each for each in guard["volumeMounts"] if each["name"] == "guard-policy")
        assert guard["args"][-1] == f"{mount['mountPath']}/{generated['files'][0]}"
        assert parse_policy((folder / "treat" / generated["files"][0]).read_text()) == Policy()
        assert host_mounts(folder, "treat", "guard") == host_mounts(folder, "treat")

    def test_without_the_option_there_is_no_guard(self, tmp_path: Path) -> None:
        assert main(["ship", "manifests", str(tmp_path), "-q"]) == 0
        assert [each["name"] for each in pod(tmp_path, "treat")["containers"]] == ["fragtui"]
        assert not (tmp_path / "treat/guard.toml").exists()
        assert {each["image"] for each in pod(tmp_path, "treat")["containers"]} == {
            f"registry.example/fragtui:{__version__}"
        }


INSIDE = """
import ctypes, json, os, subprocess, sys
from pathlib import Path
from fragtui.remedies.catalogue import catalogue, numa_nodes, read_wake
from fragtui.remedies.permission import disabled_because
from fragtui.sources.host.reader import NodeReader

host, mounts, user = sys.argv[1], *map(json.loads, sys.argv[2:4])

def mount(*words):
    subprocess.run(["mount", *words], check=True)

for path, read_only, recursive in mounts:
    target = host + path
    if not os.path.isdir(path):
        continue
    os.makedirs(target, exist_ok=True)
    mount("--rbind" if recursive else "--bind", path, target)
    table = [line.split()[4] for line in open("/proc/self/mountinfo")]
    below = [each for each in table if each == target or recursive and each.startswith(target + "/")]
    for each in dict.fromkeys(below) if read_only else ():
        mount("-o", "remount,bind,ro", each)
if user is not None:
    os.setgroups(user["supplementalGroups"])
    os.setresgid(*[user["runAsGroup"]] * 3)
    os.setresuid(*[user["runAsUser"]] * 3)
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()  # linux/capability.h, version 3
    assert ctypes.CDLL(None).capset(header, none) == 0
capabilities = [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")]
opened, tried = [], 0
for folder, _, files in os.walk(host + "/proc/sys"):
    for name in files:
        tried += 1
        try:
            os.close(os.open(os.path.join(folder, name), os.O_WRONLY))  # Nothing is written.
        except OSError:
            continue
        opened.append(os.path.join(folder, name).removeprefix(host))
root = Path(host)
seen = NodeReader(root).sample()
offered = (*catalogue(numa_nodes(root)), read_wake(root))
remedies = [each for each in offered if each.steps[-1].path and not each.disabled_reason]
print(json.dumps({
    "capabilities": capabilities[0].strip("0"), "opened": opened, "tried": tried,
    "remedies": {each.id: disabled_because(each, root) for each in remedies}, "zones": len(seen.zones or ()),
}))
"""


def tried(folder: Path, mode: str, *, as_the_pod: bool) -> Object:
    """Return what the mounts of a pod let its user do, or root with every capability; nothing is written."""
    mounts = [
        (path, bool(mount.get("readOnly")), "recursiveReadOnly" in mount)
        for path, mount in sorted(host_mounts(folder, mode).items(), key=lambda item: item[0].count("/"))
    ]
    user = json.dumps(pod(folder, mode)["securityContext"] if as_the_pod else None)
    with tempfile.TemporaryDirectory() as host:  # Below pytest's own directory the user nobody could see nothing.
        Path(host).chmod(0o755)
        done = subprocess.run(
            ["unshare", "-m", "--propagation", "private", sys.executable, "-c", INSIDE, host, json.dumps(mounts), user],
            capture_output=True,
            text=True,
            check=False,
            cwd=REPOSITORY,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    found: Object = json.loads(done.stdout)
    assert found["tried"] > 300 and found["zones"]
    return found


@pytest.mark.slow
@in_a_namespace
@pytest.mark.parametrize("as_the_pod", [True, False])
def test_the_mounts_of_watch_let_nobody_write_a_file_of_proc_sys_not_even_root(folder: Path, as_the_pod: bool) -> None:
    found = tried(folder, "watch", as_the_pod=as_the_pod)
    assert found["opened"] == []
    assert found["remedies"] and all(found["remedies"].values())


@pytest.mark.slow
@in_a_namespace
def test_treat_can_run_every_remedy_without_a_capability_and_write_no_other_sysctl(folder: Path) -> None:
    found = tried(folder, "treat", as_the_pod=True)
    assert found["capabilities"] == ""
    assert {str(Path(path).parent) for path in found["opened"]} == {"/proc/sys/vm"}
    assert found["remedies"] and set(found["remedies"].values()) == {None}


@pytest.fixture(scope="module")
def enabled(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with all that the comments of the top file offer: treat, and the Prometheus operator's objects."""
    copy = tmp_path_factory.mktemp("all") / "manifests"
    shutil.copytree(folder, copy)
    top = copy / "kustomization.yaml"
    text = top.read_text()
    top.write_text(
        text.replace("  - watch\n  # - treat", "  - treat").replace("# components:\n#   -", "components:\n  -")
    )
    return copy


def kustomized(folder: Path) -> list[Object]:
    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module")
def objects(folder: Path, enabled: Path) -> Iterator[list[Object]]:
    """All objects as they are applied; without kubectl those of the files."""
    if shutil.which("kubectl") is not None:
        yield [*kustomized(folder), *kustomized(enabled)]
    else:
        files = [each for each in folder.rglob("*.yaml") if each.name != "kustomization.yaml"]
        yield [document for file in files for document in documents(file)]


@pytest.mark.slow
def test_every_object_is_valid_by_the_published_schemas(objects: list[Object]) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed (extra: dev)")
    of_kubernetes = [each for each in objects if "monitoring.coreos.com" not in each["apiVersion"]]
    assert {each["kind"] for each in of_kubernetes} >= {"Namespace", "ServiceAccount", "DaemonSet", "ClusterRole"}
    for version in ("1.31", "1.34"):
        for each in of_kubernetes:
            validator.validate(each, version, strict=True)


@pytest.mark.slow
@with_kubectl
def test_the_top_folder_is_watch_until_someone_chooses_treat(folder: Path, enabled: Path) -> None:
    kinds = ["Namespace", "ResourceQuota", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "DaemonSet"]
    watch, treat = kustomized(folder), kustomized(enabled)
    assert sorted(each["kind"] for each in watch) == sorted(kinds)
    assert sorted(each["kind"] for each in treat) == sorted([*kinds, "ConfigMap", "PodMonitor", "PrometheusRule"])
    for found, mode in ((watch, "watch"), (treat, "treat")):
        (daemon,) = (each for each in found if each["kind"] == "DaemonSet")
        assert daemon["metadata"]["labels"]["app.kubernetes.io/component"] == mode


@pytest.mark.slow
@with_kubectl
def test_lean_is_a_mode_of_the_top_folder_too(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "manifests"
    shutil.copytree(folder, copy)
    top = copy / "kustomization.yaml"
    top.write_text(top.read_text().replace("  - watch\n", "").replace("  # - lean", "  - lean"))
    (daemon,) = (each for each in kustomized(copy) if each["kind"] == "DaemonSet")
    assert daemon["metadata"]["name"] == "fragtui-lean"


def test_the_prometheus_operator_gets_the_pods_and_the_rules_of_export(folder: Path) -> None:
    (monitor,) = documents(folder / "prometheus/podmonitor.yaml")
    (selected,) = monitor["spec"]["selector"]["matchExpressions"]
    assert (selected["key"], selected["operator"]) == ("app.kubernetes.io/name", "In")
    for mode in (*MODES, "lean"):
        labels = daemon_set(folder, mode)["spec"]["template"]["metadata"]["labels"]
        assert labels[selected["key"]] in selected["values"]
    assert [each["name"] for each in container(folder, "lean", "metrics")["ports"]] == ["metrics"]
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] == container(folder, "watch")["ports"][0]["name"]
    (rule,) = documents(folder / "prometheus/rules.yaml")
    assert rule["spec"] == yaml.safe_load(alert_rules(3))


def test_names_of_images_that_no_node_could_pin_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("fragtui", "registry.example:5000/fragtui", "f:latest", "f:1 evil", "{image}:1", "a'b:1"):
        with pytest.raises(SystemExit) as ended:
            main(["ship", "manifests", str(tmp_path / "m"), "--image", name])
        assert ended.value.code == 2
        assert "expected" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()
    digest = f"registry.example:5000/fragtui@sha256:{'a' * 64}"
    assert main(["ship", "manifests", str(tmp_path / "m"), "--image", digest, "-q"]) == 0
    assert container(tmp_path / "m", "watch")["image"] == digest


def test_it_writes_through_no_planted_link_and_fails_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "victim").write_text("keep")
    (tmp_path / "m").mkdir()
    (tmp_path / "m/kustomization.yaml").symlink_to(tmp_path / "victim")
    assert main(["ship", "manifests", str(tmp_path / "m"), "-q"]) == 0
    assert (tmp_path / "victim").read_text() == "keep"
    assert main(["ship", "manifests", str(tmp_path / "victim")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
