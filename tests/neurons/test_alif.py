"""ALIF: traces worked out by hand."""

from __future__ import annotations

import torch

from snnctl.neurons import ALIF, LIF

DT = 1e-3
HALF = {"tau_mem": 2 * DT, "tau_adapt": 2 * DT, "decay": "euler", "beta": 1.0}  # both decays 1/2


def run(neuron: ALIF, values: list[float]):
    s, _, traces = neuron.trace(torch.tensor(values).view(-1, 1, 1), dt=DT)
    return s.flatten().tolist(), traces["a"].flatten().tolist(), traces["v"].flatten().tolist()


def test_a_spike_raises_the_threshold():
    s, a, v = run(ALIF(**HALF), [1.0, 1.0, 1.0, 1.0])
    assert s == [1, 0, 1, 0]  # against thresholds 1, 1.5, 1.25, 1.625
    assert a == [0.5, 0.25, 0.625, 0.3125]
    assert v == [0.0, 1.0, 0.25, 1.125]  # 1.5 - 1.25 in the third step


def test_a_spike_adds_a_number():
    s, a, _ = run(ALIF(adapt_gain=1, **HALF), [1.0, 1.0, 1.0, 1.0])
    assert s == [1, 0, 1, 0]  # against thresholds 1, 2, 1.5, 2.25
    assert a == [1.0, 0.5, 1.25, 0.625]


def test_a_delayed_reset_subtracts_the_threshold_that_was_crossed():
    s, _, v = run(ALIF(reset_delay=True, **HALF), [1.0, 1.0, 1.5, 0.0, 0.0])
    assert s == [1, 0, 1, 0, 0]  # thresholds 1, 1.5, 1.25, 1.625, 1.3125
    assert v == [1.0, 0.5, 1.75, -0.375, -0.1875]  # 0.875 - 1.25 in the fourth step


def test_without_beta_it_is_a_lif():
    x = torch.rand(50, 2, 3)
    assert torch.equal(ALIF(beta=0.0)(x, dt=DT)[0], LIF()(x, dt=DT)[0])


def test_the_threshold_may_relax_before_it_is_met():
    s, a, _ = run(ALIF(adapt_gain=1, adaptation="decay_then_compare", **HALF), [1.0, 1.0, 1.0, 1.0])
    assert s == [1, 0, 1, 0]  # against thresholds 1, 1.5, 1.25, 1.625
    assert a == [1.0, 0.5, 1.25, 0.625]


def test_a_synapse_of_the_next_step_is_one_step_late():
    x = torch.rand(40, 2, 3)
    late = ALIF(tau_syn=5e-3, synapse="next_step")(x, dt=DT)[0]
    prompt = ALIF(tau_syn=5e-3)(x, dt=DT)[0]
    assert torch.equal(late[1:], prompt[:-1]) and prompt.sum() > 0


def test_what_is_detached_carries_no_gradient():
    # two steps of 1, both decays 1/2: the first spike raises the second threshold
    x = torch.tensor([1.0, 1.0]).view(2, 1, 1)
    gradients = {}
    for option in ("none", "detach_adaptation", "detach_threshold"):
        leaf = x.clone().requires_grad_()
        options = {} if option == "none" else {option: True}
        ALIF(detach_reset=True, **options, **HALF)(leaf, dt=DT)[0][1].sum().backward()
        gradients[option] = leaf.grad.flatten().tolist()
    assert gradients["none"][0] < gradients["detach_adaptation"][0] == gradients["detach_threshold"][0]
