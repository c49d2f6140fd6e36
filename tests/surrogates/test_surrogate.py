"""Each surrogate's numbers, its primitive, and the spike that carries it."""

from __future__ import annotations

import pickle

import pytest
import torch

from snnctl.errors import UserError
from snnctl.surrogates import ATan, FastSigmoid, Sigmoid, SingleExponential, Triangle

ALL = [ATan(), FastSigmoid(), Sigmoid(), Triangle(), SingleExponential()]

# ds/dx at x = 0, 0.5 and -1, worked out from the formulas
VALUES = [
    (ATan(2.0), [1.0, 0.2884004, 0.0919997]),  # 1, 1/(1 + pi^2/4), 1/(1 + pi^2)
    (ATan(1.0), [0.5, 0.3092432, 0.1442002]),  # 1/2, 1/2/(1 + pi^2/16), 1/2/(1 + pi^2/4)
    (FastSigmoid(25.0), [1.0, 0.0054870, 0.0014793]),  # 1, 1/13.5^2, 1/26^2
    (FastSigmoid(1.0), [1.0, 0.4444444, 0.25]),  # 1, 1/1.5^2, 1/4
    (Sigmoid(4.0), [1.0, 0.4199743, 0.0706508]),  # 4 y (1 - y) at y = 1/2, 0.8807971, 0.0179862
    (Triangle(), [1.0, 0.5, 0.0]),
    (Triangle(width=2.0, scale=0.3), [0.3, 0.225, 0.15]),
    (SingleExponential(), [2.0, 0.7357589, 0.2706706]),  # 2, 2/e, 2/e^2
    (SingleExponential(width=1.0, scale=0.5), [0.5, 0.3032653, 0.1839397]),
]


@pytest.mark.parametrize("surrogate, expected", VALUES, ids=str)
def test_the_derivative_is_the_formula(surrogate, expected):
    x = torch.tensor([0.0, 0.5, -1.0], dtype=torch.float64)
    assert torch.allclose(surrogate.derivative(x), torch.tensor(expected, dtype=torch.float64), atol=5e-8)


@pytest.mark.parametrize("surrogate, expected", VALUES, ids=str)
def test_backward_of_a_spike_is_the_derivative_times_the_gradient(surrogate, expected):
    x = torch.tensor([0.0, 0.5, -1.0], requires_grad=True)
    (surrogate(x) * torch.tensor([1.0, 10.0, -100.0])).sum().backward()
    assert torch.allclose(x.grad, torch.tensor(expected) * torch.tensor([1.0, 10.0, -100.0]), rtol=1e-5)


@pytest.mark.parametrize("surrogate", ALL, ids=str)
def test_the_primitive_is_a_half_at_threshold_and_has_the_derivative(surrogate):
    assert surrogate.primitive(torch.zeros(())).item() == 0.5
    x = torch.tensor([-1.7, -0.6, -0.05, 0.02, 0.4, 2.3], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(surrogate.primitive(x).sum(), x)
    assert torch.allclose(slope, surrogate.derivative(x.detach()), atol=1e-12)


@pytest.mark.parametrize("surrogate", ALL, ids=str)
def test_it_fires_at_threshold_unless_strict(surrogate):
    x = torch.tensor([-1.0, -1e-9, 0.0, 1e-9, 1.0], dtype=torch.float64)
    assert surrogate(x).tolist() == [0, 0, 1, 1, 1]
    assert surrogate(x, strict=True).tolist() == [0, 0, 0, 1, 1]
    assert surrogate(x).dtype == torch.float64


@pytest.mark.parametrize("surrogate", ALL, ids=str)
def test_it_survives_pickle_and_prints_its_numbers(surrogate):
    again = pickle.loads(pickle.dumps(surrogate))
    assert again == surrogate and hash(again) == hash(surrogate)
    assert eval(repr(surrogate)) == surrogate


def test_functional_transforms_see_the_surrogate_gradient():
    x = torch.tensor([0.5, -1.0])
    slopes = torch.func.vmap(torch.func.grad(lambda value: Triangle()(value)))(x)
    assert slopes.tolist() == [0.5, 0.0]


def test_the_gradient_of_the_surrogate_gradient_is_its_slope():
    x = torch.tensor([0.25], dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(Triangle()(x).sum(), x, torch.ones((), dtype=torch.float64), create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert (first.item(), second.item()) == (0.75, -1.0)


@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan"), "5", None, True])
def test_a_number_out_of_range_is_named(value):
    with pytest.raises(UserError, match="FastSigmoid: slope is") as error:
        FastSigmoid(slope=value)
    assert "above 0" in error.value.hint
