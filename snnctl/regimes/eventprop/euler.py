"""The adjoint equations in Euler steps on the grid of the bins, as Norse has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.neurons import CubaLIF

NORSE = {"decay": "euler", "synapse": "decay_then_add", "input_gain": "dt/tau", "reset_delay": False, "max_spikes": 1,
         "ternary": False, "v_min": None, "refractory": 0.0, "learnable": ()}  # fmt: skip


def check(network: nn.Module) -> None:
    """Raises a UserError unless every spiking layer is a current-based LIF in Norse's conventions."""
    layers = {n: layer for n, layer in network.temporal_layers().items() if getattr(layer, "spiking", False)}
    for name, layer in layers.items():
        plain = type(layer) is CubaLIF and all(getattr(layer, option) == value for option, value in NORSE.items())
        if not plain or layer.reset not in ("zero", "value"):
            raise UserError(
                f"EventProp: layer {name} is not the neuron that Norse's adjoint is for",
                "choose   neuron=cuba_lif/norse",
            )
    if not layers:
        raise UserError("EventProp: the network has no neurons that spike", "choose   neuron=cuba_lif/norse")


@contextmanager
def adjoint(network: nn.Module, least_slope: float = 0.0) -> Iterator[None]:
    """While it lasts, the spiking layers of a network have the Euler adjoint as their gradient:

        li[t-1] = li[t] + dt / tau_syn (lv[t] - li[t]),    dL/dx[t] = li[t-1]
        lv[t-1] = (1 - z) d + z (d v+ / v- + g / v-),      d = lv[t] - dt / tau_mem lv[t]
        v-      = (v_rest - v[t-1] + syn_decay i[t-1]) / tau_mem,    v+ the same at v[t]

    z: the spike of step t, g: dL/dz. The spikes are those of the plain network. A v- nearer to 0 than `least_slope`, in
    threshold / tau_mem, counts as that: with steps as long as tau_syn a membrane at rest may fire, and v- is 0 there.

    Source: Pehle, Pedersen, Norse 1.1, `lif_feed_forward_adjoint_step`; after Wunderlich, Pehle 2021,
    doi 10.1038/s41598-021-91786-z.
    """
    hooks = []
    try:
        for layer in network.temporal_layers().values():
            if isinstance(layer, CubaLIF):
                hooks.append(layer.register_forward_hook(partial(_hook, least_slope), with_kwargs=True))
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _hook(
    least_slope: float, layer: CubaLIF, args: Any, kwargs: dict[str, Any], output: tuple[Tensor, Any]
) -> tuple[Tensor, Any]:
    x, dt = args[0], kwargs["dt"]
    with torch.no_grad():
        z, _, trace = layer.trace(x, dt=dt)
    coefs = layer.coefficients(dt)
    v, i = trace["v"], trace["i"]
    before, arriving = torch.zeros_like(v), torch.zeros_like(i)
    before[0], before[1:], arriving[1:] = layer.v_rest, v[:-1], coefs.syn_decay * i[:-1]
    falling = (layer.v_rest - before + arriving) / layer.tau_mem
    least = least_slope * layer.threshold / layer.tau_mem
    falling = torch.where(falling < 0, falling.clamp(max=-least), falling.clamp(min=least))
    risen = (layer.v_rest - v + arriving) / layer.tau_mem
    return _Adjoint.apply(x, z, falling, risen, dt / layer.tau_mem, dt / layer.tau_syn), output[1]


class _Adjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, z: Tensor, before: Tensor, after: Tensor, mem: float, syn: float) -> Tensor:
        ctx.save_for_backward(z, before, after)
        ctx.steps = mem, syn
        return z

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        z, before, after = ctx.saved_tensors
        mem, syn = ctx.steps
        jump, at = (z * (after / before)).nan_to_num(nan=0.0), (z / before * grad).nan_to_num(nan=0.0)
        lv, li, found = torch.zeros_like(grad[0]), torch.zeros_like(grad[0]), torch.empty_like(grad)
        for t in range(len(grad) - 1, -1, -1):
            li = li + syn * (lv - li)
            lv = lv - mem * lv
            lv = (1 - z[t]) * lv + jump[t] * lv + at[t]
            found[t] = li
        return found, None, None, None, None, None
