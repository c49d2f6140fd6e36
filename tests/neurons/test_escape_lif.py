"""EscapeLIF: probabilities, their gradients, and where the random numbers come from."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.networks import Recurrent
from snnctl.neurons import LIF, EscapeLIF

DT = 1e-3
STILL = {"tau_mem": 1e9, "reset": "none"}  # v is the sum of the inputs


def pulse(v: float, samples: int = 20000) -> torch.Tensor:
    return torch.full((1, samples, 1), v)


@pytest.mark.parametrize(
    "escape, expected",
    [
        ("exponential", lambda y: 1 - math.exp(-0.2 * math.exp(y))),
        ("logistic", lambda y: (1 + math.tanh(y)) / 2),
        ("circular", lambda y: (1 + y / math.hypot(1, y)) / 2),
    ],
)
@pytest.mark.parametrize("v", [0.5, 1.0, 1.4])
def test_it_fires_as_often_as_it_says(escape, expected, v):
    torch.manual_seed(0)
    neuron = EscapeLIF(escape=escape, width=0.5, rate=200.0, **STILL)
    p = expected((v - 1) / 0.5)
    assert neuron(pulse(v), dt=DT)[0].mean().item() == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 20000))


def test_the_gradient_is_that_of_the_probability():
    torch.manual_seed(0)
    x = pulse(0.8).requires_grad_()
    EscapeLIF(width=0.5, rate=200.0, **STILL)(x, dt=DT)[0].sum().backward()
    rate = 0.2 * math.exp(-0.4)
    assert torch.allclose(
        x.grad, torch.full_like(x, math.exp(-rate) * rate / 0.5)
    )  # of 1 - exp(-rate), whatever is drawn


def test_rates_do_not_depend_on_the_step():
    torch.manual_seed(0)
    neuron = EscapeLIF(rate=100.0, width=0.2, **STILL)
    v = neuron.State(torch.ones(2000, 1))
    counts = [neuron(torch.zeros(round(0.1 / dt), 2000, 1), v, dt=dt)[0].sum() / 2000 for dt in (1e-3, 1e-4)]
    assert counts[0].item() == pytest.approx(100 * 0.1, rel=0.07) and counts[1].item() == pytest.approx(10, rel=0.03)


def test_without_noise_it_is_a_lif():
    x = torch.rand(100, 2, 3)
    assert torch.equal(EscapeLIF(width=1e-6, rate=1e6)(x, dt=DT)[0], LIF()(x, dt=DT)[0])


def test_draws_come_from_torchs_generator():
    x, neuron = torch.rand(50, 4, 3), EscapeLIF(width=0.5)
    torch.manual_seed(1)
    first = neuron(x, dt=DT)[0]
    torch.manual_seed(1)
    assert torch.equal(neuron(x, dt=DT)[0], first) and not torch.equal(neuron(x, dt=DT)[0], first)
    assert neuron(x, dt=DT)[1].chance is None


def test_the_step_is_pure_where_it_is_given_its_number():
    neuron = EscapeLIF(width=0.5)
    state = neuron.initial_state(torch.zeros(2, 3))._replace(chance=torch.full((2, 3), 0.3))
    coefs, x = neuron.coefficients(DT), torch.rand(2, 3)
    assert torch.equal(neuron.step(x, state, coefs)[0], neuron.step(x, state, coefs)[0])


def test_in_a_recurrent_layer_each_step_draws():
    torch.manual_seed(0)
    out, _ = Recurrent(EscapeLIF(width=0.5, threshold=0.5), (6,))(torch.full((60, 4, 6), 0.02), dt=DT)
    assert 0 < out.mean() < 1 and len({tuple(step.flatten().tolist()) for step in out}) > 20


def test_a_refractory_neuron_is_silent_or_only_deaf():
    x = torch.full((200, 50, 1), 5.0)
    torch.manual_seed(0)
    silent, _ = EscapeLIF(refractory=3e-3)(x, dt=DT)
    times = silent[:, 0, 0].nonzero().flatten()
    assert times.diff().min() == 4
    deaf, _ = EscapeLIF(refractory=3e-3, refractory_fires=True)(x, dt=DT)
    assert deaf.sum() > silent.sum()


@pytest.mark.parametrize("options, problem", [
    ({"escape": "linear"}, "escape is 'linear'"), ({"width": 0.0}, "width is 0"), ({"rate": -1.0}, "rate is -1"),
    ({"max_spikes": 2}, "max_spikes has no meaning"), ({"reset_delay": True}, "reset_delay has no meaning"),
    ({"gradient": "none"}, "gradient is 'none'"),
])  # fmt: skip
def test_wrong_values_are_named(options, problem):
    with pytest.raises(UserError, match=problem):
        EscapeLIF(**options)


def test_no_kernel_can_be_insisted_on():
    with pytest.raises(UserError, match="backend cpu cannot run EscapeLIF: it draws its spikes at random"):
        EscapeLIF(backend="cpu")(torch.rand(3, 2, 1), dt=DT)
    assert EscapeLIF().runs_on(torch.rand(2, 1), DT).why == "it draws its spikes at random"
