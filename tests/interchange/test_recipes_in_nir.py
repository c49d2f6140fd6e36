"""Every recipe's network is written, read, and runs the same."""

from __future__ import annotations

import pytest
import torch
from hydra import compose, initialize_config_dir

from snnctl.config.building import build
from snnctl.errors import UserError
from snnctl.interchange import sayable
from tests.interchange.run import compare, through_a_file
from tests.interchange.test_presets_in_nir import lively
from tests.networks.presets import CONFIGS, data

RECIPES = CONFIGS.parent / "recipes"
SHAPES = {
    "braille_recurrent": (24,),
    "fsdd_recurrent": (40,),
    "shd_recurrent": (70,),
    "fashion_mnist_conv": (1, 28, 28),
}

SAYS = {  # what NIR cannot say of a recipe's network
    "digits_ann": r"features\.0\.neuron: ReLU: NIR has no node",
    "digits_diehl_cook": r"loop\.exc \(WinnerTakeAll\): NIR has no node",
    "digits_stdp_readout": r"loop\.exc \(WinnerTakeAll\): NIR has no node",
    "fashion_mnist_ann": r"features\.0\.neuron: QCFS: NIR has no node",
    "fashion_mnist_qcfs": r"features\.0\.neuron: QCFS: NIR has no node",
    "gridworld_rmax": r"actions: EscapeLIF: NIR has no node",
    "store_recall": r"hidden\.0\.recurrent: ALIF: NIR has no node",
}


@pytest.mark.parametrize("name", sorted(path.stem for path in RECIPES.glob("*.yaml")))
def test_a_recipe(name, tmp_path):
    torch.manual_seed(0)
    with initialize_config_dir(str(RECIPES), version_base=None):
        overrides = [f"hydra.searchpath=[file://{CONFIGS}]", "backend=eager"]
        cfg = compose(name, overrides, return_hydra_config=False)
    facts = data(SHAPES.get(name, (2, 32, 32)), 10, dt=1e-3)
    network = lively(build(cfg.network)(facts=facts))
    if name in SAYS:
        with pytest.raises(UserError, match=SAYS[name]):
            through_a_file(network, tmp_path / "a.nir", allow=sayable())
        return
    circuit = through_a_file(network, tmp_path / "a.nir", allow=sayable())
    rates = compare(network, circuit, torch.poisson(torch.full((10, 1, *facts.shape), 0.5)))
    assert min(rates.values()) > 0
