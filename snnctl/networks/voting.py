"""Several output neurons a class: their mean speaks for it."""

from __future__ import annotations

from torch import Tensor, nn

from snnctl.errors import UserError


class Voting(nn.Module):
    """The mean of each class's outputs, which lie one after the other: y_c = 1/k sum_{j < k} x_{c k + j}, k = N / C.

    The last layer of a network whose readout has several neurons a class; the layer before says how many in all.

    Args:
        classes: C; the network fills it in.

    Raises:
        UserError: when called: N is no multiple of C.
    """

    def __init__(self, classes: int):
        super().__init__()
        self.classes = classes

    def forward(self, x: Tensor) -> Tensor:
        """(B, N) -> (B, C)."""
        if x.dim() != 2 or x.shape[1] % self.classes:
            raise UserError(
                f"Voting: inputs of shape {tuple(x.shape)}, {self.classes} classes",
                "expected       (B, N), N a multiple of the classes",
            )
        return x.unflatten(1, (self.classes, -1)).mean(2)

    def extra_repr(self) -> str:
        return f"classes={self.classes}"
