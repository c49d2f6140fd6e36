"""SpikingJelly's neurons for online training: what they compute, and the gradient of a step on its own.

Their rules of learning are a regime's; here a loop over `step` that detaches the state is what they do inside.
"""

from __future__ import annotations

import torch

from snnctl.neurons import LI, LIF
from snnctl.surrogates import Sigmoid
from tests.parity.drive import currents, stepped, with_gradients
from tests.parity.parity import Inputs, Parity, Traces

DT = 1e-3


def _theirs(given: Inputs, name: str, **options) -> Traces:
    from spikingjelly.activation_based import neuron

    node = getattr(neuron, name)(**options)
    if name == "SLTTLIFNode":
        return stepped(given, lambda x, *_: (node(x), node.v), (), ["v"])
    traces = stepped(given, lambda x, *_: (node(x)[0], node.v, node.trace), (), ["v", "trace"])
    return traces


def _mine(given: Inputs, traced: bool, **options) -> Traces:
    options = {"tau_mem": 2 * DT, "decay": "euler", "detach_reset": True, "surrogate": Sigmoid(4.0), **options}
    neuron = LIF(**options)
    x, coefs = given["x"].clone().requires_grad_(), neuron.coefficients(DT)
    state, outs, vs = neuron.initial_state(x[0]), [], []
    for x_t in x:
        state = type(state)(*(None if field is None else field.detach() for field in state))
        out, state = neuron.step(x_t, state, coefs)
        outs.append(out)
        vs.append(state.v)
    traces = {**with_gradients(torch.stack(outs), x, given, []), "v": torch.stack(vs)}
    assert torch.equal(traces["spikes"], neuron(given["x"], dt=DT)[0])
    if traced:  # of spikes: a leaky integrator of them
        traces["trace"] = LI(tau_mem=options["tau_mem"], decay="euler")(traces["spikes"], dt=DT)[0]
    return traces


def _case(name: str, setting: str, theirs: dict, mine: dict) -> Parity:
    return Parity(
        f"spikingjelly.{name}", "neuron=lif/spikingjelly", setting, currents(0.8, 0.3),
        lambda given: _theirs(given, name, **theirs), lambda given: _mine(given, name == "OTTTLIFNode", **mine),
    )  # fmt: skip


HARD = {"reset": "value", "input_gain": "dt/tau"}
CASES = [
    _case("OTTTLIFNode", "defaults", {}, {}),
    _case("OTTTLIFNode", "tau=3.5", {"tau": 3.5}, {"tau_mem": 3.5 * DT}),
    _case("OTTTLIFNode", "decay_input=True v_reset=0", {"decay_input": True, "v_reset": 0.0}, HARD),
    _case("SLTTLIFNode", "defaults", {}, HARD),
    _case("SLTTLIFNode", "tau=3.5", {"tau": 3.5}, {**HARD, "tau_mem": 3.5 * DT}),
    _case("SLTTLIFNode", "v_reset=None detach_reset=False", {"v_reset": None, "detach_reset": False},
          {"input_gain": "dt/tau", "detach_reset": False}),
]  # fmt: skip
