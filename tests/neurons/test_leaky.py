"""Decay factors, gains and their ranges."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import ALIF, LI, LIF, CubaLIF


@pytest.mark.parametrize(
    "options, decay, gain",
    [
        ({}, math.exp(-0.05), None),
        ({"decay": "euler"}, 0.95, None),
        ({"input_gain": 1}, math.exp(-0.05), None),
        ({"input_gain": 2.5}, math.exp(-0.05), 2.5),
        ({"input_gain": "1-decay"}, math.exp(-0.05), 1 - math.exp(-0.05)),
        ({"input_gain": "dt/tau"}, math.exp(-0.05), 0.05),
        ({"input_gain": "dt/tau", "decay": "euler"}, 0.95, 0.05),
    ],
    ids=str,
)
def test_coefficients(options, decay, gain):
    coefs = LI(tau_mem=20e-3, **options).coefficients(1e-3)
    assert coefs.decay == pytest.approx(decay, abs=1e-15)
    assert coefs.gain == (None if gain is None else pytest.approx(gain, abs=1e-15))
    assert coefs.v_rest is None
    learned = LI(tau_mem=20e-3, learnable=["tau_mem"], **options).coefficients(1e-3)
    assert learned.decay.item() == pytest.approx(decay, rel=1e-6) and learned.decay.requires_grad


def test_the_dynamics_stay_when_the_bins_change():
    fine, coarse = LIF().coefficients(1e-3), LIF().coefficients(5e-3)
    assert coarse.decay == pytest.approx(fine.decay**5)


@pytest.mark.parametrize("neuron", [LI, LIF, CubaLIF, ALIF])
def test_a_time_constant_below_half_a_step_is_named(neuron):
    with pytest.raises(UserError, match=r"tau_mem is 0.0004 s, less than half a step of dt = 0.001 s") as error:
        neuron(tau_mem=0.4e-3).coefficients(1e-3)
    assert "0.0005 s and above" in error.value.hint
    neuron(tau_mem=0.5e-3).coefficients(1e-3)


@pytest.mark.parametrize("neuron, name", [(CubaLIF, "tau_syn"), (ALIF, "tau_adapt")])
def test_every_time_constant_is_checked(neuron, name):
    with pytest.raises(UserError, match=f"{name} is 0.0001 s"):
        neuron(**{name: 0.1e-3})(torch.rand(2, 1, 1), dt=1e-3)
    with pytest.raises(UserError, match=f"{name} is -1 s") as error:
        neuron(**{name: -1.0})
    assert "above 0, s" in error.value.hint


def test_one_wrong_value_in_a_list_is_named():
    with pytest.raises(UserError, match="tau_mem is 0 s"):
        LI(tau_mem=[10e-3, 0.0], per="neuron")
    with pytest.raises(UserError, match=r"tau_mem is 0.0001 s"):
        LI(tau_mem=[10e-3, 1e-4], per="neuron").coefficients(1e-3)


@pytest.mark.parametrize("dt", [0.0, -1e-3, float("nan")])
def test_a_wrong_step_width_is_named(dt):
    with pytest.raises(UserError, match="LIF: dt is"):
        LIF()(torch.rand(2, 1, 1), dt=dt)


def test_unknown_options_are_named_with_the_choices():
    with pytest.raises(UserError, match="decay is 'exakt'") as error:
        LIF(decay="exakt")
    assert "exact" in error.value.hint
    with pytest.raises(UserError, match="input_gain is '1-beta'") as error:
        LIF(input_gain="1-beta")
    assert "1-decay, dt/tau" in error.value.hint


def test_a_learned_time_constant_cannot_make_euler_unstable():
    neuron = LI(tau_mem=1e-3, decay="euler", learnable="tau_mem")
    with torch.no_grad():
        neuron.log_tau_mem.fill_(math.log(1e-5))
    assert neuron.coefficients(1e-3).decay.item() == pytest.approx(-1.0)


@pytest.mark.parametrize("tau, shift", [(20e-3, 4), (10e-3, 3), (1.5e-3, 1), (1e-3, 0), (0.6e-3, 0), (1.0, 10)])
def test_a_decay_by_bit_shift_is_the_nearest_power_of_two(tau, shift):
    fixed = LI(tau_mem=tau, decay="bitshift").coefficients(1e-3).decay
    learned = LI(tau_mem=tau, decay="bitshift", learnable=["tau_mem"]).coefficients(1e-3).decay
    assert fixed == learned.item() == 1 - 2.0**-shift


def test_the_gradient_of_a_bit_shift_is_that_of_an_euler_step():
    gradients = []
    for decay in ("bitshift", "euler"):
        neuron = LI(tau_mem=20e-3, decay=decay, learnable=["tau_mem"])
        neuron.coefficients(1e-3).decay.backward()
        gradients.append(neuron.log_tau_mem.grad.item())
    assert gradients[0] == pytest.approx(gradients[1]) == pytest.approx(0.05)
