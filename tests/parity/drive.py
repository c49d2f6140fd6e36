"""What the neurons of a proof are driven with, and how their traces are taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from snnctl.neurons.neuron import Neuron
from tests.parity.parity import Inputs


def currents(
    scale: float = 0.6, offset: float = 0.25, steps: int = 40, shape: tuple[int, ...] = (2, 5), seed: int = 0
) -> Callable[[], Inputs]:
    """() -> x (T, B, ...), Gaussian currents, and g, the gradient of the output, of the same shape."""

    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(seed)
        x = torch.randn(steps, *shape, generator=draw) * scale + offset
        return {"x": x, "g": torch.randn(steps, *shape, generator=draw)}

    return inputs


def stepped(
    given: Inputs,
    cell: Callable[..., Any],
    state: Sequence[Any],
    names: Sequence[str],
    learned: Sequence[tuple[str, Tensor]] = (),
) -> dict[str, Tensor]:
    """A framework's cell over time: its spikes, states after each step, and gradients.

    Args:
        given: x, g.
        cell: (x_t, *state) -> (out, *state).
        state: before the first step.
        names: of the states, in order; "" leaves one out of the traces.
        learned: name -> parameter, whose gradients are wanted.
    """
    x = given["x"].clone().requires_grad_()
    outs, states = [], []
    for x_t in x:
        out, *state = cell(x_t, *state)
        outs.append(out)
        states.append(state)
    traced = {name: torch.stack([s[k] for s in states]) for k, name in enumerate(names) if name}
    return {**with_gradients(torch.stack(outs), x, given, learned), **traced}


def ours(
    given: Inputs,
    neuron: Neuron,
    dt: float = 1e-3,
    fields: dict[str, str] | None = None,
    learned: Sequence[tuple[str, str]] = (),
) -> dict[str, Tensor]:
    """The same of a neuron of snnctl, by its step; that kernels give the same is tested with the neurons.

    Args:
        given: x, g.
        fields: trace name -> state field; None traces v.
        learned: trace name -> attribute that holds the parameter.
    """
    x = given["x"].clone().requires_grad_()
    out, _, states = neuron.trace(x, dt=dt)
    traced = {name: states[field] for name, field in ({"v": "v"} if fields is None else fields).items()}
    return {**with_gradients(out, x, given, [(n, getattr(neuron, a)) for n, a in learned]), **traced}


def with_gradients(out: Tensor, x: Tensor, given: Inputs, learned: Sequence[tuple[str, Tensor]]) -> dict[str, Tensor]:
    """spikes, and gradients of (g out).sum(): grad_x and grad_<name>."""
    grads = torch.autograd.grad((out * given["g"]).sum(), [x, *(p for _, p in learned)], allow_unused=True)
    named = zip(["x", *(name for name, _ in learned)], grads, strict=True)
    return {"spikes": out} | {f"grad_{name}": x.new_zeros(()) if d is None else d for name, d in named}
