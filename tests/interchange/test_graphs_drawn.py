"""Networks drawn at random come back from a file the same, and so do the circuits that they became."""

from __future__ import annotations

from functools import partial

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.interchange import circuit_of, graph_of, read, write
from snnctl.networks import Chain, Delay, Network, OneToOne, Recurrent, Residual
from snnctl.neurons import IF, LI, LIF, CubaLIF
from tests.interchange.run import compare
from tests.networks.presets import data

FEW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NEURONS = st.sampled_from(
    [
        partial(LIF, reset="zero", tau_mem=8e-3, backend="eager"),
        partial(LIF, reset="value", v_reset=-0.5, decay="euler", input_gain="dt/tau", threshold=0.1, backend="eager"),
        partial(LIF, reset="zero", per="neuron", tau_mem=5e-3, learnable="tau_mem", fire="gt", backend="eager"),
        partial(IF, reset="zero", threshold=1.5, backend="eager"),
        partial(CubaLIF, reset="zero", synapse="next_step", tau_syn=3e-3, backend="eager"),
    ]
)
WIDTHS = st.integers(2, 5)


@st.composite
def linear(draw, width=None):
    return partial(nn.Linear, out_features=draw(WIDTHS) if width is None else width, bias=draw(st.booleans()))


@st.composite
def recurrent(draw):
    feedback = draw(st.sampled_from([None, OneToOne]))
    return partial(Recurrent, neuron=draw(NEURONS), feedback=feedback)


def named(layers) -> dict:
    return {f"l{i}": layer for i, layer in enumerate(layers)}


LATE = st.integers(0, 3).map(lambda n: partial(Delay, delay=n * 1e-3))
PLAIN = st.one_of(linear(), NEURONS, recurrent(), LATE, st.just(nn.BatchNorm1d), st.just(partial(nn.Dropout, 0.5)))
BLOCK = st.lists(st.one_of(NEURONS, LATE, recurrent()), min_size=1, max_size=3)
NESTED = st.one_of(
    st.lists(PLAIN, min_size=1, max_size=3).map(lambda layers: partial(Chain, layers=named(layers))),
    st.tuples(BLOCK, st.none() | NEURONS).map(lambda d: partial(Residual, layers=named(d[0]), shortcut=d[1])),
)


@FEW
@given(
    layers=st.lists(st.one_of(PLAIN, NESTED), min_size=1, max_size=5),
    first=linear(4),
    seed=st.integers(0, 2**31),
)
def test_a_network_comes_back_from_a_file(layers, first, seed, tmp_path):
    torch.manual_seed(seed)
    network = Network(
        {"first": first, **named(layers), "readout": partial(LI, tau_mem=6e-3, backend="eager")}, data((3,), 0)
    ).eval()
    with torch.no_grad():
        for name, value in (*network.named_parameters(), *network.named_buffers()):
            if value.is_floating_point() and "tau" not in name and "delay" not in name:
                value.normal_(0.3).abs_() if "var" in name else value.normal_(0.3)
    write(tmp_path / "a.nir", graph_of(network))
    circuit = circuit_of(read(tmp_path / "a.nir"), backend="eager")
    x = torch.randn(12, 2, 3) * 3
    compare(network, circuit, x)
    write(tmp_path / "b.nir", graph_of(circuit))
    again = circuit_of(read(tmp_path / "b.nir"), backend="eager")
    with torch.no_grad():
        torch.testing.assert_close(again(x)[0], circuit(x)[0], rtol=1e-5, atol=1e-5)
