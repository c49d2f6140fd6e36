"""CoupledLIF: compartments worked out by hand, and matrices that are none."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.networks import Recurrent
from snnctl.neurons import CoupledLIF, CubaLIF

DT = 1e-3
CABLE = [[-100.0, 100.0], [100.0, -100.0]]  # 1/s: a tenth of the difference flows in a step
PLAIN = {"tau_mem": 1e9, "tau_syn": 1e-3, "decay": "euler", "input_gain": 1.0}  # no leak, and i is x


@pytest.mark.parametrize("couples, expected", [
    ("after", [[0.9, 0.1], [0.82, 0.18]]), ("before", [[1.0, 0.0], [0.9, 0.1]]), ("along", [[1.0, 0.0], [0.9, 0.1]]),
])  # fmt: skip
def test_charge_flows_to_the_other_compartment(couples, expected):
    neuron = CoupledLIF(coupling=CABLE, couples=couples, threshold=5.0, **PLAIN)
    _, _, traces = neuron.trace(torch.tensor([[1.0, 0.0], [0.0, 0.0]]).unsqueeze(1), dt=DT)
    assert torch.allclose(traces["v"][:, 0], torch.tensor(expected))


def test_a_spike_spreads_where_coupling_is_before_the_threshold():
    x = torch.tensor([[1.9, 0.0], [0.0, 0.85]]).unsqueeze(1)
    assert CoupledLIF(coupling=CABLE, couples="after", threshold=1.0, reset="zero", **PLAIN)(x, dt=DT)[0].sum() == 1
    options = {"threshold": 2.0, "reset": "zero", **PLAIN}
    assert CoupledLIF(coupling=CABLE, couples="along", **options)(x + 0.1, dt=DT)[0][0, 0].tolist() == [1, 0]


def test_without_coupling_it_is_a_layer_of_lifs():
    x = torch.rand(50, 3, 4)
    for couples in ("after", "before", "along"):
        neuron = CoupledLIF(coupling=torch.zeros(4, 4), couples=couples, refractory=2e-3)
        assert torch.equal(neuron(x, dt=DT)[0], CubaLIF(refractory=2e-3)(x, dt=DT)[0])


def test_the_coupling_is_learned():
    neuron = CoupledLIF(shape=(4,))
    neuron(torch.rand(30, 3, 4), dt=DT)[0].sum().backward()
    assert neuron.conductance.shape == (4, 4) and (neuron.conductance.grad != 0).any()


def test_it_takes_feedback():
    out, _ = Recurrent(CoupledLIF, (4,))(torch.rand(10, 2, 4), dt=DT)
    assert out.shape == (10, 2, 4)


@pytest.mark.parametrize("options, problem", [
    ({}, "no coupling and no shape"), ({"coupling": [[1.0, 2.0]]}, "coupling of shape"),
    ({"coupling": [[1.0, 2.0], [3.0]]}, "coupling is"), ({"coupling": CABLE, "shape": (3,)}, "for 3 compartments"),
    ({"shape": (2, 3)}, "the shape is"), ({"coupling": CABLE, "couples": "never"}, "couples is 'never'"),
    ({"coupling": CABLE, "couples": "along", "reset_delay": True}, "needs a reset at once"),
    ({"coupling": [[float("nan")]]}, "coupling of shape"),
])  # fmt: skip
def test_wrong_values_are_named(options, problem):
    with pytest.raises(UserError, match=problem):
        CoupledLIF(**options)
