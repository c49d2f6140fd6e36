"""Plans, limits and artefacts of Speck."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.circuits import Circuit, Projection, SumPool2d
from snnctl.errors import UserError
from snnctl.neurons import IF, LI, LIF
from snnctl.targets import DoesNotFit, artefact
from snnctl.targets.speck import Speck
from snnctl.targets.speck.configuration import FILE
from tests.targets.speck.chip import chain, neurons, speck


def misfits(circuit, **keys) -> list[str]:
    with pytest.raises(DoesNotFit) as error:
        speck(**keys).plan(circuit)
    return [str(misfit) for misfit in error.value.misfits]


def nmnist(device=None) -> Circuit:
    """Two convolutions and a linear layer, as in the recipe."""
    with torch.device(device or "cpu"):
        return chain(
            (2, 34, 34),
            {"conv1": nn.Conv2d(2, 16, 3, bias=False)},
            {"pool1": nn.AvgPool2d(2), "conv2": nn.Conv2d(16, 64, 3, bias=False)},
            {"pool2": nn.AvgPool2d(2), "flatten": nn.Flatten(), "classes": nn.Linear(3136, 10, bias=False)},
        )


def test_the_plan_of_a_network_on_the_meta_device():
    plan = speck().plan(nmnist("meta"))
    used = {(r.where, r.name.split()[0]): (r.used, r.available) for r in plan.resources}
    assert used["a", "kernel"][0] == 2 * 16 * 16 and used["a", "neuron"][0] == 16 * 32 * 32
    assert used["b", "kernel"] == (16 * 16 * 64, 16384) and used["b", "neuron"][0] == 64 * 16 * 16
    assert used["c", "kernel"] == (64 * 64 * 16, 65536) and used["c", "neuron"][0] == 10
    assert used["chip", "cores"] == (3, 9)
    assert not plan.notes and not plan.exceeded() and "sinabs.readthedocs.io" in plan.sources[0]
    assert sorted(name for names in plan.cores.values() for name in names) == ["a", "b", "c"]


def test_pooling_between_convolution_and_neurons_fits_as_a_strided_convolution():
    layers = {"conv": nn.Conv2d(2, 16, 3, padding="same", bias=False), "pool": nn.AvgPool2d(2)}
    circuit = chain((2, 34, 34), layers)
    chip = speck()
    plan = chip.plan(circuit)
    model = chip.quantise(circuit, plan)
    conv = model.layers[0].convolution
    assert (conv.kernel, conv.stride, conv.padding, conv.outputs) == (4, 2, 1, (16, 17, 17))


def test_what_the_chip_does_otherwise_is_noted():
    circuit = chain(
        (1, 9, 9),
        {"conv": nn.Conv2d(1, 2, 1)},
        {"pool": nn.AvgPool2d(2), "conv": nn.Conv2d(2, 2, 3, bias=False)},
        a=neurons(max_spikes=1, v_min=None),
        b=neurons(reset="zero"),
    )
    notes = "\n".join(speck().plan(circuit).notes)
    circuit.dt = 30e-3
    assert "once a step at 33 Hz for 33.33 Hz, -1.0 %," in "\n".join(speck().plan(circuit).notes)
    for said in (
        "a: fires at most 1 time a step in the circuit",
        "a: has no v_min",
        "a: biases are added at the ticks of the slow clock, once a step at 1000 Hz",
        "b: a map of 9x9 pooled by 2 leaves a rest",
        "b: resets to zero at each event",
    ):
        assert said in notes


@pytest.mark.parametrize(
    ("shape", "layers", "said"),
    [
        ((1, 17, 17), [{"f": nn.Flatten(), "fc": nn.Linear(289, 4)}], "a: a kernel of 17x17: at most 16x16"),
        ((1, 9, 9), [{"c": nn.Conv2d(1, 1, 3, stride=3)}], "a: a stride of 3: one of 1, 2, 4, 8"),
        ((1, 9, 9), [{"c": nn.Conv2d(1, 1, 3, padding=8)}], "a: a padding of 8: at most 7"),
        ((1, 129, 64), [{"c": nn.Conv2d(1, 1, 3, stride=4)}], "a: takes a map of 129x64: at most 128x128"),
        ((1, 67, 67), [{"c": nn.Conv2d(1, 1, 3)}], "a: 65x65 neurons a channel: at most 64x64"),
        ((1025, 1, 1), [{"c": nn.Conv2d(1025, 1, 1)}], "a: takes 1,025 channels: at most 1,024"),
        ((1, 1, 1), [{"c": nn.Conv2d(1, 1025, 1)}], "a: gives 1,025 channels: at most 1,024"),
        ((1, 1, 1), [{"c": nn.Conv2d(1, 1025, 1)}], "a: 1,025 words of bias memory: the largest core has 1,024"),
        ((64, 9, 9), [{"c": nn.Conv2d(64, 128, 3)}], "a: 131,072 words of kernel memory: the largest core has 65,536"),
        ((1, 64, 64), [{"c": nn.Conv2d(1, 17, 1)}], "a: 69,632 words of neuron memory: the largest core has 65,536"),
        ((1, 9, 9), [{"m": nn.MaxPool2d(3)}], "a: m is a MaxPool2d: between neurons the chip has"),
        (
            (1, 1, 1),
            [{}] * 10,
            "1 words of kernel memory, 1 of neuron memory; there are cores 0, 1, 2, 3, 4, 5, 6, 7, 8",
        ),
    ],
)
def test_past_a_limit_the_plan_names_layer_number_and_limit(shape, layers, said):
    assert any(said in text for text in misfits(chain(shape, *layers)))


@pytest.mark.parametrize(
    ("neuron", "said"),
    [
        (LIF(), "a: LIF: the chip has IF neurons only: set neuron=if"),
        (LI(), "a: LI: a membrane cannot be read out over time: set neuron@network.readout=if"),
        (IF(fire="gt"), "a: fire is gt: a core fires at v >= threshold: set fire: ge"),
        (IF(reset="none"), "a: reset is none: a core subtracts the threshold or resets to zero: set reset: subtract"),
        (IF(reset="value", v_reset=-0.5), "a: reset is value"),
        (IF(reset_delay=True), "a: reset_delay is True"),
        (IF(max_spikes=None, rounding="nearest"), "a: rounding is nearest"),
        (IF(ternary=True), "a: ternary is True"),
        (IF(refractory=2e-3), "a: refractory is 0.002"),
        (IF(threshold=[1.0, 2.0], per="channel", shape=(2, 1, 1)), "a: 2 thresholds: a core has one: set per: layer"),
    ],
)
def test_a_convention_that_a_core_has_not_is_named_with_what_to_set(neuron, said):
    circuit = chain((2, 3, 3), {"c": nn.Conv2d(2, 2, 3)}, a=neuron)
    assert any(said in text for text in misfits(circuit))


def test_all_reasons_come_at_once():
    circuit = chain((1, 70, 70), {"c": nn.Conv2d(1, 1, 3, stride=3, padding=8)}, {"m": nn.MaxPool2d(2)}, a=LIF())
    reasons = misfits(circuit)
    assert [r.split(":")[0] for r in reasons] == ["a", "b", "a", "a"]


def test_wires_that_the_chip_has_not():
    def wired(*projections, names="ab"):
        shapes = dict.fromkeys([*names, "input", "output"], (1,))
        return Circuit({name: neurons() for name in names}, projections, shapes, 1e-3)

    first, last = Projection("input", "a"), Projection("b", "output")
    cycle = wired(first, Projection("a", "b"), Projection("b", "a", {}, 1), last)
    assert any("a: b to a has a delay of 1 steps: the chip has none" in m for m in misfits(cycle))
    assert any("b: gets spikes from nothing" in m for m in misfits(wired(first, Projection("a", "output"), last)))
    assert any(
        "b: a to b has a delay of 2 steps" in m for m in misfits(wired(first, Projection("a", "b", {}, 2), last))
    )
    loop = wired(first, Projection("a", "a", {}, 1), Projection("a", "b"), last)
    assert any("a: a to a feeds back" in m for m in misfits(loop))
    fan = [Projection("a", name) for name in "bcd"]
    ends = [Projection(name, "output") for name in "bcd"]
    reasons = misfits(wired(first, *fan, *ends, names="abcd"))
    assert "a: sends to 3 layers: a core can send to 2" in reasons
    assert "output: 3 layers give the output: the spikes of one layer are read" in reasons
    behind = wired(first, Projection("a", "b"), Projection("b", "output", {"fc": nn.Linear(1, 1)}))
    assert any("output: fc lies behind the last neurons" in m for m in misfits(behind))


def branched(**layers: nn.Module) -> Circuit:
    """input to a, a to b, and both to c, through layers of the name."""
    shapes = {"input": (1, 8, 8), "a": (2, 8, 8), "b": (2, 4, 4), "c": (3, 4, 4), "output": (3, 4, 4)}
    first, second = nn.Conv2d(1, 2, 1, bias=False), nn.Conv2d(2, 2, 2, 2, bias=False)
    first.weight.data, second.weight.data = torch.full_like(first.weight, 0.5), torch.full_like(second.weight, 0.25)
    joined = [
        Projection("input", "a", {"first": first}),
        Projection("a", "b", {"second": second}),
        Projection("a", "c", {"pool": SumPool2d(2), "third": layers["a"]}),
        Projection("b", "c", {"third": layers["b"]}),
        Projection("c", "output"),
    ]
    return Circuit({"a": neurons(), "b": neurons(), "c": neurons()}, joined, shapes, 1e-3)


def test_two_layers_that_share_a_kernel_share_a_core(tmp_path):
    third = nn.Conv2d(2, 3, 1)
    third.weight.data, third.bias.data = torch.full_like(third.weight, 0.25), torch.full((3,), -0.5)
    circuit, chip = branched(a=third, b=third), speck()
    plan = chip.plan(circuit)
    chip.build(chip.quantise(circuit, plan), circuit, plan, tmp_path)
    said, cores = json.loads((tmp_path / FILE).read_text())["cores"], plan.details["cores"]
    assert said[str(cores["a"])]["destinations"] == [
        {"layer": cores["b"], "enable": True, "pooling": 1},
        {"layer": cores["c"], "enable": True, "pooling": 2},
    ]
    assert [said[str(cores[name])]["monitor_enable"] for name in "abc"] == [False, False, True]
    x = torch.poisson(torch.full((9, 2, 1, 8, 8), 2.0), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        _, _, wanted = circuit.trace(x)
    got = chip.simulate(tmp_path, x)
    # The bias comes with both projections, -1 in all, so the scale is 128: weights of 32, exact.
    assert got.out.sum() > 100 and all(torch.equal(got.spikes[name], wanted[name]) for name in "abc")


def test_two_kernels_into_one_layer_do_not_fit():
    torch.manual_seed(1)
    circuit = branched(a=nn.Conv2d(2, 3, 1), b=nn.Conv2d(2, 3, 1))
    said = "c: pool, third and third lead to it with different weights: a core has one kernel"
    assert any(m.startswith(said) for m in misfits(circuit))
    with torch.device("meta"):
        plan = speck().plan(branched(a=nn.Conv2d(2, 3, 1), b=nn.Conv2d(2, 3, 1)))
    with pytest.raises(DoesNotFit, match="1 reason"):  # seen as soon as there are weights
        speck().quantise(circuit, plan)


@st.composite
def circuits(draw):
    """Chains that fit, their weights drawn with a seed."""
    number = st.integers
    torch.manual_seed(draw(number(0, 10_000)))
    channels, side = draw(number(1, 3)), draw(number(6, 14))
    shape, layers = (channels, side, side), []
    for i in range(draw(number(1, 3))):
        named: dict[str, nn.Module] = {}
        if side >= 8 and draw(st.booleans()):
            named[f"pool{i}"], side = nn.AvgPool2d(2), side // 2
        kernel = draw(number(1, min(4, side)))
        features, stride = draw(number(1, 5)), draw(st.sampled_from([1, 2]))
        conv = nn.Conv2d(channels, features, kernel, stride, bias=draw(st.booleans()))
        conv.weight.data.mul_(4)
        named[f"conv{i}"], side, channels = conv, (side - kernel) // stride + 1, features
        layers.append(named)
    if draw(st.booleans()):
        fc = nn.Linear(channels * side * side, draw(number(1, 6)), bias=False)
        layers.append({"flatten": nn.Flatten(), "fc": fc})
    floor, reset = draw(st.sampled_from([None, -1.0, 0.0])), draw(st.sampled_from(["subtract", "zero"]))
    neuron = neurons(v_min=floor, reset=reset)
    return chain(shape, *layers, **dict.fromkeys("abcd"[: len(layers)], neuron))


@settings(max_examples=30, deadline=None)
@given(circuits())
def test_what_fits_is_planned_built_and_simulated_as_the_model_says(tmp_path_factory, circuit):
    chip, folder = speck(), tmp_path_factory.mktemp("artefact")
    x = torch.poisson(torch.full((4, 2, *circuit.shapes["input"]), 0.7))
    plan = chip.plan(circuit)
    model = chip.quantise(circuit, plan)
    chip.build(model, circuit, plan, folder)
    wanted, got = model.run(x), chip.simulate(folder, x)
    assert torch.equal(wanted.out, got.out) and wanted.out.shape[2:] == circuit.shapes["output"]
    assert wanted.spikes.keys() == got.spikes.keys() == set(circuit.names)
    assert all(torch.equal(wanted.spikes[name], got.spikes[name]) for name in circuit.names)
    assert all(layer.low <= 0 < layer.threshold < 2**15 for layer in model.layers)
    weights = torch.cat([layer.convolution.weight.flatten() for layer in model.layers])
    assert weights.min() >= -128 and weights.max() <= 127 and torch.equal(weights, weights.round())


@settings(max_examples=30, deadline=None)
@given(circuits())
def test_weights_that_the_chip_holds_exactly_give_the_spikes_of_the_circuit(circuit):
    for parameter in circuit.parameters():
        parameter.data = torch.where(parameter > 0, 0.25, -0.25)  # a scale of 2^8, or 2^10 where they are averaged
        parameter.data.view(-1)[0] = -0.5
    chip = speck()
    x = torch.poisson(torch.full((4, 2, *circuit.shapes["input"]), 0.7))
    with torch.no_grad():
        out, _, spikes = circuit.trace(x)
    traces = chip.quantise(circuit, chip.plan(circuit)).run(x)
    assert torch.equal(traces.out, out)
    assert all(torch.equal(traces.spikes[name], spikes[name]) for name in circuit.names)


def test_an_artefact_that_was_edited_is_refused(tmp_path):
    torch.manual_seed(1)
    circuit = chain((1, 4, 4), {"conv": nn.Conv2d(1, 2, 3)})
    chip = speck()
    plan = chip.plan(circuit)
    model = chip.quantise(circuit, plan)
    folder = artefact.build(tmp_path / "art", lambda part: chip.build(model, circuit, plan, part), model.facts())
    artefact.opened(folder)
    x = torch.poisson(torch.full((3, 1, 1, 4, 4), 2.0))
    assert torch.equal(chip.simulate(folder, x).out, model.run(x).out)
    file = folder / FILE
    file.write_text(file.read_text().replace('"kernel_size": 3', '"kernel_size": 4'))
    with pytest.raises(UserError, match=r"config.json was edited"):
        artefact.opened(folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda said: said.pop("cores"),
        lambda said: said["cores"]["0"].update(weights=[[1]]),
        lambda said: said["cores"]["0"]["dimensions"]["output_shape"].update(feature_count=9),
        lambda said: said["input"].update(cores=[]),
        lambda said: said["cores"]["0"].update(threshold_high=0),
    ],
)
def test_a_damaged_configuration_is_named(tmp_path, damage):
    circuit = chain((1, 4, 4), {"conv": nn.Conv2d(1, 2, 3)})
    chip = speck()
    plan = chip.plan(circuit)
    chip.build(chip.quantise(circuit, plan), circuit, plan, Path(tmp_path))
    said = json.loads((tmp_path / FILE).read_text())
    damage(said)
    (tmp_path / FILE).write_text(json.dumps(said))
    with pytest.raises(UserError, match=r"config.json is damaged"):
        chip.simulate(tmp_path, torch.zeros(1, 1, 1, 4, 4))
    (tmp_path / FILE).unlink()
    with pytest.raises(UserError, match=r"no config.json"):
        chip.simulate(tmp_path, torch.zeros(1, 1, 1, 4, 4))


def test_both_chips_are_composed_from_their_files():
    from hydra import compose, initialize_config_dir

    from tests.targets.speck.chip import CONFIGS

    for name, board in (("2e", "speck2edevkit"), ("2f", "speck2fdevkit")):
        with initialize_config_dir(str(CONFIGS.parents[1]), version_base=None):
            said = compose(overrides=[f"+target=speck/{name}"])["target"]
        assert said["name"] == f"speck/{name}" and said["device"] == board and len(said["kernel_memory"]) == 9
    keys = {key: value for key, value in said.items() if key != "_target_"}
    with pytest.raises(UserError, match="there is no device"):
        Speck(**{**keys, "device": "speck9"})
    with pytest.raises(UserError, match="kernel_memory has 1 cores"):
        Speck(**{**keys, "kernel_memory": [1]})
