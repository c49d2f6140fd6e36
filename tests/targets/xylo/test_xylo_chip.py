"""Chips: what fits, what does not and why, the artefact, and random circuits through every stage."""

from __future__ import annotations

import math
import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.circuits import Circuit, Projection
from snnctl.errors import UserError
from snnctl.neurons import IF, LI, LIF, CubaLIF
from snnctl.targets import DoesNotFit
from snnctl.targets.xylo.model import XyloModel
from tests.targets.xylo.circuits import DT, SHIFTS, chip, circuit, events, neurons, readout

CHIPS = ("a2", "a3", "imu")


def reasons(target, net: Circuit) -> list[str]:
    with pytest.raises(DoesNotFit) as caught:
        target.plan(net)
    return [str(misfit) for misfit in caught.value.misfits]


@pytest.mark.parametrize("name", CHIPS)
def test_what_is_used_of_what_there_is(name):
    plan = chip(name).plan(circuit(8, 100, 8))
    used = {r.name: (r.used, r.available) for r in plan.resources}
    hidden, outputs, most = {"a2": (1000, 8, 32000), "a3": (992, 32, 31744), "imu": (496, 16, None)}[name]
    assert used["inputs"] == (8, 16) and used["hidden"] == (100, hidden) and used["outputs"] == (8, outputs)
    assert used["connections"] == (10000, most) and used["synapses"][0] == 1
    assert used["input expansion"] == used["output expansion"] == (100, 1000 if name == "a2" else 128)
    assert plan.notes[-1].startswith("output: comes 1 step later")


def test_the_numbers_of_braille():
    """27 letters fit A3; A2 and IMU say why not."""
    net = circuit(8, 128, 27)
    assert chip("a3").plan(net).cores == {"chip": ("hidden", "readout")}
    assert reasons(chip("a2"), net) == ["readout: 27 output neurons, xylo/a2 has 8: at most 8 classes"]
    assert reasons(chip("imu"), net) == ["readout: 27 output neurons, xylo/imu has 16: at most 16 classes"]


def test_every_reason_at_once():
    with torch.device("meta"):  # before training
        net = circuit(17, 1200, 40, middle=LIF(), last=LI())
    said = reasons(chip("a3"), net)
    for words in ("17 inputs", "1,200 hidden neurons, xylo/a3 has 992", "40 output neurons", "neurons are LIF",
                  "neuron=cuba_lif neuron.synapse=add_then_decay", "no synaptic current", "1,440,000 connections",
                  "1,200 neurons that take input", "1,200 neurons that reach"):  # fmt: skip
        assert any(words in line for line in said), words


@pytest.mark.parametrize(
    "options, words",
    [
        ({"max_spikes": 1}, "max_spikes is 1, the core's is 31: set neuron.max_spikes=31"),
        ({"reset": "zero"}, "reset is zero, which the core cannot do: set neuron.reset=subtract"),
        ({"reset_delay": True}, "set neuron.reset_delay=false"),
        ({"v_min": -1.0}, "set neuron.v_min=null"),
        ({"refractory": 2e-3}, "set neuron.refractory=0"),
        ({"rounding": "nearest"}, "set neuron.rounding=down"),
        ({"v_rest": 0.5}, "set neuron.v_rest=0"),
        ({"tau_syn": 0.6e-3}, "set neuron.tau_syn=0.00141 (s) or above"),
    ],
)
def test_conventions_that_the_core_does_not_have(options, words):
    (said,) = reasons(chip("a3"), circuit(middle=neurons(**options)))
    assert said.startswith("hidden: ") and words in said


def test_outputs_that_the_core_does_not_have():
    spiking = neurons(max_spikes=None)
    assert "set network.readout.max_spikes=1" in reasons(chip("a3"), circuit(last=spiking))[0]
    assert "neuron@network.readout=li" in reasons(chip("a3"), circuit(last=IF()))[0]
    assert "set network.readout.v_min=null" in reasons(chip("a3"), circuit(last=readout(v_min=-1.0)))[0]
    chip("a3").plan(circuit(last=neurons(max_spikes=1)))


