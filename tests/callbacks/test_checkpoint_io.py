"""Checkpoint files: whole or absent, and never executed."""

from __future__ import annotations

import os
import pickle
import resource

import pytest
import torch

from snnctl.callbacks.checkpoint_io import AtomicCheckpointIO, check_fits, load_checkpoint
from snnctl.errors import UserError


class Hostile:
    def __reduce__(self):
        return os.system, ("touch PWNED",)


def test_round_trip(tmp_path):
    kept = {"state_dict": {"w": torch.arange(3.0)}, "epoch": 2}
    AtomicCheckpointIO().save_checkpoint(kept, tmp_path / "a.ckpt")
    loaded = load_checkpoint(tmp_path / "a.ckpt")
    assert loaded["epoch"] == 2 and loaded["state_dict"]["w"].tolist() == [0, 1, 2]
    assert [p.name for p in tmp_path.iterdir()] == ["a.ckpt"]


@pytest.mark.parametrize("protocol", ["torch", "plain"])
def test_a_hostile_pickle_is_not_executed(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    if protocol == "torch":
        torch.save({"state_dict": Hostile()}, "bad.ckpt")
    else:
        (tmp_path / "bad.ckpt").write_bytes(pickle.dumps({"state_dict": Hostile()}))
    with pytest.raises(UserError):
        load_checkpoint("bad.ckpt")
    assert not (tmp_path / "PWNED").exists()


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_truncated_checkpoint_is_named(tmp_path, keep):
    path = tmp_path / "cut.ckpt"
    torch.save({"state_dict": {"w": torch.zeros(1000)}}, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if keep < 1 else keep])
    with pytest.raises(UserError, match=r"cut\.ckpt") as caught:
        load_checkpoint(path)
    assert len(caught.value.problem) < len(str(path)) + 120  # torch's own story about miniz is longer


def test_another_networks_weights_are_refused():
    with pytest.raises(UserError, match="another network") as error:
        check_fits({"weight": torch.zeros(2, 5), "extra": torch.zeros(1)}, torch.nn.Linear(4, 2), "x.ckpt")
    assert "weight: (2, 5) in the checkpoint, (2, 4) in this network" in error.value.hint
    assert "bias: missing in the checkpoint" in error.value.hint
    assert "extra: not in this network" in error.value.hint


def test_a_full_disk_leaves_the_old_checkpoint_whole(tmp_path):
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"state_dict": {"w": torch.ones(4)}}, path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
    try:
        with pytest.raises(UserError, match="disk is full"):
            AtomicCheckpointIO().save_checkpoint({"state_dict": {"w": torch.ones(100_000)}}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert load_checkpoint(path)["state_dict"]["w"].tolist() == [1, 1, 1, 1]
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]
