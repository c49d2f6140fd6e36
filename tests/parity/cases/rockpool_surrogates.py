"""Rockpool's spike functions, which take v and the threshold and fire as often as v holds it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from snnctl.neurons import IF
from snnctl.surrogates import Surrogate
from tests.parity.frameworks import guard
from tests.parity.parity import Inputs, Parity, Traces
from tests.surrogates.gradients import around_threshold, gradient, proof
from tests.surrogates.presets import preset


def _apply(v: Tensor, function: str, threshold: float, window: float) -> Tensor:
    from rockpool.nn.modules.torch import lif_torch

    values = (torch.tensor(threshold), torch.tensor(window), torch.tensor(2.0**16))
    return getattr(lif_torch, function).apply(v, *values)


def _smooth(v: Tensor, threshold: float) -> Tensor:
    from rockpool.nn.modules.torch.lif_torch import sigmoid

    return sigmoid(v, threshold)


def _spiking(x: Tensor, surrogate: Surrogate, threshold: float) -> Tensor:
    """One step of a neuron without memory that may fire several times."""
    neuron = IF(reset="none", max_spikes=None, threshold=threshold, surrogate=surrogate, surrogate_at="first",
                backend="eager")  # fmt: skip
    return neuron((x + threshold)[None, :, None], dt=1e-3)[0][0, :, 0]


def _case(function: str, name: str, setting: str, threshold: float, window: float, changes: dict) -> Parity:
    return proof(
        f"rockpool.nn.modules.torch.lif_torch.{function}",
        f"rockpool/{name}",
        setting,
        lambda x: _apply(x + threshold, function, threshold, window),
        changes,
        lambda surrogate, x: _spiking(x, surrogate, threshold),
    )


def _dynapsim(given: Inputs, threshold: float, reset: float) -> Traces:
    """Its gradient; what it gives is a count of currents above 0 on a logarithmic scale."""
    guard()
    import jax
    from rockpool.devices.dynapse.simulation.surrogate import step_pwl

    slope = jax.vmap(jax.grad(lambda i: step_pwl(i, threshold, reset, float("inf"))))
    return {"grad_x": torch.from_numpy(np.array(slope((given["x"] + threshold).numpy()))) * given["g"]}


def _dynapsim_case(setting: str, threshold: float, reset: float) -> Parity:
    name = "rockpool/dynapsim_step_pwl"
    mine = preset(name, kink=reset - threshold)
    return Parity(
        "rockpool.devices.dynapse.simulation.surrogate.step_pwl", f"surrogate@neuron.surrogate={name}", setting,
        around_threshold, lambda given: _dynapsim(given, threshold, reset),
        lambda given: gradient(given, mine, ["grad_x"]),
    )  # fmt: skip


PERIODIC = {"width": 0.5, "scale": 2.0, "period": 0.5}
CASES = [
    _case("StepPWL", "step_pwl", "defaults", 1.0, 0.5, {}),
    _case("StepPWL", "step_pwl", "window=0.125", 1.0, 0.125, {"kink": -0.125}),
    _case("StepPWL", "step_pwl", "threshold=2", 2.0, 0.5, {"above": 0.5}),
    _case("PeriodicExponential", "periodic_exponential", "defaults", 1.0, 0.5, {}),
    _case("PeriodicExponential", "periodic_exponential", "window=0.125", 1.0, 0.125, {"width": 0.125}),
    _case("PeriodicExponential", "periodic_exponential", "threshold=0.5", 0.5, 0.5, PERIODIC),
    # a smooth output in place of spikes: its gradient
    *(
        proof("rockpool.nn.modules.torch.lif_torch.sigmoid", "rockpool/sigmoid", f"threshold={threshold:g}",
              lambda x, threshold=threshold: _smooth(x + threshold, threshold), {}, traces=["grad_x"])
        for threshold in (1.0, 0.25, 2.0)
    ),
    _dynapsim_case("Ispkthr=1,Ireset=0", 1.0, 0.0),
    _dynapsim_case("Ispkthr=1,Ireset=0.5", 1.0, 0.5),
    _dynapsim_case("Ispkthr=2.5,Ireset=0.25", 2.5, 0.25),
]  # fmt: skip
