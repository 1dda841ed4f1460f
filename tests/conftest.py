"""Fixtures that several folders use, and how many examples Hypothesis tries.

Profile `dev`, the default, tries 20 examples a property; `ci` tries as many as a property needs and is selected by
`--hypothesis-profile=ci` or `CI=true`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from fragtui.remedies.audit.log import AuditLog
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.trusted import programs_in, trusted_folder

# How long it takes to make examples depends on what else the machine does.
settings.register_profile("dev", max_examples=20, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is run by hand as slow too, before `-m` selects."""
    for item in items:
        if item.get_closest_marker("by_hand") is not None:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    """Return an empty audit log of its own."""
    return AuditLog(tmp_path / "audit.jsonl")


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    """Return a small node with large free blocks, as files that a test may change."""
    return HostTree.small(tmp_path)


@pytest.fixture
def root(tree: HostTree) -> Path:
    """Return the root of a small node with large free blocks."""
    return tree.root


@pytest.fixture
def fragmented(tmp_path: Path) -> Path:
    """Return the root of a small node without a free block above order 3."""
    return HostTree.small(tmp_path, FRAGMENTED).root


@pytest.fixture
def programs() -> Iterator[Path]:
    """Return an empty trusted folder in which programs are looked for first."""
    with trusted_folder() as folder, programs_in(folder):
        yield folder
