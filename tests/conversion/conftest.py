"""Neurons run by their step: these networks are too small for a kernel to pay."""

from __future__ import annotations

import pytest

from snnctl.kernels import backend


@pytest.fixture(autouse=True)
def _eager(monkeypatch):
    monkeypatch.setattr(backend, "choose", lambda *args: backend.Choice("eager", "in a test"))
