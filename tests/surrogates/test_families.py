"""The numbers of the families, worked out from their formulas, and where one family meets another."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.surrogates import (
    S2NN,
    Circ,
    DitheredStep,
    DSpike,
    FakeNumericalGradient,
    FastSigmoid,
    Gaussian,
    LogTailedReLU,
    MultiGaussian,
    NonzeroSignLogAbs,
    PeriodicExponential,
    QPseudoSpike,
    Rectangle,
    Sigmoid,
    SingleExponential,
    SparseFastSigmoid,
    SquarewaveFourierSeries,
    Tanh,
    TwoSlopes,
)

# ds/dx at x = 0, 0.5, -1 and 2
VALUES = [
    (FastSigmoid(2.0, scale=3.0), [3.0, 0.75, 1 / 3, 0.12]),  # 3, 3/4, 3/9, 3/25
    (SparseFastSigmoid(2.0, bound=1.0), [1.0, 0.25, 0.0, 0.0]),  # the bound itself is outside
    (SparseFastSigmoid(2.0, bound=0.5, where="above"), [0.0, 0.0, 0.0, 0.04]),
    (Sigmoid(2.0, center=-1.0), [0.2099872, 0.0903533, 0.5, 0.0049330]),  # 2 y (1 - y) at y = 1 / (1 + e^-2 (x + 1))
    (SingleExponential(1.0, 25.0, 1.0), [9.1969860, 15.1632665, 3.3833821, 9.1969860]),  # 25 e^-|x - 1|
    (TwoSlopes(), [1.0, 1.0, 0.0, 1.0]),
    (TwoSlopes(strict=True), [0.0, 1.0, 0.0, 1.0]),
    (TwoSlopes(below=1.0, above=-1.0), [-1.0, -1.0, 1.0, -1.0]),
    (TwoSlopes(below=0.1, above=2.0, kink=-1.0), [2.0, 2.0, 2.0, 2.0]),
    (Rectangle(), [1.0, 0.0, 0.0, 0.0]),  # the edge itself is outside
    (Rectangle(width=1.5, scale=3.0, outside=0.25), [1.0, 1.0, 1.0, 0.25]),
    (Rectangle(width=1.5, scale=6.0, center=0.5, closed=True), [2.0, 2.0, 2.0, 2.0]),
    (Rectangle(width=1.5, scale=6.0, center=0.5), [2.0, 2.0, 0.0, 0.0]),
    (Tanh(1.0), [1.0, 0.7864477, 0.4199743, 0.0706508]),  # 1 / cosh(x)^2
    (DSpike(2.0), [1.3130353, 0.5514411, 0.0, 0.0]),  # 1 / tanh(1), that / cosh(1)^2
    (Circ(1.0), [1.0, 0.7155418, 0.3535534, 0.0894427]),  # 1, 1.25^-1.5, 2^-1.5, 5^-1.5
    (Gaussian(1.0), [0.3989423, 0.3520653, 0.2419707, 0.0539910]),  # the standard normal density
    (Gaussian(0.5, 2.0, center=0.5), [0.9678829, 1.5957691, 0.0177274, 0.0177274]),
    (MultiGaussian(1.0, h=0.5, s=2.0), [0.4223808, 0.3561466, 0.2027283, -0.0394088]),
    (PeriodicExponential(0.5), [1.0, math.exp(-1), math.exp(-2), 1.0]),
    (PeriodicExponential(0.5, 1.0, period=1.5, narrowing=2.0), [1.0, math.exp(-2), math.exp(-2), math.exp(-2)]),
    (NonzeroSignLogAbs(2.0), [2.0, 1.0, 2 / 3, 0.4]),
    (QPseudoSpike(3.0), [1.0, 0.2962963, 0.125, 1 / 27]),  # (1 + |x|)^-3
    (FakeNumericalGradient(1.0), [1.0, 1.0, 1.0, 0.5]),
    (LogTailedReLU(0.1), [0.1, 1.0, 0.1, 0.5]),
    (S2NN(4.0, 3.0), [3.0, 2.0, 0.0706508, 1.0]),
    (SquarewaveFourierSeries(2, 4.0), [2.0, 0.0, 0.0, -2.0]),  # cos(pi x / 2) + cos(3 pi x / 2)
]  # fmt: skip


@pytest.mark.parametrize("surrogate, expected", VALUES, ids=str)
def test_the_derivative_is_the_formula(surrogate, expected):
    x = torch.tensor([0.0, 0.5, -1.0, 2.0], dtype=torch.float64)
    torch.testing.assert_close(surrogate.derivative(x), torch.tensor(expected).double(), rtol=0, atol=1e-6)


X = torch.linspace(-3, 3, 401, dtype=torch.float64)
SAME = [
    (Tanh(3.0), Sigmoid(6.0), 2 / 3),  # a tanh is a logistic function of twice the slope
    (QPseudoSpike(2.0), FastSigmoid(2.0), 1),
    (QPseudoSpike(1e7), SingleExponential(0.5, 0.5), 1),
    (Rectangle(1.0, outside=0.5), TwoSlopes(0.5, 0.5), 1),
    (MultiGaussian(0.7, h=0.0), Gaussian(0.7), 1),
    (DSpike(1e-4), Rectangle(0.5), 1),
    (PeriodicExponential(0.3, 2.0, period=100.0), SingleExponential(0.3, 0.6), 1),
    (SparseFastSigmoid(bound=10.0), FastSigmoid(), 1),
    (DitheredStep(spread=0.0), TwoSlopes(strict=True), 1),
]


@pytest.mark.parametrize("one, other, factor", SAME, ids=str)
def test_families_meet(one, other, factor):
    inside = X.abs() != 0.5
    expected = factor * other.derivative(X)
    torch.testing.assert_close(one.derivative(X)[inside], expected[inside], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("mean", [0.0, 0.3, -2.0])
def test_the_noise_below_threshold_is_uniform_and_the_same_again(mean):
    surrogate = DitheredStep(mean, spread=0.4)
    for x in (-torch.rand(100_000) * 2, -torch.rand(100_000).double(), (-torch.rand(100_000)).bfloat16()):
        noise = surrogate.derivative(x).double()
        assert torch.equal(noise, surrogate.derivative(x).double())
        assert 0.4 * (mean - 0.5) - 4e-3 <= noise.min() and noise.max() <= 0.4 * (mean + 0.5) + 4e-3
        shares = torch.histc(noise / 0.4 - mean, 8, -0.5, 0.5) / len(x)
        torch.testing.assert_close(shares, torch.full((8,), 0.125).double(), rtol=0, atol=0.02)
    assert (surrogate.derivative(torch.tensor([0.1, 5.0])) == 1).all()


def test_a_periodic_exponential_peaks_where_a_neuron_holds_whole_thresholds():
    x = torch.arange(-4, 9) * 0.5
    slopes = PeriodicExponential(width=0.5, period=1.0).derivative(x)
    decay = math.exp(-1)
    expected = [decay**4, decay**3, decay**2, decay, 1, decay, 1, decay, 1, decay, 1, decay, 1]
    torch.testing.assert_close(slopes, torch.tensor(expected))


@pytest.mark.parametrize("wrong, words", [
    (lambda: QPseudoSpike(1.0), "QPseudoSpike: q is 1.0 .* above 1"),
    (lambda: MultiGaussian(h=-0.1), "MultiGaussian: h is -0.1 .* 0 and above"),
    (lambda: DitheredStep(spread=-1), "DitheredStep: spread is -1 .* 0 and above"),
    (lambda: SquarewaveFourierSeries(1.5), "terms is 1.5 .* whole number, 1 and above"),
    (lambda: SquarewaveFourierSeries(0), "terms is 0 .* whole number, 1 and above"),
    (lambda: SquarewaveFourierSeries(True), "terms is True .* whole number, 1 and above"),
    (lambda: TwoSlopes(strict=1), "TwoSlopes: strict is 1 .* False or True"),
    (lambda: SparseFastSigmoid(where="beyond"), "where is 'beyond' .* within or above"),
])  # fmt: skip
def test_other_ranges_are_told(wrong, words):
    with pytest.raises(UserError, match=words.replace(" .* ", r"\s+range\s+.*")):
        wrong()
