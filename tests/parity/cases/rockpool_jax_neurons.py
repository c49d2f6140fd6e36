"""Rockpool's neurons and synapses of jax, which computes their decays in single precision."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snnctl.neurons import MultiSynapse
from snnctl.surrogates import TwoSlopes
from tests.parity.cases.rockpool_lif import window
from tests.parity.drive import currents, with_gradients
from tests.parity.frameworks import guard
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, preset, silent

# what their modules record -> our traces
SEEN = {"LIFJax": {"vmem": "v", "isyn": "i"}, "ExpSynJax": {}, "RateJax": {"x": "v"}}


def _tensor(x: Any) -> Tensor:
    return torch.from_numpy(np.array(x)).float()


def _theirs(given: Inputs, api: str, shape: Any = (5,), **options: Any) -> Traces:
    guard()
    import jax
    from rockpool.nn import modules

    module = getattr(modules, api)(shape, **options)
    x, g = (given[n].transpose(0, 1).numpy() for n in ("x", "g"))
    out, back = jax.vjp(lambda x: module(x)[0], x)
    seen = module(x, record=True)[2]
    traces = {"spikes": out, "grad_x": back(g)[0], **{ours: seen[n] for n, ours in SEEN[api].items()}}
    return {n: _tensor(trace).transpose(0, 1).squeeze(-1) for n, trace in traces.items()}


def _lif(setting: str, theirs: dict, options: dict) -> Parity:
    return Parity(
        "rockpool.nn.modules.LIFJax", "neuron=cuba_lif/rockpool", setting, currents(0.2, 0.05),
        partial(_theirs, api="LIFJax", shape=(5, 5), **theirs),
        mine("cuba_lif/rockpool", {"v": "v", "i": "i"}, **options),
    )  # fmt: skip


def _synapses() -> Inputs:
    return {**currents(0.2, 0.05, shape=(2, 10))(), "g": currents()()["g"]}


def _two_synapses(given: Inputs) -> Traces:
    traces = _theirs(given, "LIFJax", (10, 5), tau_syn=np.array([[20e-3, 5e-3]] * 5))
    return {**traces, "i": traces["i"].flatten(2)}


def _my_two_synapses(given: Inputs) -> Traces:
    built = MultiSynapse(preset("lif/rockpool"), tau_syn=[20e-3, 5e-3], synapse="add_then_decay")
    x = given["x"].clone().requires_grad_()
    out, _, fields = built.trace(x, dt=1e-3)
    return {**with_gradients(out, x, given, []), "v": fields["v"], "i": fields["currents"].flatten(2)}


def _synapse(setting: str, theirs: dict, options: dict) -> Parity:
    run = mine("exp_synapse/rockpool", {}, **options)
    return Parity(
        "rockpool.nn.modules.ExpSynJax", "neuron=exp_synapse/rockpool", setting, currents(),
        lambda given: silent(_theirs(given, "ExpSynJax", **theirs)), lambda given: silent(run(given)),
    )  # fmt: skip


def _rate(setting: str, theirs: dict, options: dict) -> Parity:
    run = mine("rate", **options)
    return Parity(
        "rockpool.nn.modules.RateJax", "neuron=rate", setting, currents(2.0, 0.5),
        lambda given: silent(_theirs(given, "RateJax", **theirs)), lambda given: silent(run(given)),
    )  # fmt: skip


def _noise() -> Inputs:
    return {**currents(0.5)(), "n": torch.randn(40, 2, 5, generator=torch.Generator().manual_seed(6))}


def _noisy(given: Inputs, std: float) -> Traces:
    guard()
    from unittest import mock

    from rockpool.nn.modules import LIFNeuronTorch

    x = given["x"].clone().requires_grad_()
    with mock.patch("torch.randn", lambda *shape, **options: given["n"].transpose(0, 1)):
        out, _, seen = LIFNeuronTorch((5,), noise_std=std)(x.transpose(0, 1), record=True)
    return {**with_gradients(out.transpose(0, 1), x, given, []), "v": seen["vmem"].transpose(0, 1)}


def _my_noisy(given: Inputs, std: float) -> Traces:
    """White noise of std sqrt(dt) on the current, as ColouredNoise with exponent 0 draws it."""
    return mine("lif/rockpool")({**given, "x": given["x"] + std * 1e-3**0.5 * given["n"]})


SHORT = {"threshold": 0.4, "tau_mem": 10e-3, "tau_syn": 5e-3}
CASES = [
    _lif("defaults", {}, {}),
    _lif("threshold=0.4_tau_mem=0.01_tau_syn=0.005", SHORT, {**SHORT, "surrogate": window(0.4)}),
    _lif("max_spikes_per_dt=1", {"max_spikes_per_dt": 1.0}, {"max_spikes": 1, "surrogate": TwoSlopes(kink=-0.5)}),
    Parity("rockpool.nn.modules.LIFJax", "neuron=multi_synapse", "two_synapses_a_neuron", _synapses, _two_synapses,
           _my_two_synapses),
    _synapse("defaults", {}, {}),
    _synapse("tau=0.002", {"tau": 2e-3}, {"tau_syn": 2e-3}),
    _synapse("tau=0.05", {"tau": 50e-3}, {"tau_syn": 50e-3}),
    _rate("defaults", {}, {}),
    _rate("tau=0.005_threshold=0.2", {"tau": 5e-3, "threshold": 0.2}, {"tau_mem": 5e-3, "threshold": 0.2}),
    _rate("tau=0.005_tanh", {"tau": 5e-3, "activation_func": "tanh"}, {"tau_mem": 5e-3, "activation": "tanh"}),
    *(
        Parity("rockpool.nn.modules.LIFNeuronTorch", "ColouredNoise, neuron=lif/rockpool", f"noise_std={std:g}", _noise,
               partial(_noisy, std=std), partial(_my_noisy, std=std))
        for std in (1.0, 5.0)
    ),
]  # fmt: skip
