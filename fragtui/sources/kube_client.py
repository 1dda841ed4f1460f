"""Talking to the API server through the `kubernetes` client, raw: JSON in, nothing of its models kept.

The client is an optional extra and takes its time and memory to import, so it is imported when first used, on the
thread that uses it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from fragtui.sources.host_files import reason
from fragtui.sources.in_root import in_root
from fragtui.sources.kubelet_process import node_of_certificate
from fragtui.text import printable

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 90.0
"""Longer than a server is silent: bookmarks come about every minute."""
_PAGE = 500
_LIST_LIMIT = 64 * 1024 * 1024
WATCH_SECONDS = 270


class ApiError(Exception):
    """The API server did not answer as asked; `status` is the HTTP status, None if it was not reached."""

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.status = status


class Api(Protocol):
    """What of an API server is used; raises `ApiError` only."""

    def list_page(self, resource: str, selector: str, token: str | None) -> dict[str, Any]:
        """Return one page of a list (``pods`` or ``events`` of all namespaces) as parsed JSON."""

    def watch(self, resource: str, selector: str, version: str) -> Iterator[bytes]:
        """Yield the bytes of a watch as they come, until the server ends it."""

    def interrupt(self) -> None:
        """End a watch that is under way; from any thread, without waiting."""

    def node_of_credentials(self) -> str | None:
        """Return the node that the credentials are for, None if they are not a kubelet's."""


class KubernetesApi:
    """An API server as a kubeconfig file describes it. The file's secrets stay in the client's own configuration."""

    def __init__(self, kubeconfig: Path, root: Path) -> None:
        """Read the kubeconfig; raises `ApiError` with words for what can't be used."""
        try:
            import yaml  # noqa: PLC0415
            from kubernetes import client, config  # noqa: PLC0415
        except ImportError:
            raise ApiError("the Kubernetes client is not installed: pip install 'fragtui[k8s]'") from None
        try:
            described = yaml.safe_load(kubeconfig.read_text("utf-8"))
        except OSError as error:
            raise ApiError(f"{kubeconfig}: {reason(error)}") from None
        except (yaml.YAMLError, ValueError):
            raise ApiError(f"{kubeconfig} is not a kubeconfig") from None
        self._certificate = _point_into_root(described, kubeconfig, root)
        configuration = client.Configuration()
        load: Any = config.load_kube_config_from_dict
        try:
            load(described, client_configuration=configuration, persist_config=False)
        except Exception as error:  # the client raises many kinds, some with the file's content in their words
            raise ApiError(f"{kubeconfig} can't be used ({type(error).__name__})") from None
        configuration.retries = False
        self._configuration = configuration
        self._core = client.CoreV1Api(client.ApiClient(configuration))
        self._under_way: Any = None

    def list_page(self, resource: str, selector: str, token: str | None) -> dict[str, Any]:
        """See `Api`."""
        more = {"_continue": token} if token else {}
        response = self._open(resource, field_selector=selector, limit=_PAGE, **more)
        try:
            body = b"".join(_limited(response.stream(65536, decode_content=True), _LIST_LIMIT))
            loaded = json.loads(body)
        except ApiError:
            raise
        except Exception as error:
            raise _unreachable(error) from None
        finally:
            _give_back(response)
        if not isinstance(loaded, dict):
            raise ApiError("the API server's answer is not an object")
        return loaded

    def watch(self, resource: str, selector: str, version: str) -> Iterator[bytes]:
        """See `Api`."""
        response = self._open(
            resource,
            field_selector=selector,
            watch=True,
            resource_version=version,
            allow_watch_bookmarks=True,
            timeout_seconds=WATCH_SECONDS,
        )
        self._under_way = response
        try:
            yield from response.stream(65536, decode_content=True)
        except GeneratorExit:
            raise
        except Exception as error:
            raise _unreachable(error) from None
        finally:
            self._under_way = None
            with suppress(Exception):
                response.close()

    def interrupt(self) -> None:
        """See `Api`."""
        response = self._under_way
        if response is not None:
            with suppress(Exception):
                response.shutdown()

    def node_of_credentials(self) -> str | None:
        """See `Api`."""
        for path in (self._certificate, getattr(self._configuration, "cert_file", None)):
            if path:
                with suppress(OSError):
                    found = node_of_certificate(Path(path).read_bytes())
                    if found:
                        return found
        return None

    def _open(self, resource: str, **query: Any) -> Any:
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415

        core: Any = self._core
        call = core.list_pod_for_all_namespaces if resource == "pods" else core.list_event_for_all_namespaces
        try:
            opened = call(_preload_content=False, _request_timeout=(_CONNECT_SECONDS, _READ_SECONDS), **query)
        except ApiException as error:
            if not error.status:  # how newer clients put what urllib3 raised
                raise _unreachable(error) from None
            raise _refused(error.status, error.body) from None
        except Exception as error:  # urllib3's, ssl's and exec plug-ins' errors
            raise _unreachable(error) from None
        response = getattr(opened, "response", opened)
        if response.status >= 400:
            body = b""
            with suppress(Exception):
                body = response.read(65536)
            _give_back(response)
            raise _refused(response.status, body)
        return response


def _limited(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise ApiError(f"the API server's answer is longer than {limit >> 20} MiB")
        yield chunk


def _give_back(response: Any) -> None:
    with suppress(Exception):
        response.release_conn()


def _refused(status: int | None, body: Any) -> ApiError:
    message = ""
    with suppress(Exception):
        message = str(json.loads(body).get("message", ""))
    return ApiError(printable(message, 200) or f"HTTP status {status}", status)


def _unreachable(error: Exception) -> ApiError:
    """Return the error in words. Only known texts are repeated: others might carry what is secret."""
    text = str(error)
    if "certificate has expired" in text:
        return ApiError("the certificate has expired")
    for words in (
        "certificate verify failed",
        "Connection refused",
        "timed out",
        "No route to host",
        "Name or service not known",
        "Temporary failure in name resolution",
        "Network is unreachable",
        "Connection reset",
        "IncompleteRead",
        "Connection broken",
        "certificate expired",
    ):
        if words in text:
            return ApiError(words[0].lower() + words[1:])
    return ApiError(type(error).__name__)


def _point_into_root(described: Any, kubeconfig: Path, root: Path) -> str | None:
    """Turn the files that a kubeconfig names into files under the root; return the client certificate's.

    Relative names are relative to the kubeconfig. Raises `ApiError` for a credential plug-in under another root:
    its program is not here.
    """
    certificate = None
    if not isinstance(described, dict):
        raise ApiError(f"{kubeconfig} is not a kubeconfig")
    for group, inner in (("clusters", "cluster"), ("users", "user")):
        entries = described.get(group)
        for each in entries if isinstance(entries, list) else ():
            settings = each.get(inner) if isinstance(each, dict) else None
            if not isinstance(settings, dict):
                continue
            if "exec" in settings and root != Path("/"):
                raise ApiError("the kubeconfig uses a credential plug-in, which only runs on the node itself")
            for key in ("certificate-authority", "client-certificate", "client-key", "tokenFile"):
                path = settings.get(key)
                if isinstance(path, str) and path:
                    settings[key] = str(_file(path, kubeconfig, root))
            certificate = settings.get("client-certificate") or certificate
    return certificate


def _file(path: str, kubeconfig: Path, root: Path) -> Path:
    try:
        found = in_root(root, path) if path.startswith("/") else kubeconfig.parent / path
        found.stat()
    except OSError as error:
        raise ApiError(f"{path}: {reason(error)}") from None
    return found
