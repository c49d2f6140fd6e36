"""What a NIR node or a neuron cannot be is one line that names the parameter, its value and range."""

from __future__ import annotations

import json

import nir
import numpy as np
import pytest

from snnctl.errors import UserError
from snnctl.interchange import neuron_of, node_of
from snnctl.neurons import IF, LI, LIF, PSN, ExpSynapse

NAN = float("nan")


def lif(**changed) -> nir.LIF:
    node = nir.LIF(*(np.full((2, 3), value) for value in (20e-3, 1.0, 0.0, 1.0)))
    for name, value in changed.items():
        setattr(node, name, np.full((2, 3), value) if isinstance(value, float) else value)
    return node


def noted(**changed) -> nir.LIF:
    node = node_of(LIF(reset="zero", shape=(2, 3)), 1e-3)
    note = json.loads(node.metadata["snnctl"])
    note["conventions"] |= changed
    node.metadata["snnctl"] = json.dumps(note)
    return node


@pytest.mark.parametrize(
    ("node", "options", "problem", "hint"),
    [
        (lif(tau=NAN), {}, "NIR node LIF: tau is nan", "range          finite, s"),
        (lif(v_threshold=float("inf")), {}, "NIR node LIF: v_threshold is inf", "range          finite, unit of v"),
        (lif(r=NAN), {}, "NIR node LIF: r is nan", "range          finite, no unit"),
        (nir.Threshold(np.array([NAN])), {}, "NIR node Threshold: threshold is nan", "finite, unit of v"),
        (lif(tau=-20e-3), {}, "LIF: tau_mem is -0.02 s", "range          finite above 0, s"),
        (lif(tau=0.0), {}, "LIF: tau_mem is 0 s", "range          finite above 0, s"),
        (lif(tau=4e-4), {}, "LIF: tau_mem is 0.0004 s, less than half a step of dt = 0.001 s", "0.0005 s and above"),
        (lif(v_threshold=-1.0, v_reset=-0.5), {}, "LIF: threshold is -1 (unit of v)", "above v_reset = -0.5"),
        (lif(v_leak=2.0), {}, "LIF: threshold is 1 (unit of v)", "above v_rest = 2"),
        (lif(v_reset=-0.5), {"reset": "subtract"}, "LIF: v_reset has no effect with reset: subtract", "reset: value"),
        (lif(r=np.ones(3)), {}, "NIR node LIF: r has shape (3,), not (2, 3)", "wanted         one number"),
        (lif(), {"shape": (3, 2)}, "NIR node LIF: tau has shape (2, 3), not (3, 2)", "wanted         one number"),
        (lif(tau="soon"), {}, "NIR node LIF: tau is 'soon'", "wanted         an array of numbers"),
        (lif(r=np.ones((0, 3))), {}, "NIR node LIF: r is empty", "range          finite"),
        (lif(), {"dt": None}, "NIR node LIF: dt is missing", "give           dt"),
        (lif(), {"dt": 0.0}, "LIF: dt is 0.0 s", "range          finite, above 0, s"),
        (lif(), {"resets": "value"}, "NIR node LIF: unknown option 'resets'", "did you mean   reset"),
        (lif(), {"threshold": 2.0}, "NIR node LIF: threshold is no option", "v_threshold of the node"),
        (lif(), {"drive": "exakt"}, "NIR node LIF: drive is 'exakt'", "did you mean   exact"),
        (lif(), {"decay": "heun"}, "LIF: decay is 'heun'", "choose from"),
        (lif(), {"input_gain": 0.0}, "LIF: its step takes in nothing", "input_gain"),
        (lif(tau=np.arange(1.0, 7).reshape(2, 3)), {"per": "channel"}, "tau differs within a channel", "per: neuron"),
        (lif(tau=np.arange(1.0, 7).reshape(2, 3)), {"per": "layer"}, "LIF: tau_mem has 6 values", "per: neuron"),
        (nir.Flatten({"input": np.array([2, 3])}), {}, "NIR node Flatten: it is no neuron", "choose from    CubaLI"),
        (noted(fire="at will"), {}, "LIF: fire is 'at will'", "choose from    ge, gt"),
        (noted(learnable=5), {}, "NIR node LIF: 'int' object is not iterable", "its metadata"),
        (noted(colour="red"), {}, "NIR node LIF: unknown option 'colour'", "choose from"),
    ],
)
def test_a_node_that_cannot_be(node, options, problem, hint):
    with pytest.raises(UserError) as raised:
        neuron_of(node, **{"dt": 1e-3, **options})
    assert problem in raised.value.problem and "\n" not in raised.value.problem
    assert hint in raised.value.hint


