"""SpiNNaker: the fixed point by hand, limits that fail by name, artefacts, and sPyNNaker's virtual board."""

from __future__ import annotations

import json
import math
import os
import stat

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.circuits import Circuit, Projection
from snnctl.errors import NoDevice, RunFailed, UserError
from snnctl.neurons import IF, LI, LIF, CubaLIF
from snnctl.targets import DoesNotFit
from snnctl.targets.spinnaker import SpiNNaker, files, fixed
from snnctl.targets.spinnaker.scales import _shift

SPYNNAKER = os.environ.get("SNNCTL_SPYNNAKER")  # a python that has sPyNNaker 7.4.1


def circuit(hidden, size: int = 6, inputs: int = 4, classes: int = 3, delay: int = 1, seed: int = 0) -> Circuit:
    """input -> hidden (recurrent) -> readout -> output."""
    torch.manual_seed(seed)
    fc, back, out = nn.Linear(inputs, size), nn.Linear(size, size, bias=False), nn.Linear(size, classes)
    joined = [
        Projection("input", "hidden", {"fc": fc}),
        Projection("hidden", "hidden", {"feedback": back}, delay),
        Projection("hidden", "readout", {"classes": out}),
        Projection("readout", "output"),
    ]
    shapes = {"input": (inputs,), "hidden": (size,), "readout": (classes,), "output": (classes,)}
    readout = LI(tau_mem=20e-3, backend="eager")
    return Circuit({"hidden": hidden, "readout": readout}, joined, shapes, 1e-3)


def cells(**options) -> CubaLIF:
    return CubaLIF(**{"tau_mem": 10e-3, "tau_syn": 4e-3, "reset": "zero", "backend": "eager"} | options)


def reasons(net: Circuit, **limits) -> str:
    with pytest.raises(DoesNotFit) as caught:
        SpiNNaker(**limits).plan(net)
    return str(caught.value)


def test_the_fixed_point_by_hand():
    assert fixed.bits(torch.tensor([1.0, -0.5, 1e-5])).tolist() == [32768, -16384, 0]
    # 3 * 0.5 = 1.5 and -3 * 0.5 = -1.5 bits, to the nearest, halves up
    assert fixed.product(torch.tensor([3, -3, 5]), torch.tensor([16384, 16384, 32768])).tolist() == [2, -1, 5]
    assert fixed.decayed(torch.tensor([3, -3]), torch.tensor([1 << 31, 1 << 31])).tolist() == [1, -2]  # down
    assert [_shift(x) for x in (0.0, 0.5, 1.0, 1.5, 2.0, 100.0)] == [0, 0, 1, 1, 2, 7]  # below 2^shift


def test_a_circuit_by_hand():
    neuron = LIF(tau_mem=1e-3 / math.log(2), reset="zero", backend="eager")  # half of v is left after a step
    layer = nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(0.75)
    joined = [Projection("input", "hidden", {"fc": layer}), Projection("hidden", "output")]
    net = Circuit({"hidden": neuron}, joined, {"input": (1,), "hidden": (1,), "output": (1,)}, 1e-3)
    target = SpiNNaker()
    model = target.quantise(net, target.plan(net))
    assert model.populations[0].unit == 64.0 and model.connections[0].weight.item() == pytest.approx(
        0.75 * 64 / 0.5 * 20
    )
    # v = 0.75, 1.125 (spike), 0.75, 0.375, 0.9375, 1.21 (spike)
    x = torch.tensor([1.0, 1, 1, 0, 1, 1])[:, None, None]
    assert model.run(x).out.flatten().tolist() == [0, 1, 0, 0, 0, 1]


@pytest.mark.parametrize("options", [{}, {"synapse": "next_step"}, {"synapse": "add_then_decay", "input_gain": 0.5},
                                     {"reset": "value", "v_reset": -0.3, "v_rest": 0.1}, {"refractory": 3e-3},
                                     {"threshold": [0.5, 0.8, 1.0, 1.1, 0.7, 0.9] * 8, "per": "neuron",
                                      "shape": (48,)}, {"reset_delay": True}])  # fmt: skip
