"""One LIF in a NIR file that eight simulators ran (the NIR paper), and the options by which ours is each of them."""

from __future__ import annotations

import nir
import numpy as np
import pytest
import torch

from snnctl.interchange import circuit_of, neuron_of, read

EULER = {"decay": "euler", "drive": "euler"}
# options, factor of v in the record, steps by which spikes and v are recorded later, largest difference of v seen
RECORDED = {
    "nengo": ({}, 10.0, 0, 0, 2e-9),  # v in units of the threshold
    "norse": (EULER, 1.0, 0, 0, 1e-7),
    "snntorch": (EULER, 25.0, 0, 0, 1e-6),  # v over dt / tau: the threshold is scaled, not the input
    "rockpool": ({"drive": "euler", "reset": "subtract"}, 1.0, 0, 0, 1e-7),
    "sinabs": ({"drive": "euler", "reset": "subtract"}, 1.0, 0, 0, 1e-7),
    "spyx": (EULER | {"reset": "subtract", "reset_delay": True}, 1.0, 1, 0, 1e-7),
    "lava_cpu_float": (EULER, 1.0, 1, 1, 1e-7),  # a dense layer hands spikes on a step later
    "exact": ({}, 1.0, 0, 0, 7e-3),  # solved in continuous time: it resets within a step
}


def later(trace: torch.Tensor, steps: int) -> np.ndarray:
    return np.concatenate([np.zeros(steps), trace.flatten().numpy()[: len(trace) - steps]])


@pytest.mark.data
@pytest.mark.parametrize("name", RECORDED)
def test_ours_is_theirs(shared_data, name):
    options, factor, spikes_late, v_late, accuracy = RECORDED[name]
    node = nir.read(shared_data / "nir-lif" / "lif_norse.nir").nodes["1"]
    x, v, s = np.loadtxt(shared_data / "nir-lif" / f"lif_{name}.csv", delimiter=",").T
    reading = neuron_of(node, 1e-4, **options)
    assert reading.scale is None and reading.neuron.tau_mem == 2.5e-3 and reading.neuron.threshold == 0.1
    spikes = torch.tensor(x > 0).double().view(-1, 1, 1)  # Sinabs recorded its input times dt / tau
    out, _, history = reading.neuron.trace(spikes, dt=reading.dt)
    assert np.array_equal(later(out, spikes_late), s) and s.sum() == 4
    error = np.abs(later(history["v"], v_late) - v / factor)
    assert error.max() < accuracy
    assert error[: np.flatnonzero(s)[0]].max() < 1e-7  # before the first reset every one of them agrees


@pytest.mark.data
def test_the_defaults_miss_the_spikes_of_those_who_subtract(shared_data):
    """At the wrong options the record is not met: the comparison above can fail."""
    node = nir.read(shared_data / "nir-lif" / "lif_norse.nir").nodes["1"]
    x, _, s = np.loadtxt(shared_data / "nir-lif" / "lif_rockpool.csv", delimiter=",").T
    out, _, _ = neuron_of(node, 1e-4).neuron.trace(torch.tensor(x).view(-1, 1, 1), dt=1e-4)
    assert not np.array_equal(out.flatten().numpy(), s)


@pytest.mark.data
def test_the_whole_file_as_a_circuit(shared_data):
    """Its weight is part of the record: the file's linear layer comes before the neuron."""
    circuit = circuit_of(read(shared_data / "nir-lif" / "lif_norse.nir"), 1e-4, backend="eager", **EULER)
    x, _, s = np.loadtxt(shared_data / "nir-lif" / "lif_norse.csv", delimiter=",").T
    with torch.no_grad():
        out, _ = circuit(torch.tensor(x > 0).float().view(-1, 1, 1))
    assert list(circuit.populations) == ["1"] and circuit.shapes["input"] == (1,)
    assert np.array_equal(out.flatten().numpy(), s) and s.sum() == 4
