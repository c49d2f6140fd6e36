"""AdEx: the adaptive exponential integrate-and-fire neuron."""

from __future__ import annotations

from snnctl.neurons.eif import EIF
from snnctl.neurons.quantity import Value


class AdEx(EIF):
    """Adaptive exponential integrate-and-fire neuron: an exponential membrane with an adaptation current,

        tau_mem dv/dt = v_rest - v + delta exp((v - theta) / delta) - w + x
        tau_w   dw/dt = a (v - v_rest) - w,   w += b at a spike

    of which one step is that of `EIF` with gain (x[t] - w[t-1]) for its input, and

        w[t] = w_decay w[t-1] + (1 - w_decay) a (v[t-1] - v_rest) + b s[t]      w_decay = 1 - dt / tau_w

    The equations are those of the paper divided by the leak conductance g_L: tau_mem = C / g_L, a = a / g_L,
    b = b / g_L, and x is I / g_L, in units of v. The defaults are its parameters with v_rest at 0 and the spike's onset
    near 1; `neuron/adex/brette_gerstner.yaml` has them in millivolts.

    Args:
        tau_w: time constant of the adaptation, s, > 0 and >= dt / 2.
        a: adaptation below threshold, no unit (the paper's a over g_L).
        b: what a spike adds to w, unit of v (the paper's b over g_L).
        conventions: delta, theta, threshold of `EIF`, and all others that it takes.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: R. Brette, W. Gerstner, "Adaptive exponential integrate-and-fire model as an effective description of
    neuronal activity", Journal of Neurophysiology 94 (2005), doi:10.1152/jn.00686.2005.
    """

    def __init__(self, *, tau_w: Value | None = 144e-3, a: Value = 0.13, b: Value = 0.13, **conventions):
        super().__init__(tau_w=tau_w, a=a, b=b, **conventions)
