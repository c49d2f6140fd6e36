"""Every neuron that has a YAML becomes a node, is written, read, and computes the same, or says why not."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate

from snnctl.errors import UserError
from snnctl.interchange import neuron_of, node_of
from snnctl.interchange.forms import unsaid
from snnctl.neurons import Neuron
from tests.interchange.files import through_a_file

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "neuron"
NAMES = sorted(p.relative_to(CONFIGS).as_posix()[:-5] for p in CONFIGS.rglob("*.yaml") if p.stem != "base")
MODELS = [name for name in NAMES if "/" not in name]  # the others are settings of these
DT = 1e-3


@pytest.fixture
def made(composed):
    """Name -> the neuron with weights from seed 0, 3 of them where it asks how many, run by its step."""

    def make(name: str) -> torch.nn.Module:
        torch.manual_seed(0)
        partial = instantiate(composed(f"neuron={name}", "+backend=eager"))
        known, asked = {"shape": (3,), "steps": 100}, inspect.signature(partial.func).parameters
        return partial(**{key: value for key, value in known.items() if key in asked})

    return make


def traces(neuron: Neuron, scale: float | torch.Tensor | None, x: torch.Tensor) -> tuple[torch.Tensor, dict]:
    with torch.no_grad():
        out, _, history = neuron.trace(x if scale is None else x * scale, dt=DT)
    return out, history


@pytest.mark.parametrize("name", NAMES)
def test_it_comes_back_the_same_or_says_why_not(made, name, tmp_path):
    neuron = made(name)
    if not getattr(neuron, "nodes", ()):
        with pytest.raises(UserError, match=f"{type(neuron).__name__}: NIR has no node for it"):
            node_of(neuron, DT)
        return
    refused = unsaid(neuron)
    if refused:
        with pytest.raises(UserError, match=f"{type(neuron).__name__}: NIR cannot express {refused[0]}: "):
            node_of(neuron, DT)
    node = through_a_file(node_of(neuron, DT, allow=refused), tmp_path / "one.nir")
    assert all(np.isfinite(getattr(node, key)).all() for key in ("r", "w_in", "tau") if hasattr(node, key))
    back = neuron_of(node)
    assert back.dt == DT and back.neuron.shape == (3,)
    x = torch.randn(200, 2, 3, generator=torch.Generator().manual_seed(1)) * 2 + 1
    if getattr(neuron, "v_rest", 0) or getattr(neuron, "v_reset", 0):
        x = x * 10  # millivolts
    out, history = traces(neuron, None, x)
    again, repeated = traces(back.neuron, back.scale, x)
    assert out.abs().sum() > 0
    if neuron.spiking:
        assert torch.equal(again, out)
    torch.testing.assert_close(again, out, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(repeated.get("v", out), history.get("v", out), rtol=1e-5, atol=1e-5)


def test_the_models_that_nir_has_are_among_them(made):
    with_a_node = {name for name in MODELS if getattr(made(name), "nodes", ())}
    assert with_a_node >= {"if", "lif", "plif", "cuba_lif", "li", "integrator", "exp_synapse", "mcculloch_pitts"}
    types = {node.type for name in with_a_node for node in made(name).nodes}
    assert types == {"IF", "LIF", "CubaLIF", "LI", "CubaLI", "I", "Threshold", "Scale"}  # all of nir's that compute


def test_a_subclass_with_a_step_of_its_own_is_no_node_of_its_base(made):
    assert isinstance(made("liaf"), type(made("lif")))
    with pytest.raises(UserError, match="LIAF: NIR has no node"):
        node_of(made("liaf"), DT)
