"""A block with a short cut around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.networks.chain import Chain, Layers, State
from snnctl.networks.folding import over_time
from snnctl.networks.place import Place, construct
from snnctl.networks.shapes import shape_after


class Residual(Chain):
    """A block and a short cut, added at every step.

        out[t] = block(x)[t] + shortcut(x[t])

    A block that ends in a neuron adds spikes (SEW: Fang et al. 2021, arXiv 2102.04159); a block that begins with a
    neuron and ends in a convolution or norm adds what enters the next neuron, and every convolution then sees
    spikes (MS: Hu et al. 2024, arXiv 2112.08954).

    Args:
        layers: the block, as of a network.
        place: where it stands; filled in by the network.
        shortcut: a layer (partial) for the short cut. None: the identity where the shapes are equal, else a projection
            without bias: 1x1 convolution with the stride that the shapes ask for, or a linear layer.

    Raises:
        UserError: the two branches have different shapes.
    """

    def __init__(self, layers: Layers, place: Place, shortcut: Callable[..., nn.Module] | None = None):
        super().__init__(layers, place)
        at = replace(place, name=f"{place.name}.shortcut")
        self.shortcut = construct(shortcut, at) if shortcut is not None else _projection(at, self.shape_out)
        given = shape_after(self.shortcut, at)
        if given != self.shape_out:
            raise UserError(
                f"network layer {place.name} (Residual): the block gives {self.shape_out}, the short cut {given}",
                "they are added, so their shapes must be equal: give a fitting shortcut, or padding in the block",
            )

    def forward(self, x: Tensor, state: State | None = None, *, dt: float) -> tuple[Tensor, State]:
        """Block plus short cut; shapes as in `Chain`."""
        out, state = super().forward(x, state, dt=dt)
        return out + over_time(self.shortcut, x, self.time_major), state

    def walk(self):
        """The layers of the block, then the short cut where it computes something."""
        yield from super().walk()
        if not isinstance(self.shortcut, nn.Identity):
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
