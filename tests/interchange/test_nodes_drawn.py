"""Neurons with random numbers and conventions come back the same, and their node says it without the metadata too."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.interchange import neuron_of, node_of
from snnctl.neurons import IF, LI, LIF, CubaLIF, ExpSynapse, Integrator
from snnctl.neurons.neuron import Neuron
from tests.interchange.files import through_a_file

DT = 1e-3
SHAPE = (2, 3)
DRIVES = ["exact", "euler", "step"]
OPEN = ("decay", "synapse", "fire")  # what NIR leaves open and another's file must be told


def numbers(low: float, high: float) -> st.SearchStrategy:
    """One for the layer, two for its channels or six for its neurons."""
    one = st.floats(low, high)
    return st.one_of(one, st.lists(one, min_size=2, max_size=2), st.lists(one, min_size=6, max_size=6))


TIMES = numbers(DT / 2, 0.2)
LEAKY = {
    "tau_mem": TIMES,
    "v_rest": numbers(-1.0, 0.4),
    "decay": st.sampled_from(["exact", "euler", "bitshift"]),
    "input_gain": st.sampled_from(["1-decay", "dt/tau", 1.0, 0.3, -2.0]),
}
FIRING = {"threshold": numbers(0.5, 3.0), "fire": st.sampled_from(["ge", "gt"])}
SYNAPSE = {"tau_syn": TIMES, "synapse": st.sampled_from(["decay_then_add", "add_then_decay", "next_step"])}
MODELS = {
    IF: FIRING,
    LIF: LEAKY | FIRING,
    CubaLIF: LEAKY | FIRING | SYNAPSE,
    LI: LEAKY | SYNAPSE,
    ExpSynapse: SYNAPSE | {"decay": LEAKY["decay"]},
    Integrator: {},
}


@st.composite
def neurons(draw) -> Neuron:
    cls = draw(st.sampled_from(list(MODELS)))
    arguments = {name: draw(strategy) for name, strategy in MODELS[cls].items()}
    if cls is LI and draw(st.booleans()):
        del arguments["tau_syn"]
    if "threshold" in arguments:
        arguments["reset"] = draw(st.sampled_from(["value", "zero"]))
        if arguments["reset"] == "value":
            arguments["v_reset"] = draw(numbers(-2.0, 0.4))
    lengths = {len(value) for value in arguments.values() if isinstance(value, list)}
    per = "neuron" if 6 in lengths else "channel" if 2 in lengths else draw(st.sampled_from(["layer", "neuron"]))
    if per == "neuron":  # a channel's number for each of its neurons
        wide = {k: [v[0]] * 3 + [v[1]] * 3 for k, v in arguments.items() if isinstance(v, list) and len(v) == 2}
        arguments |= wide
    return cls(**arguments, per=per, shape=SHAPE, backend="eager")


def inputs(seed: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(60, 2, *SHAPE, generator=draw, dtype=torch.float64) * 2 + 0.5


def traced(neuron: Neuron, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    out, _, history = neuron.trace(x, dt=DT)
    return out, history.get("v", out)


@settings(max_examples=150, deadline=None)
@given(neurons(), st.sampled_from(DRIVES), st.integers(0, 99))
def test_it_comes_back_the_same(tmp_path_factory, neuron, drive, seed):
    x = inputs(seed).float()
    reading = neuron_of(through_a_file(node_of(neuron, DT, drive=drive), tmp_path_factory.mktemp("nir") / "one.nir"))
    assert type(reading.neuron) is type(neuron) and reading.neuron.per == neuron.per
    out, v = traced(neuron, x)
    again, repeated = traced(reading.neuron, x if reading.scale is None else x * reading.scale)
    if neuron.spiking:
        assert torch.equal(again, out)
    torch.testing.assert_close(repeated, v, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(again, out, rtol=1e-5, atol=1e-5)


@settings(max_examples=150, deadline=None)
@given(neurons(), st.sampled_from(DRIVES), st.integers(0, 99))
def test_its_node_alone_says_it(neuron, drive, seed):
    """As another framework reads the node, told how to cut the equation into steps; membranes up to float32."""
    node = node_of(neuron, DT, drive=drive)
    node.metadata.clear()
    told = {name: getattr(neuron, name) for name in OPEN if hasattr(neuron, name)}
    if type(neuron) is ExpSynapse:  # read as LI, which has no synapse of its own to be late
        if told.pop("synapse") == "next_step":
            return
    reading = neuron_of(node, DT, drive=drive, **told)
    x = inputs(seed)
    out, v = traced(neuron, x)
    again, repeated = traced(reading.neuron, x if reading.scale is None else x * reading.scale)
    single = 1e-5 * max(1.0, v.abs().max().item())  # what the node's float32 arrays leave uncertain
    differ = np.flatnonzero((again != out).flatten(1).any(1).numpy()) if neuron.spiking else []
    if len(differ):  # only where a membrane passes the threshold by less than single precision holds
        first = int(differ[0])
        at = (again[first] != out[first]).nonzero()[0]
        before = torch.stack([v[first], repeated[first]])[:, at[0], at[1], at[2]]
        nearest = min(abs(before - torch.as_tensor(neuron.threshold).expand(SHAPE)[at[1], at[2]]).tolist())
        assert nearest < single
        return
    torch.testing.assert_close(repeated, v, rtol=0, atol=single)
