"""The image of ``fragtui ship image``, built by buildah, run by podman: as it is, and with the settings of *watch*."""

from __future__ import annotations

import json
import platform
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from fragtui.commands.cli.parser import main
from tests.support.api_server import ApiServer, pod
from tests.support.certificate import needs_openssl
from tests.support.images import EMULATOR, Images, emulated_arm64, images, why_no_images
from tests.support.lab import alone, lab
from tests.support.terminal import terminal

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (extra: k8s)")
pytestmark = [
    *lab,
    pytest.mark.by_hand,
    pytest.mark.skipif(why_no_images() is not None, reason=f"images: {why_no_images()}"),
]

MAX_BYTES = 60_000_000
NAME = "localhost/fragtui:lab"
BASE = "localhost/base:lab"
ADDRESS = "127.0.0.77"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
# Opens every file for writing, and writes nothing.
OPEN_ALL = """
import json, os, sys
opened, tried = [], 0
for top in sys.argv[1:]:
    for folder, _, files in os.walk(top):
        for name in files:
            tried += 1
            try:
                os.close(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                continue
            opened.append(os.path.join(folder, name))
print(json.dumps([tried, opened]))
"""


def image(store: Images, folder: Path) -> Images:
    """Return the store with the image, and its base."""
    base = store.make_base(BASE)
    assert main(["ship", "image", str(folder), "--base", base, "--image", NAME, "-q"]) == 0
    store.build(folder, NAME)
    return store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    with images({"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())) as empty:
        yield image(empty, tmp_path_factory.mktemp("image"))


def ran(command: list[str], status: int | None = 0) -> str:
    """Return what a command prints; fail if it ends with another status."""
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)
    assert status is None or done.returncode == status, f"{command}: {done.returncode} {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def fetched(path: str, address: str = ADDRESS) -> str:
    """Return an answer of the exporter, which may still be starting."""
    end = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}:9917{path}", timeout=5) as answer:
                return answer.read().decode()  # type: ignore[no-any-return]
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.1)


def once_the_api_is_read() -> str:
    """Return the metrics of the exporter once it has read the pods of the API server."""
    end = time.monotonic() + 20
    while 'fragtui_source_up{node="node-7",source="api"} 1.0' not in (metrics := fetched("/metrics")):
        assert time.monotonic() < end, metrics
        time.sleep(0.2)
    return metrics


def drops() -> list[str]:
    """Return how often the caches of this machine were dropped."""
    return re.findall(r"^drop_\w+ \d+", Path("/proc/vmstat").read_text(), re.MULTILINE)


def beyond_its_base(store: Images) -> int:
    """Return the bytes that the image adds to its base; print all three."""
    size, base = (store.inspected(name)["Size"] for name in (NAME, BASE))
    architecture = store.inspected(NAME)["Architecture"]
    print(
        f"{architecture}: image {size / 1e6:.1f} MB, base {base / 1e6:.1f} MB, difference {(size - base) / 1e6:.1f} MB"
    )
    return int(size - base)


def sees_the_node(store: Images) -> None:
    """Fail unless check, doctor, screen and exporter see the node whose / is at /host."""
    kernel = Path("/proc/sys/kernel/osrelease").read_text().strip()
    at_host = ("-v", "/:/host", NAME)
    checked = ran(store.run("--rm", *at_host, "check"), None)
    assert f"kernel {kernel}" in checked and "node 0 Normal" in checked, checked
    found = ran(store.run("--rm", *at_host, "doctor"), None)
    for name in ("buddyinfo", "zoneinfo", "pagetypeinfo", "vmstat", "meminfo"):
        assert f"✓ {name}" in found, found
    with terminal(argv=store.run("--rm", "-it", *at_host, "--order", "3")) as term:
        term.until("N0 Normal", 60)
        term.until("live, every 1 s")
        term.press("q")
        assert term.wait() == 0
    container = ran(store.run("-d", *at_host, "export", "--listen", "127.0.0.78:9917")).strip()
    assert 'fragtui_source_up{source="buddyinfo"} 1.0' in fetched("/metrics", "127.0.0.78")
    ran(store.podman("rm", "--force", "--time", "5", container))


def test_the_image_has_at_most_60_mb_beyond_its_base(store: Images) -> None:
    assert 0 < beyond_its_base(store) < MAX_BYTES


def test_with_the_root_of_the_node_at_host_all_of_it_works(store: Images) -> None:
    sees_the_node(store)


