"""MultiSynapse: its parts, its shapes and its state."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import ALIF, LIF, CubaLIF, ExpSynapse, MultiSynapse

DT = 1e-3
TAUS = [2e-3, 8e-3, 20e-3]


def drive(*shape: int) -> torch.Tensor:
    return 0.2 * torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def test_its_currents_are_those_of_single_synapses_added_up():
    x = drive(40, 2, 12)  # of 4 neurons, 3 synapses each
    by_hand = sum(ExpSynapse(tau_syn=tau)(x[:, :, k::3], dt=DT)[0] for k, tau in enumerate(TAUS))
    out, _, fields = MultiSynapse(tau_syn=TAUS).trace(x, dt=DT)
    assert out.shape == (40, 2, 4) and fields["currents"].shape == (40, 2, 4, 3)
    assert torch.allclose(fields["currents"].sum(-1), by_hand, atol=1e-6)
    assert torch.equal(out, LIF()(fields["currents"].sum(-1), dt=DT)[0]) and out.sum() > 0


def test_with_one_synapse_it_is_a_current_based_lif():
    x = drive(40, 2, 4)
    assert torch.equal(MultiSynapse(tau_syn=[5e-3])(x, dt=DT)[0], CubaLIF(tau_syn=5e-3)(x, dt=DT)[0])


@pytest.mark.parametrize("shape", [(6,), (6, 4), (6, 4, 5)])
def test_step_by_step_and_in_two_halves_it_is_the_same(shape):
    neuron = MultiSynapse(ALIF, tau_syn=[2e-3, 8e-3], shape=shape)
    assert neuron.shape_out == (3, *shape[1:])
    x = drive(20, 2, *shape)
    whole, end = neuron(x, dt=DT)
    first, state = neuron(x[:7], dt=DT)
    second, state = neuron(x[7:], state, dt=DT)
    assert torch.equal(torch.cat([first, second]), whole)
    coefs, stepped = neuron.coefficients(DT), neuron.initial_state(x[0])
    for t, x_t in enumerate(x):
        out, stepped = neuron.step(x_t, stepped, coefs)
        assert torch.allclose(out, whole[t])
    assert torch.allclose(stepped.neuron.v, end.neuron.v, atol=1e-6)
    assert torch.allclose(stepped.synapses.i, end.synapses.i, atol=1e-6)


def test_its_time_constants_learn():
    neuron = MultiSynapse(tau_syn=[2e-3, 8e-3], learnable=["tau_syn"])
    neuron(drive(40, 2, 6), dt=DT)[0].sum().backward()
    assert (neuron.synapses.log_tau_syn.grad != 0).all()


def test_it_stands_in_a_network_that_halves_the_channels():
    from functools import partial

    neuron = partial(MultiSynapse, tau_syn=[2e-3, 8e-3])(shape=(8, 5, 5))
    assert neuron.shape_out == (4, 5, 5) and neuron.neuron.shape == (4, 5, 5)


@pytest.mark.parametrize("taus", [[], 5e-3, "fast"])
def test_its_time_constants_are_a_list(taus):
    with pytest.raises(UserError, match="MultiSynapse: tau_syn is"):
        MultiSynapse(tau_syn=taus)


def test_channels_that_do_not_fit_are_named():
    with pytest.raises(UserError, match="7 channels for 2 synapses a neuron"):
        MultiSynapse(tau_syn=[2e-3, 8e-3], shape=(7,))
    with pytest.raises(UserError, match="7 channels for 2 synapses a neuron"):
        MultiSynapse(tau_syn=[2e-3, 8e-3])(drive(3, 2, 7), dt=DT)
