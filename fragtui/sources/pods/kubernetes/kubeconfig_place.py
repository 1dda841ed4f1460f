"""The place of a kubeconfig, and the trust in it and in the files that it names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.trust import Trust, UntrustedError, find_program, open_inside, open_regular, read_bounded
from fragtui.sources.pods.kubernetes.kubelet import running_kubelet
from fragtui.text import printable

NO_CREDENTIALS = "found no kubelet credentials under the root"
NOT_INSTALLED = "PyYAML, which reads the kubeconfig, is not installed: pip install 'fragtui[k8s]'"
KNOWN_KUBECONFIGS = (
    "/etc/kubernetes/kubelet.conf",
    "/var/lib/kubelet/kubeconfig",
    "/etc/kubernetes/kubelet-kubeconfig",
    "/etc/kubernetes/kubelet/kubeconfig",
    "/etc/kubernetes/kubeconfig",
    "/var/lib/rancher/k3s/agent/kubelet.kubeconfig",
    "/var/lib/rancher/rke2/agent/kubelet.kubeconfig",
    "/var/snap/microk8s/current/credentials/kubelet.config",
    "/var/lib/k0s/kubelet.conf",
)
_MAX_REASONS = 2


class CredentialsError(Exception):
    """The kubeconfig can't be used; the message never repeats its content."""


@dataclass(frozen=True, slots=True)
class KubeconfigLocation:
    """A kubeconfig. Its files and programs are trusted like itself: by the user's choice, or only if root's."""

    path: str
    """Absolute, inside `root`."""
    root: Path
    given: bool
    """Whether the user named it, so that it is trusted as kubectl trusts it."""
    runs: bool
    """Whether its programs belong to this root."""

    def read(self, name: str, limit: int) -> bytes:
        """Return a file, of `limit` bytes at most; a relative name refers to the kubeconfig's folder.

        Raises `CredentialsError`.
        """
        try:
            data = read_bounded(self.open(name), limit + 1)
        except (OSError, ValueError) as error:
            raise CredentialsError(_words(name, error)) from None
        if len(data) > limit:
            raise CredentialsError(f"{printable(name)} is longer than {limit} bytes")
        return data

    def check(self) -> None:
        """Raise `CredentialsError` if the kubeconfig itself can't be read."""
        try:
            os.close(self.open(self.path))
        except (OSError, ValueError) as error:
            raise CredentialsError(_words(self.path, error)) from None

    def open(self, name: str) -> int:
        """Return a descriptor of a file, see `read`. Raises OSError, and ValueError for what is no path."""
        path = self._absolute(name)
        return open_regular(path) if self.given else open_inside(self.root, path, Trust.OWN)

    def program(self, command: str) -> str:
        """Return the path of a program that may be run. Raises `CredentialsError`."""
        if not self.runs:
            raise CredentialsError("the kubeconfig uses a credential plug-in, which only runs on the node itself")
        if self.given:
            # As in Go's exec.LookPath, which kubectl uses: a program found by a relative PATH entry is refused.
            found = self._absolute(command) if "/" in command else shutil.which(command)
            if found is None or not found.startswith("/"):
                raise CredentialsError(f"the credential plug-in {printable(command)} is not in PATH")
            return found
        try:
            if "/" not in command:
                return find_program(command)
            os.close(self.open(command))
        except (OSError, ValueError) as error:
            raise CredentialsError(_words(command, error)) from None
        return self._absolute(command)

    def _absolute(self, name: str) -> str:
        return os.path.join(os.path.dirname(self.path), name)  # noqa: PTH118, PTH120 (a Path would drop "..")


def given_kubeconfig(path: str) -> KubeconfigLocation:
    """Return the kubeconfig that the user named. Its paths are those of the user's own root."""
    return KubeconfigLocation(os.path.abspath(path), Path("/"), given=True, runs=True)  # noqa: PTH100


@contextmanager
def found_kubeconfig(root: Path) -> Iterator[KubeconfigLocation]:
    """Yield the kubelet's kubeconfig: that of its arguments, else a known place under `root`.

    The place can be read until the context is left. Raises `CredentialsError` with the reason why each kubeconfig was
    not trusted or can't be read, `NO_CREDENTIALS` without one.
    """
    refused: list[str] = []
    with running_kubelet(root, refused) as kubelet:
        places: list[KubeconfigLocation] = []
        if kubelet is not None and kubelet.arguments.kubeconfig is not None:
            path = os.path.join(kubelet.folder, kubelet.arguments.kubeconfig)  # noqa: PTH118
            if kubelet.root is not None:
                places.append(KubeconfigLocation(path, kubelet.root, given=False, runs=kubelet.here))
            else:
                refused.append(f"the kubelet's {printable(path)} can't be reached (needs root and CAP_SYS_PTRACE)")
        places += [KubeconfigLocation(path, root, given=False, runs=root == Path("/")) for path in KNOWN_KUBECONFIGS]
        yield _first(places, refused)


def _first(places: list[KubeconfigLocation], refused: list[str]) -> KubeconfigLocation:
    reasons: list[str] = []
    for place in places:
        try:
            os.close(place.open(place.path))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            reasons.append(_words(place.path, error))
        else:
            return place
    reasons += [f"not asked: {each}" for each in refused]
    if not reasons:
        raise CredentialsError(NO_CREDENTIALS)
    raise CredentialsError("; ".join(reasons[:_MAX_REASONS]))


def _words(path: str, error: Exception) -> str:
    """Return why a file was not read or run."""
    if isinstance(error, UntrustedError):
        return f"not asked: {printable(os_reason(error))}"
    words = os_reason(error) if isinstance(error, OSError) else "not a path"
    return f"{printable(path)}: {words}"
