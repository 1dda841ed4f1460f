"""A client of Prometheus' HTTP API on the standard library, for a server that may be wrong, slow or hostile."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Access(NamedTuple):
    """Where the server is and how to reach it."""

    url: str
    token_file: Path | None = None
    """Read again at each request."""
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    tenant: str | None = None
    """The header X-Scope-OrgID, of Mimir, Cortex and Loki."""
    insecure_http: bool = False
    """Whether plain http to another machine is allowed."""
    proxies: bool = False
    """Whether the proxies of the environment are used."""


class PrometheusClient:
    """Queries of one server."""

    def __init__(self, access: Access) -> None:
        """Raises `FleetError` naming what can't be used."""
        self.access = access
