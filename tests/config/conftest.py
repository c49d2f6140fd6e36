from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from snnctl.config import allowed


@pytest.fixture(autouse=True)
def no_permissions_left(monkeypatch):
    """What one test allows is not allowed in the next."""
    monkeypatch.setattr(allowed, "_packages", [])
    monkeypatch.setattr(allowed, "_folders", [])
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def recipe(tmp_path) -> Callable[..., Path]:
    """Write a recipe that starts from train: `recipe("seed: 3", "override dataset: nmnist")`."""

    def write(body: str = "", *defaults: str, name: str = "mine") -> Path:
        lines = "".join(f"  - {entry}\n" for entry in ("train", *defaults, "_self_"))
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"# A recipe of a test.\ndefaults:\n{lines}{body}\n")
        return path

    return write
