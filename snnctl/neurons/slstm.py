"""SLSTM and SConvLSTM: long short-term memory whose hidden state is a membrane that fires."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.errors import number
from snnctl.neurons.gated_recurrence import Dense, GatedRecurrence
from snnctl.neurons.quantity import one_of
from snnctl.neurons.spiking import DEFAULT_SURROGATE, Fire
from snnctl.neurons.threshold import counted
from snnctl.surrogates import Surrogate

Reset = Literal["none", "subtract", "zero"]
Pool = Literal["none", "max", "mean"]
CONVOLUTIONS = {2: nn.Conv1d, 3: nn.Conv2d, 4: nn.Conv3d}
POOLS = {
    "max": {2: F.max_pool1d, 3: F.max_pool2d, 4: F.max_pool3d},
    "mean": {2: F.avg_pool1d, 3: F.avg_pool2d, 4: F.avg_pool3d},
}


class SLSTMState(NamedTuple):
    """Between two steps, each (B, N) or (B, C, ...)."""

    c: Tensor  # cell state
    v: Tensor  # hidden state, the membrane


class _Membrane(GatedRecurrence):
    """The cell of both, and how its hidden state fires."""

    gates = 4
    State = SLSTMState

    def _fires(self, threshold: float, fire: Fire, reset: Reset) -> None:
        owner = type(self).__name__
        what = f"{type(self).__name__}: threshold is"
        self.threshold = float(number(what, threshold, "no unit; v stays between -1 and 1", 0.0, above=True))
        self.fire = one_of(owner, "fire", fire, Fire)
        self.reset = one_of(owner, "reset", reset, Reset)

    def cell(self, given: Tensor, returned: Tensor, state: SLSTMState) -> tuple[Tensor, SLSTMState]:
        i, f, g, o = (given + returned).chunk(4, 1)
        c = torch.sigmoid(f) * state.c + torch.sigmoid(i) * torch.tanh(g)
        v = torch.sigmoid(o) * torch.tanh(c)
        if self.reset != "none":
            before = self._spikes(state.v).detach()
            v = v - before * self.threshold if self.reset == "subtract" else v * (1 - before)
        return self._spikes(self.pooled(v)), SLSTMState(c, v)

    def pooled(self, v: Tensor) -> Tensor:
        """What fires of the membranes v (B, ...)."""
        return v

    def _spikes(self, v: Tensor) -> Tensor:
        return self.surrogate(v - self.threshold, self.fire == "gt")

    def extra_repr(self) -> str:
        return f"threshold={self.threshold:g}, fire={self.fire}, reset={self.reset}, surrogate={self.surrogate}"


class SLSTM(_Membrane, Dense):
    """Spiking long short-term memory: an LSTM whose hidden state v is a membrane, and whose output is its spikes.

        i, f, g, o = W x[t] + b + U v[t-1] + b'
        c[t] = sigmoid(f) c[t-1] + sigmoid(i) tanh(g)
        v[t] = sigmoid(o) tanh(c[t])  - H(v[t-1] - threshold) threshold       (reset "subtract")
        s[t] = 1 if v[t] >= threshold

    Args:
        out_features: number of cells; None: as many as inputs.
        bias: learn b and b'.
        threshold: no unit, above 0; v stays between -1 and 1, so 1 and above is never reached.
        fire: "ge" fires at v >= threshold, "gt" at v > threshold.
        reset: what a spike does to v one step later: "none", "subtract" the threshold, or to "zero"; it passes no
            gradient.
        surrogate: the gradient of a spike.
        shape: one time step of the input, (N,); the network fills it in.

    Raises:
        UserError: a value out of range; the input is no vector.

    Source: J. K. Eshraghian et al., "Training spiking neural networks using lessons from deep learning", Proceedings of
    the IEEE 111 (2023), doi:10.1109/JPROC.2023.3308088; the cell: S. Hochreiter, J. Schmidhuber, Neural Computation 9
    (1997), doi:10.1162/neco.1997.9.8.1735.
    """

    def __init__(
        self,
        *,
        out_features: int | None = None,
        bias: bool = True,
        threshold: float = 0.1,
        fire: Fire = "ge",
        reset: Reset = "none",
        surrogate: Surrogate = DEFAULT_SURROGATE,
        shape: Sequence[int] | None = None,
    ):
        Dense.__init__(self, shape, out_features, bias, surrogate)
        self._fires(threshold, fire, reset)


class SConvLSTM(_Membrane):
    """Spiking convolutional long short-term memory: `SLSTM` with convolutions * in place of the products,

        i, f, g, o = W * x[t] + b + U * v[t-1]
        c[t] = sigmoid(f) c[t-1] + sigmoid(i) tanh(g)
        v[t] = sigmoid(o) tanh(c[t])
        s[t] = 1 if pooled v[t] >= threshold

    on maps of one, two or three dimensions, padded to keep their size.

    Args:
        out_channels: maps of cells; None: as many as input channels.
        kernel_size: side of both kernels, odd.
        bias: learn b.
        pool: of v before it fires: "none", "max" or "mean".
        pool_size: side of its windows.
        threshold, fire, reset, surrogate: as of `SLSTM`.
        shape: one time step of the input, (C, L), (C, H, W) or (C, D, H, W); the network fills it in.

    Raises:
        UserError: a value out of range; the input is no map.

    Source: X. Shi et al., "Convolutional LSTM network: a machine learning approach for precipitation nowcasting",
    NeurIPS 2015, arXiv:1506.04214; spiking: as of `SLSTM`.
    """

    def __init__(
        self,
        *,
        out_channels: int | None = None,
        kernel_size: int = 3,
        bias: bool = True,
        pool: Pool = "none",
        pool_size: int = 2,
        threshold: float = 0.1,
        fire: Fire = "ge",
        reset: Reset = "none",
        surrogate: Surrogate = DEFAULT_SURROGATE,
        shape: Sequence[int] | None = None,
    ):
        name = type(self).__name__
        if shape is None or len(shape) not in CONVOLUTIONS:
            got = None if shape is None else tuple(shape)
            raise self.wrong(
                f"it gets {got} at each step, and needs maps (C, H, W)", "choose         slstm for vectors"
            )
        if counted(name, "kernel_size", kernel_size) % 2 == 0:
            raise self.wrong(f"kernel_size is {kernel_size}", "range          odd: 1, 3, 5, ...")
        one_of(name, "pool", pool, Pool)
        maps = shape[0] if out_channels is None else counted(name, "out_channels", out_channels)
        window = 1 if pool == "none" else counted(name, "pool_size", pool_size)
        layer, padding = CONVOLUTIONS[len(shape)], kernel_size // 2
        super().__init__(
            layer(shape[0], 4 * maps, kernel_size, padding=padding, bias=bias),
            layer(maps, 4 * maps, kernel_size, padding=padding, bias=False),
            (maps, *shape[1:]),
            surrogate,
            out=(maps, *(side // window for side in shape[1:])),
        )
        self.pool, self.pool_size = pool, pool_size
        self._fires(threshold, fire, reset)

    def pooled(self, v: Tensor) -> Tensor:
        return v if self.pool == "none" else POOLS[self.pool][v.dim() - 1](v, self.pool_size)