@pytest.mark.timeout(3600)
@pytest.mark.skipif(shutil.which(EMULATOR) is None, reason=f"{EMULATOR} is not installed")
@pytest.mark.skipif(platform.machine() == "aarch64", reason="this machine is arm64 itself")
def test_the_image_of_arm64_works_too_as_far_as_an_emulator_shows(tmp_path: Path) -> None:
    with emulated_arm64(), images("arm64") as empty:
        store = image(empty, tmp_path)
        assert store.inspected(NAME)["Architecture"] == "arm64"
        assert 0 < beyond_its_base(store) < MAX_BYTES
        sees_the_node(store)


def options(spec: dict[str, Any], served: dict[str, Any], variables: dict[str, str]) -> list[str]:
    """Return the settings of a pod and its container as options of podman; `variables` are those of the node."""
    user, own, mounts = spec["securityContext"], served["securityContext"], {v["name"]: v for v in spec["volumes"]}
    made = [f"--user={user['runAsUser']}:{user['runAsGroup']}", f"--workdir={served['workingDir']}"]
    made += [f"--group-add={group}" for group in user["supplementalGroups"]]
    made += [f"--cap-drop={name}" for name in own["capabilities"]["drop"]]
    made += [f"--memory={served['resources']['limits']['memory'].removesuffix('Mi')}m"]
    made += ["--read-only", "--read-only-tmpfs=false"] if own["readOnlyRootFilesystem"] else []
    made += ["--privileged"] if own["privileged"] else []
    made += [] if own["allowPrivilegeEscalation"] else ["--security-opt=no-new-privileges"]
    for entry in served["env"]:
        field = entry.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
        made.append(f"--env={entry['name']}={variables[field] if field else entry['value']}")
    for mount in served["volumeMounts"]:
        volume = mounts[mount["name"]]
        if "emptyDir" in volume:
            made.append(f"--tmpfs={mount['mountPath']}:mode=1777")
        elif Path(volume["hostPath"]["path"]).is_dir():
            # The hook of `Images` makes ro recursive, as recursiveReadOnly does.
            mode = "ro,rbind" if mount.get("readOnly") else "rw,rbind"
            made.append(f"--volume={volume['hostPath']['path']}:{mount['mountPath']}:{mode}")
    return made


