"""Folders and files that tests read."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SHARED = REPOSITORY.parent / "shared"
SAMPLES = SHARED / "samples"
FIXTURES = REPOSITORY / "tests" / "cluster" / "fixtures"
GENUINE = REPOSITORY / "tests" / "kernel" / "samples" / "kmsg-6.18-lab-1.txt"
