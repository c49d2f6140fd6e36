"""DeltaLIF: a leaky membrane that tells its changes."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from snnctl.neurons.leaky import Leaky, gained, leaked
from snnctl.neurons.threshold import Threshold


class DeltaLIFState(NamedTuple):
    """Between two steps, (B, ...)."""

    v: Tensor  # membrane potential


class DeltaLIFCoefficients(NamedTuple):
    """Derived from the parameters at one dt."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    threshold: float | Tensor


class DeltaLIF(Leaky, Threshold):
    """Delta neuron: it fires in the steps in which its leaky membrane moves far, up or down, and is never reset.

        v[t] = v_rest + decay (v[t-1] - v_rest) + gain x[t]        decay = exp(-dt / tau_mem), gain = 1
        s[t] = 1 if |v[t] - v[t-1]| >= threshold

    Args:
        conventions: tau_mem, v_rest, decay, input_gain of `Leaky`; threshold (of the change), fire, surrogate of
            `Threshold`; learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: P. O'Connor, M. Welling, "Sigma delta
    quantized networks", ICLR 2017, arXiv:1611.02024.
    """

    State = DeltaLIFState

    def coefficients(self, dt: float) -> DeltaLIFCoefficients:
        return DeltaLIFCoefficients(**self.membrane(dt), threshold=self.threshold)

    def initial_state(self, x0: Tensor) -> DeltaLIFState:
        return DeltaLIFState(self.resting(x0))

    def step(self, x: Tensor, state: DeltaLIFState, coefs: DeltaLIFCoefficients) -> tuple[Tensor, DeltaLIFState]:
        v = leaked(state.v, coefs) + gained(x, coefs.gain)
        return self.fired((v - state.v).abs(), coefs.threshold), DeltaLIFState(v)
