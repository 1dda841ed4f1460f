"""A kubeconfig -> what a connection needs, by the `kubernetes` client, in a process that ends when it has told it.

The client knows kubeconfigs: inline data, token files, credential plug-ins with their expiry. But it takes 43 MiB to
import, and its generated models are never used here. So a process of its own loads it, writes what it found to a pipe,
and ends; the watch goes on with the standard library alone. Nothing secret is on a command line or on the disk.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from fragtui.sources.host_files import reason
from fragtui.sources.in_root import in_root
from fragtui.sources.kubelet_process import node_of_certificate

NOT_INSTALLED = "the Kubernetes client is not installed: pip install 'fragtui[k8s]'"
_LIMIT_SECONDS = 60.0
"""A credential plug-in may ask a cloud."""
_PROGRAM = (
    "import json,sys\n"
    "asked=json.loads(sys.stdin.buffer.read())\n"
    "sys.path[:]=asked['path']\n"
    "from fragtui.sources.kube_credentials import main\n"
    "main(asked['kubeconfig'],asked['root'])\n"
)


class CredentialsError(Exception):
    """The kubeconfig can't be used; the words never repeat what it holds."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a connection to an API server needs."""

    host: str
    """Its URL."""
    headers: dict[str, str]
    """Those that say who asks."""
    verify: bool
    """Whether the server's certificate is checked."""
    authority: str | None
    """The certificates that it is checked against, in PEM; None for those of the system."""
    certificate: str | None
    """The client's own, in PEM, and its key."""
    key: str | None
    server_name: str | None
    """The name to check the server's certificate for, if it is not the URL's."""
    proxy: str | None
    """URL of the HTTP proxy to go through."""
    node: str | None
    """The node that the client's certificate is for; None if it is not a kubelet's."""


def load_credentials(kubeconfig: Path, root: Path) -> Credentials:
    """Return what the kubeconfig says; raises `CredentialsError` with words for what can't be used."""
    asked = {"path": sys.path, "kubeconfig": str(kubeconfig), "root": str(root)}
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _PROGRAM, "fragtui-kubeconfig"],
            input=json.dumps(asked).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CredentialsError(f"{kubeconfig}: no credentials within {_LIMIT_SECONDS:.0f} s") from None
    except OSError as error:
        raise CredentialsError(f"the Kubernetes client can't be started: {reason(error)}") from None
    try:
        facts = json.loads(done.stdout)
        if "error" in facts:
            raise CredentialsError(str(facts["error"]))
        return Credentials(**{field.name: facts[field.name] for field in fields(Credentials)})
    except (ValueError, KeyError, TypeError):
        raise CredentialsError(f"the Kubernetes client ended with status {done.returncode}") from None


def main(kubeconfig: str, root: str) -> None:
    """Write the credentials, or why there are none, as one JSON object to the output."""
    # The client and the plug-ins that it calls may print; that must not get between.
    out = os.dup(1)
    os.dup2(2, 1)
    try:
        facts: dict[str, object] = asdict(_load(Path(kubeconfig), Path(root)))
    except CredentialsError as error:
        facts = {"error": str(error)}
    with os.fdopen(out, "wb") as pipe:
        pipe.write(json.dumps(facts).encode())


def _load(kubeconfig: Path, root: Path) -> Credentials:
    try:
        import yaml  # noqa: PLC0415
        from kubernetes import client, config  # noqa: PLC0415
    except ImportError:
        raise CredentialsError(NOT_INSTALLED) from None
    try:
        described = yaml.safe_load(kubeconfig.read_text("utf-8"))
    except OSError as error:
        raise CredentialsError(f"{kubeconfig}: {reason(error)}") from None
    except (yaml.YAMLError, ValueError):
        raise CredentialsError(f"{kubeconfig} is not a kubeconfig") from None
    _point_into_root(described, kubeconfig, root)
    found = client.Configuration()
    load: Any = config.load_kube_config_from_dict
    try:
        load(described, client_configuration=found, persist_config=False)
        settings: Any = found.auth_settings()
        headers = {
            str(each["key"]): str(each["value"])
            for each in settings.values()
            if each["in"] == "header" and each["value"]
        }
        authority, certificate, key = (
            Path(path).read_text("utf-8", "replace") if path else None
            for path in (found.ssl_ca_cert, found.cert_file, found.key_file)
        )
    except Exception as error:  # the client raises many kinds, some with the file's content in their words
        raise CredentialsError(f"{kubeconfig} can't be used ({type(error).__name__})") from None
    return Credentials(
        host=str(found.host),
        headers=headers,
        verify=bool(found.verify_ssl),
        authority=authority,
        certificate=certificate,
        key=key,
        server_name=getattr(found, "tls_server_name", None),
        proxy=_proxy(found),
        node=node_of_certificate(certificate.encode()) if certificate else None,
    )


def _proxy(found: Any) -> str | None:
    """Return the proxy of the kubeconfig or of the environment, if this server is to be reached through it."""
    from urllib.parse import urlsplit  # noqa: PLC0415
    from urllib.request import proxy_bypass  # noqa: PLC0415

    return str(found.proxy) if found.proxy and not proxy_bypass(urlsplit(found.host).hostname or "") else None


def _point_into_root(described: Any, kubeconfig: Path, root: Path) -> None:
    """Turn the files that a kubeconfig names into files under the root. Relative names are relative to it.

    Raises `CredentialsError` for a credential plug-in under another root: its program is not here.
    """
    if not isinstance(described, dict):
        raise CredentialsError(f"{kubeconfig} is not a kubeconfig")
    for group, inner in (("clusters", "cluster"), ("users", "user")):
        entries = described.get(group)
        for each in entries if isinstance(entries, list) else ():
            settings = each.get(inner) if isinstance(each, dict) else None
            if not isinstance(settings, dict):
                continue
            if "exec" in settings and root != Path("/"):
                raise CredentialsError("the kubeconfig uses a credential plug-in, which only runs on the node itself")
            for key in ("certificate-authority", "client-certificate", "client-key", "tokenFile"):
                path = settings.get(key)
                if isinstance(path, str) and path:
                    settings[key] = str(_file(path, kubeconfig, root))


def _file(path: str, kubeconfig: Path, root: Path) -> Path:
    try:
        found = in_root(root, path) if path.startswith("/") else kubeconfig.parent / path
        found.stat()
    except OSError as error:
        raise CredentialsError(f"{path}: {reason(error)}") from None
    return found
