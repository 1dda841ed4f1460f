"""Images built by buildah on a Debian that debootstrap made, and containers of them run by podman.

What they store is below a folder of their own, which goes with them. No registry is asked; debootstrap and the build
take packages from Debian.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.cgroup import remove_groups

_PROGRAMS = ("buildah", "podman", "runc", "debootstrap")
_SYSTEM = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
_MAX_SECONDS = 1800.0
EMULATOR = "qemu-aarch64-static"
# What containerd does for `recursiveReadOnly: Enabled`. podman has no option for it, but lets a hook change containers.
_HOOK = """\
#!{python} -IS
import json, sys
container = json.load(sys.stdin)
for mount in container["mounts"]:
    if "ro" in mount["options"] and mount["destination"].startswith("/host/"):
        mount["options"].append("rro")
json.dump(container, sys.stdout)
"""


def why_no_images() -> str | None:
    """Return what is missing here to build and run images, or None."""
    missing = [name for name in _PROGRAMS if shutil.which(name, path=_SYSTEM) is None]
    return f"not installed: {', '.join(missing)}" if missing else None


class Images:
    """A store of images and of the containers that run."""

    def __init__(self, folder: Path, architecture: str) -> None:
        self.folder = folder
        self._architecture = architecture
        self.group = f"fragtui-lab-{os.getpid()}"
        self._store = ["--root", str(folder / "store"), "--runroot", str(folder / "run"), "--storage-driver", "overlay"]
        hook = {"version": "1.0.0", "hook": {"path": str(folder / "rro")}, "when": {"always": True}}
        (folder / "rro").write_text(_HOOK.format(python=sys.executable))
        (folder / "rro").chmod(0o755)
        (folder / "hooks").mkdir()
        (folder / "hooks/rro.json").write_text(json.dumps(hook | {"stages": ["precreate"]}))

    def make_base(self, name: str) -> str:
        """Make an image of this machine's release of Debian, with its Python; return its name with its digest."""
        release = platform.freedesktop_os_release().get("VERSION_CODENAME", "stable")
        base = self.folder / "base"
        options = [f"--arch={self._architecture}", "--variant=minbase", "--include=python3"]
        _ran(["debootstrap", *options, release, str(base)])
        container = self.buildah("from", "--arch", self._architecture, "scratch")
        self.buildah("add", "-q", container, str(base), "/")
        self.buildah("commit", "-q", "--rm", container, name)
        shutil.rmtree(base)
        return f"{name.partition(':')[0]}@{self.inspected(name)['Digest']}"

    def build(self, folder: Path, name: str) -> None:
        """Build the image of a folder's Containerfile."""
        options = ["--arch", self._architecture, "--isolation", "chroot", "--network", "host"]
        self.buildah("build", *options, "-t", name, str(folder))

    def buildah(self, *words: str) -> str:
        """Run buildah and return what it prints."""
        return _ran(["buildah", *self._store, *words])

    def podman(self, *words: str) -> list[str]:
        """Return a command of podman, in a folder where conmon may leave the file `oom`."""
        command = ["env", "-C", str(self.folder), "podman", *self._store, "--tmpdir", str(self.folder / "tmp")]
        command += ["--hooks-dir", str(self.folder / "hooks"), "--runtime", "runc", "--cgroup-manager", "cgroupfs"]
        return [*command, "--events-backend", "none", *words]

    def run(self, *words: str) -> list[str]:
        """Return the command that runs a container with the network and at most the open files of this process."""
        files = min(1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        return self.podman("run", "--network", "host", "--cgroup-parent", f"/{self.group}", "--pull", "never",
                           "--ulimit", f"nofile={files}:{files}", "--ulimit", "nproc=1000:1000", *words)  # fmt: skip

    def inspected(self, image: str) -> dict[str, Any]:
        """Return what podman prints of an image."""
        (found,) = json.loads(_ran(self.podman("image", "inspect", image)))
        return found  # type: ignore[no-any-return]


@contextmanager
def images(architecture: str) -> Iterator[Images]:
    """Yield an empty store for images of an architecture, as Debian names it; it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="fragtui-images-") as folder:
        store = Images(Path(folder), architecture)
        try:
            yield store
        finally:
            _ran(store.podman("rm", "--force", "--all", "--time", "1"))
            remove_groups(store.group)


@contextmanager
def emulated_arm64() -> Iterator[None]:
    """Let this kernel run programs of arm64 with qemu for the time of the block. Raises OSError."""
    mask = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
    magic = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
    with tempfile.TemporaryDirectory() as folder:
        _ran(["mount", "-t", "binfmt_misc", "binfmt_misc", folder])
        entry = Path(folder, "fragtui-arm64")
        try:
            # F: opened now, so that it is found in every container.
            Path(folder, "register").write_text(f":{entry.name}:M::{magic}:{mask}:{shutil.which(EMULATOR)}:F")
            yield
        finally:
            if entry.exists():
                entry.write_text("-1")
            _ran(["umount", folder])


def _ran(command: list[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, check=False, text=True, timeout=_MAX_SECONDS, env=os.environ | {"PATH": _SYSTEM}
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout.strip()
