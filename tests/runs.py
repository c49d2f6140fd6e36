"""Small real runs for the tests of train, resume and eval."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

SMALL = [
    "network=mlp",
    "network.hidden=[16]",
    "dataset.batch_size=8",
    "dataset.steps=8",
    "trainer.max_epochs=3",
    "trainer.limit_train_batches=12",
    "trainer.limit_val_batches=3",
    "trainer.limit_test_batches=3",
    "trainer.log_every_n_steps=2",
    "optimizer.lr=0.01",
]


def snnctl(*args: str, cwd: Path, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the real command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "snnctl", *args],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", **env},
        capture_output=True,
        text=True,
        timeout=300,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def assert_same_run(a: Path, b: Path) -> None:
    """The rows of metrics.csv, the weights and the optimizer's state of two runs are equal to the last bit."""
    assert (a / "metrics.csv").read_text() == (b / "metrics.csv").read_text()
    assert (a / "weights.safetensors").read_bytes() == (b / "weights.safetensors").read_bytes()
    one, other = (torch.load(r / "checkpoints/last.ckpt", weights_only=True) for r in (a, b))
    for key in ("state_dict", "optimizer_states", "lr_schedulers"):
        _assert_same(one[key], other[key])
    assert one["global_step"] == other["global_step"]


def _assert_same(a, b) -> None:
    assert type(a) is type(b)
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            _assert_same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            _assert_same(x, y)
    else:
        assert a == b
