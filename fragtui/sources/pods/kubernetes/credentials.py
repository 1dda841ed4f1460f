"""A kubeconfig -> the settings of a connection to its API server. No secret is put on a command line or disk."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from fragtui.sources.pods.kubernetes.credential_plugin import ask_plugin
from fragtui.sources.pods.kubernetes.kubeconfig import Settings, read_kubeconfig
from fragtui.sources.pods.kubernetes.kubeconfig_place import CredentialsError, KubeconfigLocation
from fragtui.sources.pods.kubernetes.kubelet import node_of_certificate
from fragtui.text import printable

_TOKEN_LIMIT = 1 << 16


@dataclass(frozen=True, slots=True)
class Credentials:
    """Settings of a connection to an API server."""

    host: str
    """Its URL."""
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """Headers that name the caller, and whom it impersonates."""
    verify: bool
    """Whether the server's certificate is checked."""
    authority: str | None
    """Certificates that it is checked against, in PEM; None for the system's."""
    certificate: str | None = field(repr=False)
    """The client's certificate and key, in PEM."""
    key: str | None = field(repr=False)
    server_name: str | None
    """The name to check the server's certificate for, if it is not the URL's."""
    proxy: str | None = field(repr=False)
    """URL of the HTTP proxy to go through."""
    node: str | None
    """The node that the client's certificate is for; None if it is not a kubelet's."""
    expires: float | None
    """When they expire, in seconds since the epoch; None if unknown."""


def load_credentials(place: KubeconfigLocation) -> Credentials:
    """Return the kubeconfig's credentials; raises `CredentialsError` naming what can't be used."""
    cluster, user = read_kubeconfig(place)
    host, is_plain, name = _server(cluster)
    if user.entries.get("auth-provider"):
        raise CredentialsError("the kubeconfig uses auth-provider, which is not supported: use a credential plug-in")
    authority = cluster.pem("certificate-authority", place)
    certificate, key = user.pem("client-certificate", place), user.pem("client-key", place)
    headers = _authorization(user, place)
    expires = None
    if not headers and user.entries.get("exec"):
        if is_plain:
            raise _plain(name)
        answer = ask_plugin(user.within("exec"), cluster, authority, place)
        expires = answer.expires
        if answer.token is not None:
            headers = [bearer_header(answer.token)]
        if answer.certificate is not None:
            certificate, key = answer.certificate, answer.key
    if is_plain and (headers or certificate):
        raise _plain(name)
    return Credentials(
        host=host,
        headers=tuple(_checked(each) for each in (*headers, *_impersonation(user))),
        verify=not cluster.flag("insecure-skip-tls-verify"),
        authority=authority,
        certificate=certificate,
        key=key,
        server_name=cluster.text("tls-server-name") or None,
        proxy=cluster.text("proxy-url") or (_proxy_of_environment(name) if place.given else None),
        node=node_of_certificate(certificate.encode()) if certificate else None,
        expires=expires,
    )


def _server(cluster: Settings) -> tuple[str, bool, str]:
    """Return the server's URL, whether it is plain http, and its host name or address."""
    host = cluster.text("server")
    host = host if "://" in host else f"https://{host}"
    try:
        url = urlsplit(host)
        if url.scheme in ("http", "https") and url.hostname:
            return host, url.scheme == "http", url.hostname
    except ValueError:
        pass
    raise CredentialsError("the kubeconfig's server is not an https URL")


def _plain(name: str) -> CredentialsError:
    return CredentialsError(f"not asked: http://{printable(name, 100)} is not https, and no credentials are sent there")


def _authorization(user: Settings, place: KubeconfigLocation) -> list[tuple[str, str]]:
    """Return the header that names the caller. As in client-go, a token file takes precedence over a token."""
    file, token = user.text("tokenFile"), user.text("token")
    if file:
        token = place.read(file, _TOKEN_LIMIT).decode("utf-8", "replace")
    if token:
        return [bearer_header(token)]
    if user.text("username"):
        both = f"{user.text('username')}:{user.text('password')}"
        return [("Authorization", f"Basic {base64.b64encode(both.encode()).decode()}")]
    return []


def bearer_header(token: str) -> tuple[str, str]:
    """Return the header of a token. Raises `CredentialsError` if it holds characters that break the line."""
    return _checked(("Authorization", f"Bearer {token.strip()}"))


def _impersonation(user: Settings) -> list[tuple[str, str]]:
    """Return the headers of impersonation (``kubectl --as``)."""
    headers = [("Impersonate-User", user.text("as")), ("Impersonate-Uid", user.text("as-uid"))]
    headers += [("Impersonate-Group", each) for each in user.texts("as-groups")]
    extra = user.within("as-user-extra")
    headers += [(f"Impersonate-Extra-{name}", each) for name in extra.entries for each in extra.texts(name)]
    return [each for each in headers if each[1]]


def _checked(header: tuple[str, str]) -> tuple[str, str]:
    """Return a header; raises `CredentialsError` if its value would break the line."""
    if all(each.isascii() and each.isprintable() for each in header) and " " not in header[0]:
        return header
    raise CredentialsError(f"the kubeconfig's {header[0].split('-')[0].lower()} holds characters that are not allowed")


def _proxy_of_environment(name: str) -> str | None:
    """Return the proxy for a server from the environment, as kubectl does: never for this machine itself."""
    proxy = os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY")
    if not proxy or name == "localhost":
        return None
    try:
        if ip_address(name).is_loopback:
            return None
    except ValueError:
        pass  # A name.
    from urllib.request import proxy_bypass  # noqa: PLC0415

    if proxy_bypass(name):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
