"""DSR: integrate-and-fire neurons differentiated on what their spikes represent, not on the spikes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snnctl.errors import number
from snnctl.neurons.sequence import stack, unbind
from snnctl.neurons.temporal import Temporal


class DSRState(NamedTuple):
    """Between two parts of a sequence."""

    v: Tensor  # membrane potential (B, ...)


class DSR(Temporal):
    """Integrate-and-fire neuron with differentiation on spike representation,

        v[t] = v[t-1] + x[t]                                       (tau_mem None)
        v[t] = decay v[t-1] + (1 - decay) x[t]                     decay = exp(-dt / tau_mem)
        s[t] = 1 if v[t] >= firing threshold;  v[t] = v[t] - s[t] threshold
        out[t] = threshold s[t]                                    (divided by dt with a leak)

    Over a sequence the (leak-weighted) mean of the output is close to the clipped mean of the input, and its gradient
    is that of the clipped mean: 1 where the input lies between 0 and the threshold, spread evenly over the steps; that
    of the threshold where it lies above. There is no gradient through the state.

    Args:
        threshold: unit of v, above 0; clamped there.
        firing: share of the threshold at which it fires, above 0, at most 1, no unit.
        tau_mem: membrane time constant, s, above 0; None for no leak.
        learn_threshold: train the threshold.
        threshold_gain: factor of its gradient.
        lowest: what the threshold is clamped to, unit of v, above 0.
        shape: one time step without the batch; the network fills it in.

    Raises:
        UserError: a value out of range.

    Source: Q. Meng et al., "Training high-performance low-latency spiking neural networks by differentiation on spike
    representation", CVPR 2022, arXiv:2205.00459.
    """

    State = DSRState
    why = "differentiated on the mean over the sequence"

    def __init__(
        self,
        *,
        threshold: float = 6.0,
        firing: float = 0.5,
        tau_mem: float | None = None,
        learn_threshold: bool = True,
        threshold_gain: float = 1.0,
        lowest: float = 0.01,
        shape: Sequence[int] | None = None,
    ):
        super().__init__(shape)
        number("DSR: lowest is", lowest, "unit of v", 0.0, above=True)
        number("DSR: threshold is", threshold, "unit of v, lowest or more", lowest)
        number("DSR: threshold_gain is", threshold_gain, "no unit")
        number("DSR: firing is", firing, "no unit", 0.0, 1.0, above=True)
        if tau_mem is not None:
            number("DSR: tau_mem is", tau_mem, "s, or null for no leak", 0.0, above=True)
        self.threshold = nn.Parameter(torch.tensor(float(threshold)), requires_grad=learn_threshold)
        self.firing, self.tau_mem, self.threshold_gain, self.lowest = firing, tau_mem, threshold_gain, lowest

    def run(self, x: Tensor, state: DSRState | None, dt: float) -> tuple[Tensor, DSRState, dict[str, Tensor]]:
        if not 0 < dt < math.inf:
            raise self.wrong(f"dt is {dt!r} s", "range          finite, above 0, s")
        v = torch.zeros_like(x[0]) if state is None else state.v.to(x.dtype)
        threshold = self.threshold.clamp(min=self.lowest).to(x.dtype)
        out, vs = _Represented.apply(x, v, threshold, self.firing, self.tau_mem, dt, self.threshold_gain)
        return out, DSRState(vs[-1]), {"v": vs}

    def extra_repr(self) -> str:
        leak = "" if self.tau_mem is None else f", tau_mem={self.tau_mem:g}"
        return f"threshold={float(self.threshold):g}, firing={self.firing:g}{leak}"


class _Represented(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, v: Tensor, threshold: Tensor, firing: float, tau: float | None, dt: float, gain: float):
        decay = 1.0 if tau is None else math.exp(-dt / tau)
        outs, vs = [], []
        for x_t in unbind(x):
            v = v + x_t if tau is None else decay * v + (1 - decay) * x_t
            fired = (v >= firing * threshold).to(x.dtype) * threshold
            v = v - fired
            outs.append(fired if tau is None else fired / dt)
            vs.append(v)
        ctx.save_for_backward(x, threshold)
        ctx.tau, ctx.dt, ctx.gain = tau, dt, gain
        vs = stack(vs)
        ctx.mark_non_differentiable(vs)
        return stack(outs), vs

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad: Tensor, _):
        x, threshold = ctx.saved_tensors
        steps, tau, dt = len(x), ctx.tau, ctx.dt
        if tau is None:
            mean, upstream, ceiling = x.mean(0), grad.sum(0), threshold
            inside = (mean >= 0) & (mean <= ceiling)
        else:
            weight = torch.exp(-dt / tau * torch.arange(steps - 1, -1, -1, device=x.device, dtype=x.dtype))
            weight = (weight / weight.sum()).view(-1, *(1 for _ in x.shape[1:]))
            mean, upstream, ceiling = (weight * x).sum(0), (weight * grad).sum(0) * steps, threshold / dt * tau
            inside = (mean > 0) & (mean < ceiling)
        d_x = torch.where(inside, upstream, 0.0) / (steps if tau is None else steps * tau)
        d_threshold = torch.where(mean > ceiling, upstream, 0.0).sum() * ctx.gain * (1.0 if tau is None else dt)
        return d_x.expand_as(x), None, d_threshold, None, None, None, None
