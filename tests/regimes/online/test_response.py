"""What an input leaves behind in a neuron, read from its step."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import LI, LIF, QIF, AdEx, CubaLIF, Integrator
from snnctl.regimes.online.response import Response

DT = 1e-3


def of(neuron) -> Response:
    return Response(neuron, DT, lambda problem, hint: UserError(problem, hint))


def first_row(response: Response, steps: int) -> list[float]:
    return response.matrix(steps, torch.zeros(1, dtype=torch.float64))[:, 0].tolist()


@pytest.mark.parametrize("options", [{}, {"reset": "zero"}, {"reset": "value", "v_reset": -0.3}, {"reset": "none"},
                                     {"reset_delay": True}, {"threshold": 0.2, "input_gain": 0.4},
                                     {"refractory": 3e-3}])  # fmt: skip
def test_a_leaky_membrane_fades_by_its_decay_whatever_its_reset(options):
    d = math.exp(-DT / 5e-3)
    assert first_row(of(LIF(tau_mem=5e-3, **options)), 4) == pytest.approx([1, d, d * d, d**3])


def test_an_integrator_forgets_nothing():
    assert first_row(of(Integrator()), 3) == pytest.approx([1, 1, 1])


def test_two_time_constants():
    # i = a (i + x), v = b v + i: an input of 1 gives v = a, b a + a^2, b (b a + a^2) + a^3
    neuron = CubaLIF(tau_mem=4e-3, tau_syn=2e-3)
    v = neuron.trace(torch.tensor([0.1, 0, 0]).view(3, 1, 1).double(), dt=DT)[2]["v"].flatten()
    assert first_row(of(neuron), 3) == pytest.approx((v / v[0]).tolist())


@pytest.mark.parametrize("neuron", [LI(tau_mem=4e-3), CubaLIF(tau_mem=4e-3, tau_syn=2e-3, threshold=100.0)])
def test_what_is_left_after_a_chunk_acts_on_the_next(neuron):
    response = of(neuron)
    x = torch.randn(9, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    whole = (response.matrix(9, x) @ x.flatten(1)).view_as(x)
    left = response.left(response.left(None, x[:2]), x[2:5])
    late = torch.einsum("tk,k...->t...", response.powers(4), left)
    torch.testing.assert_close((response.matrix(4, x) @ x[5:].flatten(1)).view(4, 2, 3) + late, whole[5:])


def test_neurons_that_are_not_linear_or_not_alike_are_refused():
    for neuron in (AdEx(), QIF()):
        with pytest.raises(UserError, match="not linear below threshold"):
            of(neuron)
    with pytest.raises(UserError, match="decays of their own"):
        of(LIF(tau_mem=torch.tensor([5e-3, 6e-3]), shape=(2,), per="neuron"))
