"""A block with a short cut around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.networks.chain import Chain, Layers, State
from snnctl.networks.folding import over_time
from snnctl.networks.place import Place, construct
from snnctl.networks.shapes import shape_after
from snnctl.neurons.quantity import one_of

Join = Literal["add", "and", "iand"]


class Residual(Chain):
    """A block and a short cut, joined at every step.

        out[t] = block(x)[t] + shortcut(x)[t]              (add)
        out[t] = block(x)[t] shortcut(x)[t]                (and)
        out[t] = (1 - block(x)[t]) shortcut(x)[t]          (iand)

    A block that ends in a neuron joins spikes (SEW: Fang et al. 2021, arXiv 2102.04159); a block that begins with a
    neuron and ends in a convolution or norm adds what enters the next neuron, and every convolution then sees
    spikes (MS: Hu et al. 2024, arXiv 2112.08954).

    Args:
        layers: the block, as of a network.
        place: where it stands; filled in by the network.
        shortcut: a layer (partial) for the short cut. None: the identity where the shapes are equal, else `projection`.
            Several layers, neurons among them, are a `Chain`; its state is kept under "shortcut".
        projection: a layer (partial) for the short cut where the shapes differ. None: a 1x1 convolution without bias,
            with the stride that the shapes ask for, or a linear layer without bias.
        join: "add"; "and" and "iand" are for spikes: both branches end in neurons.

    Raises:
        UserError: the two branches have different shapes.
    """

    def __init__(
        self,
        layers: Layers,
        place: Place,
        shortcut: Callable[..., nn.Module] | None = None,
        join: Join = "add",
        projection: Callable[..., nn.Module] | None = None,
    ):
        super().__init__(layers, place)
        self.join = one_of("Residual", "join", join, Join)
        at = replace(place, name=f"{place.name}.shortcut")
        if shortcut is None and place.shape != self.shape_out:
            shortcut = projection
        self.shortcut = construct(shortcut, at) if shortcut is not None else _projection(at, self.shape_out)
        given = shape_after(self.shortcut, at)
        if given != self.shape_out:
            raise UserError(
                f"network layer {place.name} (Residual): the block gives {self.shape_out}, the short cut {given}",
                "they are joined, so their shapes must be equal: give a fitting shortcut, or padding in the block",
            )

    def forward(self, x: Tensor, state: State | None = None, *, dt: float) -> tuple[Tensor, State]:
        """Block and short cut; shapes as in `Chain`."""
        out, after = super().forward(x, state, dt=dt)
        if getattr(self.shortcut, "temporal", False):
            around, after["shortcut"] = self.shortcut(x, (state or {}).get("shortcut"), dt=dt)
        else:
            around = over_time(self.shortcut, x, self.time_major)
        if self.join == "add":
            return out + around, after
        return (out if self.join == "and" else 1 - out) * around, after

    def walk(self):
        """The layers of the block, then those of the short cut where it computes something."""
        yield from super().walk()
        if isinstance(self.shortcut, Chain):
            yield from ((f"shortcut.{name}", layer, shape) for name, layer, shape in self.shortcut.walk())
        elif not isinstance(self.shortcut, nn.Identity):
            yield "shortcut", self.shortcut, self.shape_out


def _projection(at: Place, after: tuple[int, ...]) -> nn.Module:
    before = at.shape
    if before == after:
        return nn.Identity()
    if len(before) == len(after) == 1:
        return nn.Linear(before[0], after[0], bias=False)
    conv = {2: nn.Conv1d, 3: nn.Conv2d, 4: nn.Conv3d}.get(len(before))
    if conv is None or len(before) != len(after):
        raise UserError(
            f"network layer {at.name}: no projection from {before} to {after}", "give the residual block a shortcut"
        )
    stride = tuple(-(-b // a) for b, a in zip(before[1:], after[1:], strict=True))
    return conv(before[0], after[0], kernel_size=1, stride=stride, bias=False)