def test_what_is_only_approximated_is_noted():
    exact = CubaLIF(tau_mem=21e-3, tau_syn=8e-3, fire="gt", max_spikes=None)
    notes = "\n".join(chip("a3").plan(circuit(bias=True, middle=exact)).notes)
    assert "hidden: tau_mem acts as 21 ms and becomes 15.49 ms (shift 4, -26.2 %)" in notes
    assert "hidden: tau_syn acts as 8 ms and becomes 7.489 ms (shift 3, -6.4 %)" in notes
    assert "at most 31 spikes" in notes and "the network at v > threshold" in notes and "fc: its bias acts" in notes
    # dt / 1 - 2^-n is what was trained with: nothing to note
    assert not [line for line in chip("a3").plan(circuit(delay=1)).notes if "tau" in line or "later" in line]


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_one_past_any_limit_is_a_misfit_that_names_it(data):
    """At the limit it fits; with one more it does not."""
    name = data.draw(st.sampled_from(CHIPS))
    words, argument = data.draw(
        st.sampled_from([("inputs", "inputs"), ("output neurons", "outputs"), ("take input", "hidden")])
    )
    target = chip(name)
    sizes = {"inputs": 3, "hidden": 4, "outputs": 2}
    limit = {"inputs": target.limits["inputs"], "outputs": target.limits["outputs"],
             "hidden": target.limits["input_expansion"]}[argument]  # fmt: skip
    with torch.device("meta"):
        fits, past = (circuit(**{**sizes, argument: limit + more}) for more in (0, 1))
    for net in (fits, past):  # A2's 1000 neurons cannot all be connected to all
        net.projections = nn.ModuleList(p for p in net.projections if p.source != p.target)
    target.plan(fits)
    assert any(words in line and f"{limit + 1:,}" in line for line in reasons(target, past))


def test_one_connection_too_many():
    names = {"a": 128, "b": 120, "c": 128}
    joined = [Projection("input", "a", {"in": nn.Linear(2, 128)})]
    joined += [Projection(s, t, {f"{s}{t}": nn.Linear(names[s], names[t])}) for s, t in (("a", "b"), ("b", "c"))]
    joined += [Projection("c", "last", {"out": nn.Linear(128, 2)}), Projection("last", "output")]
    shapes = {"input": (2,), **{k: (n,) for k, n in names.items()}, "last": (2,), "output": (2,)}

    def net() -> Circuit:
        return Circuit({**{k: neurons() for k in names}, "last": readout()}, joined, shapes, DT)

    assert next(r.used for r in chip("a3").plan(net()).resources if r.name == "connections") == 30720
    joined.append(Projection("b", "b", {"again": nn.Linear(120, 120, bias=False)}, 1))
    said = reasons(chip("a3"), net())
    assert len(said) == 1 and "45,120 connections between hidden neurons, xylo/a3 has 31,744" in said[0]


def test_connections_are_counted_by_structure():
    """A convolution of 3 taps over 6 neurons: 16 of 36, on the meta device too; 2^26 are not built."""

    def net(device: str, size: int) -> Circuit:
        with torch.device(device):
            taps = {"row": nn.Unflatten(1, (1, size)), "conv": nn.Conv1d(1, 1, 3, padding=1), "flat": nn.Flatten()}
            parts = [{"fc": nn.Linear(2, size)}, taps, {"classes": nn.Linear(size, 2)}, {}]
        ends = [("input", "a"), ("a", "b"), ("b", "last"), ("last", "output")]
        joined = [Projection(*end, part) for end, part in zip(ends, parts, strict=True)]
        shapes = {"input": (2,), "a": (size,), "b": (size,), "last": (2,), "output": (2,)}
        return Circuit({"a": neurons(), "b": neurons(), "last": readout()}, joined, shapes, DT)

    for device in ("cpu", "meta"):
        plan = chip("a3").plan(net(device, 6))
        assert next(r.used for r in plan.resources if r.name == "connections") == 16
    assert any("67,108,864 connections" in line for line in reasons(chip("a3"), net("meta", 2**13)))


