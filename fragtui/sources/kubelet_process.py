"""The node's kubelet: which arguments it runs with, where its credentials lie, what the cluster calls the node."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path

from fragtui.sources.in_root import in_root
from fragtui.text import printable

NO_CREDENTIALS = "found no kubelet credentials under the root: give --kubeconfig FILE"
_COMMS = frozenset({"kubelet", "kubelite", "k3s", "k3s-agent", "k3s-server", "rke2", "hyperkube", "kubelet.real"})
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
_SYSTEM_NODE = b"system:node:"
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([^-]*+)-----END CERTIFICATE-----")


@dataclass(frozen=True, slots=True)
class Kubelet:
    """What the kubelet's command line tells; what it leaves to a file or the default is None."""

    kubeconfig: str | None
    hostname_override: str | None


def find_kubelet(root: Path) -> Kubelet | None:
    """Return the arguments of the kubelet that runs under `root`/proc, None if none is seen. Never raises."""
    try:
        processes = [entry for entry in (root / "proc").iterdir() if entry.name.isdigit()]
    except OSError:
        return None
    for process in processes:
        try:
            if (process / "comm").read_text("utf-8", "replace").strip() not in _COMMS:
                continue
            arguments = (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        if "kubelet" in arguments[0] or any("kubeconfig" in each for each in arguments):
            return read_arguments(arguments)
    return None


def read_arguments(arguments: list[str]) -> Kubelet:
    """Return what a kubelet's argument vector tells (``--name value`` and ``--name=value``, one dash or two)."""
    values: dict[str, str] = {}
    for at, argument in enumerate(arguments):
        name, equals, value = argument.lstrip("-").partition("=")
        if not argument.startswith("-") or name not in ("kubeconfig", "hostname-override"):
            continue
        if equals:
            values[name] = value
        elif at + 1 < len(arguments):
            values[name] = arguments[at + 1]
    return Kubelet(values.get("kubeconfig") or None, values.get("hostname-override") or None)


def find_kubeconfig(root: Path, kubelet: Kubelet | None) -> Path | None:
    """Return the kubelet's kubeconfig under `root`: where its arguments say, else a known place; None if nowhere."""
    told = (kubelet.kubeconfig,) if kubelet and kubelet.kubeconfig else ()
    for path in (*told, *KNOWN_KUBECONFIGS):
        try:
            found = in_root(root, path)
            if found.is_file():
                return found
        except OSError:
            continue
    return None


def node_of_certificate(pem: bytes) -> str | None:
    """Return the node that a kubelet's client certificate is for (``CN=system:node:NAME``), None if it names none."""
    for match in _PEM.finditer(pem):
        try:
            der = base64.b64decode(match.group(1))
        except ValueError:
            continue
        at = der.find(_SYSTEM_NODE)
        if at > 0:
            # DER writes the length of the name in the byte before it (names are far shorter than 128 bytes).
            length = der[at - 1]
            return printable(der[at + len(_SYSTEM_NODE) : at + length].decode("ascii", "replace"))
    return None
