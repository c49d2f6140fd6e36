"""Weights of torch modules from files."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from snnctl.conversion.weights import load_weights
from snnctl.errors import UserError


@pytest.fixture
def saved(tmp_path):
    """(what) -> a file that torch wrote of it."""

    def save(what):
        torch.save(what, tmp_path / "w.pt")
        return tmp_path / "w.pt"

    return save


def test_forms_of_a_state_dict(saved, tmp_path):
    there = nn.Linear(3, 2)
    state = there.state_dict()
    save_file(state, tmp_path / "w.safetensors")
    forms = [state, {"state_dict": state, "epoch": 3}, {"model_state_dict": state}, {"model": state},
             {"state_dict": {f"network.{key}": value for key, value in state.items()}}]  # fmt: skip
    for form in forms:
        here = nn.Linear(3, 2)
        load_weights(here, saved(form))
        assert torch.equal(here.weight, there.weight) and torch.equal(here.bias, there.bias)
    here = nn.Linear(3, 2)
    load_weights(here, tmp_path / "w.safetensors")
    assert torch.equal(here.weight, there.weight)


def test_files_that_are_none(saved, tmp_path):
    with pytest.raises(UserError, match="no file"):
        load_weights(nn.Linear(3, 2), tmp_path / "none.pt")
    with pytest.raises(UserError, match="nothing of it was executed"):
        load_weights(nn.Linear(3, 2), saved(nn.Linear(3, 2)))
    with pytest.raises(UserError, match="holds no weights"):
        load_weights(nn.Linear(3, 2), saved({"epoch": 1}))
    with pytest.raises(UserError, match="a list, no weights"):
        load_weights(nn.Linear(3, 2), saved([1]))
    with pytest.raises(UserError) as caught:
        load_weights(nn.Linear(3, 2), saved(nn.Linear(4, 2).state_dict()))
    assert "weight: (2, 4) in the file, (2, 3) in Linear" in caught.value.hint
    with pytest.raises(UserError) as caught:
        load_weights(nn.Linear(3, 2), saved(nn.Linear(3, 2, bias=False).state_dict()))
    assert "bias: not in the file" in caught.value.hint
    (tmp_path / "cut.pt").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(UserError, match="damaged"):
        load_weights(nn.Linear(3, 2), tmp_path / "cut.pt")
