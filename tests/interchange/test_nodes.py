"""Neurons as NIR nodes and back, with the numbers written out."""

from __future__ import annotations

import h5py
import nir
import numpy as np
import pytest
import torch

from snnctl.errors import UserError
from snnctl.interchange import neuron_of, node_of
from snnctl.neurons import IF, LI, LIF, CubaLIF, ExpSynapse, GradedSpikes, Integrator, Lapicque, McCullochPitts
from tests.interchange.files import through_a_file

STEP = 0.0487705755  # 1 - exp(-1 / 20)


def close(array, expected) -> None:
    np.testing.assert_allclose(np.asarray(array), expected, rtol=1e-6)


def ones(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def run(reading, x) -> tuple[list[float], list[float]]:
    """out and v of one neuron to an input of one number a step."""
    x = torch.tensor(x).view(-1, 1, 1) * (1.0 if reading.scale is None else reading.scale)
    out, _, history = reading.neuron.trace(x, dt=reading.dt)
    return out.flatten().tolist(), history["v"].flatten().tolist()


@pytest.mark.parametrize(
    ("decay", "gain", "tau", "r"),
    [
        ("exact", 1.0, 20e-3, 1 / STEP),
        ("exact", "1-decay", 20e-3, 1.0),
        ("exact", "dt/tau", 20e-3, 0.05 / STEP),
        ("euler", 1.0, 20e-3, 20.0),
        ("euler", "dt/tau", 20e-3, 1.0),
        ("bitshift", 1.0, 16e-3, 16.0),  # v - (v >> 4)
        ("exact", -0.5, 20e-3, -0.5 / STEP),
    ],
)
def test_a_lif(decay, gain, tau, r):
    neuron = LIF(tau_mem=20e-3, threshold=0.5, decay=decay, input_gain=gain, v_rest=-0.25, reset="zero", shape=(2,))
    node = node_of(neuron, 1e-3)
    assert type(node) is nir.LIF and node.tau.dtype == np.float32
    close(node.tau, [tau, tau])
    close(node.r, [r, r])
    close(node.v_leak, [-0.25, -0.25])
    close(node.v_threshold, [0.5, 0.5])
    close(node.v_reset, [0, 0])


def test_the_other_nodes():
    cuba = node_of(CubaLIF(tau_syn=10e-3, tau_mem=20e-3, reset="value", v_reset=-1.0, shape=(1,)), 1e-3)
    assert type(cuba) is nir.CubaLIF
    close([cuba.tau_syn[0], cuba.tau_mem[0], cuba.v_reset[0]], [10e-3, 20e-3, -1.0])
    close([cuba.w_in[0], cuba.r[0]], [10.5083312, 1 / STEP])  # 1 / (1 - exp(-1 / 10))
    late = node_of(CubaLIF(tau_syn=10e-3, synapse="add_then_decay", reset="zero", shape=(1,)), 1e-3)
    close(late.w_in, [9.5083312])  # exp(-1 / 10) of that
    li = node_of(LI(tau_mem=5e-3, tau_syn=10e-3, decay="euler", v_rest=2.0, shape=(1,)), 1e-3)
    assert type(li) is nir.CubaLI
    close([li.tau_mem[0], li.tau_syn[0], li.r[0], li.w_in[0], li.v_leak[0]], [5e-3, 10e-3, 5, 10, 2])
    assert type(node_of(LI(shape=(1,)), 1e-3)) is nir.LI
    synapse = node_of(ExpSynapse(tau_syn=20e-3, shape=(1,)), 1e-3)
    assert type(synapse) is nir.LI
    close([synapse.tau[0], synapse.r[0], synapse.v_leak[0]], [20e-3, 1 / STEP, 0])
    lapicque = node_of(Lapicque(resistance=5.0, capacitance=4e-3, reset="zero", shape=(1,)), 1e-3)
    assert type(lapicque) is nir.LIF
    close([lapicque.tau[0], lapicque.r[0]], [20e-3, 5.0])
    close(node_of(IF(reset="zero", shape=(1,)), 1e-3).r, [1000])
    close(node_of(Integrator(shape=(1,)), 1e-3).r, [1000])
    close(node_of(McCullochPitts(threshold=0.25, shape=(1,)), 1e-3).threshold, [0.25])
    close(node_of(GradedSpikes(amplitude=[1.0, 2.0], per="neuron", shape=(2,)), 1e-3).scale, [1, 2])


def test_the_equation_as_it_stands():
    node = nir.LIF(ones(2e-3), ones(2.0), ones(0.0), ones(1.0))  # dt / tau = 1 / 2, exp(-1 / 2) = 0.606531
    out, v = run(neuron_of(node, 1e-3), [1.0, 1.0, 0.0])
    assert out == [0, 1, 0]  # 0.786939, then 1.264241 > 1: reset to 0
    np.testing.assert_allclose(v, [0.7869387, 0.0, 0.0], atol=1e-6)
    out, v = run(neuron_of(node, 1e-3, decay="euler", drive="euler", reset="subtract"), [1.0, 1.0, 0.0])
    assert (out, v) == ([0, 1, 0], [1.0, 0.5, 0.25])  # 1.0 is not above 1; then 1.5 - 1


def test_how_another_may_read_it():
    node = nir.LIF(ones(2e-3), ones(2.0), ones(0.0), ones(1.0))
    x = [0.5, 0.5, 0.5, 0.0]
    euler = {"decay": "euler", "drive": "euler"}
    assert run(neuron_of(node, 1e-3, **euler), x) == ([0, 0, 0, 0], [0.5, 0.75, 0.875, 0.4375])
    assert run(neuron_of(node, 1e-3, drive="step", decay="euler", fire="ge"), x) == ([1, 1, 1, 0], [0, 0, 0, 0])
    assert run(neuron_of(node, 1e-3, drive="step", decay="euler"), x) == ([0, 1, 0, 0], [1, 0, 1, 0.5])
    _, v = run(neuron_of(node, 1e-3, decay="exact", drive="euler"), x[:2])
    np.testing.assert_allclose(v, [0.5, 0.8032653], atol=1e-6)
    assert run(neuron_of(nir.IF(ones(1.0), ones(1.0)), 1e-3, drive="step"), [0.75, 0.75]) == ([0, 1], [0.75, 0])
    assert run(neuron_of(nir.IF(ones(1000.0), ones(1.0)), 1e-3), [0.75, 0.75]) == ([0, 1], [0.75, 0])
    soft = neuron_of(nir.IF(ones(1.0), ones(1.0)), 1e-3, drive="step", reset="subtract")
    assert run(soft, [0.75, 0.75]) == ([0, 1], [0.75, 0.5])


def test_a_current_is_worth_the_same_in_cuba_li():
    node = nir.CubaLI(ones(2e-3), ones(4e-3), ones(3.0), ones(1.0), ones(2.0))
    reading = neuron_of(node, 1e-3, decay="euler", drive="euler")
    # i: 2 x / 2 = 1, 1.5;  v - 1: 3 i / 4 = 0.75, 0.75 * 0.75 + 3 * 1.5 / 4 = 1.6875
    assert run(reading, [1.0, 1.0])[1] == [1.75, 2.6875]
    _, v = run(neuron_of(node, 1e-3), [1.0] * 100)
    np.testing.assert_allclose(v[-1], 1 + 3 * 2, rtol=1e-6)  # v_leak + r w_in


def test_factors_for_another_reader(tmp_path):
    neuron = CubaLIF(tau_syn=10e-3, tau_mem=20e-3, reset="zero", shape=(1,))
    node = node_of(neuron, 1e-3, drive="euler")  # as snnTorch and SpikingJelly write theirs: tau / dt
    close([node.r[0], node.w_in[0]], [20, 10])
    assert neuron_of(through_a_file(node, tmp_path / "euler.nir")).scale is None
    node = node_of(IF(reset="zero", shape=(1,)), 1e-3, drive="step")
    close(node.r, [1])
    assert neuron_of(through_a_file(node, tmp_path / "step.nir"), 5e-3).scale is None
    assert neuron_of(nir.IF(ones(1.0), ones(1.0)), 1e-3).scale == pytest.approx(1e-3)  # as the equation has it


def test_numbers_come_back_as_they_were(tmp_path):
    neuron = LIF(tau_mem=1 / 75, threshold=1 / 3, reset="value", v_reset=-0.1, v_rest=-1 / 7, fire="gt", shape=(2, 3))
    reading = neuron_of(through_a_file(node_of(neuron, 1e-3), tmp_path / "one.nir"))
    assert reading.scale is None and reading.dt == 1e-3
    back = reading.neuron
    assert (back.tau_mem, back.threshold, back.v_reset, back.v_rest) == (1 / 75, 1 / 3, -0.1, -1 / 7)
    assert (back.decay, back.input_gain, back.fire, back.reset, back.shape) == ("exact", 1.0, "gt", "value", (2, 3))
    learned = CubaLIF(tau_syn=[1e-3, 2e-3], learnable="tau_syn", per="channel", shape=(2, 3, 4), reset="zero")
    back = neuron_of(through_a_file(node_of(learned, 1e-3), tmp_path / "two.nir")).neuron
    assert back.learnable == ("tau_syn",) and back.per == "channel" and back.log_tau_syn.shape == (2, 1, 1)
    torch.testing.assert_close(back.log_tau_syn, learned.log_tau_syn)
    assert neuron_of(node_of(learned, 1e-3), learnable=(), fire="gt").neuron.fire == "gt"  # the caller's overrules


def test_what_is_learned_is_written_as_it_stands():
    neuron = LIF(tau_mem=20e-3, threshold=0.5, learnable=["tau_mem", "threshold"], reset="zero", shape=(2,))
    with torch.no_grad():
        neuron.log_tau_mem += np.log(2.0)
        neuron.threshold += 0.25
    node = node_of(neuron, 1e-3)
    close(node.tau, [40e-3, 40e-3])
    close(node.v_threshold, [0.75, 0.75])
    back = neuron_of(node).neuron
    assert back.learnable == ("tau_mem", "threshold") and back.log_tau_mem.item() == pytest.approx(np.log(0.04))
    circuit = Lapicque(resistance=[5.0, 10.0], learnable="resistance", per="neuron", reset="zero", shape=(2,))
    node = node_of(circuit, 1e-3)
    close(node.tau, [20e-3, 40e-3])
    close(node.r, [5, 10])
    back = neuron_of(node)
    assert type(back.neuron) is LIF and back.neuron.learnable == () and back.scale.tolist() == pytest.approx([5, 10])


def test_what_another_changed_in_the_file_counts():
    node = node_of(LIF(tau_mem=20e-3, decay="euler", reset="zero", shape=(1,)), 1e-3)
    node.tau[:], node.r[:] = 10e-3, 5.0
    reading = neuron_of(node)
    assert reading.neuron.tau_mem == 10e-3
    assert reading.scale == pytest.approx(0.5, rel=1e-6)  # 5 dt / tau, where the neuron's gain is 1
    finer = neuron_of(node, 0.5e-3)
    assert finer.dt == 0.5e-3 and finer.scale == pytest.approx(0.25, rel=1e-6)


def test_one_number_a_layer_a_channel_or_a_neuron():
    def read(tau, **options):
        tau = np.asarray(tau, dtype=np.float32)
        like = np.ones_like(tau)
        return neuron_of(nir.LIF(tau, like, 0 * like, like), 1e-3, **options).neuron

    assert read(0.02).tau_mem == 0.02 and read(0.02).shape is None
    assert read([0.02, 0.02]).per == "layer" and read([0.02, 0.02]).shape == (2,)
    assert read([0.02], shape=(4, 5)).shape == (4, 5)
    assert read([0.02, 0.03]).per == "neuron"
    by_channel = read([[0.02, 0.02], [0.03, 0.03]])
    assert by_channel.per == "channel" and by_channel.tau_mem.tolist() == [[pytest.approx(0.02)], [pytest.approx(0.03)]]
    assert read([[0.02], [0.03]], shape=(2, 5)).per == "channel"
    by_neuron = read([[0.02, 0.04], [0.03, 0.03]])
    assert by_neuron.per == "neuron" and by_neuron.tau_mem.shape == (2, 2)
    scaled = neuron_of(nir.LIF(ones(0.02, 0.02), ones(1, 2), ones(0, 0), ones(1, 1)), 1e-3)
    assert scaled.neuron.per == "layer" and scaled.scale.tolist() == [1, 2]


def test_an_old_file_without_v_reset(tmp_path):
    path = tmp_path / "old.nir"
    through_a_file(nir.LIF(ones(2e-3), ones(2.0), ones(0.0), ones(1.0), ones(0.25)), path)
    assert neuron_of(nir.read(path).nodes["n"], 1e-3).neuron.v_reset == 0.25
    with h5py.File(path, "a") as file:
        del file["node/nodes/n/v_reset"]
    neuron = neuron_of(nir.read(path).nodes["n"], 1e-3).neuron
    assert (neuron.reset, neuron.v_reset) == ("value", 0.0)
    assert neuron_of(nir.read(path).nodes["n"], 1e-3, reset="subtract").neuron.reset == "subtract"


def test_one_set_of_options_serves_a_whole_graph():
    options = {"fire": "ge", "reset": "subtract", "decay": "euler", "drive": "euler", "max_spikes": None}
    li = neuron_of(nir.LI(ones(2e-3), ones(1.0), ones(0.0)), 1e-3, **options).neuron
    assert type(li) is LI and (li.decay, li.input_gain) == ("euler", "dt/tau")
    gate = neuron_of(nir.Threshold(ones(0.5)), 1e-3, **options).neuron
    assert type(gate) is McCullochPitts and (gate.threshold, gate.fire) == (0.5, "ge")
    scale = neuron_of(nir.Scale(ones(2.0, 3.0)), 1e-3, **options).neuron
    assert type(scale) is GradedSpikes and scale.amplitude.tolist() == [2, 3]


def test_a_neuron_of_ones_own_states_its_node():
    class Slow(LIF):
        def __init__(self, **conventions):
            super().__init__(**{"tau_mem": 0.1, "reset": "zero", **conventions})

    class Stated(Slow):
        nodes = LIF.nodes

    with pytest.raises(UserError, match="Slow: NIR has no node for it"):
        node_of(Slow(shape=(1,)), 1e-3)
    back = neuron_of(node_of(Stated(shape=(1,)), 1e-3)).neuron
    assert type(back) is LIF and (back.tau_mem, back.reset, back.fire) == (0.1, "zero", "ge")


def test_the_metadata_is_one_flat_string(tmp_path):
    node = through_a_file(node_of(LIF(reset="zero", shape=(1,)), 1e-3), tmp_path / "one.nir")
    assert list(node.metadata) == ["snnctl"] and isinstance(node.metadata["snnctl"], str)
