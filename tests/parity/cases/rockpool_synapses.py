"""Rockpool's exponential synapses, several synapses a neuron, and rate neurons."""

from __future__ import annotations

from typing import Any

import torch

from snnctl.neurons import MultiSynapse
from tests.parity.cases.rockpool_lif import module
from tests.parity.drive import currents, with_gradients
from tests.parity.frameworks import guard
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, preset, recurrent, silent, without


def _syn(given: Inputs, **options: Any) -> Traces:
    guard()
    from rockpool.nn.modules import ExpSynTorch

    traces = silent(module(given, ExpSynTorch((5,), **options), {}, [("tau_syn", "tau")]))
    return {**traces, "i": traces["out"]}


def _numpy_syn(given: Inputs, **options: Any) -> Traces:
    guard()
    from rockpool.nn.modules import ExpSyn

    out, _, _ = ExpSyn((5,), **options)(given["x"].transpose(0, 1).numpy())
    return {"out": torch.as_tensor(out).float().transpose(0, 1)}


def _low_pass(given: Inputs, tau: float) -> Traces:
    guard()
    from rockpool.nn.modules.torch.lowpass import LowPass

    x = given["x"].clone().requires_grad_()
    return silent(with_gradients(LowPass(5, dt=1e-3, tau_mem=tau)(x)[0], x, given, []))


def _syn_case(setting: str, options: dict, ours: dict) -> Parity:
    run = mine("exp_synapse/rockpool", {"i": "i"}, ["tau_syn"], **ours)
    return Parity(
        "rockpool.nn.modules.ExpSynTorch", "neuron=exp_synapse/rockpool", setting, currents(),
        lambda given: _syn(given, **options), lambda given: silent(run(given)),
    )  # fmt: skip


def _numpy_syn_case(setting: str, options: dict, ours: dict) -> Parity:
    run = mine("exp_synapse/rockpool", {}, **ours)
    return Parity(
        "rockpool.nn.modules.ExpSyn", "neuron=exp_synapse/rockpool", setting, currents(),
        lambda given: _numpy_syn(given, **options), lambda given: without("grad_x", silent(run(given))),
    )  # fmt: skip


def _low_pass_case(tau: float) -> Parity:
    run = mine("exp_synapse", {}, tau_syn=tau)
    return Parity(
        "rockpool.nn.modules.torch.lowpass.LowPass", "neuron=exp_synapse", f"tau_mem={tau:g}", currents(shape=(1, 5)),
        lambda given: _low_pass(given, tau), lambda given: silent(run(given)),
    )  # fmt: skip


def _multi(given: Inputs, taus: list[float], **options: Any) -> Traces:
    guard()
    from rockpool.nn.modules import LIFTorch

    size = len(taus)
    built = LIFTorch((5 * size, 5), tau_syn=torch.tensor([taus]), **options)
    return module(given, built, {"v": "vmem", "currents": "isyn"}, [("tau_mem", "tau_mem")])


def _multi_mine(given: Inputs, taus: list[float], **options: Any) -> Traces:
    neuron = preset("lif/rockpool", learnable=["tau_mem"], **options)
    built = MultiSynapse(neuron, tau_syn=taus, synapse="add_then_decay")
    x = given["x"].clone().requires_grad_()
    out, _, fields = built.trace(x, dt=1e-3)
    assert torch.equal(out, built(given["x"], dt=1e-3)[0]), "the kernel's output is another"
    return {
        **with_gradients(out, x, given, [("tau_mem", neuron.log_tau_mem)]), "v": fields["v"],
        "currents": fields["currents"],
    }  # fmt: skip


def _multi_case(setting: str, taus: list[float], theirs: dict, options: dict) -> Parity:
    def inputs() -> Inputs:
        return {**currents(0.2, 0.05, shape=(2, 5 * len(taus)))(), "g": currents()()["g"]}

    return Parity(
        "rockpool.nn.modules.LIFTorch", "neuron=multi_synapse", f"n_synapses={len(taus)}{setting}", inputs,
        lambda given: _multi(given, taus, **theirs), lambda given: _multi_mine(given, taus, **options),
    )  # fmt: skip


def _rate(given: Inputs, **options: Any) -> Traces:
    guard()
    from rockpool.nn.modules import RateTorch

    if "w" in given:
        options = {"has_rec": True, "w_rec": given["w"].T.clone(), **options}
    traces = silent(module(given, RateTorch((5,), **options), {"v": "x"}, [("w", "w_rec")] if "w" in given else []))
    return {n: t.T if n == "grad_w" else t for n, t in traces.items()}


def _numpy_rate(given: Inputs, **options: Any) -> Traces:
    guard()
    from rockpool.nn.modules import Rate

    out, _, seen = Rate((5,), **options)(given["x"].transpose(0, 1).numpy(), record=True)
    return {n: torch.as_tensor(t).float().transpose(0, 1) for n, t in (("out", out), ("v", seen["x"]))}


def _recurrent() -> Inputs:
    return {**currents(2.0, 0.5)(), "w": 0.4 * torch.randn(5, 5, generator=torch.Generator().manual_seed(8))}


def _rate_case(setting: str, theirs: dict, options: dict, api: str = "RateTorch") -> Parity:
    run = mine("rate", **options)
    numpy = api == "Rate"
    return Parity(
        f"rockpool.nn.modules.{api}", "neuron=rate", setting, currents(2.0, 0.5),
        lambda given: (_numpy_rate if numpy else _rate)(given, **theirs),
        lambda given: without("grad_x" if numpy else "", silent(run(given))),
    )  # fmt: skip


FAST = {"tau": 5e-3}
CASES = [
    _syn_case("defaults", {}, {}),
    _syn_case("tau=0.002", {"tau": 2e-3}, {"tau_syn": 2e-3}),
    _syn_case("tau=0.05", {"tau": 50e-3}, {"tau_syn": 50e-3}),
    _numpy_syn_case("defaults", {}, {}),
    _numpy_syn_case("tau=0.02", {"tau": 20e-3}, {"tau_syn": 20e-3}),
    _numpy_syn_case("tau=0.05", {"tau": 50e-3}, {"tau_syn": 50e-3}),
    _low_pass_case(50e-3),
    _low_pass_case(10e-3),
    _low_pass_case(2e-3),
    _multi_case("", [20e-3, 5e-3], {}, {}),
    _multi_case("", [20e-3, 5e-3, 2e-3], {}, {}),
    _multi_case("_tau_mem=0.005", [10e-3, 2e-3], {"tau_mem": 5e-3}, {"tau_mem": 5e-3}),
    _rate_case("defaults", {}, {}),
    _rate_case("tau=0.005_threshold=0.2", {**FAST, "threshold": 0.2}, {"tau_mem": 5e-3, "threshold": 0.2}),
    _rate_case("tau=0.005_tanh", {**FAST, "activation_func": lambda x, t: torch.tanh(x - t)},
               {"tau_mem": 5e-3, "activation": "tanh"}),
    _rate_case("defaults", {}, {}, "Rate"),
    _rate_case("sigmoid_threshold=0.2", {"activation_func": "sigmoid", "threshold": 0.2},
               {"activation": "sigmoid", "threshold": 0.2}, "Rate"),
    _rate_case("tanh", {"activation_func": "tanh"}, {"activation": "tanh"}, "Rate"),
    Parity("rockpool.nn.modules.RateTorch", "Recurrent with neuron=rate", "has_rec=True", _recurrent,
           lambda given: _rate(given, **FAST),
           lambda given: silent(recurrent(given, preset("rate", tau_mem=5e-3), {"v": "v"}))),
]  # fmt: skip
