"""ParallelLIF: a leaky membrane that fires and is never reset, for all steps at once."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.kernels import backend as backends
from snnctl.kernels.backend import Choice
from snnctl.neurons.leaky import Leaky, gained, leaked
from snnctl.neurons.linear_scan import WIDE, linear_scan
from snnctl.neurons.threshold import Threshold

LONG = 64  # steps from which the scan is worth its operations


class ParallelLIFState(NamedTuple):
    """Between two steps, (B, ...)."""

    v: Tensor  # membrane potential


class ParallelLIFCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    threshold: float | Tensor


class ParallelLIF(Leaky, Threshold):
    """Leaky integrate-and-fire neuron without a reset: the membrane is linear in the input,

        v[t] = v_rest + decay (v[t-1] - v_rest) + gain x[t]        decay = exp(-dt / tau_mem), gain = 1
        s[t] = 1 if v[t] >= threshold

    so the steps need not wait for each other. Where no kernel runs, and on a GPU, a sequence of 64 steps or more is
    computed by `linear_scan` (on a CPU up to 4096 values a step); `backend: eager` steps.

    Args:
        conventions: tau_mem, v_rest, decay, input_gain of `Leaky`; threshold, fire, surrogate of `Threshold`;
            learnable, per, shape, backend of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: W. Fang et al., "Parallel spiking neurons with high efficiency and ability to learn long-term dependencies",
    NeurIPS 2023, arXiv:2304.12760, section 3.2 (a LIF without its reset); the scan: see `linear_scan`.
    """

    State = ParallelLIFState

    def coefficients(self, dt: float) -> ParallelLIFCoefficients:
        return ParallelLIFCoefficients(**self.membrane(dt), threshold=self.threshold)

    def initial_state(self, x0: Tensor) -> ParallelLIFState:
        return ParallelLIFState(self.resting(x0))

    def step(
        self, x: Tensor, state: ParallelLIFState, coefs: ParallelLIFCoefficients
    ) -> tuple[Tensor, ParallelLIFState]:
        v = leaked(state.v, coefs) + gained(x, coefs.gain)
        return self.fired(v, coefs.threshold), ParallelLIFState(v)

    def forward(
        self, x: Tensor, state: ParallelLIFState | None = None, *, dt: float
    ) -> tuple[Tensor, ParallelLIFState]:
        """As `Neuron.forward`."""
        if not self._scans(x):
            return super().forward(x, state, dt=dt)
        given, state, coefs = self._begin(x, state, dt)
        rest = 0.0 if coefs.v_rest is None else coefs.v_rest
        decay = torch.as_tensor(coefs.decay, dtype=given.dtype, device=given.device)
        v = linear_scan(gained(given, coefs.gain), decay, state.v - rest) + rest
        out = self.fired(v, coefs.threshold)
        return out.to(x.dtype if x.is_floating_point() else out.dtype), ParallelLIFState(v[-1])

    def runs_on(self, x0: Tensor, dt: float, device: str | None = None) -> Choice:
        """As `Neuron.runs_on`, of a long sequence."""
        choice = super().runs_on(x0, dt, device)
        return (
            Choice("eager", "a scan over all steps at once")
            if self.backend == "auto" and choice.name != "cpu"
            else choice
        )

    def _scans(self, x: Tensor) -> bool:
        if self.backend != "auto" or len(x) < LONG or not x.numel():
            return False
        if x.device.type == "cpu" and x[0].numel() >= WIDE:  # its steps stay in the cache, the whole sequence does not
            return False
        transformed = torch._C._are_functorch_transforms_active() or torch.autograd.forward_ad._current_level >= 0
        return not transformed and backends.choose("auto", x).name != "cpu"
