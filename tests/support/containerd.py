"""A containerd of the test's own, asked over CRI as a kubelet asks it.

State and log are below a folder; mounts, network and processes are in namespaces that end with it; its control groups
are below one of its own, which goes last. The image of sandboxes and containers is made of busybox. Nothing else of the
machine is changed, no registry is asked.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.cgroup import remove_groups
from tests.support.refuse_syscall import NUMBERS

NAMESPACE = "shop"
IMAGE = "fragtui.example/pause:1"
_REFUSE = Path(__file__).with_name("refuse_syscall.py")
_SYSTEM = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
_PROGRAMS = ("containerd", "containerd-shim-runc-v2", "ctr", "runc", "curl", "busybox", "unshare", "ip")
_MAX_SECONDS = 30.0

Message = Mapping[int, "int | str | Message"]
"""A protobuf message: values by the numbers of their fields."""

_CONFIG = """\
version = 2
root = "{folder}/root"
state = "{folder}/state"
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{image}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "{folder}/runc"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{folder}/cni"
"""
# The runtime whose `create` is refused what the file names.
_RUNC = """\
#!/bin/sh
read -r refused < "{folder}/refused"
case " $* " in
  *" create "*) [ -z "$refused" ] || exec "{python}" -I -S "{refuse}" "$refused" "{runc}" "$@" ;;
esac
exec "{runc}" "$@"
"""
_BRIDGE = {"type": "bridge", "bridge": "cni0", "isGateway": True}
_SUBNET = "192.0.2.0/24"
# /run and /var/lib hold the sockets of shims, network namespaces, and what CNI plug-ins remember.
_START = 'mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib && ip link set lo up && exec "$@"'


def why_no_containerd() -> str | None:
    """Return what is missing here to run one, or None."""
    missing = [name for name in _PROGRAMS if shutil.which(name, path=_SYSTEM) is None]
    if _plugins() is None:
        missing.append("CNI plug-ins")
    if missing:
        return f"not installed: {', '.join(missing)}"
    if platform.machine() not in NUMBERS:
        return f"no numbers of system calls for {platform.machine()}"
    return None


def _plugins() -> Path | None:
    """Return the folder of the CNI plug-ins: Debian's, beside containerd too if its package was only unpacked."""
    unpacked = Path(shutil.which("containerd", path=_SYSTEM) or "/usr/bin/containerd").parents[1] / "lib/cni"
    places = (unpacked, Path("/usr/lib/cni"), Path("/opt/cni/bin"))
    return next((folder for folder in places if (folder / "bridge").exists()), None)


class RefusedError(Exception):
    """What the runtime answered instead of an id."""