@pytest.mark.parametrize("text", ["{", "[]", "7", '{"neuron": 1}', '{"numbers": 3}', '{"numbers": {"tau_mem": []}}'])
def test_metadata_that_snnctl_did_not_write(text):
    node = lif()
    node.metadata["snnctl"] = text
    with pytest.raises(UserError, match="NIR node LIF: its metadata snnctl is damaged"):
        neuron_of(node, 1e-3)


def test_a_class_named_in_a_file_is_only_one_that_reads_the_node():
    node = noted()
    node.metadata["snnctl"] = node.metadata["snnctl"].replace('"LIF"', '"os.system"')
    assert type(neuron_of(node).neuron) is LIF


@pytest.mark.parametrize(
    ("neuron", "arguments", "problem", "hint"),
    [
        (LIF(shape=(3,)), {}, "LIF: NIR cannot express reset: subtract", "reset: value or zero; or allow reset"),
        (IF(reset="zero", max_spikes=None), {}, "IF: NIR cannot express max_spikes: none", "max_spikes: 1"),
        (IF(reset="zero", reset_delay=True), {}, "IF: NIR cannot express reset_delay: true", "reset_delay: false"),
        (IF(reset="zero", refractory=2e-3), {}, "IF: NIR cannot express refractory: 0.002", "refractory: 0.0"),
        (IF(reset="zero", ternary=True), {}, "IF: NIR cannot express ternary: true", "ternary: false"),
        (IF(reset="zero", v_min=-1.0), {}, "IF: NIR cannot express v_min: -1.0", "v_min: none"),
        (LI(v_min=-1.0), {}, "LI: NIR cannot express v_min: -1.0", "v_min: none"),
        (LIF(), {"allow": ["rest"]}, "allow names no convention 'rest'", "did you mean   reset"),
        (LIF(reset="zero"), {"drive": "exakt"}, "LIF: drive is 'exakt'", "did you mean   exact"),
        (LIF(reset="zero"), {}, "LIF: its node needs the layer's shape", "give           shape"),
        (LIF(reset="zero", tau_mem=[0.02, 0.03], per="neuron"), {"shape": (3,)}, "tau of shape (2,)", "wanted"),
        (LIF(reset="zero", shape=(3,)), {"dt": 0.1}, "LIF: tau_mem is 0.02 s, less than half", "0.05 s and above"),
        (ExpSynapse(shape=(3,)), {"dt": -1.0}, "ExpSynapse: dt is -1.0 s", "finite, above 0, s"),
        (PSN(steps=4, shape=(3,)), {}, "PSN: NIR has no node for it", "CubaLIF"),
    ],
)
def test_a_neuron_that_cannot_be(neuron, arguments, problem, hint):
    with pytest.raises(UserError) as raised:
        node_of(neuron, **{"dt": 1e-3, **arguments})
    assert problem in raised.value.problem and "\n" not in raised.value.problem
    assert hint in raised.value.hint


def test_of_a_synapse_only_a_leak_of_zero():
    node = node_of(ExpSynapse(shape=(3,)), 1e-3)
    node.v_leak[:] = 1.0
    with pytest.raises(UserError, match="NIR node LI: v_leak is not 0, as ExpSynapse has it"):
        neuron_of(node)
