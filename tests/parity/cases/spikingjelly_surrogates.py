"""SpikingJelly's surrogate functions."""

from __future__ import annotations

import torch
from torch import Tensor

from snnctl.neurons import IF
from snnctl.surrogates import Surrogate
from tests.parity.parity import Inputs, Parity
from tests.surrogates.gradients import FINE, around_threshold, proof, said

# their class -> (YAML, their arguments in two other settings, what these are here)
CLASSES = {
    "Sigmoid": ("sigmoid", [{"alpha": 1.0}, {"alpha": 25.0}], lambda alpha: {"slope": alpha}),
    "ATan": ("atan", [{"alpha": 0.5}, {"alpha": 8.0}], lambda alpha: {"alpha": alpha}),
    "PiecewiseQuadratic": ("piecewise_quadratic", [{"alpha": 0.5}, {"alpha": 4.0}],
                           lambda alpha: {"width": 1 / alpha, "scale": alpha}),
    "PiecewiseExp": ("piecewise_exp", [{"alpha": 0.5}, {"alpha": 8.0}], lambda alpha: {"width": 1 / alpha}),
    "SoftSign": ("soft_sign", [{"alpha": 0.5}, {"alpha": 10.0}], lambda alpha: {"slope": alpha, "scale": alpha / 2}),
    "SuperSpike": ("super_spike", [{"alpha": 0.3}, {"alpha": 100.0}], lambda alpha: {"scale": alpha}),
    "NonzeroSignLogAbs": ("nonzero_sign_log_abs", [{"alpha": 0.3}, {"alpha": 10.0}], lambda alpha: {"alpha": alpha}),
    "Erf": ("erf", [{"alpha": 0.5}, {"alpha": 10.0}], lambda alpha: {"sigma": 0.5**0.5 / alpha}),
    "PiecewiseLeakyReLU": ("piecewise_leaky_relu", [{"w": 0.5, "c": 0.0}, {"w": 2.0, "c": 0.1}],
                           lambda w, c: {"width": w, "outside": c}),
    "SquarewaveFourierSeries": ("squarewave_fourier_series", [{"n": 4, "T_period": 8}, {"n": 3, "T_period": 2.5}],
                                lambda n, T_period: {"terms": n - 1, "period": float(T_period)}),
    "S2NN": ("s2nn", [{"alpha": 1.0, "beta": 2.0}, {"alpha": 10.0, "beta": 0.5}],
             lambda alpha, beta: {"alpha": alpha, "beta": beta}),
    "QPseudoSpike": ("q_pseudo_spike", [{"alpha": 1.5}, {"alpha": 5.0}], lambda alpha: {"q": alpha}),
    "LeakyKReLU": ("leaky_k_relu", [{"leak": 0.1}, {"leak": -0.2, "k": 3.0}],
                   lambda leak, k=1.0: {"below": leak, "above": k}),
    "FakeNumericalGradient": ("fake_numerical_gradient", [{"alpha": 1.0}, {"alpha": 8.0}],
                              lambda alpha: {"alpha": alpha}),
    "LogTailedReLU": ("log_tailed_relu", [{"alpha": 0.1}, {"alpha": 1.0}], lambda alpha: {"alpha": alpha}),
    "DeterministicPass": ("deterministic_pass", [], None),
    "Rect": ("rect", [{"alpha": 0.5}, {"alpha": 4.0}], lambda alpha: {"width": 0.5 / alpha}),
}  # fmt: skip


def _called(x: Tensor, kind: str, options: dict) -> Tensor:
    from spikingjelly.activation_based import surrogate

    return getattr(surrogate, kind)(**options)(x)


def _dspike(x: Tensor, options: dict) -> Tensor:
    from spikingjelly.activation_based.model.spike_dhs import DSpike

    return DSpike(**options)(x)


def _cases():
    for kind, (name, others, numbers) in CLASSES.items():
        for options in [{}, *others]:
            yield proof(
                f"spikingjelly.activation_based.surrogate.{kind}",
                f"spikingjelly/{name}",
                said(options),
                lambda x, kind=kind, options=options: _called(x, kind, options),
                numbers(**options) if options else {},
            )
    for options in ({}, {"alpha": 1.0}, {"alpha": 10.0}):
        yield proof(
            "spikingjelly.activation_based.model.spike_dhs.DSpike",
            "spikingjelly/dspike",
            said(options),
            lambda x, options=options: _dspike(x, options),
            options,
        )


def _count(x: Tensor, levels: int) -> Tensor:
    from spikingjelly.activation_based.surrogate import MultiLevelSpikeCount

    return MultiLevelSpikeCount(levels)(x + 0.5)


def _my_count(surrogate: Surrogate, x: Tensor, levels: int) -> Tensor:
    """One step of a neuron without memory that rounds v to a number of spikes."""
    neuron = IF(reset="none", max_spikes=levels, rounding="nearest", surrogate=surrogate, surrogate_at="first",
                backend="eager")  # fmt: skip
    return neuron((x + 0.5)[None, :, None], dt=1e-3)[0][0, :, 0]


def _counted() -> Inputs:
    """They round halves to even numbers, here they are rounded up: whole thresholds and their neighbours only."""
    given = around_threshold()
    x = torch.cat([given["x"][::2] * 2 + 1.5 + FINE, torch.arange(-4, 14) / 2 - 0.5 + FINE, torch.tensor([-0.5, 3.5])])
    return {"x": x, "g": torch.randn(x.shape, generator=torch.Generator().manual_seed(1))}


def _levels(levels: int) -> Parity:
    return proof(
        "spikingjelly.activation_based.surrogate.MultiLevelSpikeCount",
        "spikingjelly/multi_level_spike_count",
        f"max_spike_count={levels}",
        lambda x: _count(x, levels),
        {"width": levels / 2, "scale": float(levels), "center": (levels - 1) / 2},
        lambda surrogate, x: _my_count(surrogate, x, levels),
        inputs=_counted,
    )


def _chances() -> Inputs:
    return {"x": torch.linspace(0, 1, 17), "g": around_threshold()["g"][:17]}


CASES = [
    *_cases(),
    *map(_levels, (4, 1, 3)),
    # its spikes are drawn with probability x: the gradient
    proof("spikingjelly.activation_based.surrogate.PoissonPass", "spikingjelly/deterministic_pass", "defaults",
          lambda x: _called(x, "PoissonPass", {}), {}, traces=["grad_x"], inputs=_chances),
]  # fmt: skip
