"""ColouredNoise: its spectrum, its size, and when it is silent."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import ColouredNoise

DT = 1e-3


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_the_spectrum_falls_as_asked(exponent):
    torch.manual_seed(0)
    noise = ColouredNoise(sigma=1.0, exponent=exponent)(torch.zeros(512, 200, 2), dt=DT)[0]
    power = torch.fft.rfft(noise, dim=0).abs().square().mean((1, 2))[1:-1]
    f = torch.arange(1, len(power) + 1).float()
    slope = torch.linalg.lstsq(torch.stack([f.log(), torch.ones_like(f)], 1), power.log().unsqueeze(1)).solution[0]
    assert slope.item() == pytest.approx(-exponent, abs=0.05)


@pytest.mark.parametrize("steps", [7, 64])
def test_its_size_is_sigma(steps):
    torch.manual_seed(0)
    noise = ColouredNoise(sigma=0.3)(torch.ones(steps, 3000, 3), dt=DT)[0] - 1
    about = (noise - noise.mean(0)).square().sum(0).mean() / steps
    assert about.sqrt().item() == pytest.approx(0.3, rel=0.05)


def test_samples_and_neurons_have_their_own():
    noise = ColouredNoise()(torch.zeros(50, 2, 2), dt=DT)[0].flatten(1)
    assert torch.corrcoef(noise.T).triu(1).abs().max() < 0.99


def test_it_is_silent_outside_of_training_and_for_one_step():
    x = torch.rand(20, 2, 3)
    layer = ColouredNoise()
    assert not torch.equal(layer(x, dt=DT)[0], x)
    assert torch.equal(layer(x[:1], dt=DT)[0], x[:1])
    assert layer.eval()(x, dt=DT)[0] is x


def test_gradients_and_dtypes_pass():
    x = torch.rand(20, 2, 3, dtype=torch.bfloat16, requires_grad=True)
    out, _ = ColouredNoise()(x, dt=DT)
    out.sum().backward()
    assert out.dtype == torch.bfloat16 and (x.grad == 1).all()


@pytest.mark.parametrize("options, problem", [({"sigma": -1.0}, "sigma is -1"), ({"exponent": 5.0}, "exponent is 5")])
def test_wrong_values_are_named(options, problem):
    with pytest.raises(UserError, match=problem):
        ColouredNoise(**options)
