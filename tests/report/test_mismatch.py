"""Figures of mismatched devices: which parameters are off, by how much, and that the network comes back."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from snnctl.cli import main
from snnctl.commands.train import train
from snnctl.config import compose
from snnctl.datasets.draws import generator
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Network
from snnctl.neurons import LI, LIF
from snnctl.report.mismatch import Curve, Mismatch
from tests.runs import SMALL


def network() -> Network:
    torch.manual_seed(0)
    lif = partial(LIF, tau_mem=5e-3, threshold=0.5, per="neuron", learnable=["tau_mem", "threshold"])
    layers = {"fc": partial(nn.Linear, out_features=4), "lif": lif, "out": nn.Linear, "li": partial(LI, tau_mem=5e-3)}
    net = Network(layers, Facts((5,), ("a", "b", "c"), 1e-3, 9))
    net.layers["fc"].weight.requires_grad_(False)  # as a rule's synapses are
    return net


def test_errors_are_shares_of_each_parameter_and_go_away_again():
    net, devices = network(), Mismatch((0.1,), 1)
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    draw = generator(7, 0, 3, "mismatch")
    with devices.device(net, 0.1, seed=7, number=3):
        for name, p in net.named_parameters():
            scale = torch.ones(p.shape) if "log_tau_mem" in name else before[name].abs()
            expected = before[name] + 0.1 * scale * torch.from_numpy(draw.standard_normal(tuple(p.shape))).float()
            torch.testing.assert_close(p.detach(), expected, msg=name)
    for name, p in net.named_parameters():
        assert torch.equal(p, before[name]), name


def test_the_network_comes_back_after_an_error():
    net = network()
    before = net.layers["fc"].weight.clone()
    with pytest.raises(RuntimeError), Mismatch((0.1,)).device(net, 0.1, 1, 0):
        raise RuntimeError
    assert torch.equal(net.layers["fc"].weight, before)


def test_a_device_has_the_same_errors_at_every_level_and_level_0_is_one_device():
    net = network()
    weight = net.layers["fc"].weight
    clean = weight.clone()
    errors = []
    figures = Mismatch((0.0, 0.1, 0.2), 2).sweep(net, lambda: len(errors.append(weight - clean) or errors), seed=1)
    assert figures == [[1], [2, 3], [4, 5]]
    assert not errors[0].any() and not torch.equal(errors[1], errors[2])
    torch.testing.assert_close(errors[3], 2 * errors[1])


def test_only_the_parameters_that_are_named_are_off():
    net = network()
    threshold, weight = net.layers["lif"].threshold.clone(), net.layers["fc"].weight.clone()
    with Mismatch((0.3,), 1, "*.threshold").device(net, 0.3, 1, 0):
        assert not torch.equal(net.layers["lif"].threshold, threshold)
        assert torch.equal(net.layers["fc"].weight, weight)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"levels": (-0.1,)}, "0 or more"),
        ({"levels": ()}, "no list of levels"),
        ({"levels": ("much",)}, "much"),
        ({"levels": (0.1, 0.1)}, "twice"),
        ({"draws": 0}, "number of devices"),
        ({"draws": 2.5}, "number of devices"),
    ],
)
def test_wrong_values_are_refused(given, told):
    with pytest.raises(UserError, match=told):
        Mismatch(**given)


def test_the_table_has_mean_and_spread(capsys):
    Curve("test/acc", (0.0, 0.1), [[0.9], [0.8, 0.6]]).show()
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["0", "%", "1", "90.00", "%", "0.00", "%", "90.00", "%", "90.00", "%"] in rows
    assert ["10", "%", "2", "70.00", "%", "14.14", "%", "60.00", "%", "80.00", "%"] in rows


def test_eval_sweeps_a_run(tmp_path: Path, capsys):
    recipe, run = tmp_path / "small.yaml", tmp_path / "run"
    recipe.write_text("# small\ndefaults:\n  - train\n  - _self_\n")
    train(compose(recipe, SMALL), run, "small", [])
    capsys.readouterr()
    for wrong, told in (("mismatch=[-1]", "0 or more"), ("mismatch=[0.1] parameters=hiden.*", "hiden")):
        assert main(["eval", str(run), *wrong.split()]) == 2
        captured = capsys.readouterr()
        assert told in captured.err and not captured.out
    assert main(["eval", str(run), "mismatch=[0,0.5]", "draws=2", "parameters=*.weight"]) == 0
    results = json.loads((run / "results.json").read_text())
    found = results["mismatch"]
    assert found["levels"] == [0, 0.5] and found["figure"] == "test/acc" and found["parameters"] == "*.weight"
    assert found["values"][0] == [pytest.approx(results["test/acc"])] and len(found["values"][1]) == 2
    assert (run / "mismatch.png").read_bytes().startswith(b"\x89PNG")
    assert "50 %" in capsys.readouterr().out
