"""Files that the frameworks wrote, and the options by which ours runs them as they did, spike for spike.

No framework says in its file how it cuts the equation into steps, and some write numbers that are not what they run:

    Norse      tau is dt / tau_mem_inv: at its default dt of 1 ms the file is read at 1 us. Of a CubaLIF w_in is 1 where
               euler means tau_syn / dt.
    Sinabs     tau in steps: read at dt = 1. r is 1 for an ExpLeak of norm_input=False too, which adds x as it is.
    Rockpool   r is tau_mem exp(-dt / tau_mem) / dt and w_in is 1, where its own membrane adds the current as it is.
               Recurrent weights are not in the file at all, so there is none here.
    snnTorch   dt is always 0.1 ms.

Where a number is off by a factor, FACTOR times the input gives what the framework computed.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from snnctl.circuits import Circuit
from snnctl.interchange import NIRNetwork, circuit_of, read
from tests.networks.presets import data

HERE = Path(__file__).resolve().parent / "written_by"
EULER = {"decay": "euler", "drive": "euler"}
LATE = {"reset_delay": True}  # snnTorch's default: the reset acts one step later
READ = {  # dt, options, factor
    "snntorch_leaky": (1e-4, EULER | {"reset": "subtract"} | LATE, 1.0),
    "snntorch_synaptic": (1e-4, EULER | {"reset": "zero", "reset_delay": "with_input"}, 1.0),
    "snntorch_rleaky": (1e-4, EULER, 1.0),
    "snntorch_rsynaptic": (1e-4, EULER | {"reset": "subtract"} | LATE, 1.0),
    "norse_lif_box": (1e-6, EULER, 1.0),
    "norse_lif": (1e-6, EULER, 5.0),
    "norse_iaf": (1e-3, {}, 1.0),
    "sinabs_conv": (1.0, {"fire": "ge", "reset": "subtract", "max_spikes": None}, 1.0),
    "sinabs_lif": (1.0, {"fire": "ge", "reset": "subtract", "max_spikes": None}, 1.0),
    "rockpool_lif": (
        1e-3,
        {"synapse": "add_then_decay", "fire": "ge", "reset": "subtract", "max_spikes": None, "drive": "euler"},
        5 * math.exp(-1 / 5) * math.exp(1 / 20),
    ),
    "spikingjelly_conv": (1e-3, EULER | {"fire": "ge"}, 1.0),
    "spikingjelly_cuba": (1e-3, EULER | {"fire": "ge"}, 1.0),
}
NAMES = sorted(path.stem for path in HERE.glob("*.nir"))


def run(name: str, **changed) -> tuple[Circuit, torch.Tensor, torch.Tensor]:
    """The circuit, what it gives, and what the framework gave."""
    dt, options, factor = READ[name]
    circuit = circuit_of(read(HERE / f"{name}.nir"), dt, **{"backend": "eager", **options, **changed})
    with np.load(HERE / f"{name}.npz") as held:
        x, out = torch.tensor(held["x"]), torch.tensor(held["out"])
    if factor != 1:
        for p in circuit.out_of("input"):
            for layer in p.layers:
                layer.weight.data *= factor
                if layer.bias is not None:
                    layer.bias.data *= factor
    with torch.no_grad():
        return circuit, circuit(x)[0], out


def test_every_file_is_here():
    assert set(NAMES) == READ.keys() and len({name.partition("_")[0] for name in NAMES}) == 5


@pytest.mark.parametrize("name", READ)
def test_ours_is_theirs(name):
    circuit, given, expected = run(name)
    assert (expected != 0).float().mean() > 0.005
    if circuit.populations[circuit.into("output")[0].source].spiking:
        assert torch.equal(given, expected)
    torch.testing.assert_close(given, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", READ)
def test_at_other_conventions_it_is_not(name):
    """The comparison above can fail: each file, read at its dt and no option, or another, gives something else."""
    usual = {"decay": "exact", "drive": "exact", "reset": "value", "fire": "gt", "reset_delay": False}
    other = {"reset": "subtract"} if name == "norse_iaf" else usual
    _, given, expected = run(name, **other)
    assert not torch.allclose(given, expected, rtol=1e-3, atol=1e-3)


def test_what_a_file_leaves_open_is_told():
    assumed = circuit_of(read(HERE / "norse_iaf.nir"), 1e-3).assumed
    assert assumed == (
        "drive: step, an input of 1 adds r = 1 a step (IF with r = 1)",
        "fire: gt, a spike where v > v_threshold (IF)",
        "reset: value, to v_reset (IF)",
        "input: of (2, 4) the last axes, (4,), are one step; the others are batch or time",
    )
    jelly = circuit_of(read(HERE / "spikingjelly_conv.nir"), 1e-3).assumed
    assert "drive: exact, an input of 1 adds r (1 - decay) a step, r dt without a leak (IF, LIF)" in jelly
    looped = circuit_of(read(HERE / "snntorch_rleaky.nir"), 1e-4).assumed
    assert "cycle: what 1.lif gives comes to 1.lif one step later" in looped


@pytest.mark.parametrize("name", ["spikingjelly_conv", "snntorch_leaky", "sinabs_conv", "norse_lif_box"])
def test_a_step_of_theirs_is_a_step_of_the_data(name):
    """The framework's data had bins of 30 ms, whatever dt it writes."""
    dt, options, _ = READ[name]
    with np.load(HERE / f"{name}.npz") as held:
        x, out = torch.tensor(held["x"]), torch.tensor(held["out"])
    facts = data(tuple(x.shape[2:]), out.shape[2], dt=30e-3)
    options = {key: value for key, value in options.items() if key != "reset_delay"}
    given = {key: float("inf") if key == "max_spikes" else value for key, value in options.items()}
    network = NIRNetwork(facts, str(HERE / f"{name}.nir"), dt=dt, backend="eager", **given)
    circuit = circuit_of(read(HERE / f"{name}.nir"), dt, backend="eager", **options)
    with torch.no_grad():
        torch.testing.assert_close(network(x)[0], circuit(x)[0], rtol=1e-4, atol=1e-4)
    assert network.assumed[-1] == f"dt: a step of {dt:g} s in the file is one of 0.03 s in the data"
