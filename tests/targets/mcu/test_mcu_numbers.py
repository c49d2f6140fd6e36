"""The target "mcu" without a tool chain: whole numbers, wirings, bytes, and what does not fit."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from torch import nn

from snnctl.circuits import Circuit, Projection, Scale, SumPool2d
from snnctl.errors import UserError
from snnctl.kernels.program import Line, Program, Untraceable
from snnctl.neurons import ALIF, IF, LI, LIF, CubaLIF
from snnctl.targets.mcu import sizes
from snnctl.targets.mcu.fixed import scaled, whole
from snnctl.targets.mcu.floats import Floats
from snnctl.targets.mcu.inputs import Inputs, chosen
from snnctl.targets.mcu.integers import Integers
from snnctl.targets.mcu.wiring import arranged, core_weights, wiring
from snnctl.targets.plan import DoesNotFit
from tests.targets.mcu.circuits import DT, circuits, convolutional, events, joined, recurrent, target

COUNTS = Inputs("counts")


def two_inputs(tau: float = 2.0, **conventions) -> Circuit:
    """One neuron that two inputs drive with 1 and -0.5; of its membrane 1 - 1 / tau is left after a step."""
    fc = nn.Linear(2, 1, bias=False)
    fc.weight = nn.Parameter(torch.tensor([[1.0, -0.5]]))
    neuron = LIF(tau_mem=tau * DT, decay="euler", **conventions)
    shapes = {"input": (2,), "a": (1,), "output": (1,)}
    joints = [Projection("input", "a", {"fc": fc}), Projection("a", "output")]
    return Circuit({"a": neuron}, joints, shapes, DT).requires_grad_(False)


def test_the_trace_of_a_neuron_written_out():
    model = Integers(two_inputs(), COUNTS)
    synapses, cells = model.synapses["a"][0], model.cells["a"]
    assert synapses.weights.tolist() == [[127], [-64]]  # of 1 / 127, halves to even
    assert cells.fraction == 15 and cells.unit == pytest.approx(1 / 127 / 2**15)
    one = 127 * 2**15
    assert cells.coefs == {"c_decay": 2**29, "c_threshold": one}  # 0.5 in 30 bits; 1.0 in units of the membrane
    x = torch.tensor([[1, 1], [1, 0], [0, 0], [0, 2], [0, 0], [3, 0], [0, 0]]).float()
    v = [63 * 2**15]  # 127 - 64
    v += [v[0] // 2 + one - one]  # fires
    v += [v[1] // 2, v[1] // 4 - 128 * 2**15]
    v += [v[3] // 2]
    v += [v[4] // 2 + 3 * one - one]  # fires
    v += [v[5] // 2 - (one if v[5] // 2 >= one else 0)]
    states, seen = cells.rest(1), []
    for row in x:
        y, states = cells.step(synapses.arriving(row.view(1, 2).long()), states)
        seen.append((y.item(), states[0].item()))
    assert [s for s, _ in seen] == [0, 1, 0, 0, 0, 1, 0] and [after for _, after in seen] == v
    assert model.run(x.view(7, 1, 2)).out.flatten().tolist() == [0, 1, 0, 0, 0, 1, 0]


def test_ge_fires_at_the_threshold_and_gt_above_it():
    for fire, expected in (("ge", 1.0), ("gt", 0.0)):
        out = Integers(two_inputs(fire=fire), COUNTS).run(torch.tensor([[[1.0, 0.0]]])).out
        assert out.item() == expected


def test_products_are_rounded_to_the_nearest_halves_up():
    half = 1 << 29
    for a, expected in ((3, 2), (-3, -1), (5, 3), (-5, -2), (4, 2), (0, 0)):
        assert scaled(torch.tensor(a), half, 30).item() == expected


def test_a_membrane_saturates_instead_of_wrapping():
    circuit = two_inputs(20.0)
    for bits in (16, 32):
        model = Integers(circuit, COUNTS, bits)
        cells = model.cells["a"]
        states = cells.rest(1)
        for _ in range(100):
            _, states = cells.step(torch.tensor([[-(1 << 29)]]), states)
        assert states[0].item() == -cells.states[0].limit
        assert cells.states[0].limit >= 8 * cells.coefs["c_threshold"]


def test_projections_into_one_population_share_a_scale_by_powers_of_two():
    circuit = recurrent()
    with torch.no_grad():
        circuit.projections[1].layers[0].weight.mul_(5)
    model = Integers(circuit, COUNTS)
    fc, feedback = model.synapses["hidden"]
    assert feedback.scale == fc.scale * 2**feedback.shift and feedback.shift >= 1 and fc.shift == 0
    assert fc.weights.abs().max() == 127 and 63 <= feedback.weights.abs().max() <= 127
    assert model.facts()["largest_weight_error"] < 1 / 127


CONVENTIONS = [
    {}, {"reset": "zero"}, {"reset": "value", "v_reset": -0.3}, {"fire": "gt"}, {"decay": "euler"},
    {"synapse": "next_step"}, {"synapse": "add_then_decay"}, {"v_rest": 0.1}, {"input_gain": "dt/tau"},
    {"input_gain": 3.0}, {"v_min": -0.5}, {"reset_delay": True},
]  # fmt: skip


@pytest.mark.parametrize("conventions", CONVENTIONS, ids=str)
@pytest.mark.parametrize("bits", [32, 16])
def test_whole_numbers_fire_as_float_does(conventions, bits):
    circuit = recurrent(**conventions)
    with torch.no_grad():
        circuit.projections[1].layers[0].weight.mul_(0.1)  # a strong feedback is chaotic
    x = events(circuit, 20, 4)
    given = Integers(circuit, COUNTS, bits).run(x)
    out, _, spikes = circuit.trace(x)
    differing = (given.spikes["hidden"] != spikes["hidden"]).float().mean()
    assert 0.02 < spikes["hidden"].mean() < 0.9 and differing < (0.01 if bits == 32 else 0.02)
    # In 16 bits a membrane saturates at 8 to 16 thresholds, which a gain of 3 drives it to.
    assert (given.out - out).abs().mean() < (0.05 if bits == 32 else 0.1) * out.abs().mean()


def test_the_step_in_whole_numbers_names_what_has_no_form():
    program = Program("Root", (), (), (Line("t0", "sqrt", ("x",)),), "t0", (), None, (), ())
    with pytest.raises(Untraceable, match=r"Root\.step: sqrt"):
        whole(program, {"x": "potential"}, 1.0, {})


@settings(max_examples=40, deadline=None)
@given(circuits())
def test_a_wiring_adds_what_the_layers_compute(circuit):
    for p in circuit.projections:
        shape = circuit.shapes[p.source]
        w = wiring(p, shape, circuit.shapes[p.target])
        weights = arranged(core_weights(p, w, shape), w).numpy().reshape(w.weights)
        s = (torch.rand(shape) < 0.3).float()
        expected = (p(s[None]) - p(torch.zeros(1, *shape)))[0].flatten()
        channels, height, width = w.source
        a = torch.zeros(len(expected))
        for j in s.flatten().nonzero().flatten().tolist():
            c, y, x = j // (height * width), j // width % height, j % width
            if w.kind == "same":
                a[j] += weights if weights.ndim == 0 else weights.flatten()[j]
                continue
            for i, u in w.rows[y]:
                for k, v in w.columns[x]:
                    if w.kind == "dense":
                        a += torch.from_numpy(weights[(c * w.target[1] + i) * w.target[2] + k])
                    else:
                        group = w.weights[3]
                        first = c // (channels // w.groups) * group
                        a.view(w.target)[first : first + group, i, k] += torch.from_numpy(weights[c, u, v])
        torch.testing.assert_close(a, expected, atol=1e-4, rtol=1e-4)


def test_pooling_behind_a_convolution_takes_no_memory_of_its_own():
    circuit = convolutional()
    w = wiring(circuit.projections[0], (2, 34, 34), (16, 17, 17))
    assert (w.kind, w.target, w.weights, w.factor) == ("conv", (16, 17, 17), (2, 3, 3, 16), 0.25)
    assert w.rows[0] == ((0, 0), (0, 1)) and w.rows[1] == ((1, 0), (0, 1), (0, 2))


def test_layers_without_a_pattern_become_one_dense_product():
    two = {"first": nn.Conv2d(2, 3, 3), "second": nn.Conv2d(3, 2, 2)}
    circuit = joined({"a": LIF()}, [Projection("input", "a", two), Projection("a", "output")],
                     {"input": (2, 5, 5), "a": (2, 2, 2), "output": (2, 2, 2)})  # fmt: skip
    assert target().plan(circuit).notes == (
        "first, second: no pattern of taps, stored as a dense product of 400 weights",
    )
    x = events(circuit, 10, 3)
    given, (_, _, spikes) = Integers(circuit, COUNTS).run(x), circuit.trace(x)
    assert spikes["a"].any() and (given.spikes["a"] != spikes["a"]).float().mean() < 0.02


def test_inputs():
    x = torch.tensor([0.0, 3.0, 255.0, 300.0])
    assert chosen("auto", x[:3]) == Inputs("counts") and COUNTS.encode(x).tolist() == [0, 3, 255, 255]
    assert chosen("auto", -x[:3]) == Inputs("graded") and chosen("auto", None) == Inputs("counts")
    graded = chosen("auto", torch.tensor([0.5, -2.0]))
    assert graded.encode(torch.tensor([-2.0, 1.0, 9.0])).tolist() == [-2047, 1024, 2047]
    for wrong in (torch.tensor([0.5]), torch.tensor([-1.0])):
        with pytest.raises(UserError, match=r"no count.*\n.*target\.input=graded"):
            COUNTS.encode(wrong)
    with pytest.raises(UserError, match="not finite"):
        graded.encode(torch.tensor([math.nan]))


@pytest.mark.parametrize("model", [lambda c: Integers(c, COUNTS), Floats])
@pytest.mark.parametrize("value, message", [(math.nan, "not finite"), (math.inf, "not finite"), (0.0, "all zero")])
def test_useless_weights_name_the_layer(model, value, message):
    circuit = recurrent()
    circuit.projections[2].layers[0].weight.fill_(value)
    with pytest.raises(UserError, match=rf"classes: .*{message}"):
        model(circuit)


def test_a_sum_that_passes_32_bits_is_an_error():
    wide = nn.Linear(70_000, 1)
    circuit = joined({"a": IF()}, [Projection("input", "a", {"wide": wide}), Projection("a", "output")],
                     {"input": (70_000,), "a": (1,), "output": (1,)})  # fmt: skip
    wide.weight.data.fill_(1.0)
    wide.weight.data[0, 0] = 0.99
    with pytest.raises(UserError, match=r"a: what arrives in a step can reach .* more than 32 bits"):
        Integers(circuit, COUNTS)


def test_the_bytes_of_a_network_before_training():
    plan = target().plan(convolutional(device="meta"))
    used = {(r.where, r.name): r for r in plan.resources}
    assert used["first", "RAM"].used == 16 * 17 * 17 * 4 + 145 * 4  # membranes, and a bit a neuron
    assert used["accumulators", "RAM"].used == 16 * 17 * 17 * 4
    weights = {"first": 2 * 9 * 16, "second": 16 * 9 * 64, "readout": 64 * 8 * 8 * 10}
    for name, n in weights.items():
        assert n < used[name, "flash"].used < n + 2000
    assert used["lm3s6965evb", "RAM"].used < used["lm3s6965evb", "RAM"].available == 65536
    assert used["lm3s6965evb", "flash"].used < used["lm3s6965evb", "flash"].available == 262144


def test_what_does_not_fit_says_which_layer_needs_what():
    with pytest.raises(DoesNotFit) as error:
        target().plan(convolutional((32, 512), device="meta"))
    flash, ram = error.value.misfits
    assert flash.layer == "readout" and flash.problem.startswith("flash 48")
    assert "lm3s6965evb has 262,144: readout 328," in flash.problem and "second 150," in flash.problem
    assert "target.board=mps2-an385" in flash.hint
    assert ram.layer == "second" and "lm3s6965evb has 65,536: second 135,168" in ram.problem


@settings(max_examples=10, deadline=None)
@given(circuits())
def test_one_byte_too_few_is_a_misfit_that_names_a_layer(circuit):
    mcu = target()
    each = mcu.plan(circuit).details["bytes"]
    for memory in ("flash", "ram"):
        total = sum(getattr(b, memory) for b in each)
        boards = {"small": mcu.board.__class__(**{**vars(mcu.board), memory: total})}
        assert not sizes.too_large("small", boards, each)
        boards = {"small": mcu.board.__class__(**{**vars(mcu.board), memory: total - 1})}
        [misfit] = sizes.too_large("small", boards, each)
        assert misfit.layer in misfit.problem and f"{total:,} bytes" in misfit.problem


def test_all_that_whole_numbers_cannot_do_at_once():
    circuit = joined(
        {"a": ALIF(), "b": LIF(refractory=20e-3), "c": IF(max_spikes=None), "d": LI(), "e": LIF()},
        [Projection("input", "a"), Projection("a", "b"), Projection("b", "c"), Projection("c", "d"),
         Projection("d", "e", {"graded": nn.Linear(3, 3)}), Projection("e", "output")],
        {name: (3,) for name in ("input", "a", "b", "c", "d", "e", "output")},
    )  # fmt: skip
    with pytest.raises(DoesNotFit) as error:
        target().plan(circuit)
    text = "\n".join(map(str, error.value.misfits))
    assert len(error.value.misfits) == 4 and "a: ALIF is not computed in whole numbers" in text
    assert "b: refractory is 0.02" in text and "c: max_spikes is None" in text and "set max_spikes=1" in text
    assert "d: d does not spike, and graded multiplies what it gives" in text and "target.numbers=float" in text
    target("numbers=float", "board=mps2-an386").plan(circuit)


def test_float_needs_an_fpu():
    with pytest.raises(DoesNotFit, match=r"numbers: float, and lm3s6965evb \(cortex-m3\) has no FPU.*mps2-an386"):
        target("numbers=float").plan(recurrent())


@pytest.mark.parametrize("wrong", ["board=lm3s", "numbers=int4", "state_bits=8", "input=bytes", "io=spi"])
def test_wrong_options(wrong):
    with pytest.raises(UserError, match=wrong.partition("=")[0]):
        target(wrong)


def test_a_circuit_may_wait_at_its_output_and_add_up_several_populations():
    half, twice = Scale(0.5), Scale(2.0)
    circuit = joined(
        {"a": IF(), "b": IF(threshold=2.0)},
        [Projection("input", "a"), Projection("input", "b"), Projection("a", "output", {"half": half}, 1),
         Projection("b", "output", {"twice": twice})],
        {name: (1,) for name in ("input", "a", "b", "output")},
    )  # fmt: skip
    out = Integers(circuit, COUNTS).run(torch.ones(4, 1, 1)).out
    assert out.flatten().tolist() == [0, 2.5, 0.5, 2.5] == circuit(torch.ones(4, 1, 1))[0].flatten().tolist()


def test_a_pooled_population_counts_exactly():
    circuit = joined(
        {"a": CubaLIF(), "b": IF(threshold=2.0)},
        [Projection("input", "a"), Projection("a", "b", {"pool": SumPool2d(2)}), Projection("b", "output")],
        {"input": (1, 4, 4), "a": (1, 4, 4), "b": (1, 2, 2), "output": (1, 2, 2)},
    )
    x = events(circuit, 12, 3)
    given, (_, _, spikes) = Integers(circuit, COUNTS).run(x), circuit.trace(x)
    assert all(torch.equal(given.spikes[name], spikes[name]) for name in ("a", "b")) and spikes["b"].any()
