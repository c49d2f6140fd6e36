"""AdLIF: a leaky integrate-and-fire neuron with an adaptation current."""

from __future__ import annotations

from snnctl.neurons.adapting import Adapting
from snnctl.neurons.quantity import Value


class AdLIF(Adapting):
    """Leaky integrate-and-fire neuron with an adaptation current w (after-hyperpolarisation):

        tau_mem dv/dt = v_rest - v - w + x,   tau_w dw/dt = a (v - v_rest) - w,   w += b at a spike

    of which one step is

        v[t] = v_rest + decay (v[t-1] - v_rest) + gain (x[t] - w[t-1])      decay = exp(-dt / tau_mem), gain = 1
        s[t] = 1 if v[t] >= threshold
        w[t] = w_decay w[t-1] + (1 - w_decay) a (v[t-1] - v_rest) + b s[t]  w_decay = exp(-dt / tau_w)
        v[t] = v[t] - s[t] threshold

    An adaptation that raises the threshold instead is `ALIF`.

    Args:
        tau_w: time constant of the adaptation, s, > 0 and >= dt / 2; None: none.
        a: pull of the membrane on w, no unit.
        b: what a spike adds to w, unit of v.
        conventions: tau_syn, synapse, w_follows, v_start of `Adapting`; tau_mem, v_rest, decay (of all
            three), input_gain (of both currents) of `Leaky`; those of `SpikingNeuron` and of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: W. Gerstner et al., "Neuronal Dynamics" (2014), doi:10.1017/CBO9781107447615, section 6.1 with a leaky
    membrane; trained: A. Bittar, P. N. Garner, Frontiers in Neuroscience 16 (2022), doi:10.3389/fnins.2022.865897.
    """

    def __init__(self, *, tau_w: Value | None = 100e-3, a: Value = 0.0, b: Value = 0.1, **conventions):
        super().__init__(tau_w=tau_w, a=a, b=b, **conventions)
