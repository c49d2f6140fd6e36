"""Izhikevich: steps worked out by hand, and the firing patterns that the paper names."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import Izhikevich

DT = 1e-3


def test_one_step_by_hand():
    neuron = Izhikevich(v_start=-70.0, a=0.1, b=0.5, d=2.0)
    s, _, traces = neuron.trace(torch.tensor([10.0, 200.0]).view(-1, 1, 1), dt=DT)
    # u starts at -35; v = -70 + 196 - 350 + 140 + 35 + 10 = -39, then 60.84 - 195 + 140 + 35 + 200 more: a spike
    assert s.flatten().tolist() == [0, 1]
    assert traces["v"].flatten().tolist() == pytest.approx([-39.0, -65.0])
    assert traces["u"].flatten().tolist() == pytest.approx([-35.0, -35 + 0.1 * (-19.5 + 35) + 2])


def test_half_steps_and_a_recovery_that_sees_the_new_potential():
    neuron = Izhikevich(v_start=-60.0, a=0.1, b=0.5, substeps=2, u_follows="charged")
    _, _, traces = neuron.trace(torch.zeros(1, 1, 1), dt=DT)
    half = -60 + 0.5 * (144 - 300 + 140 + 30)
    v = half + 0.5 * (0.04 * half**2 + 5 * half + 140 + 30)
    assert traces["v"].item() == pytest.approx(v, rel=1e-6)
    assert traces["u"].item() == pytest.approx(-30 + 0.1 * (0.5 * v + 30), rel=1e-6)


def test_a_longer_tau_is_a_shorter_step():
    x = torch.full((400, 1, 1), 10.0)
    slow, fast = Izhikevich(tau=4e-3)(x, dt=DT)[0], Izhikevich()(x, dt=DT / 4)[0]
    assert torch.equal(slow, fast) and slow.sum() > 2


def spikes(built, name: str, current: float, steps: int = 800, start: int = 100) -> list[int]:
    x = torch.zeros(steps, 1, 1)
    x[start:] = current
    return built(f"neuron=izhikevich/{name}")(x, dt=DT)[0].flatten().nonzero().flatten().tolist()


def test_tonic_spiking_goes_on(built):
    times = spikes(built, "tonic_spiking", 14.0)
    assert len(times) > 4 and times[-1] > 700


def test_phasic_spiking_fires_once(built):
    assert len(spikes(built, "phasic_spiking", 0.5)) == 1


def test_tonic_bursting_fires_in_groups(built):
    times = torch.tensor(spikes(built, "tonic_bursting", 15.0))
    gaps = times.diff().float()
    assert len(times) > 8 and gaps.max() > 3 * gaps.min()


def test_adaptation_slows_it_down(built):
    times = torch.tensor(spikes(built, "spike_frequency_adaptation", 30.0))
    assert times.diff()[0] < times.diff()[-1]


def test_inhibition_induces_spikes(built):
    times = spikes(built, "inhibition_induced_spiking", 75.0, start=0)  # 80 keeps it silent, less lets it fire
    assert len(times) >= 1


def test_a_rebound_needs_inhibition(built):
    x = torch.zeros(800, 1, 1)
    neuron = built("neuron=izhikevich/rebound_spike")
    assert neuron(x, dt=DT)[0].sum() == 0
    x[100:125] = -15.0
    assert neuron(x, dt=DT)[0].sum() == 1


def test_it_stays_finite_under_any_input():
    for reset in ("value", "none"):
        x = (torch.randn(40, 2, 3) * 1e6).requires_grad_()
        out, state = Izhikevich(reset=reset, **({} if reset == "value" else {"v_reset": 0.0, "v_start": -65.0}))(
            x, dt=DT
        )
        out.sum().backward()
        assert state.v.isfinite().all() and state.u.isfinite().all() and x.grad.isfinite().all()


@pytest.mark.parametrize("options, problem", [
    ({"substeps": 0}, "substeps is 0"), ({"substeps": 1.5}, "substeps is 1.5"), ({"tau": 0.0}, "tau is 0 s"),
    ({"reset_delay": True}, "reset_delay"), ({"threshold": -70.0}, "threshold is -70"), ({"a": None}, "a is None"),
])  # fmt: skip
def test_wrong_values_are_named(options, problem):
    with pytest.raises(UserError, match=problem):
        Izhikevich(**options)


def test_a_step_too_long_is_named():
    with pytest.raises(UserError, match=r"dt is 0.03 s, at a tau of 0.001 s and 1 substeps"):
        Izhikevich()(torch.zeros(2, 1, 1), dt=30e-3)
    Izhikevich(substeps=15)(torch.zeros(2, 1, 1), dt=30e-3)
