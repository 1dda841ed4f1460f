"""The service account of the pod that fragtui runs in: the token and authority that the kubelet mounts."""

from __future__ import annotations

import os
from pathlib import Path

from fragtui.sources.files.host_files import os_reason
from fragtui.sources.files.trust import open_regular, read_bounded
from fragtui.sources.pods.kubernetes.credentials import Credentials, bearer_header
from fragtui.sources.pods.kubernetes.kubeconfig_place import CredentialsError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Only root can make this folder; in a container the runtime mounts it."""
_LIMIT = 1 << 20


def has_service_account() -> bool:
    """Return whether fragtui runs in a pod with a service account's token."""
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST")) and (SERVICE_ACCOUNT / "token").is_file()


def service_account() -> Credentials:
    """Return the pod's credentials, as client-go's rest.InClusterConfig does. Raises `CredentialsError`."""
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    port = os.environ.get("KUBERNETES_SERVICE_PORT") or "443"
    return Credentials(
        host=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        headers=(bearer_header(_read(SERVICE_ACCOUNT / "token")),),
        verify=True,
        authority=_read(SERVICE_ACCOUNT / "ca.crt"),
        certificate=None,
        key=None,
        server_name=None,
        proxy=None,
        node=None,
        expires=None,
    )


def _read(path: Path) -> str:
    try:
        return read_bounded(open_regular(str(path)), _LIMIT).decode("utf-8", "replace")
    except OSError as error:
        raise CredentialsError(f"{path}: {os_reason(error)}") from None
