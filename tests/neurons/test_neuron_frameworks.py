"""The other frameworks' one-step recursions, written by hand, and the options or presets that reproduce them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from snnctl.neurons import ALIF, CubaLIF

DT = 1e-3
X = 0.6 * torch.randn(60, 4, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.25


def above(v: torch.Tensor) -> torch.Tensor:
    return (v > 0).double()


def reached(v: torch.Tensor) -> torch.Tensor:
    return (v >= 0).double()


def compare(neuron, step, x=X, v=0.0):
    """Run `step(x, v, memory) -> (s, v)` beside the neuron; spikes must be equal, and v to rounding."""
    s, _, traces = neuron.trace(x, dt=DT)
    v, memory = torch.full_like(x[0], v), {}
    for t, x_t in enumerate(x):
        expected, v = step(x_t, v, memory)
        assert torch.equal(s[t], expected), f"spikes differ at step {t}"
        assert torch.allclose(traces["v"][t], v, rtol=1e-9, atol=1e-9), f"v differs at step {t}"
    assert 0.01 < (s > 0).double().mean() < 0.9


def test_snntorch_leaky(built):
    beta = math.exp(-DT / 20e-3)

    def step(x, v, memory):
        fired = above(v - 1)
        v = beta * v + x - fired
        return above(v - 1), v

    compare(built("neuron=lif/snntorch"), step)


def test_snntorch_leaky_zero(built):
    beta = math.exp(-DT / 20e-3)

    def step(x, v, memory):
        fired = above(v - 1)
        v = beta * (1 - fired) * v + x
        return above(v - 1), v

    compare(built("neuron=lif/snntorch", "neuron.reset=zero"), step)


def test_snntorch_leaky_zero_at_once(built):
    beta = math.exp(-DT / 20e-3)

    def step(x, v, memory):
        fired = above(v - 1)
        v = beta * (1 - fired) * v + x
        s = above(v - 1)
        return s, v - (s - fired) * v

    compare(built("neuron=lif/snntorch", "neuron.reset=zero", "neuron.reset_delay=false"), step)


@pytest.mark.parametrize("reset", ["value", "subtract"])
def test_norse_lifbox(built, reset):
    def step(x, v, memory):
        v = v + DT / 10e-3 * (x - v)
        s = above(v - 0.1)
        return s, ((1 - s) * v if reset == "value" else v - s * 0.1)

    compare(built("neuron=lif/norse", "neuron.threshold=0.1", f"neuron.reset={reset}"), step)


@pytest.mark.parametrize("normed", [True, False])
@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_sinabs_lif(built, normed, many, reset):
    a = math.exp(-1 / 10)

    def step(x, v, memory):
        v = a * v + ((1 - a) * x if normed else x)
        s = (v > 0) * torch.trunc(v / 0.2) if many else reached(v - 0.2)
        return s, (v - s * 0.2 if reset == "subtract" else v * (s == 0))

    options = ["neuron.tau_mem=10e-3", "neuron.threshold=0.2", f"neuron.reset={reset}"]
    options += [] if normed else ["neuron.input_gain=1"]
    compare(built("neuron=lif/sinabs", *options, f"neuron.max_spikes={'null' if many else 1}"), step)


def test_rockpool_lif_neuron(built):
    a = math.exp(-DT / 20e-3)

    def step(x, v, memory):
        v = a * v + x
        s = reached(v - 0.7) * torch.floor(v / 0.7)
        return s, v - s * 0.7

    compare(built("neuron=lif/rockpool", "neuron.threshold=0.7"), step)


def test_bindsnet_lif(built):
    d = math.exp(-1 / 100)

    def step(x, v, memory):
        left = memory.get("left", torch.zeros_like(v))
        v = d * (v + 65) - 65
        v = v + torch.where(left > 0, 0.0, x)
        s = reached(v + 52)
        memory["left"] = torch.where(s > 0, 5.0, left - 1)
        return s, torch.where(s > 0, -65.0, v)

    compare(built("neuron=lif/bindsnet"), step, x=12 * X, v=-65.0)


@pytest.mark.parametrize("decay_input", [True, False])
@pytest.mark.parametrize("v_reset", [0.0, 0.1, None])
def test_spikingjelly_lif(built, decay_input, v_reset):
    r = v_reset or 0.0

    def step(x, v, memory):
        v = v + (x - (v - r)) / 2 if decay_input else v - (v - r) / 2 + x
        s = reached(v - 0.5)
        return s, (v - 0.5 * s if v_reset is None else (1 - s) * v + s * r)

    options = [f"neuron.tau_mem={2 * DT}", "neuron.threshold=0.5"]
    options += [] if decay_input else ["neuron.input_gain=1"]
    options += ["neuron.reset=subtract"] if v_reset is None else [f"neuron.v_reset={r}", f"neuron.v_rest={r}"]
    compare(built("neuron=lif/spikingjelly", *options), step, v=r)


A, B = math.exp(-1 / 5), math.exp(-1 / 10)  # tau_syn 5 ms, tau_mem 10 ms


def snntorch_synaptic(x, v, memory):
    fired = above(v - 1)
    memory["i"] = A * memory.get("i", 0) + x
    v = B * v + memory["i"] - fired
    return above(v - 1), v


def norse_lif(x, v, memory):
    i = memory.get("i", 0) + x  # jumps, drives v, then decays and is stored
    v = v + 0.1 * (i - v)
    memory["i"] = i - 0.2 * i
    s = above(v - 0.3)
    return s, (1 - s) * v


def sinabs_lif(x, v, memory):
    memory["i"] = A * (memory.get("i", 0) + x)
    v = B * v + (1 - B) * memory["i"]
    s = (v > 0) * torch.trunc(v / 0.3)
    return s, v - s * 0.3


def rockpool_lif(x, v, memory):
    memory["i"] = A * (memory.get("i", 0) + x)
    v = B * v + memory["i"]
    s = reached(v - 1) * torch.floor(v)
    return s, v - s


def spikingjelly_cuba(x, v, memory):
    memory["i"] = A * memory.get("i", 0) + x
    v = B * v + memory["i"]
    s = reached(v - 1)
    return s, (1 - s) * v


@pytest.mark.parametrize(
    "step, options",
    [
        (snntorch_synaptic, {"fire": "gt", "reset_delay": True}),
        (norse_lif, {"decay": "euler", "input_gain": "dt/tau", "fire": "gt", "reset": "zero", "threshold": 0.3}),
        (sinabs_lif, {"synapse": "add_then_decay", "input_gain": "1-decay", "threshold": 0.3, "max_spikes": None}),
        (rockpool_lif, {"synapse": "add_then_decay", "max_spikes": None}),
        (spikingjelly_cuba, {"reset": "zero"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_current_based_neurons(step, options):
    compare(CubaLIF(tau_syn=5e-3, tau_mem=10e-3, **options), step, x=0.3 * X)


def test_bindsnet_current_lif():
    d, di = math.exp(-1 / 100), math.exp(-1 / 2)

    def step(x, v, memory):
        i, left = memory.get("i", torch.zeros_like(v)), memory.get("left", torch.zeros_like(v))
        v = d * (v + 65) - 65
        left = left - 1
        i = di * i + x
        v = v + (left <= 0) * i
        s = reached(v + 52)
        memory["i"], memory["left"] = i, torch.where(s > 0, 5.0, left)
        return s, torch.where(s > 0, -65.0, v)

    neuron = CubaLIF(
        tau_mem=100e-3, tau_syn=2e-3, v_rest=-65.0, threshold=-52.0, reset="value", v_reset=-65.0, refractory=4e-3
    )
    compare(neuron, step, x=6 * X, v=-65.0)


def test_sinabs_alif():
    am, aa = math.exp(-1 / 10), math.exp(-1 / 20)

    def step(x, v, memory):
        b = memory.get("b", torch.zeros_like(v))
        v = am * v + (1 - am) * x
        threshold = 0.15 + 1.8 * b
        s = reached(v - threshold)
        memory["b"] = aa * b + (1 - aa) * s
        return s, v - s * threshold

    compare(ALIF(tau_mem=10e-3, tau_adapt=20e-3, threshold=0.15, beta=1.8, input_gain="1-decay"), step)


def test_bindsnet_adaptive_lif():
    # theta decays before the comparison: the same as ours with beta scaled by one decay
    d, dt = math.exp(-1 / 100), math.exp(-1 / 50)

    def step(x, v, memory):
        theta = memory.get("theta", torch.zeros_like(v)) * dt
        v = d * (v + 65) - 65 + x
        s = reached(v - (-52 + theta))
        memory["theta"] = theta + 0.5 * s
        return s, torch.where(s > 0, -65.0, v)

    neuron = ALIF(
        tau_mem=100e-3, tau_adapt=50e-3, threshold=-52.0, v_rest=-65.0, reset="value", v_reset=-65.0,
        beta=0.5 * dt, adapt_gain=1,
    )  # fmt: skip
    compare(neuron, step, x=12 * X, v=-65.0)


RECORDED = {  # of the NIR paper: one LIF with tau 2.5 ms, threshold 0.1, dt 0.1 ms
    "norse": ("neuron=lif/norse", {}, 1.0, 1.0),
    "sinabs": ("neuron=lif/sinabs", {"input_gain": 1.0}, 1.0, 1.0),
    "rockpool": ("neuron=lif/rockpool", {}, 0.04, 1.0),
    "nengo": ("neuron=lif", {"input_gain": "1-decay", "reset": "zero"}, 1.0, 10.0),
    "snntorch": ("neuron=lif/snntorch", {"decay": "euler", "reset": "zero", "reset_delay": False}, 0.04, 25.0),
}


@pytest.mark.data
@pytest.mark.parametrize("name", RECORDED)
def test_traces_that_others_recorded(shared_data, built, name):
    preset, options, gain, scale = RECORDED[name]
    x, v, s = np.loadtxt(shared_data / "nir-lif" / f"lif_{name}.csv", delimiter=",").T
    neuron = built(preset, **{"tau_mem": 2.5e-3, "threshold": 0.1, **options})
    out, _, traces = neuron.trace(gain * torch.tensor(x).view(-1, 1, 1), dt=1e-4)
    assert np.array_equal(out.flatten().numpy(), s) and s.sum() == 4
    error = np.abs(traces["v"].flatten().numpy() * scale - v)
    assert error.max() < 1e-6 * scale
