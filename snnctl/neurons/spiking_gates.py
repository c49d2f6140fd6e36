"""Spiking LSTM, GRU and RNN: recurrent layers whose gates are themselves spikes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from snnctl.neurons.gated_recurrence import Dense
from snnctl.neurons.threshold import a_surrogate
from snnctl.surrogates import Gaussian, Surrogate

DEFAULT_GATE = Gaussian(sigma=8**-0.5)  # the derivative of erf(2 x)


class HiddenState(NamedTuple):
    """Between two steps."""

    h: Tensor  # output (B, N)


class CellState(NamedTuple):
    """Between two steps, each (B, N)."""

    c: Tensor  # cell state
    h: Tensor  # output


class _Gates(Dense):
    """What the three share: gates H(z), and another surrogate for the candidate where one is given."""

    State = HiddenState

    def __init__(
        self,
        *,
        out_features: int | None = None,
        bias: bool = True,
        surrogate: Surrogate = DEFAULT_GATE,
        candidate: Surrogate | None = None,
        shape: Sequence[int] | None = None,
    ):
        super().__init__(shape, out_features, bias, surrogate)
        self.candidate = None if candidate is None else a_surrogate(type(self).__name__, candidate)

    def _candidate(self, z: Tensor) -> Tensor:
        return (self.candidate or self.surrogate)(z)

    def extra_repr(self) -> str:
        return f"surrogate={self.surrogate}, candidate={self.candidate}"


class SpikingLSTM(_Gates):
    """Long short-term memory of spikes: every gate is a step function H, so c and h are 0 or 1.

        i, f, g, o = H(W x[t] + b + U h[t-1] + b')
        c[t] = min(1, f c[t-1] + i g)                              the bound passes the gradient
        h[t] = o c[t]

    and the output is h.

    Args:
        out_features: number of cells; None: as many as inputs.
        bias: learn b and b'.
        surrogate: the gradient of the gates.
        candidate: that of g; None: the same.
        shape: one time step of the input, (N,); the network fills it in.

    Raises:
        UserError: the input is no vector, or a value is out of range.

    Source: A. Lotfi Rezaabad, S. Vishwanath, "Long short-term memory spiking networks and their applications", ICONS
    2020, arXiv:2007.04779.
    """

    gates = 4
    State = CellState

    def cell(self, given: Tensor, returned: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        i, f, g, o = (given + returned).chunk(4, 1)
        c = state.c * self.surrogate(f) + self.surrogate(i) * self._candidate(g)
        c = c - (c - 1).clamp(min=0).detach()
        h = c * self.surrogate(o)
        return h, CellState(c, h)


class SpikingGRU(_Gates):
    """Gated recurrent unit of spikes: every gate is a step function H.

        r = H(W_r x[t] + b_r + U_r h[t-1] + b_r'),   z = H(W_z x[t] + b_z + U_z h[t-1] + b_z')
        n = H(W_n x[t] + b_n + r (U_n h[t-1] + b_n'))
        h[t] = (1 - z) n + z h[t-1]

    and the output is h.

    Args:
        out_features, bias, surrogate, shape: as of `SpikingLSTM`.
        candidate: the gradient of n; None: the same.

    Raises:
        UserError: the input is no vector, or a value is out of range.

    Source: K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
    translation", EMNLP 2014, arXiv:1406.1078; spiking gates: as of `SpikingLSTM`.
    """

    gates = 3

    def cell(self, given: Tensor, returned: Tensor, state: HiddenState) -> tuple[Tensor, HiddenState]:
        given_n, returned_n = given.chunk(3, 1)[2], returned.chunk(3, 1)[2]
        r, z = (self.surrogate(a + b) for a, b in zip(given.chunk(3, 1)[:2], returned.chunk(3, 1)[:2], strict=True))
        n = self._candidate(given_n + r * returned_n)
        h = (1 - z) * n + z * state.h
        return h, HiddenState(h)


class SpikingRNN(_Gates):
    """Recurrent layer of threshold units without a membrane:

        h[t] = H(W x[t] + b + U h[t-1] + b')

    and the output is h.

    Args:
        out_features, bias, surrogate, shape: as of `SpikingLSTM`.

    Raises:
        UserError: the input is no vector, or a value is out of range.

    Source: J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990), doi:10.1207/s15516709cog1402_1, with
    step functions.
    """

    gates = 1

    def __init__(
        self,
        *,
        out_features: int | None = None,
        bias: bool = True,
        surrogate: Surrogate = DEFAULT_GATE,
        shape: Sequence[int] | None = None,
    ):
        super().__init__(out_features=out_features, bias=bias, surrogate=surrogate, shape=shape)

    def cell(self, given: Tensor, returned: Tensor, state: HiddenState) -> tuple[Tensor, HiddenState]:
        h = self.surrogate(given + returned)
        return h, HiddenState(h)