class Containerd:
    """One containerd; `log` is what it writes."""

    def __init__(self, folder: Path, max_pods: int) -> None:
        self.log = folder / "containerd.log"
        self._folder = folder
        self._group = f"fragtui-lab-{os.getpid()}"
        self._process: subprocess.Popen[bytes] | None = None
        runc = shutil.which("runc", path=_SYSTEM)
        (folder / "config.toml").write_text(_CONFIG.format(folder=folder, image=IMAGE, plugins=_plugins()))
        (folder / "runc").write_text(_RUNC.format(folder=folder, python=sys.executable, refuse=_REFUSE, runc=runc))
        (folder / "runc").chmod(0o755)
        addresses = {"subnet": _SUBNET, "rangeStart": "192.0.2.2", "rangeEnd": f"192.0.2.{max_pods + 1}"}
        plugin = _BRIDGE | {"ipam": {"type": "host-local", "ranges": [[addresses]]}}
        (folder / "cni").mkdir()
        (folder / "cni/10-lab.conflist").write_text(
            json.dumps({"cniVersion": "0.4.0", "name": "lab", "plugins": [plugin]})
        )
        self.refuse("")

    def refuse(self, syscall: str) -> None:
        """Let the kernel deny memory for that system call to every later start of a container, none if empty."""
        (self._folder / "refused").write_text(f"{syscall}\n")

    def start(self, refused: str = "") -> None:
        """Start the daemon and wait for it; the kernel denies it memory for a system call, if one is named."""
        command = ["unshare", "-m", "-n", "-p", "-f", "--kill-child", "--mount-proc", "sh", "-c", _START, "sh"]
        if refused:
            command += [sys.executable, "-I", "-S", str(_REFUSE), refused]
        command += ["containerd", "--config", str(self._folder / "config.toml")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, env=os.environ | {"PATH": _SYSTEM})
        end = time.monotonic() + _MAX_SECONDS
        while True:
            with suppress(RefusedError):
                self._call("Version", {})
                break
            assert self._process.poll() is None and time.monotonic() < end, self.log.read_text()[-2000:]
            time.sleep(0.05)
        image = self._folder / "image.tar"
        if not image.exists():
            _write_image(image, self._folder)
            address = str(self._folder / "containerd.sock")
            command = ["ctr", "-a", address, "-n", "k8s.io", "images", "import", "--snapshotter", "native", str(image)]
            subprocess.run(command, check=True, capture_output=True, timeout=60)

    def stop(self) -> None:
        """End the daemon and all that it started, and remove their control groups."""
        if self._process is not None:
            self._process.kill()  # The first process of the namespace dies with it, and so does every other one.
            self._process.wait()
            self._process = None
        remove_groups(self._group)

    def run_sandbox(self, name: str, attempt: int = 0) -> str:
        """Start the sandbox of a pod and return its id. Raises RefusedError."""
        return self._id(self._call("RunPodSandbox", {1: self._sandbox(name, attempt)}))

    def run_container(self, sandbox: str, pod: str, attempt: int = 0) -> str:
        """Create the container ``web`` in a sandbox, start it and return its id. Raises RefusedError."""
        container: Message = {1: {1: "web", 2: attempt}, 2: {1: IMAGE}}
        created = self._id(self._call("CreateContainer", {1: sandbox, 2: container, 3: self._sandbox(pod, 0)}))
        self._call("StartContainer", {1: created})
        return created

    def _sandbox(self, name: str, attempt: int) -> Message:
        """Return a PodSandboxConfig."""
        metadata: Message = {1: name, 2: f"uid-of-{name}", 3: NAMESPACE, 4: attempt}
        return {1: metadata, 2: name, 3: str(self._folder / "pods"), 8: {1: f"/{self._group}", 2: {}}}

    def _id(self, answer: bytes) -> str:
        """Return the first field, a text of fewer than 128 bytes."""
        return answer[2 : 2 + answer[1]].decode()

    def _call(self, method: str, message: Message) -> bytes:
        """Return the answer of the CRI's RuntimeService. Raises RefusedError."""
        data = _encoded(message)
        done = subprocess.run(
            ["curl", "-sS", "--http2-prior-knowledge", "--max-time", str(_MAX_SECONDS), "-D", "/dev/stderr",
             "--unix-socket", str(self._folder / "containerd.sock"), "-H", "content-type: application/grpc",
             "-H", "te: trailers", "--data-binary", "@-", f"http://localhost/runtime.v1.RuntimeService/{method}"],
            input=b"\0" + len(data).to_bytes(4, "big") + data,
            capture_output=True,
            check=False,
        )  # fmt: skip
        if b"grpc-status: 0" not in done.stderr:
            raise RefusedError(done.stderr.decode())
        return done.stdout[5:]


@contextmanager
def containerd(folder: Path, max_pods: int = 50) -> Iterator[Containerd]:
    """Yield one that is not started and has addresses for so many pods; it ends with the block."""
    daemon = Containerd(folder, max_pods)
    try:
        yield daemon
    finally:
        daemon.stop()


def _encoded(message: Message) -> bytes:
    encoded = b""
    for number, value in message.items():
        if isinstance(value, int):
            encoded += _varint(number << 3) + _varint(value)
            continue
        data = value.encode() if isinstance(value, str) else _encoded(value)
        encoded += _varint(number << 3 | 2) + _varint(len(data)) + data
    return encoded


def _varint(number: int) -> bytes:
    encoded = b""
    while number > 0x7F:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])


def _write_image(target: Path, folder: Path) -> None:
    """Write an image whose only program is busybox as an OCI archive."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        archive.add(shutil.which("busybox", path=_SYSTEM) or "", "bin/busybox")
    with tarfile.open(target, "w") as archive:

        def add(name: str, data: bytes) -> None:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))

        def blob(kind: str, data: bytes) -> dict[str, object]:
            digest = hashlib.sha256(data).hexdigest()
            add(f"blobs/sha256/{digest}", data)
            return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

        def document(kind: str, value: dict[str, object]) -> dict[str, object]:
            return blob(f"{kind}+json", json.dumps(value).encode())

        packed = blob("layer.v1.tar", layer.getvalue())
        architecture = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
        config: dict[str, object] = {
            "architecture": architecture,
            "os": "linux",
            "config": {"Entrypoint": ["/bin/busybox", "sleep", "3600"]},
            "rootfs": {"type": "layers", "diff_ids": [packed["digest"]]},
        }
        manifest = document(
            "manifest.v1", {"schemaVersion": 2, "config": document("config.v1", config), "layers": [packed]}
        )
        named = manifest | {"annotations": {"io.containerd.image.name": IMAGE}}
        add("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        add("index.json", json.dumps({"schemaVersion": 2, "manifests": [named]}).encode())
