"""Which neurons the core has, and leaks as sums of shifts."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnctl.neurons import IF, LI, LIF, CubaLIF
from snnctl.targets.fpga.cells import cell, leak_terms, misfits


@pytest.mark.parametrize(
    "leak, most, shifts",
    [
        (0.25, 4, (2,)),
        (0.75, 4, (1, 2)),
        (1 - math.exp(-0.25), 1, (2,)),  # 0.2212: 0.25 is nearer than 0.125
        (1 - math.exp(-0.25), 3, (3, 4, 5)),  # 0.125 + 0.0625 leave 0.0337
        (0.9, 1, (0,)),
        (1.0, 4, (0,)),
        (0.0, 4, ()),
    ],
)
def test_a_leak_is_a_sum_of_shifts(leak, most, shifts):
    assert leak_terms(leak, most) == shifts


@given(st.floats(1e-4, 1.0), st.integers(1, 8))
def test_more_shifts_are_never_further_off_and_v_never_turns_its_sign(leak, most):
    sums = [sum(2.0**-n for n in leak_terms(leak, terms)) for terms in (most, most + 1)]
    assert abs(sums[1] - leak) <= abs(sums[0] - leak) + 2.0**-20
    assert all(0 <= s <= 1 for s in sums)
    assert abs(sums[0] - leak) <= max(leak * 2.0**-most, 2.0**-20)


@pytest.mark.parametrize(
    "neuron, said",
    [
        (CubaLIF(), "not CubaLIF: set neuron=lif"),
        (LIF(max_spikes=None), "max_spikes is None, the core has 1"),
        (LIF(ternary=True), "ternary is True"),
        (LIF(rounding="nearest", max_spikes=2), "rounding is 'nearest'"),
        (LIF(v_min=-1.0), "v_min is -1.0, the core has None: set neuron.v_min=null"),
        (LIF(refractory=5e-3), "refractory is 0.005, the core has 0.0"),
        (LIF(reset="zero", reset_delay="with_input"), "set reset_delay: true"),
        (LIF(threshold=[1.0, 2.0], per="neuron", shape=(2,)), "threshold differs between neurons"),
        (LIF(tau_mem=0.02, learnable=["tau_mem"], per="neuron", shape=(2,)).to("meta"), "tau_mem differs"),
        (LI(tau_syn=10e-3), "a readout with a synapse"),
        (LI(v_min=-1.0), "v_min is -1.0"),
    ],
)
def test_what_the_core_cannot_do_names_the_layer_the_convention_and_what_to_set(neuron, said):
    found = "\n".join(map(str, misfits("hidden", neuron)))
    assert found.startswith("hidden: ") and said in found


def test_equal_values_of_every_neuron_are_one_value():
    neuron = LIF(tau_mem=[0.1, 0.1], per="neuron", shape=(2,))
    assert not misfits("p", neuron)
    assert cell("p", neuron, 2, 25e-3).decay == pytest.approx(math.exp(-0.25), rel=1e-6)
    assert misfits("p", LIF(tau_mem=[0.1, 0.2], per="neuron", shape=(2,)))


def test_potentials_are_counted_from_rest():
    found = cell("p", LIF(threshold=-52.0, v_rest=-65.0, reset="value", v_reset=-60.0, tau_mem=0.1), 2, 25e-3)
    assert (found.rest, found.threshold, found.amount) == (-65.0, 13.0, 5.0)
    found = cell("p", LIF(threshold=1.0, v_rest=0.25, tau_mem=0.1), 2, 25e-3)
    assert (found.threshold, found.amount) == (0.75, 1.0)  # compared with what is above rest; all of it is subtracted
    found = cell("p", IF(threshold=1.0, reset="value", v_reset=0.5), 2, 25e-3)
    assert (found.rest, found.threshold, found.amount, found.decay) == (0.5, 0.5, 0.0, 1.0)


def test_what_is_learned_is_not_known_before_training():
    with torch.device("meta"):
        neuron = LIF(learnable=["tau_mem"], tau_mem=0.1)
    assert not misfits("p", neuron) and cell("p", neuron, 2, 25e-3).decay is None
