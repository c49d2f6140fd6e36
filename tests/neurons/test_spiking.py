"""Each firing and reset convention: traces worked out by hand."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import IF, LIF
from snnctl.surrogates import Rectangle, Triangle

DT = 1e-3


def run(neuron, values: list[float]) -> tuple[list[float], list[float]]:
    s, _, traces = neuron.trace(torch.tensor(values).view(-1, 1, 1), dt=DT)
    return s.flatten().tolist(), traces["v"].flatten().tolist()


def half(**options) -> LIF:
    return LIF(tau_mem=2 * DT, decay="euler", **options)  # decay = 1/2


def test_fire():
    assert run(IF(fire="ge"), [1.0, 0.5])[0] == [1, 0]
    assert run(IF(fire="gt"), [1.0, 0.5])[0] == [0, 1]


@pytest.mark.parametrize(
    "options, spikes, v",
    [
        ({"reset": "subtract"}, [0, 1, 1, 1], [0.75, 0.5, 0.25, 0.0]),
        ({"reset": "zero"}, [0, 1, 0, 1], [0.75, 0.0, 0.75, 0.0]),
        ({"reset": "value", "v_reset": -0.75}, [0, 0, 1, 0], [0.0, 0.75, -0.75, 0.0]),
        ({"reset": "none"}, [0, 1, 1, 1], [0.75, 1.5, 2.25, 3.0]),
    ],
    ids=str,
)
def test_reset(options, spikes, v):
    assert run(IF(**options), [0.75] * 4) == (spikes, v)


@pytest.mark.parametrize(
    "options, v",
    [
        ({"reset": "subtract"}, [1.5, 0.25, 0.625, 1.3125]),  # 0.75 - 1 + 0.5 in the second step
        ({"reset": "zero"}, [1.5, 0.5, 0.75, 1.375]),
        ({"reset": "value", "v_reset": -0.5}, [1.5, 0.0, 0.5, 1.25]),
        ({"reset": "none"}, [1.5, 1.25, 1.125, 1.5625]),
    ],
    ids=str,
)
def test_a_delayed_reset_acts_at_the_next_step_and_v_is_kept_as_it_was(options, v):
    spikes = [1, 1, 1, 1] if options["reset"] == "none" else [1, 0, 0, 1]
    assert run(half(reset_delay=True, **options), [1.5, 0.5, 0.5, 1.0]) == (spikes, v)


@pytest.mark.parametrize(
    "options, spikes, v",
    [
        ({"max_spikes": None}, [2, 1, 0, 0, 5], [0.5, 0.0, -3.0, 0.75, 0.75]),
        ({"max_spikes": None, "fire": "gt"}, [2, 0, 0, 1, 5], [0.5, 1.0, -2.0, 0.75, 0.75]),
        ({"max_spikes": 3}, [2, 1, 0, 0, 3], [0.5, 0.0, -3.0, 0.75, 2.75]),
        ({"max_spikes": None, "reset": "zero"}, [2, 0, 0, 1, 5], [0.0, 0.5, -2.5, 0.0, 0.0]),
        ({"max_spikes": None, "reset": "value", "v_reset": 0.25}, [2, 0, 0, 1, 5], [0.25, 0.75, -2.25, 0.25, 0.25]),
    ],
    ids=str,
)
def test_many_spikes_in_a_step(options, spikes, v):
    assert run(IF(**options), [2.5, 0.5, -3.0, 3.75, 5.0]) == (spikes, v)


def test_many_spikes_count_the_multiples_of_any_threshold():
    v = torch.linspace(-3, 10, 1301, dtype=torch.float64)[None, None]
    s, _ = IF(threshold=0.7, max_spikes=None)(v, dt=DT)
    assert torch.equal(s, torch.floor(v / 0.7).clamp(min=0))


def test_the_surrogate_acts_on_the_nearest_multiple_of_the_threshold():
    neuron = IF(max_spikes=3, reset="none", surrogate=Triangle(width=0.5))
    x = torch.tensor([0.2, 0.75, 1.0, 1.25, 2.25, 2.75, 3.25, 4.0]).view(1, 1, -1).requires_grad_()
    neuron(x, dt=DT)[0].sum().backward()
    assert x.grad.flatten().tolist() == pytest.approx([0, 0.5, 1, 0.5, 0.5, 0.5, 0.5, 0])


def test_at_one_spike_the_limit_changes_nothing():
    x = torch.randn(30, 2, 5, dtype=torch.float64, requires_grad=True)
    gradients = []
    for limit in (1, 2):
        s, _ = IF(max_spikes=limit, threshold=100.0)(x + 40, dt=DT)
        gradients.append(torch.autograd.grad(s.square().sum(), x)[0])
    assert torch.allclose(*gradients)


def test_refractory_steps_drop_the_input():
    s, v = run(IF(refractory=2e-3), [1.0] * 7)
    assert (s, v) == ([1, 0, 0, 1, 0, 0, 1], [0] * 7)


def test_a_refractory_neuron_leaks_and_cannot_fire():
    s, v = run(half(refractory=2e-3), [5.0, 9.0, 9.0, 0.0, 3.0])
    assert s == [1, 0, 0, 0, 1]
    assert v == [4.0, 2.0, 1.0, 0.5, 2.25]


@pytest.mark.parametrize("time, steps", [(2.4e-3, 2), (2.6e-3, 3), (1e-3, 1), (0.6e-3, 1)])
def test_refractory_time_is_rounded_to_steps(time, steps):
    assert IF(refractory=time).coefficients(DT).refractory == steps
    assert run(IF(refractory=time), [1.0] * 5)[0][: steps + 2] == [1] + [0] * steps + [1]


def test_refractory_with_a_delayed_reset():
    s, v = run(half(refractory=1e-3, reset_delay=True), [1.5, 9.0, 1.0])
    assert (s, v) == ([1, 0, 0], [1.5, -0.25, 0.875])


def test_a_detached_reset_carries_no_gradient():
    # v1 = x1 = 1, spike, v1 = 0; v2 = v1/2 + x2. s1 reaches v2 only through the reset.
    x = torch.tensor([1.0, 0.5]).view(2, 1, 1).requires_grad_()
    triangle = Triangle()  # 1 at threshold, 1/2 at v2 = 0.5
    (attached,) = torch.autograd.grad(half(surrogate=triangle)(x, dt=DT)[0][1].sum(), x)
    (detached,) = torch.autograd.grad(half(surrogate=triangle, detach_reset=True)(x, dt=DT)[0][1].sum(), x)
    assert attached.flatten().tolist() == [0.0, 0.5]  # 1/2 (1/2 - 1/2 * 1) for x1
    assert detached.flatten().tolist() == [0.25, 0.5]  # 1/2 * 1/2


def test_state_and_coefficients_hold_only_what_the_options_need():
    state, coefs = LIF().initial_state(torch.zeros(2, 3)), LIF().coefficients(DT)
    assert [n for n in state._fields if getattr(state, n) is not None] == ["v"]
    assert [n for n in coefs._fields if getattr(coefs, n) is not None] == ["decay", "threshold"]
    neuron = LIF(reset="none", reset_delay=True)
    assert neuron.initial_state(torch.zeros(2, 3)).due is None


@pytest.mark.parametrize(
    "options, problem, hint",
    [
        ({"threshold": 0.0}, "threshold is 0", "above 0"),
        ({"threshold": -1.0}, "threshold is -1", "above 0"),
        ({"threshold": float("nan")}, "threshold is nan", "finite"),
        ({"threshold": "high"}, "threshold is 'high'", "a number"),
        ({"threshold": 0.5, "v_rest": 0.5}, "threshold is 0.5", "above v_rest = 0.5"),
        ({"reset": "value", "v_reset": 1.0}, "threshold is 1", "above v_reset = 1"),
        ({"threshold": -52.0, "v_rest": -65.0}, "threshold is -52", "above 0"),  # subtracting it would add
        ({"v_reset": 0.1}, "v_reset has no effect", "reset: value"),
        ({"learnable": ["v_reset"]}, "v_reset has no effect", "reset: value"),
        ({"fire": ">="}, "fire is '>='", "ge"),
        ({"reset": "substract"}, "reset is 'substract'", "did you mean   subtract"),
        ({"reset_delay": 1}, "reset_delay is 1", "False, True"),
        ({"detach_reset": "yes"}, "detach_reset is 'yes'", "False, True"),
        ({"max_spikes": 0}, "max_spikes is 0", "1 and above"),
        ({"max_spikes": 1.5}, "max_spikes is 1.5", "1 and above"),
        ({"refractory": -1e-3}, "refractory is -0.001", "0 and above, s"),
        ({"surrogate": "atan"}, "surrogate is 'atan'", "ATan"),
        ({"learnable": ["tau_men"]}, "no parameter 'tau_men'", "did you mean   tau_mem"),
    ],
    ids=str,
)
def test_wrong_options_are_named_with_their_range(options, problem, hint):
    with pytest.raises(UserError) as error:
        LIF(**options)
    assert error.value.problem.startswith("LIF: ") and problem in error.value.problem
    assert hint in error.value.hint


def test_a_refractory_time_that_would_round_to_nothing_is_named():
    with pytest.raises(UserError, match=r"refractory is 0.0001 s, less than half a step"):
        IF(refractory=1e-4).coefficients(DT)


@pytest.mark.parametrize(
    "options, spikes, v",
    [
        ({"reset": "subtract"}, [0, -1, 0, 1, 0], [-0.75, -0.5, 0.25, 0.5, 0.0]),
        ({"reset": "zero"}, [0, -1, 0, 1, 0], [-0.75, 0.0, 0.75, 0.0, -0.5]),
        ({"reset": "none"}, [0, -1, 0, 0, 0], [-0.75, -1.5, -0.75, 0.5, 0.0]),
    ],
    ids=str,
)
def test_ternary_spikes(options, spikes, v):
    assert run(IF(ternary=True, **options), [-0.75, -0.75, 0.75, 1.25, -0.5]) == (spikes, v)


def test_a_ternary_spike_is_followed_by_a_refractory_time_and_subtracted_later():
    assert run(IF(ternary=True, refractory=1e-3), [-1.0, -1.0, -1.0])[0] == [-1, 0, -1]
    assert run(IF(ternary=True, reset_delay=True), [-1.5, 0.0, 0.0]) == ([-1, 0, 0], [-1.5, -0.5, -0.5])


def test_a_count_rounded_to_the_nearest():
    s, v = run(IF(rounding="nearest", max_spikes=3, threshold=2.0), [0.75, 0.5, 4.0, 9.0, -2.0])
    assert s == [0, 1, 2, 3, 0]  # 0.375, 0.625, 1.625, 4.125 (at most 3), 0.125 thresholds
    assert v == [0.75, -0.75, -0.75, 2.25, 0.25]


def test_the_gradient_of_a_rounded_count_is_one_between_its_ends():
    neuron = IF(rounding="nearest", max_spikes=3, reset="none", surrogate=Rectangle())
    x = torch.tensor([-0.25, 0.25, 0.75, 1.25, 2.75, 3.25]).view(1, 1, -1).requires_grad_()
    neuron(x, dt=DT)[0].sum().backward()
    assert x.grad.flatten().tolist() == [0, 1, 1, 1, 1, 0]


def test_the_surrogate_acts_on_the_first_threshold():
    neuron = IF(max_spikes=None, reset="none", surrogate=Triangle(width=0.5), surrogate_at="first")
    x = torch.tensor([0.75, 1.0, 1.25, 2.0, 2.75]).view(1, 1, -1).requires_grad_()
    s, _ = neuron(x, dt=DT)
    s.sum().backward()
    assert s.flatten().tolist() == [0, 1, 1, 2, 2]
    assert x.grad.flatten().tolist() == pytest.approx([0.5, 1, 0.5, 0, 0])


@pytest.mark.parametrize("limit", [1, 3, None])
@pytest.mark.parametrize("fire", ["ge", "gt"])
def test_where_the_surrogate_acts_changes_no_spike(limit, fire):
    x = torch.randn(40, 2, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2 + 1
    options = {"max_spikes": limit, "fire": fire, "threshold": 0.7}
    outs = [
        IF(**options, surrogate_at=at, surrogate_in=unit)(x, dt=DT)[0]
        for at in ("nearest", "first")
        for unit in ("v", "threshold")
    ]
    assert all(torch.equal(outs[0], other) for other in outs)


def test_the_surrogate_in_units_of_the_threshold_grows_with_it():
    x = torch.tensor([1.5, 2.0, 3.0]).view(1, 1, -1).requires_grad_()
    IF(threshold=2.0, surrogate=Triangle(width=1.0), surrogate_in="threshold")(x, dt=DT)[0].sum().backward()
    assert x.grad.flatten().tolist() == pytest.approx([0.375, 0.5, 0.25])  # (1 - |v / 2 - 1|) / 2


def test_v_is_raised_to_v_min_after_its_reset():
    assert run(IF(v_min=-0.5), [-2.0, 1.0, 0.5, -0.75]) == ([0, 0, 1, 0], [-0.5, 0.5, 0.0, -0.5])


def test_a_held_membrane_stays_as_it_is():
    s, v = run(half(refractory=2e-3, refractory_mode="hold", reset="value", v_reset=0.5), [2.0, 9.0, 9.0, 0.0, 3.0])
    assert (s, v) == ([1, 0, 0, 0, 1], [0.5, 0.5, 0.5, 0.25, 0.5])


def test_a_reset_with_the_input_discards_it():
    s, v = run(half(reset="zero", reset_delay="with_input"), [1.5, 0.75, 0.75])
    assert (s, v) == ([1, 0, 0], [1.5, 0.0, 0.75])
    assert run(half(reset="zero", reset_delay=True), [1.5, 0.75, 0.75])[1] == [1.5, 0.75, 1.125]


@pytest.mark.parametrize(
    "options, problem, hint",
    [
        ({"v_min": 0.1}, "v_min is 0.1", "up to v_rest = 0, or null"),
        ({"v_min": -1.0, "v_rest": -2.0}, "v_min is -1", "up to v_rest = -2"),
        ({"v_min": float("inf")}, "v_min is inf", "a finite number"),
        ({"ternary": True, "v_rest": -1.5}, "threshold is 1", "above -(v_rest = -1.5)"),
        ({"ternary": True, "max_spikes": 2}, "exclude each other", "max_spikes: 1"),
        ({"rounding": "up"}, "rounding is 'up'", "nearest"),
        ({"surrogate_at": "last"}, "surrogate_at is 'last'", "nearest"),
        ({"surrogate_in": "mV"}, "surrogate_in is 'mV'", "threshold"),
        ({"refractory_mode": "held"}, "refractory_mode is 'held'", "hold"),
        ({"refractory": 1e-3, "refractory_mode": "hold", "reset_delay": True}, "cannot be reset later", "reset_delay"),
        ({"threshold": -52.0, "v_rest": -65.0, "reset": "none", "rounding": "nearest"}, "threshold is -52", "above 0"),
    ],
    ids=str,
)
def test_wrong_combinations_are_named_with_their_range(options, problem, hint):
    with pytest.raises(UserError) as error:
        LIF(**options)
    assert problem in error.value.problem and hint in error.value.hint
