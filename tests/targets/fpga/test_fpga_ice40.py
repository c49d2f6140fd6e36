"""The target: what fits, what does not and why, and what the command line does with it."""

from __future__ import annotations

import math
import time

import pytest
import torch
from hypothesis import given, settings
from torch import nn

from snnctl.circuits import Circuit, Projection
from snnctl.errors import UserError
from snnctl.neurons import LI, LIF, CubaLIF
from snnctl.targets import DoesNotFit
from snnctl.targets.fpga.arithmetic import bits_needed
from snnctl.targets.fpga.layout import Synapses, layout, logic_cells
from tests.targets.fpga.circuits import DT, circuits, counts, linear, recurrent, target


def test_the_order_of_a_recurrent_network():
    placed = layout(recurrent())
    said = [o if isinstance(o, str) else (o.title, o.sources, o.targets, o.delay) for o in placed.operations]
    assert said == [
        ("rec", 64, 64, 1),
        ("bias of fc", 1, 64, 0),
        ("fc", 8, 64, 0),
        "hidden",
        ("bias of classes", 1, 27, 0),
        ("classes", 64, 27, 0),
        "readout",
    ]
    assert placed.weights == 64 * 64 + 64 + 8 * 64 + 27 + 64 * 27 == 6427
    # 6,427 bytes in RAMs of 512; 91 membranes of 24 bits and 27 outputs of 24 in two of 16 bits; a queue of 512 bytes.
    assert placed.block_rams(24) == {"weights": 13, "membranes": 2, "outputs": 2, "queue": 1}


def test_a_plan_reads_no_weights():
    plan = target().plan(recurrent().to("meta"))
    assert plan.cores == {"up5k core": ("hidden", "readout")}
    assert plan.resources[0].used == 18 and plan.notes == ()


def test_a_leak_that_is_rounded_is_noted():
    notes = target(decay_terms=3).plan(recurrent(decay="exact")).notes
    got = 1 - 2**-3 - 2**-4 - 2**-5
    tau = DT / -math.log(got)
    assert notes[0] == (
        f"hidden: decay {math.exp(-0.25):.6g} a step asked, 1 - 2^-3 - 2^-4 - 2^-5 = {got:g} got: "
        f"time constant 0.1 s asked, {tau:.4g} s got, {100 * (tau / 0.1 - 1):+.2g} %"
    )
    with torch.device("meta"):
        circuit = recurrent(decay="exact", learnable=["tau_mem"])
    assert "hidden: its leak is learned" in target().plan(circuit).notes[0]


@settings(max_examples=30, deadline=None)
@given(circuits())
def test_one_past_any_limit_is_a_misfit_that_names_it(circuit):
    placed = layout(circuit)
    bits = max(12, *(bits_needed(placed, name) for name in circuit.names))
    rams = sum(placed.block_rams(bits).values())
    cells = int(target(state_bits=bits).plan(circuit).resources[1].used)
    enough = {"block_rams": rams, "logic_cells": cells}
    target(enough, state_bits=bits).plan(circuit)
    for limits, width, said in (
        ({**enough, "block_rams": rams - 1}, bits, f"{rams} block RAMs"),
        ({**enough, "logic_cells": cells - 1}, bits, f"about {cells:,} logic cells"),
        (enough, bits - 1, f"a membrane of {bits} bits"),
    ):
        if width < 12:
            continue
        with pytest.raises(DoesNotFit) as caught:
            target(limits, state_bits=width).plan(circuit)
        assert any(said in m.problem and m.layer for m in caught.value.misfits)


def test_what_does_not_fit_one_device_may_fit_the_other():
    with pytest.raises(DoesNotFit) as caught:
        target().plan(recurrent(hidden=98))
    (misfit,) = caught.value.misfits
    assert misfit.layer == "rec" and "up5k has 30" in misfit.problem and "target.device=hx8k" in misfit.hint
    target(device="hx8k").plan(recurrent(hidden=98))


def test_every_reason_is_given_at_once():
    circuit = Circuit(
        {"a": CubaLIF(tau_mem=0.1), "b": LI(tau_mem=0.1), "c": LIF(tau_mem=0.1, refractory=0.05)},
        [
            Projection("input", "a", {"fc": linear(2, 3)}),
            Projection("input", "b", {"skip": linear(2, 3)}, 1),
            Projection("a", "b", {"mid": linear(3, 3)}, 2),
            Projection("b", "c", {"last": linear(3, 3)}),
            Projection("c", "output", {"after": nn.Linear(3, 2)}),
        ],
        {"input": (2,), "a": (3,), "b": (3,), "c": (3,), "output": (2,)},
        DT,
    )
    with pytest.raises(DoesNotFit) as caught:
        target().plan(circuit)
    said = [str(m) for m in caught.value.misfits]
    for part in (
        "a: the core computes LIF, IF, LI and Integrator, not CubaLIF: set neuron=lif",
        "c: refractory is 0.05",
        "skip: the input is delayed by 1 steps",
        "mid: a delay of 2 steps, the core keeps spikes for 1",
        "b: LI does not spike but feeds c",
        "after: layers or a delay after the last neurons",
        "input: 2 projections (fc, skip), the core reads it once",
    ):
        assert any(line.startswith(part) for line in said), part
    assert len(said) == 7


@pytest.mark.parametrize(
    "options, said",
    [
        ({"device": "up5"}, "target.device is 'up5'"),
        ({"state_bits": 31}, "target.state_bits is 31"),
        ({"decay_terms": 0}, "target.decay_terms is 0"),
        ({"baud": 300}, "target.baud is 300"),
        ({"baud": 900_000}, "does not make"),
    ],
)
def test_options_out_of_range(options, said):
    with pytest.raises(UserError, match=said):
        target(**options)


def test_quantising_is_fast_enough_for_every_batch():
    circuit, t = recurrent(64, 256, 20), target(limits={"block_rams": 999})
    plan = t.plan(circuit)
    t.quantise(circuit, plan)
    begin = time.process_time()
    for _ in range(5):
        t.quantise(circuit, plan)
    assert (time.process_time() - begin) / 5 < 0.2


def test_the_estimate_of_logic_cells_grows_with_all_it_counts():
    small, large = layout(recurrent(4, 8, 3)), layout(recurrent(4, 60, 3))
    assert logic_cells(small, 24, 1) < logic_cells(small, 24, 2) < logic_cells(small, 28, 2)
    assert logic_cells(small, 24, 1) < logic_cells(large, 24, 1)


def test_verilog_alone_says_how_to_make_the_bitstream(tmp_path):
    t, circuit = target(), recurrent(2, 3, 2)
    plan = t.plan(circuit)
    t.build(t.quantise(circuit, plan, counts(3, 2, 2)), circuit, plan, tmp_path)
    assert not (tmp_path / "design.bin").exists()
    assert t.next_steps(tmp_path) == ["make the bitstream   snnctl deploy RUN target=fpga target.synthesise=true"]
    assert all(isinstance(o, str | Synapses) for o in plan.details["layout"].operations)
