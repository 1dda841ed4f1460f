"""Fixtures that several folders use, and how many examples Hypothesis tries.

Profile `dev` (the default) is for the loop of editing and running: 20 examples a property. Profile `ci` tries as many as
a property needs; `CI=true` or `--hypothesis-profile=ci` select it, and `.ci/run` does.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from fragtui.remedies.audit.log import AuditLog
from tests.support.host_tree import HostTree

settings.register_profile("dev", max_examples=20)
settings.register_profile("ci", max_examples=100)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    """Return an empty audit log of its own."""
    return AuditLog(tmp_path / "audit.jsonl")


@pytest.fixture
def host(tmp_path: Path) -> HostTree:
    """Return the tree of a small node with memory in large blocks, in `tmp_path`."""
    return HostTree.small(tmp_path)
