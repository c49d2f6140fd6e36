"""What a surrogate gradient is: a spike forward, a smooth derivative backward."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.surrogates.ranges import POSITIVE


class Spike(torch.autograd.Function):
    """H(x) forward, `surrogate.derivative(x)` backward; x is the only thing kept."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, surrogate: Surrogate, strict: bool) -> Tensor:
        return (x > 0 if strict else x >= 0).to(x.dtype)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        x, ctx.surrogate, _ = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx, grad: Tensor):
        (x,) = ctx.saved_tensors
        return grad * ctx.surrogate.derivative(x), None, None


@dataclass(frozen=True)
class Surrogate(ABC):
    """A spike s = H(x) whose gradient is replaced by a smooth function of x = v - threshold.

    A subclass is a frozen dataclass with the numbers of its formula as fields (above 0, or `ranged` otherwise) and two
    methods, `derivative` and `primitive`, written in elementwise torch operations without random draws or Python
    branches on tensor values: the same formula is later printed into compiled kernels. `derivative` may use only the
    operations that kernels know (snnctl.kernels.ops); `primitive`, which serves gradient checks, any.

    Source: E. Neftci, H. Mostafa, F. Zenke, "Surrogate gradient learning in spiking neural networks", IEEE Signal
    Processing Magazine 36 (2019), doi:10.1109/MSP.2019.2931595.

    Raises:
        UserError: a field is out of its range.
    """

    def __post_init__(self) -> None:
        for field in fields(self):
            value, allowed = getattr(self, field.name), field.metadata.get("range", POSITIVE)
            if not allowed.holds(value):
                raise UserError(f"{type(self).__name__}: {field.name} is {value!r}", f"range          {allowed.words}")

    def __call__(self, x: Tensor, strict: bool = False) -> Tensor:
        """The spike.

        Args:
            x: v - threshold, any shape, in the unit of v.
            strict: False fires at x >= 0, True at x > 0.

        Returns:
            0 or 1 in x's shape and dtype; its gradient with respect to x is `derivative(x)`.
        """
        return Spike.apply(x, self, strict)

    @abstractmethod
    def derivative(self, x: Tensor) -> Tensor:
        """ds/dx as backward uses it, in x's shape, 1 / unit of x."""

    @abstractmethod
    def primitive(self, x: Tensor) -> Tensor:
        """The smooth step whose exact derivative is `derivative(x)`, 1/2 at x = 0, in x's shape."""
