"""Fixtures shared by all tests: where the real recordings lie, and a quiet, single-threaded torch."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("NO_COLOR", "1")

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings: $SNNCTL_TEST_DATA, or ../shared/data beside the project."""
    path = Path(os.environ.get("SNNCTL_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        if os.environ.get("SNNCTL_REQUIRE_DATA"):
            pytest.fail(f"no real recordings at {path}, and SNNCTL_REQUIRE_DATA is set")
        pytest.skip(f"no real recordings at {path} (set SNNCTL_TEST_DATA)")
    return path
