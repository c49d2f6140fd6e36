"""SpikingJelly's gated, complementary, spike-tracking and charged neurons."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from snnctl.neurons import CLIF, STBIF, ChargedIF, GatedLIF
from snnctl.surrogates import Rectangle, Sigmoid
from tests.parity.drive import currents, ours, stepped, with_gradients
from tests.parity.parity import Inputs, Parity, Traces

DT = 1e-3
RAW = ("alpha", "beta", "gamma", "tau", "v_threshold", "linear_decay", "v_subreset", "conduct")


def _steps(given: Inputs, name: str, states: str, options: dict) -> Traces:
    from spikingjelly.activation_based import neuron

    node = getattr(neuron, name)(**options)
    fields = states.split()
    return stepped(given, lambda x, *_: (node(x), *(getattr(node, f) for f in fields)), (), fields)


def _clif(setting: str, theirs: dict, mine: dict) -> Parity:
    def run(given: Inputs) -> Traces:
        options = {"tau_mem": 2 * DT, "decay": "euler", "surrogate": Rectangle(0.5), **mine}
        return ours(given, CLIF(**options), DT, {"v": "v", "m": "m"})

    return Parity(
        "spikingjelly.ComplementaryLIFNode", "neuron=clif/spikingjelly", setting, currents(0.8, 0.3),
        lambda given: _steps(given, "ComplementaryLIFNode", "v m", theirs), run,
    )  # fmt: skip


def _gated(setting: str, planes: int | None, theirs: dict, decay: float = 0.25) -> Parity:
    """All parameters drawn around where it starts; both learn all of them."""
    steps = 12
    shares = {"alpha": 0.5, "beta": 0.5, "gamma": 0.5, "tau": decay, "v_threshold": 0.5, "linear_decay": 0.02,
              "v_subreset": 0.5, "conduct": 0.5}  # fmt: skip

    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(4)
        each = () if planes is None else (planes,)
        shape = {name: (steps, *each) if name == "conduct" else each for name in RAW}
        raw = {n: torch.randn(shape[n], generator=draw) * 0.3 + math.log(s / (1 - s)) for n, s in shares.items()}
        return {**currents(0.8, 0.3, steps, (2, 3, 2, 2))(), **raw}

    def run_theirs(given: Inputs) -> Traces:
        from spikingjelly.activation_based import neuron

        node = neuron.GatedLIFNode(T=steps, inplane=planes, **theirs)
        with torch.no_grad():
            for name in RAW:
                getattr(node, name).copy_(given[name])
        x = given["x"].clone().requires_grad_()
        return with_gradients(node(x), x, given, [(name, getattr(node, name)) for name in RAW])

    def run_mine(given: Inputs) -> Traces:
        value = {name: torch.sigmoid(given[name].double()) for name in RAW}
        neuron = GatedLIF(
            leak_gate=value["alpha"], input_gate=value["beta"], reset_gate=value["gamma"],
            tau_mem=-DT / value["tau"].log(), leak=value["linear_decay"] / DT, v_subtract=value["v_subreset"],
            threshold=value["v_threshold"], conductances="step", steps=steps, surrogate=Sigmoid(4.0),
            learnable=list(NAMES.values()), per="layer" if planes is None else "channel", shape=(3, 2, 2),
        )  # fmt: skip
        logits = given["conduct"].view(steps) if planes is None else given["conduct"].view(steps, planes, 1, 1)
        neuron.logit_conductance.data.copy_(logits)
        stored = {n: f"logit_{n}" if hasattr(neuron, f"logit_{n}") else n for n in NAMES.values()}
        stored["tau_mem"] = "log_tau_mem"
        traces = ours(given, neuron, DT, {}, [(raw, stored[name]) for raw, name in NAMES.items()])
        return {n: _as_logit(n, t, value, given) for n, t in traces.items()}

    return Parity("spikingjelly.GatedLIFNode", "neuron=gated_lif/spikingjelly", setting, inputs, run_theirs, run_mine)


NAMES = {"alpha": "leak_gate", "beta": "input_gate", "gamma": "reset_gate", "tau": "tau_mem",
         "v_threshold": "threshold", "linear_decay": "leak", "v_subreset": "v_subtract",
         "conduct": "conductance"}  # fmt: skip


def _as_logit(name: str, trace: Tensor, value: dict[str, Tensor], given: Inputs) -> Tensor:
    """A gradient as theirs is: of the logit of what they call by this name."""
    raw = name.removeprefix("grad_")
    if raw not in value:
        return trace
    trace, share = trace.reshape(given[raw].shape), value[raw]
    if raw == "tau":  # of log(tau_mem) here: d share / d log(tau_mem) = -share log(share)
        return (trace * (1 - share) / -share.log()).float()
    scale = {"linear_decay": 1 / DT, "v_threshold": 1.0, "v_subreset": 1.0}.get(raw)
    return trace if scale is None else (trace * scale * share * (1 - share)).float()


def _stbif(setting: str, theirs: dict, mine: dict) -> Parity:
    def inputs() -> Inputs:
        return {"x": currents(0.6, 0.1)()["x"]}

    def run_theirs(given: Inputs) -> Traces:
        from spikingjelly.activation_based import neuron

        node = neuron.STBIFNode(**theirs)
        outs, states = [], []
        for x in given["x"]:  # it knows no gradient
            outs.append(node(x))
            states.append((node.q, node.acc_q))
        return {
            "spikes": torch.stack(outs),
            **{n: torch.stack(s) for n, s in zip("qa", zip(*states, strict=True), strict=True)},
        }

    def run_mine(given: Inputs) -> Traces:
        neuron = STBIF(**mine)
        out, _, states = neuron.trace(given["x"], dt=DT)
        assert torch.equal(out, neuron(given["x"], dt=DT)[0])
        return {"spikes": out, "q": states["v"], "a": states["acc"]}

    return Parity("spikingjelly.STBIFNode", "neuron=stbif", setting, inputs, run_theirs, run_mine)


def _charged(api: str, setting: str, theirs: dict, mine: dict, offset: float = 0.0) -> Parity:
    """Their offset of the firing condition is a charge before the first step here."""

    def run(given: Inputs) -> Traces:
        traces = ours(given, ChargedIF(surrogate=Sigmoid(4.0), **mine), DT)
        return {**traces, "v": traces["v"] - offset}

    return Parity(
        f"spikingjelly.{api}", "neuron=charged_if/spikingjelly", setting, currents(0.6, 0.2),
        lambda given: _steps(given, api, "v", theirs), run,
    )  # fmt: skip


CASES = [
    _clif("defaults", {}, {}),
    _clif("tau=3.5", {"tau": 3.5}, {"tau_mem": 3.5 * DT}),
    _clif("v_threshold=0.6", {"v_threshold": 0.6}, {"threshold": 0.6}),
    _gated("defaults", None, {}),
    _gated("inplane=3", 3, {}),
    _gated("inplane=3 init_tau=0.6", 3, {"init_tau": 0.6}, decay=0.6),
    _stbif("q_threshold=1 level=16", {"q_threshold": 1.0, "level": 16}, {}),
    _stbif("q_threshold=0.3 level=4", {"q_threshold": 0.3, "level": 4}, {"threshold": 0.3, "levels": 4}),
    _stbif("q_threshold=0.5 level=8 sym=True", {"q_threshold": 0.5, "level": 8, "sym": True},
           {"threshold": 0.5, "levels": 8, "signed": True}),
    _charged("HalfThresholdIFNode", "defaults", {}, {}),
    _charged("HalfThresholdIFNode", "v_threshold=0.7", {"v_threshold": 0.7}, {"threshold": 0.7, "v_start": 0.35}),
    _charged("HalfThresholdIFNode", "detach_reset=True", {"detach_reset": True}, {"detach_reset": True}),
    _charged("ActivationAwareIFNode", "defaults", {}, {"v_start": 0.0}),
    _charged("ActivationAwareIFNode", "v_offset=0.3", {"v_offset": 0.3}, {"v_start": 0.3}, offset=0.3),
    _charged("ActivationAwareIFNode", "v_threshold=0.8 v_offset=-0.2", {"v_threshold": 0.8, "v_offset": -0.2},
             {"threshold": 0.8, "v_start": -0.2}, offset=-0.2),
]  # fmt: skip
