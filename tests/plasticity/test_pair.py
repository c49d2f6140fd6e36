"""Pair rules: traces and changes written out."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.plasticity import Hebbian, Oja, PairSTDP, PostSTDP
from snnctl.plasticity.connections import changed

D = math.exp(-1 / 20)
#            t:  0  1  2  3  4
PRE = torch.tensor([1, 0, 0, 1, 0.0]).view(5, 1, 1)
POST = torch.tensor([0, 0, 1, 0, 1.0]).view(5, 1, 1)


def course(rule, w: float = 0.5, pre=PRE, post=POST) -> list[float]:
    """The change of one synapse at each step of 1 ms."""
    layer = torch.nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(w)
    coefs, state = rule.coefficients(1e-3), rule.initial_state(pre[0], post[0])
    found = []
    for before, behind in zip(pre, post, strict=True):
        terms, state = rule.step(before, behind, state, coefs)
        after = changed(layer, rule, terms, 1)[0]
        found.append((after - layer.weight).item())
        layer.weight.data.copy_(after)
    return found


def test_a_spike_after_the_other_sides_strengthens_and_one_before_weakens():
    found = course(PairSTDP(eta_plus=0.1, eta_minus=0.2))
    last = 0.1 * (D**4 + D)  # of both earlier spikes
    assert found == pytest.approx([0, 0, 0.1 * D**2, -0.2 * D, last], abs=1e-6)


def test_the_nearest_spike_alone():
    found = course(PairSTDP(eta_plus=0.1, eta_minus=0.2, spikes="nearest"))
    assert found == pytest.approx([0, 0, 0.1 * D**2, -0.2 * D, 0.1 * D], abs=1e-6)


def test_spikes_of_one_step_meet_in_both_ways():
    both = torch.ones(1, 1, 1)
    assert course(PairSTDP(eta_plus=0.1, eta_minus=0.02), pre=both, post=both) == pytest.approx([0.08], abs=1e-6)


def test_euler_traces_and_gains_by_the_step():
    found = course(PairSTDP(eta_plus=1.0, eta_minus=0, decay="euler", trace_gain="dt/tau"))
    assert found[2] == pytest.approx(0.05 * 0.95**2, abs=1e-6)


@pytest.mark.parametrize(
    ("dependence", "up", "down"),
    [
        ("additive", 1, 1), ("step", 1, 1), ("multiplicative", 0.75, 0.25), ("power", 0.75**0.4, 0.25**0.4),
        ("proportional", 0.25, 0.25),
    ],
)  # fmt: skip
def test_dependence_on_the_weight(dependence, up, down):
    rule = {"low": 0.0, "high": 1.0, "dependence": dependence, "mu": 0.4}
    potentiated = course(PairSTDP(eta_plus=1e-3, eta_minus=0, **rule), 0.25)[2]
    depressed = course(PairSTDP(eta_plus=0, eta_minus=1e-3, **rule), 0.25)[3]
    assert potentiated == pytest.approx(1e-3 * up * D**2, rel=1e-3)
    assert depressed == pytest.approx(-1e-3 * down * D, rel=1e-3)


def test_hebb_strengthens_in_either_order():
    assert course(Hebbian(eta_pre=0.1, eta_post=0.2))[:4] == pytest.approx([0, 0, 0.2 * D**2, 0.1 * D], abs=1e-6)


def test_at_postsynaptic_spikes_alone_a_silent_input_weakens():
    found = course(PostSTDP(eta=0.1, target=0.95, mu=0.0))
    assert found[:4] == pytest.approx([0, 0, 0.1 * (D**2 - 0.95), 0], abs=1e-6)
    assert course(PostSTDP(eta=0.1, high=1.0, mu=1.0), 0.8)[2] == pytest.approx(0.1 * 0.2 * D**2, abs=1e-6)


def test_oja_ends_where_the_weights_have_length_one():
    draw = torch.Generator().manual_seed(0)
    layer = torch.nn.Linear(3, 1, bias=False)
    layer.weight.data.fill_(0.05)
    rule = Oja(eta=0.02)
    coefs, state = rule.coefficients(1e-3), rule.initial_state(torch.zeros(1, 3), torch.zeros(1, 1))
    for _ in range(4000):
        pre = (torch.rand(1, 3, generator=draw) < torch.tensor([0.05, 0.05, 0.01])).float()
        terms, state = rule.step(pre, pre @ layer.weight.detach().T, state, coefs)  # a linear neuron, as Oja's
        layer.weight.data.copy_(changed(layer, rule, terms, 1)[0])
    w = layer.weight.detach()[0]
    assert w.norm().item() == pytest.approx(1, abs=0.15)
    assert w[:2].min() > w[2]  # towards what is active together


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau_pre": 0.0}, "tau_pre"), ({"spikes": "some"}, "spikes"), ({"dependence": "multiplicative"}, "bounds"),
        ({"low": 1.0, "high": 0.0}, "low below high"), ({"outside": "drop"}, "outside"), ({"trace_gain": "dt"}, "gain"),
        ({"start": [1.0, 0.0]}, "start"), ({"eta_plus": float("nan")}, "eta_plus"), ({"mu": -1.0}, "mu"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(UserError, match=message):
        PairSTDP(**options)


def test_a_time_constant_below_half_a_step_is_refused():
    with pytest.raises(UserError, match="half a step"):
        PairSTDP(tau_pre=1e-3).coefficients(3e-3)
    with pytest.raises(UserError, match="upper bound"):
        PostSTDP(mu=1.0)


def test_weights_beyond_their_bounds_are_put_back_and_counted_or_end_the_run():
    layer = torch.nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(0.9)
    both = torch.ones(1, 1)

    def after(**options):
        rule = PairSTDP(eta_plus=0.5, eta_minus=0.0, low=0.0, high=1.0, **options)
        terms, _ = rule.step(both, both, rule.initial_state(both, both), rule.coefficients(1e-3))
        w, count = changed(layer, rule, terms, 1)
        return w.item(), int(count)

    assert after() == (1.0, 1)
    assert after(outside="keep") == (pytest.approx(1.4), 0)
    with pytest.raises(UserError, match=r"1 weights left \[0.0, 1.0\]"):
        after(outside="stop")
    layer.weight.data.fill_(float("nan"))
    with pytest.raises(UserError, match="not finite"):
        after()
