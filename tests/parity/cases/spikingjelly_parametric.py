"""SpikingJelly's LIF with learned, scaled, normalised or analogue membranes."""

from __future__ import annotations

from collections.abc import Callable

import torch

from snnctl.neurons import KLIF, LIAF, LIF, MPBNLIF
from snnctl.neurons.neuron import Neuron
from snnctl.surrogates import Sigmoid
from tests.parity.drive import currents, ours, stepped, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import silent

DT = 1e-3
EULER = {"decay": "euler", "input_gain": "dt/tau", "reset": "value", "surrogate": Sigmoid(4.0)}


def _theirs(given: Inputs, name: str, learned: str = "", **options) -> Traces:
    from spikingjelly.activation_based import neuron

    node = getattr(neuron, name)(**options)
    parameters = [(p, getattr(node, p)) for p in learned.split()]
    traces = stepped(given, lambda x, *_: (node(x), node.v), (), ["v"], parameters)
    return silent(traces) if name == "LIAFNode" else traces


def _case(api: str, preset: str, setting: str, theirs: dict, mine: Callable[[], Neuron], learned: str = "") -> Parity:
    return Parity(
        f"spikingjelly.{api}", f"neuron={preset}", setting, currents(1.0, 0.5),
        lambda given: _theirs(given, api, learned, **theirs), lambda given: _mine(given, mine(), learned),
    )  # fmt: skip


def _mine(given: Inputs, neuron: Neuron, learned: str) -> Traces:
    if isinstance(neuron, LIAF):
        return silent(ours(given, neuron, DT))
    if learned != "w":
        return ours(given, neuron, DT, learned=[(p, p) for p in learned.split()])
    # they learn w, tau / dt = 1 + exp(-w); here the logarithm of tau is learned: d log(tau) / dw = 1 / (tau / dt) - 1
    traces = ours(given, neuron, DT, learned=[("w", "log_tau_mem")])
    return {**traces, "grad_w": traces["grad_w"] * (DT / neuron.tau_mem - 1)}


def _plif(tau: float = 2.0, **options) -> Neuron:
    return LIF(tau_mem=tau * DT, learnable="tau_mem", **{**EULER, **options})


def _klif(tau: float = 2.0, **options) -> Neuron:
    return KLIF(tau_mem=tau * DT, learnable="k", **{**EULER, **options})


def _liaf(tau: float = 2.0, **options) -> Neuron:
    return LIAF(tau_mem=tau * DT, **{**EULER, **options})


PLIF, KLIFNODE, LIAFNODE = (
    (f"{name}Node", f"{preset}/spikingjelly")
    for name, preset in (("ParametricLIF", "plif"), ("KLIF", "klif"), ("LIAF", "liaf"))
)


def _normalised(setting: str, theirs: dict, mine: dict, training: bool = True) -> Parity:
    def run_theirs(given: Inputs) -> Traces:
        from spikingjelly.activation_based import neuron

        node = neuron.MPBNLIFNode(out_features=5, **theirs)
        _weigh(node.vbn, given)
        node.train(training)
        learned = [("weight", node.vbn.weight), ("bias", node.vbn.bias)]
        if theirs.get("learnable_vth"):
            with torch.no_grad():
                node.a.copy_(given["a"])
            learned.append(("log_threshold", node.a))
        return stepped(given, lambda x, *_: (node(x), node.v), (), ["v"], learned)

    def run_mine(given: Inputs) -> Traces:
        options = {**EULER, "input_gain": 1.0, "tau_mem": 2 * DT, "shape": (5,), **mine}
        if "threshold" in options.get("learnable", ()):
            options["threshold"] = given["a"].exp()
        neuron = MPBNLIF(**options)
        _weigh(neuron.norm, given)
        neuron.train(training)
        if training:
            neuron.backend = "eager"  # a second run would see other statistics
        learned = [("weight", "norm.weight"), ("bias", "norm.bias")]
        learned += [("log_threshold", "threshold")] if "threshold" in neuron.learnable else []
        traces = _traced(given, neuron, learned)
        if "grad_log_threshold" in traces:
            traces["grad_log_threshold"] = traces["grad_log_threshold"] * given["a"].exp()
        return traces

    return Parity("spikingjelly.MPBNLIFNode", "neuron=mpbn_lif/spikingjelly", setting, _inputs, run_theirs, run_mine)


def _traced(given: Inputs, neuron: Neuron, learned: list[tuple[str, str]]) -> Traces:
    x = given["x"].clone().requires_grad_()
    out, _, states = neuron.trace(x, dt=DT)
    parameters = [(name, neuron.get_parameter(path)) for name, path in learned]
    return {**with_gradients(out, x, given, parameters), "v": states["v"]}


def _inputs() -> Inputs:
    draw = torch.Generator().manual_seed(5)
    drawn = {name: torch.randn(5, generator=draw) * 0.3 for name in ("weight", "bias", "mean", "a")}
    return {**currents(1.0, 0.5, shape=(4, 5))(), **drawn, "var": torch.rand(5, generator=draw) + 0.5}


def _weigh(norm: torch.nn.Module, given: Inputs) -> None:
    with torch.no_grad():
        norm.weight.copy_(1 + given["weight"])
        norm.bias.copy_(0.5 + given["bias"])
        norm.running_mean.copy_(given["mean"])
        norm.running_var.copy_(given["var"])


CASES = [
    _case(*PLIF, "defaults", {}, _plif, "w"),
    _case(*PLIF, "decay_input=False", {"decay_input": False}, lambda: _plif(input_gain=1.0), "w"),
    _case(
        *PLIF, "init_tau=3.5 v_reset=None detach_reset=True",
        {"init_tau": 3.5, "v_reset": None, "detach_reset": True},
        lambda: _plif(3.5, reset="subtract", detach_reset=True), "w",
    ),
    _case(*KLIFNODE, "defaults", {}, _klif, "k"),
    _case(*KLIFNODE, "scale_reset=True v_reset=0.1", {"scale_reset": True, "v_reset": 0.1},
          lambda: _klif(scale_reset=True, v_reset=0.1, v_rest=0.1), "k"),
    _case(*KLIFNODE, "scale_reset=True v_reset=None tau=3", {"scale_reset": True, "v_reset": None, "tau": 3.0},
          lambda: _klif(3.0, scale_reset=True, reset="subtract"), "k"),
    _case(*LIAFNODE, "act=relu threshold_related=True", {"act": torch.relu, "threshold_related": True}, _liaf),
    _case(*LIAFNODE, "act=relu threshold_related=False", {"act": torch.relu, "threshold_related": False},
          lambda: _liaf(from_threshold=False)),
    _case(*LIAFNODE, "act=relu v_reset=None tau=3",
          {"act": torch.relu, "threshold_related": True, "v_reset": None, "tau": 3.0},
          lambda: _liaf(3.0, reset="subtract")),
    _normalised("defaults", {}, {}),
    # with v_reset=None they subtract the threshold that it was built with, not the learned one: hard reset here
    _normalised("learnable_vth=True", {"learnable_vth": True}, {"learnable": ["threshold"], "per": "channel"}),
    _normalised("decay_input=True evaluation", {"decay_input": True}, {"input_gain": "dt/tau"}, training=False),
]  # fmt: skip
