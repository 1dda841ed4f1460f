"""The cluster and user of a kubeconfig, after client-go's tools/clientcmd/api/v1/types.go."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from fragtui.sources.pods.kubernetes.kubeconfig_place import NOT_INSTALLED, CredentialsError, KubeconfigLocation
from fragtui.text import printable

MAX_KUBECONFIG = 1 << 20
"""Most bytes of a kubeconfig, and of each file that it names."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The entries of one mapping, read by the type that each must have."""

    entries: dict[str, Any]

    def text(self, key: str) -> str:
        """Return a text, empty if there is none. Raises `CredentialsError`."""
        value = self.entries.get(key)
        if value is not None and not isinstance(value, str):
            raise CredentialsError(f"the kubeconfig's {key} is not a text")
        return value or ""

    def flag(self, key: str) -> bool:
        """Return whether it is true. Raises `CredentialsError`."""
        return self.text(key).lower() == "true"

    def texts(self, key: str) -> list[str]:
        """Return a list of texts, empty if there is none. Raises `CredentialsError`."""
        values = self.entries.get(key) or []
        if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
            raise CredentialsError(f"the kubeconfig's {key} is not a list of texts")
        return values

    def within(self, key: str) -> Settings:
        """Return the mapping of that name, empty if there is none. Raises `CredentialsError`."""
        return _settings(self.entries.get(key) or {}, key)

    def each(self, key: str) -> list[Settings]:
        """Return a list of mappings, empty if there is none. Raises `CredentialsError`."""
        values = self.entries.get(key) or []
        if not isinstance(values, list):
            raise CredentialsError(f"the kubeconfig's {key} is not a list")
        return [_settings(each, key) for each in values]

    def pem(self, key: str, place: KubeconfigLocation) -> str | None:
        """Return the value of ``KEY-data``, else the text of the file KEY, None if neither is given.

        Raises `CredentialsError`.
        """
        data = self.text(f"{key}-data")
        if data:
            try:
                return base64.b64decode(data).decode("utf-8", "replace")
            except (binascii.Error, ValueError):
                raise CredentialsError(f"the kubeconfig's {key}-data is not base64") from None
        name = self.text(key)
        return place.read(name, MAX_KUBECONFIG).decode("utf-8", "replace") if name else None


def read_kubeconfig(place: KubeconfigLocation) -> tuple[Settings, Settings]:
    """Return the cluster and the user of the current context. Raises `CredentialsError`."""
    text = place.read(place.path, MAX_KUBECONFIG)
    try:
        from fragtui.sources.pods.kubernetes.kubeconfig_yaml import NotRead, parse_yaml  # noqa: PLC0415
    except ImportError:
        raise CredentialsError(NOT_INSTALLED) from None
    shown = printable(place.path)
    try:
        described = parse_yaml(text)
    except NotRead as error:
        raise CredentialsError(f"{shown} {error}") from None
    if not isinstance(described, dict):
        raise CredentialsError(f"{shown} is not a kubeconfig")
    config = Settings(described)
    contexts = config.each("contexts")
    name = config.text("current-context")
    if not name and len(contexts) == 1:
        name = contexts[0].text("name")
    if not name:
        raise CredentialsError(f"{shown} has no current-context, and {len(contexts)} contexts to choose from")
    context = _named(contexts, name, "context")
    cluster = _named(config.each("clusters"), context.text("cluster"), "cluster")
    user = context.text("user")
    return cluster, _named(config.each("users"), user, "user") if user else Settings({})


def _named(found: list[Settings], name: str, kind: str) -> Settings:
    for each in found:
        if each.text("name") == name:
            return each.within(kind)
    raise CredentialsError(f"the kubeconfig has no {kind} {printable(name, 80)!r}")


def _settings(value: object, key: str) -> Settings:
    if not isinstance(value, dict):
        raise CredentialsError(f"the kubeconfig's {key} is not a mapping")
    return Settings(value)
