"""Loihi 2: integers by hand, equal to Lava's, limits that fail by name, artefacts."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.circuits import Circuit, Projection, SumPool2d
from snnctl.errors import NoDevice, RunFailed, UserError
from snnctl.neurons import ALIF, IF, LI, LIF, CubaLIF
from snnctl.targets import DoesNotFit, artefact
from snnctl.targets.latency import latencies
from snnctl.targets.loihi2 import Loihi2, files
from snnctl.targets.loihi2.compartment import STATE, Registers, current, fired, membrane, trunc_shift
from snnctl.targets.loihi2.start import start
from tests.targets.loihi2_circuits import drawn

VECTORS = Path(__file__).parent / "vectors" / "loihi2.npz"
LOIHI = {"reset": "zero", "fire": "gt", "backend": "eager"}


def chain(neuron, weight, bias=None, size: int = 1, **more) -> Circuit:
    """input -> fc -> neuron -> output, and projections of `more`."""
    weight = torch.tensor(weight)
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight.data = weight
    if bias is not None:
        layer.bias.data = torch.tensor(bias)
    shapes = {"input": (weight.shape[1],), "hidden": (len(weight),), "output": (len(weight),)}
    joined = [Projection("input", "hidden", {"fc": layer}), Projection("hidden", "output"), *more.get("joined", ())]
    return Circuit({"hidden": neuron, **more.get("others", {})}, joined, shapes | more.get("shapes", {}), 1e-3)


def wide(inputs: int, neurons: int, neuron=None) -> Circuit:
    """A dense layer of any size, without weights."""
    with torch.device("meta"):
        layer = nn.Linear(inputs, neurons)
    shapes = {"input": (inputs,), "hidden": (neurons,), "output": (neurons,)}
    joined = [Projection("input", "hidden", {"fc": layer}), Projection("hidden", "output")]
    return Circuit({"hidden": neuron or LIF(**LOIHI)}, joined, shapes, 1e-3)


def reasons(circuit: Circuit, **limits) -> str:
    with pytest.raises(DoesNotFit) as caught:
        Loihi2(**limits).plan(circuit)
    return str(caught.value)


def test_a_compartment_by_hand():
    u, v, bias = torch.tensor([100]), torch.tensor([-50]), torch.tensor([7])
    # 100 * (4096 - 1025) / 4096 = 74.97, rounded to 74; + 64 * 3
    u = current(u, torch.tensor([3]), 1024)
    assert u.tolist() == [266]
    # -50 * (4096 - 512) / 4096 = -43.75, rounded towards zero to -43; + 266 + 7
    v = membrane(v, u, bias, 512)
    assert v.tolist() == [230]
    assert fired(v, 3).tolist() == [True] and fired(torch.tensor([192]), 3).tolist() == [False]  # above 3 * 64
    assert trunc_shift(torch.tensor([-4096, -4095, -1, 0, 1, 4095, 4096]), 12).tolist() == [-1, 0, 0, 0, 0, 0, 1]


def test_u_wraps_and_v_saturates():
    most = STATE // 64
    u = current(torch.zeros(4, dtype=torch.long), torch.tensor([most, most + 1, -most, -most + 1]), 4095)
    assert u.tolist() == [STATE, 64 - STATE, STATE, 64 - STATE]
    v = membrane(torch.tensor([STATE - 1, 1 - STATE]), torch.tensor([64, -64]), torch.zeros(2, dtype=torch.long), 0)
    assert v.tolist() == [STATE - 1, 1 - STATE]


def test_a_circuit_by_hand():
    # weights of one sign: 0.5 is 255 2^6 = 16320 bits, so the threshold 1.0 is 32640; half of v leaks: dv = 2048
    neuron = LIF(tau_mem=1e-3 / np.log(2), **LOIHI)
    circuit = chain(neuron, [[0.5, 0.25]])
    target = Loihi2()
    x = torch.tensor([[1.0, 1], [1, 1], [0, 0], [1, 1], [1, 1], [1, 1], [0, 1]])[:, None]
    model = target.quantise(circuit, target.plan(circuit))
    (p,), (s,) = model.populations, model.synapses
    assert (p.registers.du, p.registers.dv, p.vth) == (4095, 2048, 32640)
    assert (s.weight.tolist(), s.exponent, s.steps) == ([[255, 128]], 6, 1)
    # a = 16320 + 8192 = 24512; v = 24512, 36768 (spike), 0, 24512, 36768 (spike), 24512, 20448
    assert model.run(x).spikes["hidden"].flatten().tolist() == [0, 1, 0, 0, 1, 0, 0]


def test_counts_of_whole_numbers_are_exact():
    # w = 1, threshold 2, no leak: v >= 2 and v > 2 are both said exactly
    x = torch.ones(6, 1, 1)
    for fire, expected in (("ge", [0, 1, 0, 1, 0, 1]), ("gt", [0, 0, 1, 0, 0, 1])):
        circuit = chain(IF(threshold=2.0, fire=fire, reset="zero", backend="eager"), [[1.0]])
        target = Loihi2()
        model = target.quantise(circuit, target.plan(circuit))
        assert model.run(x).out.flatten().tolist() == expected


def test_a_bias_starts_when_the_circuit_does():
    bias, steps = torch.tensor([300, -7, 0]), 3
    for dv in (0, 100, 3000):
        v = start(bias, Registers(4095, dv), 1000, steps)
        for _ in range(steps):
            v = membrane(v, torch.zeros_like(v), bias, dv)
        assert v.tolist() == [0, 0, 0]
    assert start(torch.tensor([1 << 20]), Registers(4095, 4000), 1000, 3) is None  # 2^20 (4096 / 96)^3 has no 24 bits


def test_latencies():
    edges = [("input", "a", 0), ("a", "b", 0), ("a", "c", 0), ("b", "c", 0), ("c", "c", 1), ("c", "a", 3)]
    assert latencies(("a", "b", "c"), edges, 1e-3) == ({"a": 1, "b": 2, "c": 3}, [])
    _, late = latencies(("a", "b", "c"), [*edges[:-1], ("c", "a", 1), ("b", "b", 0)], 1e-3)
    found = {frozenset(misfit.layer.split(", ")): misfit.hint for misfit in late}
    assert "Delay of 0.001 s" in found[frozenset("b")]
    assert "Delay of 0.002 s" in found[frozenset("abc")]  # three connections, 1 step


def frozen() -> list[str]:
    with np.load(VECTORS) as stored:
        return sorted({name.split("/")[0] for name in stored.files}, key=int)


@pytest.mark.parametrize("case", frozen())
def test_equal_to_lava(case):
    with np.load(VECTORS) as stored:
        held = {name: stored[name] for name in stored.files if name.startswith(f"{case}/")}
    network = json.loads(str(held[f"{case}/network"])) | {"rounding": {}}
    parts = {kind: {n.removeprefix(f"{case}/{kind}/"): v for n, v in held.items() if f"/{kind}/" in n}
             for kind in ("arrays", "lava")}  # fmt: skip
    model = files.assembled(network, parts["arrays"])
    gave = model.computed(torch.from_numpy(parts["arrays"]["inputs"])[:, None].long())
    assert set(gave) == set(parts["lava"])
    for name, expected in parts["lava"].items():
        assert gave[name][:, 0].long().tolist() == expected.tolist()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_random_circuits_plan_build_and_simulate(tmp_path_factory, seed):
    circuit, x = drawn(seed)
    target = Loihi2()
    plan = target.plan(circuit)
    model = target.quantise(circuit, plan, x)
    folder = tmp_path_factory.mktemp("loihi2")
    target.build(model, circuit, plan, folder)
    mine, again = model.run(x), target.simulate(folder, x)
    assert torch.equal(mine.out, again.out) and set(mine.spikes) == set(circuit.names)
    assert all(torch.equal(mine.spikes[name], again.spikes[name]) for name in mine.spikes)
    for s in model.synapses:
        assert 1 <= s.steps <= 64 and s.weight.abs().max() <= 256 and -8 - model.fraction <= s.exponent <= 7
        assert not (s.weight.min() < 0 < s.weight.max()) or not bool((s.weight % 2).any())
    for p in model.populations:
        assert 0 <= p.registers.du < 4096 and 0 <= p.registers.dv < 4096 and 0 <= p.vth < 1 << 17
        assert p.mantissa.abs().max() < 1 << 12 and 0 <= p.exponent.min() and p.exponent.max() < 8


def test_close_to_the_float_circuit():
    torch.manual_seed(3)
    fc, classes = nn.Linear(12, 64), nn.Linear(64, 5)
    hidden = CubaLIF(tau_mem=10e-3, tau_syn=4e-3, **LOIHI)
    joined = [Projection("input", "hidden", {"fc": fc}), Projection("hidden", "readout", {"classes": classes}),
              Projection("readout", "output")]  # fmt: skip
    shapes = {"input": (12,), "hidden": (64,), "readout": (5,), "output": (5,)}
    circuit = Circuit({"hidden": hidden, "readout": LI(tau_mem=20e-3, backend="eager")}, joined, shapes, 1e-3)
    x = (torch.rand(60, 8, 12) < 0.2).float()
    target = Loihi2()
    traces = target.quantise(circuit, target.plan(circuit), x).run(x)
    with torch.no_grad():
        out, _, spikes = circuit.trace(x)
    assert 0.02 < spikes["hidden"].mean() < 0.5
    assert (spikes["hidden"] != traces.spikes["hidden"]).float().mean() < 0.01
    assert (out - traces.out).abs().mean() < 0.03 * out.abs().mean()


def test_maps_close_to_the_float_circuit():
    torch.manual_seed(5)
    conv, fc = nn.Conv2d(2, 3, 3, padding=1), nn.Linear(27, 4)
    joined = [
        Projection("input", "maps", {"conv": conv}),
        Projection("maps", "readout", {"pool": nn.AvgPool2d(2), "flat": nn.Flatten(), "fc": fc}),
        Projection("readout", "output"),
    ]
    shapes = {"input": (2, 6, 6), "maps": (3, 6, 6), "readout": (4,), "output": (4,)}
    maps = LIF(tau_mem=5e-3, threshold=0.5, **LOIHI)
    circuit = Circuit({"maps": maps, "readout": LI(tau_mem=20e-3, backend="eager")}, joined, shapes, 1e-3)
    x = torch.poisson(torch.full((40, 4, 2, 6, 6), 0.3))
    target = Loihi2()
    plan = target.plan(circuit)
    traces = target.quantise(circuit, plan, x).run(x)
    with torch.no_grad():
        out, _, spikes = circuit.trace(x)
    assert traces.spikes["maps"].shape == spikes["maps"].shape and 0.02 < spikes["maps"].mean() < 0.6
    assert (spikes["maps"] != traces.spikes["maps"]).float().mean() < 0.01
    assert (out - traces.out).abs().mean() < 0.03 * out.abs().mean()


def test_layers_are_cut_to_cores():
    plan = Loihi2().plan(wide(100, 4000))  # 108 bytes a neuron: 1,820 on a core of 196,608 bytes
    assert plan.cores == {
        "core 0": ("hidden [0:1820]",), "core 1": ("hidden [1820:3640]",), "core 2": ("hidden [3640:4000]",)
    }  # fmt: skip
    used = {r.name: r.used for r in plan.resources}
    assert used == {"delay": 1, "neurons on a core": 1820, "memory of a core": 196560, "cores": 3, "synapses": 400000}
    assert len(Loihi2().plan(wide(4, 20000)).cores) == 3  # 8,192 on a core


def test_connections_of_maps_are_counted():
    layers = {"conv": nn.Conv2d(2, 3, 3, padding=1), "pool": SumPool2d(2), "flat": nn.Flatten()}
    shapes = {"input": (2, 4, 4), "hidden": (12,), "output": (12,)}
    joined = [Projection("input", "hidden", layers), Projection("hidden", "output")]
    plan = Loihi2().plan(Circuit({"hidden": LIF(**LOIHI)}, joined, shapes, 1e-3))
    synapses = next(r.used for r in plan.resources if r.name == "synapses")
    assert synapses == 3 * 4 * 2 * 9  # each window of 2 x 2 sees 3 x 3 of the 4 x 4 pixels, in 2 channels


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["memory", "cores", "synapses", "neurons", "delay"]), st.integers(1, 1000))
def test_one_resource_too_many_fails_in_plan(resource, over):
    if resource == "memory":
        said = reasons(wide(196600 + over, 1))
        assert "hidden: " in said and "bytes: a core has 196,608" in said
    elif resource == "cores":
        assert "there are 128" in reasons(wide(100, 1820 * 128 + over))
    elif resource == "synapses":
        said = reasons(wide(100, 100), synapses=10000 - min(over, 9999))
        assert "10,000 synapses" in said
    elif resource == "neurons":
        assert "cores are needed" in reasons(wide(1, 50 + over), neurons=1, cores=50)
    else:
        circuit = chain(LIF(**LOIHI), [[1.0]], joined=[Projection("hidden", "hidden", {"fb": nn.Linear(1, 1)}, 64)])
        Loihi2().plan(circuit)
        circuit = chain(
            LIF(**LOIHI), [[1.0]], joined=[Projection("hidden", "hidden", {"fb": nn.Linear(1, 1)}, 64 + over)]
        )
        assert f"hidden: a delay of {64 + over} steps on the chip: there are 64" in reasons(circuit)


def test_every_reason_at_once():
    neuron = LIF(tau_mem=1.0, refractory=2e-3, max_spikes=3, v_min=-1.0)
    others = {"late": ALIF()}
    joined = [Projection("hidden", "late", {"pool": nn.Linear(1, 1)}),
              Projection("late", "hidden", {"back": nn.Linear(1, 1)}, 1)]  # fmt: skip
    said = reasons(chain(neuron, [[1.0]], joined=joined, others=others, shapes={"late": (1,)}))
    for reason in (
        "hidden: refractory is 0.002: the chip has none: set refractory: 0.0",
        "hidden: max_spikes is 3: the chip has none: set max_spikes: 1",
        "hidden: v_min is -1.0: the chip has none: set v_min: null",
        "hidden: reset is subtract: the chip sets v to 0: set reset: zero",
        "late: ALIF neurons",
        "hidden, late: a cycle of 2 connections is delayed by 1 step, and each connection takes 1 step: put "
        "snnctl.networks.Delay of 0.001 s into it",
    ):
        assert reason in said
    assert said.startswith("does not fit loihi2: 6 reasons")


@pytest.mark.parametrize(
    ("neuron", "says"),
    [
        (LIF(tau_mem=10.0, **LOIHI), "tau_mem leaks 0.0100% a step, on the chip 0.0000%"),
        (LIF(tau_mem=[5e-3, 6e-3], per="neuron", shape=(2,), **LOIHI), "tau_mem has several values"),
        (LIF(v_rest=0.1, **LOIHI), "v rests and resets at different potentials"),
        (LIF(reset="zero", reset_delay="with_input"), "reset_delay is with_input"),
        (LIF(ternary=True, reset="zero"), "ternary is True: the chip has none: set ternary: false"),
        (LI(v_min=-1.0), "v_min is -1.0"),
    ],
)
def test_conventions_that_it_has_not(neuron, says):
    said = reasons(wide(2, 2, neuron))
    assert f"hidden: {says}" in said


def test_what_is_rounded_is_noted():
    plan = Loihi2().plan(wide(2, 2, CubaLIF(tau_mem=20e-3, tau_syn=5e-3, reset="zero", fire="ge")))
    assert "hidden: tau_mem leaks 4.8771% a step, on the chip 4.8828%, 0.12% off" in plan.notes
    assert "hidden: tau_syn leaks 18.1269% a step, on the chip 18.1152%, 0.06% off" in plan.notes
    assert any("fires at v >= threshold" in note for note in plan.notes)


def test_a_membrane_cannot_be_sent_on():
    joined = [Projection("hidden", "last", {"fc2": nn.Linear(1, 1)})]
    said = reasons(chain(LI(), [[1.0]], joined=joined, others={"last": LIF(**LOIHI)}, shapes={"last": (1,)}))
    assert "hidden: its membrane goes to last" in said
    layers = [Projection("hidden", "last", {"norm": nn.BatchNorm1d(1)})]
    said = reasons(chain(LIF(**LOIHI), [[1.0]], joined=layers, others={"last": LI()}, shapes={"last": (1,)}))
    assert "norm: a BatchNorm1d is no matrix of synapses" in said


@pytest.mark.parametrize(("weight", "says"), [(float("nan"), "not finite"), (0.0, "all zero")])
def test_weights_that_mean_nothing(weight, says):
    circuit = chain(LIF(**LOIHI), [[weight]])
    with pytest.raises(UserError, match=f"fc: its weights are {says}"):
        Loihi2().quantise(circuit, Loihi2().plan(circuit))


def test_inputs_that_were_not_expected():
    circuit = chain(LIF(**LOIHI), [[1.0]])
    model = Loihi2().quantise(circuit, Loihi2().plan(circuit), torch.ones(3, 1, 1))
    with pytest.raises(UserError, match="not in whole numbers"):
        model.run(torch.full((3, 1, 1), 0.5))
    with pytest.raises(UserError, match=r"takes \(T, B, 1\)"):
        model.run(torch.ones(3, 1, 2))
    with pytest.raises(UserError, match="cores is 0"):
        Loihi2(cores=0)


def built(tmp_path) -> Path:
    circuit, target = chain(LIF(**LOIHI), [[1.0]]), Loihi2()
    plan = target.plan(circuit)
    model = target.quantise(circuit, plan)
    return artefact.build(tmp_path / "artefact", lambda f: target.build(model, circuit, plan, f), model.facts())


def test_an_artefact_that_was_edited(tmp_path):
    folder = built(tmp_path)
    assert set(artefact.opened(folder)["files"]) == {"arrays.npz", "network.json", "run_lava.py"}
    network = folder / "network.json"
    network.write_text(network.read_text().replace('"dv"', '"du"'))
    with pytest.raises(UserError, match=r"network\.json was edited"):
        artefact.opened(folder)


def test_flash_without_a_chip(tmp_path):
    folder = built(tmp_path)
    with pytest.raises(NoDevice, match="lava-loihi") as caught:
        Loihi2().flash(folder)
    assert "run_lava.py" in caught.value.hint and caught.value.exit_code == 3
    with pytest.raises(UserError, match="is no program"):
        Loihi2(sdk_python=str(tmp_path / "none")).flash(folder)
    sdk = tmp_path / "python"
    for script, error, says in (
        ("echo none", NoDevice, "without lava-loihi"),
        ("sleep 20", RunFailed, "did not end within 0.5 s"),
        ("exit 3", RunFailed, "failed with exit code 3"),
    ):
        sdk.write_text(f"#!/bin/sh\n{script}\n")
        sdk.chmod(sdk.stat().st_mode | stat.S_IXUSR)
        with pytest.raises(error, match=says):
            Loihi2(sdk_python=str(sdk), seconds=0.5).flash(folder)
    sdk.write_text("#!/bin/sh\necho lava-loihi\n")
    assert "ran a step" in Loihi2(sdk_python=str(sdk)).flash(folder)
    artefact.opened(folder)  # nothing was left in it
