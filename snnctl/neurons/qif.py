"""QIF: the quadratic integrate-and-fire neuron, with or without adaptation."""

from __future__ import annotations

from torch import Tensor

from snnctl.neurons.adapting import Adapting, AdaptingCoefficients
from snnctl.neurons.leaky import Decay, Gain
from snnctl.neurons.quantity import POTENTIAL, Kind, Value
from snnctl.neurons.spiking import Reset

CURVATURE = Kind("1 / unit of v", above=0.0, log=True)
FARTHEST = 1e4  # of |v| in the square: past any threshold, and its square does not overflow step after step


class QIF(Adapting):
    """Quadratic integrate-and-fire neuron: below v_crit the membrane falls back to rest, above it runs away,

        tau_mem dv/dt = curvature (v - v_rest) (v - v_crit) + x

    of which one step is

        v[t] = v[t-1] + dt / tau_mem curvature (v[t-1] - v_rest) (v[t-1] - v_crit) + gain x[t]   gain = dt / tau_mem
        s[t] = 1 if v[t] >= threshold
        v[t] = (1 - s[t]) v[t] + s[t] v_reset

    With tau_w it adapts, as `Adapting` says: the Izhikevich neuron written with rest and critical potential
    (`Izhikevich` has its own letters). In the square v is held within 1e4 of zero, so that nothing overflows.

    Args:
        curvature: 1 / unit of v, > 0.
        v_crit: potential above which the neuron fires by itself, unit of v, above v_rest.
        conventions: tau_syn, synapse, tau_w, a, b, w_follows, v_start of `Adapting`; tau_mem, v_rest,
            input_gain and decay (here of i and w alone) of `Leaky`; those of `SpikingNeuron` and of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: P. E. Latham et al., "Intrinsic dynamics in neuronal networks. I. Theory", Journal of Neurophysiology 83
    (2000), doi:10.1152/jn.2000.83.2.808; W. Gerstner et al., "Neuronal Dynamics" (2014),
    doi:10.1017/CBO9781107447615, section 5.3.
    """

    def __init__(
        self,
        *,
        curvature: Value = 1.0,
        v_crit: Value = 0.8,
        decay: Decay = "euler",
        input_gain: Gain = "dt/tau",
        reset: Reset = "value",
        **conventions,
    ):
        own = {"curvature": (curvature, CURVATURE), "v_crit": (v_crit, POTENTIAL)}
        super().__init__(own, decay=decay, input_gain=input_gain, reset=reset, **conventions)
        if self.lowest["v_crit"] <= self.highest["v_rest"]:
            problem = f"v_crit is {self.lowest['v_crit']:g} (unit of v)"
            raise self.wrong(problem, f"range          above v_rest = {self.highest['v_rest']:g}")

    def coefficients(self, dt: float) -> AdaptingCoefficients:
        rise = self.curvature * (dt / self.tau_mem)
        return super().coefficients(dt)._replace(decay=None, rise=rise, onset=self.v_crit)

    def passive(self, v: Tensor, coefs: AdaptingCoefficients) -> Tensor:
        u = v.clamp(-FARTHEST, FARTHEST)
        above_rest = u if coefs.v_rest is None else u - coefs.v_rest
        return v + coefs.rise * above_rest * (u - coefs.onset)
