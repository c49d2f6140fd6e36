"""One run of a neuron, kernel or eager: its outputs, states and gradients, to be held against another."""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.neurons import Neuron

DT = 1e-3


class Outcome(NamedTuple):
    """What a run gave.

    Args:
        out: (T, B, ...). states: by field.
        d_x: gradient of x; None if none was asked for. d_states: of the initial state. d_parameters: by name.
    """

    out: Tensor
    states: dict[str, Tensor]
    d_x: Tensor | None
    d_states: dict[str, Tensor | None]
    d_parameters: dict[str, Tensor | None]


def outcome(neuron: Neuron, x: Tensor, state=None, *, loss: str = "both", backend: str = "cpu", **options) -> Outcome:
    """Run a neuron forward and back.

    Args:
        x: as it lies in memory; gradients are taken with respect to a copy of it that lies the same way.
        state: before the first step; gradients of its fields are taken.
        loss: what flows back: "both" random gradients of out and of the states, "out", "state", "sum" (of out, whose
            gradient is expanded), "last" (of the last step), "time" (a mean over time), "" for none.
        backend: of the run.
        options: of the neuron's forward.
    """
    neuron = copy.deepcopy(neuron)
    neuron.backend = backend
    x = x.detach().requires_grad_(bool(loss))
    if state is not None:
        state = type(state)(*(None if f is None else f.detach().clone().requires_grad_(bool(loss)) for f in state))
    out, after = neuron(x, state, dt=DT, **options)
    states = {name: field for name, field in after._asdict().items() if field is not None}
    if not loss:
        return Outcome(out, states, None, {}, {})
    torch.autograd.backward(_total(loss, out, states))
    fields = {} if state is None else {name: f for name, f in state._asdict().items() if f is not None}
    return Outcome(
        out.detach(), {name: s.detach() for name, s in states.items()}, x.grad,
        {name: f.grad for name, f in fields.items()}, {name: p.grad for name, p in neuron.named_parameters()},
    )  # fmt: skip


def assert_same(one: Outcome, other: Outcome, exact: bool = True) -> None:
    """Two outcomes are the same: to the last bit, but for gradients of parameters, which are sums in another order.

    Args:
        exact: else the gradients may differ in the last places (exp and sigmoid are written otherwise in kernels).
    """
    assert torch.equal(one.out, other.out), "out"
    for name, state in one.states.items():
        assert torch.equal(state, other.states[name]), name
    close(one.d_x, other.d_x, "gradient of x", 0 if exact else 2e-6)
    for name, d in one.d_states.items():
        close(d, other.d_states[name], f"gradient of {name}", 0 if exact else 2e-6)
    for name, d in one.d_parameters.items():
        close(d, other.d_parameters[name], f"gradient of {name}", 2e-5)


def close(a: Tensor | None, b: Tensor | None, what: str, relative: float) -> None:
    """Equal within `relative` of the largest value, or of 1: sums may cancel. A gradient of None is one of zeros."""
    if a is None or b is None:
        there = a if b is None else b
        assert there is None or not there.any(), what
        return
    assert a.shape == b.shape, what
    bound = relative * max(1.0, float(torch.nan_to_num(b).abs().max())) if b.numel() else 0.0
    wrong = ~(((a - b).abs() <= bound) | (a.isnan() & b.isnan()))
    assert not wrong.any(), f"{what}: {a[wrong][:3].tolist()} beside {b[wrong][:3].tolist()}"


def _total(loss: str, out: Tensor, states: dict[str, Tensor]) -> Tensor:
    generator = torch.Generator().manual_seed(7)
    total = out.new_zeros(())
    if loss in ("both", "out"):
        total = total + (out * torch.randn(out.shape, generator=generator)).sum()
    if loss in ("both", "state"):
        for state in states.values():
            if state.requires_grad:
                total = total + (state * torch.randn(state.shape, generator=generator)).sum()
    if loss == "sum":
        total = total + out.sum()
    if loss == "last":
        total = total + (out[-1] * torch.randn(out[-1].shape, generator=generator)).sum()
    if loss == "time":
        total = total + (out.mean(0) * torch.randn(out[0].shape, generator=generator)).sum()
    return total
