"""AdLIF: traces worked out by hand, and what an adaptation needs."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import LIF, AdLIF

DT = 1e-3
HALF = {"tau_mem": 2 * DT, "tau_w": 2 * DT, "decay": "euler"}  # both decays 1/2


def run(neuron: AdLIF, values: list[float]):
    s, _, traces = neuron.trace(torch.tensor(values).view(-1, 1, 1), dt=DT)
    return s.flatten().tolist(), traces["v"].flatten().tolist(), traces["w"].flatten().tolist()


def test_a_spike_raises_the_current_that_is_subtracted():
    s, v, w = run(AdLIF(b=0.5, **HALF), [1.0, 1.0, 1.0, 1.0])
    assert s == [1, 0, 1, 0]
    assert w == [0.5, 0.25, 0.625, 0.3125]
    assert v == [0.0, 0.5, 0.0, 0.375]  # 0.25 + 1 - 0.25 reaches 1 in the third step; then 1 - 0.625


def test_the_membrane_pulls_the_current_before_or_after_the_step():
    _, v, w = run(AdLIF(a=1.0, b=0.0, threshold=9.0, **HALF), [1.0, 0.0, 0.0])
    assert v == [1.0, 0.5, -0.25] and w == [0.0, 0.5, 0.5]
    _, v, w = run(AdLIF(a=1.0, b=0.0, threshold=9.0, w_follows="charged", **HALF), [1.0, 0.0, 0.0])
    assert v == [1.0, 0.0, -0.25] and w == [0.5, 0.25, 0.0]


def test_what_is_added_may_have_decayed_already_or_come_a_step_later():
    _, v, w = run(AdLIF(b=0.5, tau_syn=2 * DT, synapse="add_then_decay", **HALF), [2.0, 0.0, 0.0])
    assert v == [0.0, 0.25, 0.25] and w == [0.25, 0.125, 0.0625]  # i 1, 0.5, 0.25
    _, v, _ = run(AdLIF(b=0.5, tau_syn=2 * DT, synapse="next_step", **HALF), [0.5, 0.0, 0.0])
    assert v == [0.0, 0.5, 0.5]  # i 0.5, 0.25, of which the membrane sees 0, 0.5, 0.25


def test_without_adaptation_it_is_a_lif():
    x = torch.rand(50, 2, 3)
    for neuron in (AdLIF(b=0.0), AdLIF(tau_w=None, b=0.0)):
        assert torch.equal(neuron(x, dt=DT)[0], LIF()(x, dt=DT)[0])
    assert AdLIF(tau_w=None, b=0.0).initial_state(x[0]).w is None


def test_the_rate_falls_while_the_input_lasts():
    s, _ = AdLIF(b=0.2)(torch.full((600, 1, 1), 0.5), dt=DT)
    assert s[:200].sum() > s[400:].sum() > 0


@pytest.mark.parametrize(
    "options, problem",
    [
        ({"tau_w": None, "b": 0.1}, "a and b have no effect"),
        ({"tau_w": None, "b": 0.0, "learnable": ["a"]}, "a and b have no effect"),
        ({"tau_w": -1.0}, "tau_w is -1"),
        ({"tau_syn": 0.0}, "tau_syn is 0"),
        ({"w_follows": "later"}, "w_follows is 'later'"),
        ({"synapse": "alpha"}, "synapse is 'alpha'"),
    ],
)
def test_wrong_values_are_named(options, problem):
    with pytest.raises(UserError, match=problem):
        AdLIF(**options)


def test_a_time_constant_below_half_a_step_is_named():
    with pytest.raises(UserError, match=r"tau_w is 0.0004 s, less than half a step"):
        AdLIF(tau_w=0.4e-3)(torch.zeros(2, 1, 1), dt=DT)
