"""Weights, thresholds and biases in a core's integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from snnctl.circuits import Circuit, Projection
from snnctl.errors import UserError
from tests.targets.xylo.circuits import DT, chip, circuit, events, neurons, readout

FILE = Path(__file__).parents[1] / "oracles" / "xylo_rockpool.npz"
BITS = {"weight": 8, "state": 16, "decay": 4, "weight_shift": 0}


def pair(w_in: float, w_out: float, bias: float = 0.0, **options) -> Circuit:
    """One input, one hidden neuron, one leaky integrator."""
    first, last = nn.Linear(1, 1), nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        first.weight.fill_(w_in), first.bias.fill_(bias), last.weight.fill_(w_out)
    joined = [Projection("input", "a", {"fc": first}), Projection("a", "b", {"out": last}), Projection("b", "output")]
    shapes = {name: (1,) for name in ("input", "a", "b", "output")}
    return Circuit({"a": neurons(**options), "b": readout()}, joined, shapes, DT)


def quantised(net: Circuit, x: torch.Tensor | None = None, **options):
    target = chip("a3", **options)
    return target.quantise(net, target.plan(net), x)


def test_integers_written_out():
    """tau_mem 16 dt and tau_syn 8 dt are shifts of 4 and 3. Without a shift of the weights, 0.5 becomes 127 and the
    threshold 254; the bias of 0.01 comes to 0.01 (7/8) / (1/8) = 0.07 on the membrane, 17.78 of 254 a unit."""
    spec = quantised(pair(0.5, -2.0, bias=0.01), bits=BITS).spec
    assert spec.weights_in.tolist() == [[[127]]] and spec.threshold.tolist() == [254]
    assert spec.dash_mem.tolist() == [4] and spec.dash_syn.tolist() == [3] and spec.bias_hidden.tolist() == [18]
    assert spec.weights_out.tolist() == [[-127]] and spec.threshold_out.tolist() == [32767]
    # 8 thresholds of 254 << 4 reach int16's end: 32512
    shifted = quantised(pair(0.5, -2.0, bias=0.01)).spec
    assert shifted.weight_shift_in == shifted.weight_shift_rec == 4 and shifted.threshold.tolist() == [254 << 4]


def test_what_arrives_whole_is_scaled_to_what_decays_first():
    """decay_then_add is add_then_decay with weights over the decay: the same circuit in both conventions."""
    whole = quantised(pair(0.5, 1.0, synapse="decay_then_add"), quantisation="global", bits=BITS)
    first = quantised(pair(0.5 / 0.875, 1.0), quantisation="global", bits=BITS)
    assert all(np.array_equal(getattr(whole.spec, k), getattr(first.spec, k)) for k in vars(whole.spec))
    assert whole.layout.scale == first.layout.scale


def test_time_constants_between_two_shifts():
    """Exact decays of 21 and 9 steps, gain 1 - decay, against shifts of 4 and 3: a driven neuron keeps its rate, and an
    integrator the potential that a steady input comes to."""
    exact = {"decay": "exact", "tau_mem": 21e-3, "tau_syn": 9e-3, "synapse": "decay_then_add"}
    net = pair(0.3, 0.3, input_gain="1-decay", **exact)
    net.neurons[1] = readout(**exact)
    x = torch.ones(400, 1, 1)
    ours = quantised(net, x).run(x)
    with torch.no_grad():
        out, _, spikes = net.trace(x)
    assert spikes["a"].sum() > 10
    assert ours.spikes["a"].sum() == pytest.approx(spikes["a"].sum().item(), rel=0.1)
    ratio = (ours.spikes["a"].sum() / spikes["a"].sum()).item()
    assert ours.out[-200:].mean() == pytest.approx(ratio * out[-200:].mean().item(), rel=0.05)


@pytest.mark.parametrize("method", ["global", "channel"])
@pytest.mark.parametrize("seed", [0, 1])
def test_equal_to_rockpool(method, seed):
    """Mapped and quantised as Rockpool 3.1's mapper, global_quantize and channel_quantize do."""
    with np.load(FILE) as file:
        given = {k.partition(".")[2]: file[k] for k in file.files if k.startswith(f"{seed}.")}
    hidden = neurons(threshold=given["threshold"].tolist(), per="neuron", shape=(12,))
    last = neurons(tau_mem=32e-3, tau_syn=4e-3, max_spikes=1, threshold=given["threshold_out"].tolist(), per="neuron",
                   shape=(3,))  # fmt: skip
    net = circuit(middle=hidden, last=last)
    with torch.no_grad():
        for p, name in zip(net.projections, ("w_in", "w_rec", "w_out"), strict=False):
            p.layers[0].weight.copy_(torch.as_tensor(given[name]).T)
    spec = quantised(net, quantisation=method, bits=BITS).spec
    theirs = {k.partition(".")[2]: v for k, v in given.items() if k.startswith(f"{method}.")}
    assert len(theirs) == 10
    for name, value in theirs.items():
        assert np.array_equal(getattr(spec, name).squeeze(), value.squeeze()) or name == "dash_syn_2", name


@pytest.mark.parametrize("method", ["global", "channel"])
def test_scales_leave_room_for_what_an_input_does(method):
    """No state saturates, and the largest uses a quarter of int16's range or more."""
    net, x = circuit(8, 40, 6, seed=5, bias=True, middle=neurons(threshold=4.0)), events(8, 60, 8)
    model = quantised(net, x, quantisation=method)
    ran = model.recording(x)
    assert ran.peak.max() < 2**15 - 1 and 2**13 <= ran.peak_out.max() < 2**15 - 1
    assert ran.out.sum() == 0 and ran.spikes.sum() > 100
    facts = model.facts()
    assert facts["error_weights"] < 0.05 and facts["error_thresholds"] < 0.01 and facts["inputs_above_limit"] == 0


def test_an_integrator_at_rest_and_its_unit():
    net = circuit(last=readout(v_rest=-0.5))
    silent = quantised(net, events()).run(torch.zeros(6, 2, 5))
    assert torch.equal(silent.out, torch.full((6, 2, 3), -0.5))
    x = events(steps=80)
    ours = quantised(net, x).run(x)
    with torch.no_grad():
        out = net(x)[0]
    assert torch.corrcoef(torch.stack([ours.out.flatten(), out.flatten()]))[0, 1] > 0.98
    assert (ours.out - out).abs().mean() < 0.15 * out.std()


def test_weights_that_are_no_weights():
    net = circuit()
    nn.init.zeros_(net.projections[2].layers[0].weight)
    with pytest.raises(UserError, match="classes: weights are all zero"):
        quantised(net)
    net.projections[1].layers[0].weight.data[0, 0] = torch.nan
    with pytest.raises(UserError, match="rec: weights are not finite"):
        quantised(net)


def test_fast_enough_to_train_with():
    import time

    net = circuit(16, 128, 27, seed=2)
    target = chip("a3")
    plan = target.plan(net)
    target.quantise(net, plan)
    started = time.process_time()
    for _ in range(5):
        target.quantise(net, plan)
    assert (time.process_time() - started) / 5 < 0.05