@st.composite
def circuits(draw) -> Circuit:
    """Circuits within A3's limits: one to three layers, recurrent or not, integrating or spiking outputs."""
    depth, inputs, outputs = draw(st.integers(1, 3)), draw(st.integers(1, 16)), draw(st.integers(1, 32))
    sizes = [draw(st.integers(1, 24)) for _ in range(depth)]
    torch.manual_seed(draw(st.integers(0, 10**6)))
    taus = st.floats(2e-3, 60e-3)
    decay, synapse = draw(st.sampled_from(["exact", "bitshift"])), draw(st.sampled_from(["decay_then_add",
                                                                                        "add_then_decay"]))  # fmt: skip

    def cell(**more):
        given = {**SHIFTS, "decay": decay, "synapse": synapse, "threshold": draw(st.floats(0.2, 3.0)), **more}
        return CubaLIF(tau_mem=draw(taus), tau_syn=draw(taus), **given)

    populations, joined, shapes, before = {}, [], {"input": (inputs,)}, "input"
    for k, size in enumerate(sizes):
        name = f"layer{k}"
        populations[name] = cell(max_spikes=31)
        bias = draw(st.booleans())
        joined.append(Projection(before, name, {f"fc{k}": nn.Linear(math.prod(shapes[before]), size, bias=bias)}))
        if draw(st.booleans()):
            joined.append(Projection(name, name, {f"rec{k}": nn.Linear(size, size, bias=False)}, 1))
        shapes[name] = (size,)
        before = name
    spiking = draw(st.booleans())
    populations["last"] = cell(max_spikes=1) if spiking else readout(tau_mem=draw(taus), tau_syn=draw(taus))
    joined += [Projection(before, "last", {"out": nn.Linear(sizes[-1], outputs)}), Projection("last", "output")]
    return Circuit(populations, joined, {**shapes, "last": (outputs,), "output": (outputs,)}, DT)


@settings(max_examples=25, deadline=None)
@given(net=circuits(), method=st.sampled_from(["global", "channel"]), calibrated=st.booleans())
def test_what_is_within_the_limits_plans_builds_and_simulates(net, method, calibrated, tmp_path_factory):
    target = chip("a3", quantisation=method)
    x = events(net.shapes["input"][0], 12, 3)
    plan = target.plan(net)
    model = target.quantise(net, plan, x if calibrated else None)
    folder = tmp_path_factory.mktemp("xylo")
    target.build(model, net, plan, folder)
    ran, simulated = model.run(x), target.simulate(folder, x)
    assert torch.equal(ran.out, simulated.out) and ran.out.shape == (12, 3, *net.shapes["output"])
    assert set(ran.spikes) == set(simulated.spikes) == set(net.names)
    for name, spikes in ran.spikes.items():
        assert torch.equal(spikes, simulated.spikes[name]) and spikes.shape == (12, 3, *net.shapes[name])
    spec = model.spec
    assert spec.threshold.min() >= 1 and 1 <= spec.dash_syn.min() and spec.dash_mem.max() <= 15
    assert set(spec.arguments()) <= {"bias_hidden", "bias_out"} | {
        "weights_in", "weights_rec", "weights_out", "dash_mem", "dash_mem_out", "dash_syn", "dash_syn_2",
        "dash_syn_out", "threshold", "threshold_out", "weight_shift_in", "weight_shift_rec", "weight_shift_out",
    }  # fmt: skip
    shutil.rmtree(folder)


def test_inputs_that_are_no_spikes():
    target, net = chip("a3"), circuit()
    model = target.quantise(net, target.plan(net))
    with pytest.raises(UserError, match=r"holds 0\.5"):
        model.run(torch.full((3, 1, 5), 0.5))
    with pytest.raises(UserError, match="holds -1"):
        model.run(-torch.ones(3, 1, 5))
    with pytest.raises(UserError, match="wanted"):
        model.run(torch.ones(3, 1, 6))
    assert torch.equal(model.run(torch.full((3, 1, 5), 15)).out, model.run(torch.full((3, 1, 5), 90)).out)


def test_an_artefact_that_is_damaged(tmp_path):
    target, net = chip("a3"), circuit()
    plan = target.plan(net)
    target.build(target.quantise(net, plan), net, plan, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "chip.json", "configure.py", "layout.json", "specification.npz",
    ]  # fmt: skip
    (tmp_path / "layout.json").write_text("{}")
    with pytest.raises(UserError, match="holds no Xylo core"):
        target.simulate(tmp_path, events())
    (tmp_path / "specification.npz").unlink()
    with pytest.raises(UserError, match="holds no Xylo core"):
        XyloModel.load(tmp_path)
