"""Self-attention of spikes: no softmax, products of spikes only."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any, Literal

from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.networks.chain import Chain, Layers, State
from snnctl.networks.place import Place, unwrap
from snnctl.neurons.quantity import one_of

Kind = Literal["ssa", "sdsa", "qk_token", "qk_channel"]
CONV = {2: nn.Conv1d, 3: nn.Conv2d}
NORM = {2: nn.BatchNorm1d, 3: nn.BatchNorm2d}


class AttentionProduct(nn.Module):
    """Every token looks at every other, in each head: y = s v k^T q, of spikes q, k, v.

    Args:
        heads: parts that the channels are divided into.
        scale: s.
    """

    def __init__(self, heads: int = 8, scale: float = 0.125):
        super().__init__()
        self.heads, self.scale = heads, float(scale)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3 C, ...), channels of q, then k, then v, at each token of a line or a map -> (B, C, ...)."""
        q, k, v = x.flatten(2).unflatten(1, (3, self.heads, -1)).unbind(1)
        y = (v @ k.transpose(-2, -1)) @ q * self.scale
        return y.reshape(len(x), -1, *x.shape[2:])

    def extra_repr(self) -> str:
        return f"heads={self.heads}, scale={self.scale:g}"


class Masked(Chain):
    """Spikes let through where neurons say so, in each head:

        y = q mask(sum over tokens of k v)               (sdsa)
        y = k mask(sum over a head's channels of q)      (qk_token)
        y = k mask(sum over tokens of q)                 (qk_channel)

    Args:
        layers: mask, layers over time that keep the shape, such as one neuron.
        place: where it stands; filled in by the network.
        kind: as above.
        heads: parts that the channels are divided into.

    Raises:
        UserError: the channels are no q, k (and v) of so many heads.
    """

    def __init__(self, layers: Layers, place: Place, kind: Kind = "sdsa", heads: int = 8):
        self_kind = one_of("Masked", "kind", kind, Kind)
        parts = 3 if kind == "sdsa" else 2
        channels, space = place.shape[0] // parts, place.shape[1:]
        if kind == "ssa" or channels * parts != place.shape[0] or channels % heads:
            raise UserError(
                f"network layer {place.name} (Masked, {kind}) got {place.shape} at each step",
                f"expected       ({parts} x {heads} x n, ...): {heads} heads",
            )
        summed = (heads, *space) if kind == "qk_token" else (channels, *[1] * len(space))
        super().__init__(layers, replace(place, shape=summed))
        self.kind, self.heads, self.parts = self_kind, heads, parts
        self.shape_out = (channels, *space)

    def forward(self, x: Tensor, state: State | None = None, *, dt: float) -> tuple[Tensor, State]:
        """(T, B, parts C, ...) -> (T, B, C, ...), and the state of the mask."""
        first, *others = x.chunk(self.parts, 2)
        space = tuple(range(3, x.dim()))
        if self.kind == "qk_token":
            first = first.unflatten(2, (self.heads, -1))
            summed = first.sum(3)
        else:
            summed = (prod(others) if self.kind == "sdsa" else first).sum(space, keepdim=True)
        mask, after = super().forward(summed, state, dt=dt)
        if self.kind == "sdsa":
            return x.chunk(self.parts, 2)[0] * mask, after
        kept = others[0]
        if self.kind == "qk_token":
            return (kept.unflatten(2, (self.heads, -1)) * mask.unsqueeze(3)).flatten(2, 3), after
        return kept * mask, after


class SelfAttention(Chain):
    """Spiking self-attention: 1x1 convolutions give spikes q, k, v; their product, by neurons, is mixed once more.

        y = neuron(norm(W neuron(s v k^T q)))                          (ssa; linear in the number of tokens)
        y = norm(W (q neuron(sum over tokens of k v)))                 (sdsa; x goes through a neuron first)
        y = neuron(norm(W (k neuron(sum over channels of q))))         (qk_token)
        y = neuron(norm(W (k neuron(sum over tokens of q))))           (qk_channel)

    Tokens are the places of a line (C, L) or a map (C, H, W). A transformer's block has a `Residual` around it.

    Args:
        neuron: partial of the neurons.
        place: where it stands; filled in by the network.
        heads: parts that the channels are divided into.
        kind: as above.
        scale: s, of ssa.
        threshold: of the neurons between the product and W, unit of v; None: as of the others.
        bias: learn a shift in each convolution, too, though a norm follows; the last of sdsa always has one.

    Raises:
        UserError: the input is no line or map, or its channels cannot be divided.

    Source: Z. Zhou et al., "Spikformer", ICLR 2023, arXiv:2209.15425 (ssa); M. Yao et al., "Spike-driven transformer",
    NeurIPS 2023, arXiv:2307.01694 (sdsa); C. Zhou et al., "QKFormer", NeurIPS 2024, arXiv:2403.16552 (qk).
    """

    def __init__(
        self,
        neuron: Callable[..., nn.Module],
        place: Place,
        heads: int = 8,
        kind: Kind = "ssa",
        scale: float = 0.125,
        threshold: float | None = 0.5,
        bias: bool = False,
    ):
        one_of("SelfAttention", "kind", kind, Kind)
        title, shape = f"network layer {place.name} (SelfAttention)", place.shape
        if len(shape) not in CONV:
            raise UserError(f"{title} got {shape} at each step", "expected       (C, L) or (C, H, W)")
        if heads < 1 or shape[0] % heads:
            raise UserError(f"{title}: {shape[0]} channels cannot be divided into {heads} heads", "")
        takes = inspect.signature(unwrap(neuron)[0]).parameters if callable(neuron) else {}
        given = {"threshold": threshold} if threshold is not None and "threshold" in takes else {}
        attend = functools.partial(neuron, **given)
        parts = 3 if kind in ("ssa", "sdsa") else 2
        conv = functools.partial(CONV[len(shape)], kernel_size=1, bias=bias)
        norm = NORM[len(shape)]
        layers: dict[str, Any] = {"neuron_in": neuron} if kind == "sdsa" else {}
        layers |= {
            "qkv": functools.partial(conv, out_channels=parts * shape[0]),
            "qkv_norm": norm,
            "qkv_neuron": neuron,
        }
        if kind == "ssa":
            layers |= {"product": AttentionProduct(heads, scale), "attend": attend}
        else:
            layers["mask"] = functools.partial(Masked, {"attend": attend}, kind=kind, heads=heads)
        layers |= {"mix": functools.partial(conv, out_channels=shape[0], bias=bias or kind == "sdsa"), "mix_norm": norm}
        layers |= {} if kind == "sdsa" else {"mix_neuron": neuron}
        super().__init__(layers, place)
