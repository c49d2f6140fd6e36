"""snnTorch's other first-order neurons: Lapicque, DeltaLeaky, graded spikes, and Leaky with learned parameters."""

from __future__ import annotations

import math

import torch

from snnctl.neurons import GradedSpikes
from tests.parity.drive import currents, ours, stepped, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, silent

DT, BETA = 1e-3, 0.9
TAU = -DT / math.log(BETA)


def _lapicque(given: Inputs, **options) -> Traces:
    import snntorch

    neuron = snntorch.Lapicque(time_step=DT, **options)
    return stepped(given, neuron, (neuron.init_lapicque(),), ["v"])


def _lapicque_case(setting: str, theirs: dict, options: dict, scale: float) -> Parity:
    return Parity(
        "snntorch.Lapicque", "neuron=lapicque/snntorch", setting, currents(scale, scale / 3),
        lambda given: _lapicque(given, **theirs), mine("lapicque/snntorch", **options),
    )  # fmt: skip


def _delta(given: Inputs, **options) -> Traces:
    import snntorch

    neuron = snntorch.DeltaLeaky(beta=BETA, **options)

    def step(x, v, before):
        spikes, state = neuron(x, (v, before))
        return (spikes, *state)

    return stepped(given, step, (None, None), ["v", ""])


def _delta_case(setting: str, theirs: dict, options: dict) -> Parity:
    return Parity(
        "snntorch.DeltaLeaky", "neuron=delta_lif/snntorch", setting, currents(),
        lambda given: _delta(given, **theirs), mine("delta_lif/snntorch", tau_mem=TAU, **options),
    )  # fmt: skip


def _leaky(given: Inputs, **options) -> Traces:
    import snntorch

    neuron = snntorch.Leaky(beta=BETA, **options)
    names = {"beta": "tau_mem", "threshold": "threshold", "graded_spikes_factor": "amplitude"}
    learned = [(ours, getattr(neuron, theirs)) for theirs, ours in names.items() if options.get(f"learn_{theirs}")]
    traces = stepped(given, neuron, (neuron.init_leaky(),), ["v"], learned)
    if "grad_tau_mem" in traces:  # of beta to that of log tau
        traces["grad_tau_mem"] = traces["grad_tau_mem"] * -BETA * math.log(BETA)
    return traces if "graded_spikes_factor" not in options else silent(traces)


def _learned(setting: str, theirs: dict, learned: tuple[str, ...]) -> Parity:
    return Parity(
        "snntorch.Leaky", "neuron=lif/snntorch", setting, currents(), lambda given: _leaky(given, **theirs),
        mine("lif/snntorch", None, learned, tau_mem=TAU),
    )  # fmt: skip


def _graded_case(setting: str, theirs: dict, options: dict, scale: float = 0.6) -> Parity:
    run = mine("graded_lif/snntorch", None, ["amplitude"], tau_mem=TAU, **options)
    return Parity(
        "snntorch.Leaky", "neuron=graded_lif/snntorch", setting, currents(scale, scale / 3),
        lambda given: _leaky(given, learn_graded_spikes_factor=True, **theirs), lambda given: silent(run(given)),
    )  # fmt: skip


def _spikes() -> Inputs:
    draw = torch.Generator().manual_seed(7)
    x = (torch.rand(40, 2, 5, 1, generator=draw) < 0.3).float()
    return {"x": x, "g": torch.randn(x.shape, generator=draw), "weight": torch.rand(5, 1, generator=draw) + 0.5}


def _layer(given: Inputs, factor: float | None = None) -> Traces:
    import snntorch._layers.graded_spikes as layers

    built = layers.GradedSpikes(5, factor)
    if factor is None:  # theirs draws its weights
        built.weights.data.copy_(given["weight"])
    x = given["x"].clone().requires_grad_()
    return silent(with_gradients(built(x), x, given, [("amplitude", built.weights)]))


def _layer_mine(given: Inputs, factor: float | None = None) -> Traces:
    amplitude = given["weight"].flatten().tolist() if factor is None else factor
    built = GradedSpikes(amplitude=amplitude, learnable="amplitude", per="neuron", shape=(5, 1))
    return silent(ours(given, built, DT, {}, [("amplitude", "amplitude")]))


def _layer_case(setting: str, factor: float | None) -> Parity:
    return Parity(
        "snntorch.GradedSpikes", "neuron=graded_spikes", setting, _spikes,
        lambda given: _layer(given, factor), lambda given: _layer_mine(given, factor),
    )  # fmt: skip


RC = {"R": 5.0, "C": 4e-3}
CASES = [
    _lapicque_case("R=5_C=4e-3", RC, {}, 4.0),
    _lapicque_case("R=5_C=4e-3_reset_mechanism=zero", {**RC, "reset_mechanism": "zero"}, {"reset": "zero"}, 4.0),
    _lapicque_case("beta=0.9_threshold=0.7", {"beta": BETA, "threshold": 0.7},  # R = 1, C = dt / log(1 / beta)
                   {"resistance": 1.0, "capacitance": TAU, "threshold": 0.7}, 6.0),
    _delta_case("defaults", {}, {}),
    _delta_case("delta_threshold=0.4", {"delta_threshold": 0.4}, {"threshold": 0.4}),
    _delta_case("delta_threshold=0.1", {"delta_threshold": 0.1}, {"threshold": 0.1}),
    _learned("learn_beta", {"learn_beta": True}, ("tau_mem",)),
    _learned("learn_beta_threshold", {"learn_beta": True, "learn_threshold": True}, ("threshold", "tau_mem")),
    _graded_case("graded_spikes_factor=1", {"graded_spikes_factor": 1.0}, {}),
    _graded_case("graded_spikes_factor=2.5", {"graded_spikes_factor": 2.5}, {"amplitude": 2.5}),
    _graded_case("graded_spikes_factor=0.5_zero", {"graded_spikes_factor": 0.5, "reset_mechanism": "zero"},
                 {"amplitude": 0.5, "reset": "zero"}),
    _layer_case("constant_factor=1.5", 1.5),
    _layer_case("constant_factor=0.5", 0.5),
    _layer_case("constant_factor=None", None),
]  # fmt: skip