def test_close_to_the_float_circuit(options):
    net = circuit(cells(**options), size=48, inputs=12)
    x = torch.poisson(torch.full((80, 4, 12), 0.6))
    target = SpiNNaker()
    model = target.quantise(net, target.plan(net), x)
    traces = model.run(x)
    with torch.no_grad():
        out, _, spikes = net.trace(x)
    assert 0.01 < spikes["hidden"].mean() < 0.5
    assert (spikes["hidden"] != traces.spikes["hidden"]).float().mean() < 0.02
    assert (out - traces.out).abs().mean() < 0.05 * out.abs().mean()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(1, 16), st.integers(1, 4))
def test_random_circuits_plan_build_and_simulate(tmp_path_factory, seed, size, delay, most):
    net = circuit(cells(tau_mem=(1 + seed % 50) * 1e-3), size=size, delay=delay, seed=seed)
    x = torch.randint(0, most + 1, (20, 2, 4), generator=torch.Generator().manual_seed(seed)).float()
    target = SpiNNaker()
    plan = target.plan(net)
    model = target.quantise(net, plan, x)
    folder = tmp_path_factory.mktemp("spinnaker")
    target.build(model, net, plan, folder)
    mine, again = model.run(x), target.simulate(folder, x)
    assert torch.equal(mine.out, again.out) and set(mine.spikes) == {"hidden", "readout"}
    assert torch.equal(mine.spikes["hidden"], again.spikes["hidden"])
    for p in model.populations:
        for c in model.connections:
            if c.target == p.name:  # no weight loses its upper bits
                assert (c.weight.max() * 2 ** (15 - p.shifts[0])).round() <= 65535
                assert (-c.weight.min() * 2 ** (15 - p.shifts[1])).round() <= 65535


def wide(size: int, inputs: int = 4) -> Circuit:
    """A dense layer of any size, without weights."""
    with torch.device("meta"):
        layer = nn.Linear(inputs, size)
    joined = [Projection("input", "hidden", {"fc": layer}), Projection("hidden", "output")]
    return Circuit({"hidden": cells()}, joined, {"input": (inputs,), "hidden": (size,), "output": (size,)}, 1e-3)


