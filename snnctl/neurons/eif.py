"""EIF: the exponential integrate-and-fire neuron."""

from __future__ import annotations

import torch
from torch import Tensor

from snnctl.neurons.adapting import Adapting, AdaptingCoefficients
from snnctl.neurons.leaky import Decay, Gain, leaked
from snnctl.neurons.quantity import POTENTIAL, Kind, Value
from snnctl.neurons.spiking import Reset

WIDTH = Kind("unit of v", above=0.0, log=True)
STEEPEST = (
    20.0  # of (v - theta) / delta: there v rises by 5e8 delta / tau_mem, past any threshold, and nothing overflows
)


class EIF(Adapting):
    """Exponential integrate-and-fire neuron: above theta the membrane drives itself up to the spike,

        tau_mem dv/dt = v_rest - v + delta exp((v - theta) / delta) + x

    of which one step is

        v[t] = v_rest + decay (v[t-1] - v_rest) + (1 - decay) delta exp((v[t-1] - theta) / delta) + gain x[t]
        s[t] = 1 if v[t] >= threshold
        v[t] = (1 - s[t]) v[t] + s[t] v_reset

    with decay = 1 - dt / tau_mem and gain = dt / tau_mem (Euler's rule); decay "exact" with input_gain "1-decay" is the
    exponential Euler rule. The exponent is held at 20 and below: such a v passes any threshold within the step, and
    neither it nor its gradient overflows. `AdEx` is this neuron with an adaptation current.

    Args:
        delta: width of the spike's onset, unit of v, > 0; towards 0 it is a LIF that fires at theta.
        theta: potential at which the exponential is as large as delta, unit of v, the onset of the spike.
        threshold: where the upswing counts as a spike, unit of v; well above theta in the paper.
        conventions: tau_syn, synapse, tau_w, a, b, w_follows, v_start of `Adapting`; tau_mem, v_rest,
            decay, input_gain of `Leaky`; those of `SpikingNeuron` and of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: N. Fourcaud-Trocmé et al., "How spike generation mechanisms determine the neuronal response to fluctuating
    inputs", Journal of Neuroscience 23 (2003), doi:10.1523/JNEUROSCI.23-37-11628.2003.
    """

    def __init__(
        self,
        *,
        delta: Value = 0.1,
        theta: Value = 0.7,
        decay: Decay = "euler",
        input_gain: Gain = "dt/tau",
        reset: Reset = "value",
        **conventions,
    ):
        own = {"delta": (delta, WIDTH), "theta": (theta, POTENTIAL)}
        super().__init__(own, decay=decay, input_gain=input_gain, reset=reset, **conventions)

    def coefficients(self, dt: float) -> AdaptingCoefficients:
        coefs = super().coefficients(dt)
        return coefs._replace(rise=1 - coefs.decay, onset=self.theta, width=self.delta)

    def passive(self, v: Tensor, coefs: AdaptingCoefficients) -> Tensor:
        exponential = coefs.width * torch.exp(((v - coefs.onset) / coefs.width).clamp(max=STEEPEST))
        return leaked(v, coefs) + coefs.rise * exponential
