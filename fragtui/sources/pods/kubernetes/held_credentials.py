"""Credentials that are kept between requests, and read again when they are old."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from fragtui.sources.pods.kubernetes.client import ApiError
from fragtui.sources.pods.kubernetes.credentials import Credentials
from fragtui.sources.pods.kubernetes.kubeconfig_place import CredentialsError

_CREDENTIALS_SECONDS = 600.0
"""Seconds of use if they have no expiry: a plug-in may be slow, so it does not run for every connection."""
_BEFORE_END = 30.0


class HeldCredentials:
    """The credentials that `load` returns, for several threads."""

    def __init__(self, load: Callable[[], Credentials]) -> None:
        """`load` raises `CredentialsError`."""
        self._load = load
        self._lock = threading.Lock()
        self._read_at = 0.0
        self.last: Credentials | None = None
        """Those of the last request; None before the first."""

    def current(self, renew: bool) -> Credentials:
        """Return the credentials, read again if `renew` is set or they are old. Raises `ApiError`."""
        with self._lock:
            held = self.last
            old = time.monotonic() - self._read_at > _CREDENTIALS_SECONDS
            ends = held is not None and held.expires is not None and time.time() > held.expires - _BEFORE_END
            if held is None or renew or old or ends:
                try:
                    held = self._load()
                except CredentialsError as error:
                    if held is None or renew or ends:
                        raise ApiError(str(error)) from None
                self.last, self._read_at = held, time.monotonic()
            return held