def test_layers_are_cut_to_cores():
    plan = SpiNNaker().plan(wide(600))
    assert plan.cores == {
        "core 0": ("input",), "core 1": ("hidden [0:256]",), "core 2": ("hidden [256:512]",),
        "core 3": ("hidden [512:600]",), "core 4": ("(bias)",),
    }  # fmt: skip
    assert plan.resources[-1].used == 600 * 4 * 4 + 3 * 4 * 12


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(["cores", "sdram", "delay"]), st.integers(1, 500))
def test_one_resource_too_many_fails_in_plan(resource, over):
    if resource == "cores":  # one for the input, one for the bias
        SpiNNaker(version=3).plan(wide(58 * 256))
        said = reasons(wide(58 * 256 + over), version=3)
        assert "cores are needed, of which hidden takes" in said and "or target.version=5" in said
    elif resource == "sdram":
        assert "bytes of synapses" in reasons(wide(100, 100), sdram=max(1, 41200 // 48 - over))
    else:
        said = reasons(circuit(cells(), delay=16 + over))
        assert f"hidden: a delay of {16 + over} steps on the machine: there are 16" in said


@pytest.mark.parametrize(
    ("neuron", "says"),
    [
        (IF(reset="zero"), "IF neurons, which are no IF_curr_exp: use LIF, CubaLIF, LI"),
        (cells(reset="subtract"), "reset is subtract: the chip sets v: set reset: zero, or value"),
        (cells(max_spikes=None), "max_spikes is None: the chip has none: set max_spikes: 1"),
        (cells(v_min=-1.0), "v_min is -1.0: the chip has none: set v_min: null"),
        (cells(reset="value", v_reset=-0.5, refractory=2e-3), "refractory is set and v_reset is not v_rest"),
        (cells(reset_delay="with_input"), "reset_delay is with_input"),
        (cells(decay="euler", tau_mem=1e-3), "tau_mem leaves 0 or less after a step"),
    ],
)
def test_conventions_that_it_has_not(neuron, says):
    assert f"hidden: {says}" in reasons(circuit(neuron))


def test_inputs_and_weights_that_mean_nothing():
    net, target = circuit(cells()), SpiNNaker()
    model = target.quantise(net, target.plan(net))
    with pytest.raises(UserError, match="not in whole numbers"):
        model.run(torch.full((3, 1, 4), 0.5))
    with pytest.raises(UserError, match="takes"):
        model.run(torch.ones(3, 1, 2))
    net.projections[0].layers[0].weight.data.fill_(float("nan"))
    with pytest.raises(UserError, match="fc: its weights are not finite"):
        target.quantise(net, target.plan(net))
    net.projections[0].layers[0].weight.data.zero_()
    with pytest.raises(UserError, match="fc: its weights are all zero"):
        target.quantise(net, target.plan(net))
    for wrong in ({"version": 4}, {"neurons": 0}):
        with pytest.raises(UserError, match=f"{next(iter(wrong))} is"):
            SpiNNaker(**wrong)


def test_tools_that_are_missing_or_fail(tmp_path):
    net, target = circuit(cells()), SpiNNaker()
    model = target.quantise(net, target.plan(net))
    folder = tmp_path / "artefact"
    folder.mkdir()
    target.build(model, net, target.plan(net), folder)
    with pytest.raises(NoDevice, match="no interpreter with sPyNNaker") as caught:
        target.flash(folder)
    assert caught.value.exit_code == 3 and "run_spynnaker.py" in caught.value.hint
    with pytest.raises(UserError, match="is no program"):
        SpiNNaker(sdk_python=str(tmp_path / "none")).build(model, net, target.plan(net), folder)
    sdk = tmp_path / "python"
    for script, says in (("sleep 20", "did not end within 0.5 s"), ("exit 3", "failed with exit code 3")):
        sdk.write_text(f"#!/bin/sh\n{script}\n")
        sdk.chmod(sdk.stat().st_mode | stat.S_IXUSR)
        with pytest.raises(RunFailed, match=says):
            SpiNNaker(sdk_python=str(sdk), board="host", seconds=0.5).flash(folder)
    other = {"cores": {"0,0,3": {}}, "sdram": {"0,0": 5}, "routing entries": {}, "shifts": {"hidden": [1, 1]}}
    sdk.write_text(f"#!/bin/sh\ncat > $5 <<'E'\n{json.dumps(other)}\nE\n")
    with pytest.raises(RunFailed, match="sPyNNaker shifts its weights"):
        SpiNNaker(sdk_python=str(sdk)).build(model, net, target.plan(net), folder)


@pytest.mark.slow
@pytest.mark.skipif(SPYNNAKER is None, reason="SNNCTL_SPYNNAKER names no python with sPyNNaker 7.4.1")
@pytest.mark.parametrize("version", [3, 5])
def test_the_virtual_board(tmp_path, version):
    net = circuit(cells(refractory=2e-3), size=300)
    target = SpiNNaker(version=version, sdk_python=SPYNNAKER, neurons=100)
    plan = target.plan(net)
    model = target.quantise(net, plan, torch.poisson(torch.full((20, 2, 4), 0.6)))
    target.build(model, net, plan, tmp_path)  # fails where sPyNNaker's shifts are not ours
    found = json.loads((tmp_path / "mapping.json").read_text())
    parts = [tuple(core["neurons"]) for core in found["cores"].values() if core["layer"] == "hidden"]
    assert sorted(parts) == [(0, 100), (100, 200), (200, 300)]
    assert all(0 < used < 117440512 for used in found["sdram"].values()) and sum(found["routing entries"].values()) > 0
    assert torch.equal(files.read(tmp_path).run(torch.ones(5, 1, 4)).out, model.run(torch.ones(5, 1, 4)).out)
