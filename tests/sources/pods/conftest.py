from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.api_server import ApiServer


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """Return an API server without pods."""
    started = ApiServer()
    yield started
    started.close()
