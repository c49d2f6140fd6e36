"""ChargedIF: integrate-and-fire that starts with a charged membrane, as converted networks do."""

from __future__ import annotations

import math

from torch import Tensor

from snnctl.neurons.integrate_and_fire import IF, IFState
from snnctl.neurons.sequence import zeros


class ChargedIF(IF):
    """Integrate-and-fire neuron whose membrane starts at v_start:

        v[0-] = v_start
        v[t] = v[t-1] + x[t]
        s[t] = 1 if v[t] >= threshold
        v[t] = v[t] - s[t] threshold

    Half a threshold makes the spike count round the summed input where 0 makes it round down: a network converted from
    an ANN needs fewer steps for the same accuracy. Any v_start below threshold is an offset of the firing condition.

    Args:
        v_start: membrane potential before the first step, unit of v, below threshold.
        conventions: of `IF`, without the reset "value".

    Raises:
        UserError: a value out of range, an unknown option or parameter name.

    Source: T. Bu et al., "Optimal ANN-SNN conversion for high-accuracy and ultra-low-latency spiking neural networks",
    ICLR 2022, arXiv:2303.04347.
    """

    def __init__(self, *, v_start: float = 0.5, **conventions):
        super().__init__(**conventions)
        if type(v_start) not in (int, float) or not -math.inf < v_start < self.lowest["threshold"]:
            raise self.wrong(f"v_start is {v_start!r}", "range          a number below threshold, unit of v")
        if self.reset == "value":
            raise self.wrong("v_start with reset: value", "set            reset: subtract, zero or none")
        self.v_start = float(v_start)

    def initial_state(self, x0: Tensor) -> IFState:
        return IFState(zeros(x0) + self.v_start, **self.rested(x0))
