from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from snnctl.cli import main
from snnctl.config import allowed


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """An empty working folder, nothing allowed, and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SNNCTL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(allowed, "_packages", [])
    monkeypatch.setattr(allowed, "_folders", [])
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def snnctl(capsys) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process; returns exit code, stdout, stderr."""

    def run(*args: str) -> tuple[int, str, str]:
        code = main(list(args))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def a_run(tmp_path) -> Callable[..., Path]:
    """Write the folder of a finished run: `a_run("a", acc=0.9, lr=0.1)`."""

    def write(name: str, acc: float = 0.9, lr: float = 0.1, state: str = "done", root: str = "runs/toy") -> Path:
        folder = tmp_path / root / name
        folder.mkdir(parents=True)
        metrics = {"test/acc": acc, "test/loss": 0.5, "val/acc": acc - 0.01}
        facts = {
            "started": f"2026-01-02 03:04:{len(name):02d}",
            "recipe": "toy",
            "seed": 1,
            "state": state,
            "metrics": metrics,
        }
        (folder / "run.json").write_text(json.dumps(facts))
        (folder / "config.yaml").write_text(f"seed: 1\noptimizer:\n  lr: {lr}\nlayers: [1, 2]\n")
        results = {
            **metrics,
            "test/samples": 100,
            "classes": [{"name": "0", "recall": acc}],
            "confusion": [[1]],
            "spikes": [{"layer": "lif1", "neurons": 8, "rate": lr, "rate_hz": 3.0, "silent": 0.25}],
            "neurobench": {"effective_acs": 12345.6, "effective_macs": 0.0, "dense": 99999, "activation_sparsity": 0.5},
        }
        (folder / "results.json").write_text(json.dumps(results))
        return folder

    return write
