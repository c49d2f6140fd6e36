"""SpikingJelly's parallel spiking neurons."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from snnctl.neurons import PSN, MaskedPSN, SlidingPSN
from snnctl.surrogates import ATan, Sigmoid
from tests.parity.drive import currents, with_gradients
from tests.parity.parity import Inputs, Parity, Traces

STEPS = 40


def _inputs() -> Inputs:
    draw = torch.Generator().manual_seed(2)
    square = torch.randn(STEPS, STEPS, generator=draw) * 0.2
    return {**currents(1.0, 0.3, STEPS)(), "w": square, "b": torch.randn(STEPS, generator=draw) * 0.3 - 0.3}


def _weigh(layer: nn.Module, given: Inputs, newest_first: bool = True) -> None:
    with torch.no_grad():
        if layer.weight.dim() == 2:
            layer.weight.copy_(given["w"])
            layer.bias.copy_(given["b"].view_as(layer.bias))
        else:
            w = given["w"][0, : len(layer.weight)].abs() + 0.2
            layer.weight.copy_(w if newest_first else w.flip(0))
            layer.bias.fill_(-0.5)


def _case(name: str, preset: str, setting: str, theirs: dict, mine: Callable[[], nn.Module]) -> Parity:
    def run_theirs(given: Inputs) -> Traces:
        from spikingjelly.activation_based import neuron, surrogate

        options = {n: getattr(surrogate, v)() if n == "surrogate_function" else v for n, v in theirs.items()}
        layer = getattr(neuron, name)(**options)
        _weigh(layer, given, newest_first=False)
        x = given["x"].clone().requires_grad_()
        traces = with_gradients(layer(x), x, given, [("w", layer.weight), ("b", layer.bias)])
        if layer.weight.dim() == 1:
            traces["grad_w"] = traces["grad_w"].flip(0)
        return {**traces, "grad_b": traces["grad_b"].flatten()}

    def run_mine(given: Inputs) -> Traces:
        layer = mine()
        _weigh(layer, given)
        x = given["x"].clone().requires_grad_()
        traces = with_gradients(layer(x, dt=1e-3)[0], x, given, [("w", layer.weight), ("b", layer.bias)])
        return {**traces, "grad_b": traces["grad_b"].flatten()}

    return Parity(f"spikingjelly.{name}", f"neuron={preset}", setting, _inputs, run_theirs, run_mine)


def _masked(k: int, share: float) -> Parity:
    return _case(
        "MaskedPSN", "masked_psn", f"k={k} lambda_init={share:g}",
        {"k": k, "T": STEPS, "lambda_init": share, "step_mode": "m"},
        lambda: MaskedPSN(order=k, masking=share, steps=STEPS),
    )  # fmt: skip


def _sliding(k: int, step_mode: str = "m") -> Parity:
    return _case("SlidingPSN", "sliding_psn", f"k={k}", {"k": k, "step_mode": step_mode}, lambda: SlidingPSN(order=k))


CASES = [
    _case("PSN", "psn", "defaults", {"T": STEPS}, lambda: PSN(steps=STEPS)),
    _case("PSN", "psn", "surrogate_function=ATan", {"T": STEPS, "surrogate_function": "ATan"},
          lambda: PSN(steps=STEPS, surrogate=ATan(2.0))),
    _case("PSN", "psn", "surrogate_function=Sigmoid", {"T": STEPS, "surrogate_function": "Sigmoid"},
          lambda: PSN(steps=STEPS, surrogate=Sigmoid(4.0))),
    *(_masked(k, share) for k, share in ((4, 0.0), (4, 1.0), (9, 0.4))),
    *(_sliding(k) for k in (1, 3, 8)),
]  # fmt: skip
