"""SpikingJelly's coloured noise, and its noisy nodes fed with noise that both are given."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from snnctl.neurons import IF, CubaLIF
from snnctl.neurons.coloured_noise import coloured
from snnctl.surrogates import Rectangle
from tests.parity.drive import currents, with_gradients
from tests.parity.parity import Inputs, Parity, Traces

SIGMA = 0.5 / 5**0.5  # their sigma_init over the root of the number of neurons


def _normal(steps: int) -> Inputs:
    """Standard normal numbers in the order in which they draw them."""
    draw = np.random.default_rng(0)
    half = steps // 2 + 1
    return {"n": torch.tensor(np.stack([draw.normal(size=(5, half)), draw.normal(size=(5, half))]))}


def _spectrum(given: Inputs, steps: int, exponent: float) -> Traces:
    from spikingjelly.activation_based.neuron.noisy import powerlaw_psd_gaussian

    noise = powerlaw_psd_gaussian(exponent, (5, steps), random_state=np.random.default_rng(0))
    return {"noise": torch.tensor(noise.T.copy())}


def _coloured(given: Inputs, steps: int, exponent: float) -> Traces:
    return {"noise": coloured(given["n"].movedim(1, -1), steps, exponent)}


def _spectrum_case(steps: int, exponent: float) -> Parity:
    return Parity(
        "spikingjelly.activation_based.neuron.noisy.powerlaw_psd_gaussian", "snnctl.neurons.ColouredNoise",
        f"exponent={exponent:g}_size={steps}", partial(_normal, steps),
        partial(_spectrum, steps=steps, exponent=exponent), partial(_coloured, steps=steps, exponent=exponent),
    )  # fmt: skip


def _noisy() -> Inputs:
    given = currents(0.4, 0.2)()
    return {**given, "n": torch.randn(40, 2, 10, generator=torch.Generator().manual_seed(2))}


def _node(given: Inputs, training: bool, **options: float) -> Traces:
    from spikingjelly.activation_based.neuron import NoisyCUBALIFNode

    built = NoisyCUBALIFNode(5, T=40, is_training=training, **options)
    built.load_colored_noise(given["n"].transpose(0, 1))
    x = given["x"].clone().requires_grad_()
    traces = with_gradients(built(x), x, given, [])
    return {"out": traces["spikes"], "grad_x": traces["grad_x"]}


def _with_noise(given: Inputs, training: bool, **options: float) -> Traces:
    own = {"tau_syn": 1e-3 / np.log(2), "tau_mem": -1e-3 / np.log(0.75), "threshold": 0.5, **options}
    neuron = CubaLIF(reset="zero", surrogate=Rectangle(0.5), **own)
    x = given["x"].clone().requires_grad_()
    before, after = (given["n"] * SIGMA * training).split(5, -1)
    traces = with_gradients(neuron(x + before, dt=1e-3)[0] + after, x, given, [])
    return {"out": traces["spikes"], "grad_x": traces["grad_x"]}


def _node_case(setting: str, theirs: dict, options: dict, training: bool = True) -> Parity:
    return Parity(
        "spikingjelly.activation_based.neuron.NoisyCUBALIFNode", "ColouredNoise, neuron=cuba_lif, ColouredNoise",
        setting, _noisy, partial(_node, training=training, **theirs),
        partial(_with_noise, training=training, **options),
    )  # fmt: skip


def _readout(given: Inputs, decode: str) -> Traces:
    from spikingjelly.activation_based.neuron import NoisyNonSpikingIFNode

    built = NoisyNonSpikingIFNode(5, T=40, decode=decode)
    built.load_colored_noise(given["n"][..., :5].transpose(0, 1))
    return {"out": built(given["x"])}


def _summed(given: Inputs, decode: str) -> Traces:
    v = IF(reset="none").trace(given["x"] + SIGMA * given["n"][..., :5], dt=1e-3)[2]["v"]
    return {"out": {"max-mem": v.amax(0), "mean-mem": v.mean(0), "last-me": v[-1]}[decode]}


CASES = [
    *(_spectrum_case(steps, exponent) for steps, exponent in ((40, 0.0), (40, 1.0), (41, 2.0))),
    _node_case("defaults", {}, {}),
    _node_case("is_training=False", {}, {}, training=False),
    _node_case("c_decay=0.8_v_threshold=1", {"c_decay": 0.8, "v_threshold": 1.0},
               {"tau_syn": -1e-3 / np.log(0.8), "threshold": 1.0}),
    *(
        Parity(
            "spikingjelly.activation_based.neuron.NoisyNonSpikingIFNode", "ColouredNoise, neuron=if neuron.reset=none",
            f"decode={decode}", _noisy, partial(_readout, decode=decode), partial(_summed, decode=decode),
        )
        for decode in ("max-mem", "mean-mem", "last-me")
    ),
]  # fmt: skip
