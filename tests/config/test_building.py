from __future__ import annotations

import functools

import pytest
import torch
from omegaconf import OmegaConf

from snnctl.config.building import build, partial_layers
from snnctl.errors import UserError


def test_nested_nodes_and_links():
    cfg = OmegaConf.create(
        {"width": 3, "net": {"_target_": "torch.nn.Linear", "in_features": "${width}", "out_features": 2}, "none": None}
    )
    layer = build(cfg.net, bias=False)
    assert (layer.in_features, layer.out_features, layer.bias) == (3, 2, None)
    assert build(cfg.none) is None
    built = build({"a": [{"_target_": "torch.nn.ReLU"}], "b": 1})
    assert isinstance(built["a"][0], torch.nn.ReLU) and built["b"] == 1


def test_arguments_are_plain():
    partial = build(OmegaConf.create({"_target_": "torch.nn.Identity", "_partial_": True, "x": {"a": [1, 2]}}))
    assert type(partial.keywords["x"]) is dict and type(partial.keywords["x"]["a"]) is list


def test_positional_arguments_and_no_recursion():
    layer = build({"_target_": "torch.nn.Linear", "_args_": [4, 2]})
    assert (layer.in_features, layer.out_features) == (4, 2)
    node = {"_target_": "torch.nn.ReLU"}
    kept = build(
        {"_target_": "torch.nn.Identity", "_partial_": True, "_recursive_": False, "_convert_": "all", "a": node}
    )
    assert kept.keywords["a"] == node


def test_what_lies_under_layers_is_partial():
    node = {
        "_target_": "torch.nn.Identity",
        "_partial_": True,
        "layers": {
            "conv": {"_target_": "torch.nn.Conv2d", "kernel_size": 3},
            "block": {"_target_": "torch.nn.Sequential", "layers": [{"_target_": "torch.nn.ReLU"}], "other": 1},
            "norm": {"_target_": "torch.nn.Identity", "inner": {"_target_": "torch.nn.ReLU"}},
            "width": 3,
        },
    }
    layers = build(node).keywords["layers"]
    assert type(layers["conv"]) is functools.partial and layers["conv"].keywords == {"kernel_size": 3}
    assert type(layers["block"].keywords["layers"][0]) is functools.partial
    assert isinstance(layers["norm"].keywords["inner"], torch.nn.ReLU)
    assert layers["width"] == 3


def test_a_layer_may_say_that_it_is_no_partial():
    tree = partial_layers({"layers": {"a": {"_target_": "x.Y", "_partial_": False}}})
    assert tree["layers"]["a"]["_partial_"] is False


def test_mistakes_name_the_key():
    cfg = OmegaConf.create(
        {"net": {"_target_": "torch.nn.Linear", "in_features": 3}, "gap": {"a": "???"}, "x": {"y": "${z}"}}
    )
    with pytest.raises(UserError, match=r"net \(torch.nn.Linear\).*out_features"):
        build(cfg.net)
    with pytest.raises(UserError, match=r"gap\.a"):
        build(cfg.gap)
    with pytest.raises(UserError, match=r"x\.y"):
        build(cfg.x)
    with pytest.raises(UserError, match="groups"):
        build({"_target_": "torch.nn.Conv2d", "in_channels": 3, "out_channels": 2, "kernel_size": 1, "groups": 2})


def test_an_error_of_ours_passes_unchanged():
    with pytest.raises(UserError) as caught:
        build({"_target_": "snnctl.neurons.LIF", "tau_mem": -1.0})
    assert "tau_mem" in caught.value.problem


def test_what_lightning_refuses_names_the_key_too():
    with pytest.raises(UserError, match=r"trainer \(lightning.Trainer\): .*nonsense"):
        build(OmegaConf.create({"trainer": {"_target_": "lightning.Trainer", "accelerator": "nonsense"}}).trainer)
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match=r"lightning\.Trainer: No supported gpu"):  # an exception of Lightning's own
            build({"_target_": "lightning.Trainer", "accelerator": "gpu"})
