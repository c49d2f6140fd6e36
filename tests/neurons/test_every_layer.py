"""Neurons with weights of their own, which networks name as layers: what holds for every neuron holds for them.

They are found in configs/network; none is named here. Every class of the package has a YAML in one place or the other.
"""

from __future__ import annotations

import copy
import inspect
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.utils import get_class
from omegaconf import OmegaConf
from torch import Tensor, nn

import snnctl.neurons
from snnctl.errors import UserError
from tests.surrogates.smooth import Smooth

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
DT = 1e-3
SHAPES = [(2, 5, 5), (3,)]  # the first that it takes
BASES = {"Neuron", "SpikingNeuron", "Leaky"}  # subclassed only
BESIDE = {"ColouredNoise", "CorrelationSensor"}  # noise, and a sensor of what two neurons do


def targets(node: Any) -> Iterator[dict[str, Any]]:
    """Every node that names a neuron, at any depth."""
    if isinstance(node, dict):
        if str(node.get("_target_", "")).startswith("snnctl.neurons."):
            yield node
        for value in node.values():
            yield from targets(value)
    elif isinstance(node, list):
        for value in node:
            yield from targets(value)


def named(group: str) -> dict[str, dict[str, Any]]:
    """Class -> a node of the group that names it."""
    files = (OmegaConf.to_container(OmegaConf.load(p)) for p in (CONFIGS / group).rglob("*.yaml"))
    return {node["_target_"].rpartition(".")[2]: node for file in files for node in targets(file)}


LAYERS = {name: node for name, node in named("network").items() if name not in named("neuron")}


def made(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """The layer as its YAML says, with weights from seed 0, and the shape of a step."""
    node = {k: v for k, v in LAYERS[name].items() if not k.startswith("_") and "${" not in str(v)}
    for shape in SHAPES:
        torch.manual_seed(0)
        try:
            return get_class(f"snnctl.neurons.{name}")(shape=shape, **node), shape
        except UserError:
            continue
    raise AssertionError(f"{name} takes none of {SHAPES}")


def currents(steps: int, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(steps, 2, *shape, generator=torch.Generator().manual_seed(1)).to(dtype)


def test_every_class_of_the_package_has_a_yaml():
    classes = {name for name in snnctl.neurons.__all__ if isinstance(getattr(snnctl.neurons, name), type)}
    assert classes == set(named("neuron")) | set(LAYERS) | BASES | BESIDE
    assert len(LAYERS) >= 2


def test_every_class_says_where_its_equation_is_from():
    texts = {n: inspect.getdoc(getattr(snnctl.neurons, n)) for n in set(snnctl.neurons.__all__) - BASES}
    named = {n: re.search(r"Source: (.*)", text, re.DOTALL) for n, text in texts.items()}
    assert [n for n, source in named.items() if not source] == []
    found = {n: source[1] for n, source in named.items()}
    others = {n: re.match(r"as `(\w+)`", text) for n, text in found.items()}
    whole = {n: found[other[1]] if other else found[n] for n, other in others.items()}
    assert [n for n, text in whole.items() if not re.search(r"doi:10\.|arXiv:\d{4}\.", text)] == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("steps", [1, 1000])
@pytest.mark.parametrize("name", LAYERS)
def test_it_runs_short_and_long_in_full_and_in_half(name, steps, dtype):
    layer, shape = made(name)
    x = currents(steps, shape, dtype).requires_grad_()
    out, state = layer(x, dt=DT)
    assert out.shape == (steps, 2, *layer.shape_out) and out.dtype == dtype and out.isfinite().all()
    assert all(field.isfinite().all() for field in state)
    out.float().sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("name", LAYERS)
def test_two_halves_of_a_sequence_are_the_whole(name):
    layer, shape = made(name)
    x = currents(20, shape)
    whole, _ = layer(x, dt=DT)
    first, state = layer(x[:12], dt=DT)
    torch.testing.assert_close(torch.cat([first, layer(x[12:], state, dt=DT)[0]]), whole)


@pytest.mark.parametrize("name", LAYERS)
def test_saved_and_loaded_it_is_the_same(name):
    (layer, shape), (other, _) = made(name), made(name)
    kept = io.BytesIO()
    torch.save(layer.state_dict(), kept)
    kept.seek(0)
    for parameter in other.parameters():
        parameter.data.zero_()
    other.load_state_dict(torch.load(kept, weights_only=True))
    x = currents(10, shape)
    for twin in (other, copy.deepcopy(layer)):
        assert torch.equal(twin(x, dt=DT)[0], layer(x, dt=DT)[0])


@pytest.mark.parametrize("name", LAYERS)
def test_its_gradient_is_the_one_of_finite_differences(name):
    layer, shape = made(name)
    layer.surrogate = Smooth(layer.surrogate)
    layer = layer.double()
    parameters = dict(layer.named_parameters())

    def run(x: Tensor, *values: Tensor) -> Tensor:
        given = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(layer, given, (x,), {"dt": DT})[0].sum(tuple(range(2, out_dims)))

    out_dims = 2 + len(layer.shape_out)
    leaves = [t.detach().clone().requires_grad_() for t in (currents(3, shape, torch.float64), *parameters.values())]
    assert torch.autograd.gradcheck(run, leaves, atol=1e-5, rtol=1e-3, fast_mode=True)
