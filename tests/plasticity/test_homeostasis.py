"""Synaptic scaling: towards the wanted rate, by the factor that the equation says."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.plasticity import Homeostasis
from tests.plasticity.test_pair import course


def test_a_silent_neuron_gains_and_a_busy_one_loses():
    pre, silent, busy = torch.zeros(3, 1, 1), torch.zeros(3, 1, 1), torch.ones(3, 1, 1)
    rule = Homeostasis(rate=10.0, eta=0.1, tau=20e-3)
    d = math.exp(-1 / 20)
    assert course(rule, 0.5, pre, silent)[0] == pytest.approx(0.1e-3 * 0.5 * (10 - 10 * d), abs=1e-8)
    assert course(rule, 0.5, pre, busy)[0] == pytest.approx(0.1e-3 * 0.5 * (10 - (10 * d + 1000 * (1 - d))), abs=1e-8)


def test_at_the_wanted_rate_nothing_changes():
    steps = torch.arange(2000)
    post = (steps % 100 == 99).float().view(-1, 1, 1)  # 10 Hz
    total = sum(course(Homeostasis(rate=10.0, eta=1e-3, tau=1.0), 0.5, torch.zeros_like(post), post))
    off = sum(course(Homeostasis(rate=12.0, eta=1e-3, tau=1.0), 0.5, torch.zeros_like(post), post))
    assert abs(total) < 0.25 * off


def test_what_cannot_be_is_refused():
    for options in ({"tau": 0.0}, {"rate": -1.0}, {"eta": float("nan")}):
        with pytest.raises(UserError):
            Homeostasis(**options)