@pytest.fixture(scope="module")
def watch(store: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The id of a container that runs as the pod of *watch* would, beside an API server with a pod that waits."""
    folder = tmp_path_factory.mktemp("manifests")
    assert main(["ship", "manifests", str(folder), "--image", NAME, "-q"]) == 0
    spec = yaml.safe_load((folder / "watch/daemonset.yaml").read_text())["spec"]["template"]["spec"]
    (served,) = spec["containers"]
    assert spec["hostNetwork"] is True and served["image"] == NAME
    with closing(ApiServer()) as server:
        assert server.authority is not None
        server.pods = [pod("cart-waits", node="node-7")]
        # pytest's own folders are closed to the user nobody.
        account = store.folder / "account"
        account.mkdir()
        (account / "token").write_text("of-the-pod")
        (account / "ca.crt").write_text(server.authority.read_text())
        as_kubelet = [f"--volume={account}:{ACCOUNT}:ro", "--env=KUBERNETES_SERVICE_HOST=127.0.0.1"]
        as_kubelet += [f"--env=KUBERNETES_SERVICE_PORT={urlsplit(server.url).port}"]
        settings = options(spec, served, {"spec.nodeName": "node-7", "status.podIP": ADDRESS})
        arguments = [word.replace("$(POD_IP)", ADDRESS) for word in served["args"]]
        container = ran(store.run("-d", *settings, *as_kubelet, NAME, *arguments)).strip()
        yield container
        ran(store.podman("rm", "--force", "--time", "5", container))


@needs_openssl
class TestWatch:
    def test_the_exporter_answers_its_probes_and_sees_the_pods_of_the_node(self, watch: str) -> None:
        assert fetched("/healthz") == "ok\n"
        metrics = once_the_api_is_read()
        assert 'fragtui_stuck_pods{memory="unknown",node="node-7"} 1.0' in metrics

    def test_it_has_no_privilege_and_no_writable_place_but_tmp(self, store: Images, watch: str) -> None:
        status = ran(store.podman("exec", watch, "cat", "/proc/self/status"))
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert (fields["Uid"].split(), fields["Gid"].split()) == (["65534"] * 4, ["65534"] * 4)
        assert "4" in fields["Groups"].split()
        assert {int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
        assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
        ran(store.podman("exec", watch, "touch", "/tmp/own"))
        for path in ("/own", "/var/own", "/host/var/log/own", "/host/proc/own"):
            ran(store.podman("exec", "--user=0", watch, "touch", path), 1)

    @pytest.mark.parametrize("user", ["65534", "0"])
    def test_not_one_file_of_proc_sys_can_be_opened_to_write(self, store: Images, watch: str, user: str) -> None:
        inside = store.podman("exec", f"--user={user}", watch)
        for tree in ("/proc/sys", "/host/proc/sys", "/host/sys/devices/system/node"):
            tried, opened = json.loads(ran([*inside, "python3", "-c", OPEN_ALL, tree]))
            print(f"uid {user}: {tried} files of {tree}, opened {len(opened)}")
            assert tried > 10 and opened == []
        interval = Path("/proc/sys/vm/stat_interval").read_text()
        for path in ("/proc/sys/vm/stat_interval", "/host/proc/sys/vm/stat_interval"):
            ran([*inside, "sh", "-c", f"echo {int(interval) + 1} > {path}"], 2)
            ran([*inside, "mount", "-o", "remount,bind,rw", path.removesuffix("/sys/vm/stat_interval")], 32)
        assert Path("/proc/sys/vm/stat_interval").read_text() == interval

    def test_its_limit_holds_two_screens_beside_the_exporter(self, store: Images, watch: str) -> None:
        inside = store.podman("exec", "-it", watch, "fragtui", "--root", "/host")
        with terminal(argv=inside) as first, terminal(argv=inside) as second:
            for term in (first, second):
                term.until("shop/cart-waits", 60)
                term.press("?")
                term.until("Keys")
            usage = ran(store.podman("stats", "--no-stream", "--format", "{{.MemUsage}}", watch)).strip()
            print(f"exporter and two screens: {usage}")
            assert fetched("/healthz") == "ok\n"
            for term in (first, second):
                term.press("\x1b")
                term.pump(0.6)
                term.press("q")
                assert term.wait() == 0
        assert (
            ran(store.podman("inspect", "--format", "{{.State.Running}} {{.State.OOMKilled}}", watch)) == "true false\n"
        )

    def test_a_screen_whose_client_is_cut_ends_with_its_children(self, store: Images, watch: str) -> None:
        """As `kubectl exec` on a closed laptop: the runtime keeps the pseudo terminal open and reads it."""
        once_the_api_is_read()

        def running() -> set[str]:
            """Return the ids of the processes in the container that did not end."""
            rows = [line.split() for line in ran(store.podman("top", watch, "pid", "state")).splitlines()[1:]]
            return {pid for pid, state in rows if state != "Z"}

        exporter = running()
        with terminal(argv=store.podman("exec", "-it", watch, "fragtui", "--root", "/host")) as term:
            term.until("shop/cart-waits", 60)
            end = time.monotonic() + 60
            while b"\x1b[5n" not in term.written:  # The request for the terminal's status, which one answers.
                assert time.monotonic() < end
                term.pump(0.2)
            term.press("\x1b[0n")
            assert len(running()) > len(exporter) + 1, "the screen and a child"
            term.kill(signal.SIGKILL)
            cut = time.monotonic()
            while running() != exporter:
                assert time.monotonic() < cut + 120
                time.sleep(1)
            print(f"a cut screen ended after {time.monotonic() - cut:.0f} s")

    @pytest.mark.parametrize(
        ("user", "read_only", "said"),
        [
            ("65534", "true", "started with read_only of FRAGTUI_READ_ONLY"),
            ("65534", "false", "must be root"),
            ("0", "false", "/host/proc/sys/vm/drop_caches is mounted read-only"),
        ],
    )
    def test_no_key_and_no_command_of_it_runs_a_remedy(
        self, store: Images, watch: str, user: str, read_only: str, said: str
    ) -> None:
        """Not even as root without the setting."""
        as_user = (f"--user={user}", f"--env=FRAGTUI_READ_ONLY={read_only}")
        with alone():
            before = drops()
            with terminal(argv=store.podman("exec", "-it", *as_user, watch, "fragtui", "--root", "/host")) as term:
                term.until("shop/cart-waits", 60)
                assert " node-7  kernel" in term.text and "sudo" not in term.text
                for key in "123c":
                    term.press(key)
                    term.until(f"No remedy can be run here: {said}")
                    assert "Run it" not in term.text
                term.press("M")
                term.until("×4")
                term.press("\x1b")
                term.pump(0.6)
                term.press("q")
                assert term.wait() == 0
            for verb in ("drop-caches", "compact"):
                answer = ran([*store.podman("exec", *as_user, watch), "fragtui", verb, "--root", "/host", "--yes"], 3)
                assert said.rsplit(maxsplit=1)[-1] in answer, answer
            assert drops() == before != []
