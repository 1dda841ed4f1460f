from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.journal import Journal


@pytest.fixture
def journal(programs: Path) -> Journal:
    """Return a journalctl that is found before the real one."""
    return Journal(programs)
