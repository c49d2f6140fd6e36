"""FewSpike: a neuron that writes its input as a few weighted spikes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.errors import number
from snnctl.neurons.sequence import stack
from snnctl.neurons.spiking import DEFAULT_SURROGATE
from snnctl.neurons.temporal import Temporal
from snnctl.neurons.threshold import a_surrogate
from snnctl.surrogates import Surrogate


class FewSpikeState(NamedTuple):
    """Nothing is kept: a sequence is seen at once."""


class FewSpike(Temporal):
    """Few-spike neuron: it adds up a sequence of K steps, then fires at most K times, each time with a weight,

        v = sum_t x[t]
        z[k] = 1 if v >= thresholds[k];   out[k] = weights[k] z[k];   v = v - resets[k] z[k]

    so that the sum of its output is an activation function of the sum of its input, which the three lists choose. Left
    out, all three are highest / 2, highest / 4, ...: the binary digits of an input between 0 and `highest`.

    Args:
        thresholds, resets, weights: K numbers each, unit of the input; None for the digits.
        highest: what the digits write, above 0; not for lists.
        steps: K where no lists are given; the network fills it in.
        surrogate: the gradient of z.
        shape: one time step without the batch; the network fills it in.

    Raises:
        UserError: lists of different lengths, no number of steps, a sequence longer than K, or a state.

    Source: C. Stöckl, W. Maass, "Optimized spiking neurons can classify images with high accuracy through temporal
    coding with two spikes", Nature Machine Intelligence 3 (2021), doi:10.1038/s42256-021-00311-4.
    """

    State = FewSpikeState
    causal = False
    why = "fires once the whole sequence is known"

    def __init__(
        self,
        *,
        thresholds: Sequence[float] | None = None,
        resets: Sequence[float] | None = None,
        weights: Sequence[float] | None = None,
        highest: float = 1.0,
        steps: int | None = None,
        surrogate: Surrogate = DEFAULT_SURROGATE,
        shape: Sequence[int] | None = None,
    ):
        super().__init__(shape)
        self.surrogate = a_surrogate(type(self).__name__, surrogate)
        lists = {"thresholds": thresholds, "resets": resets, "weights": weights}
        if all(numbers is None for numbers in lists.values()):
            number("FewSpike: highest is", highest, "unit of the input", 0.0, above=True)
            if type(steps) is not int or steps < 1:
                raise self.wrong(f"steps is {steps!r}", "give           thresholds, resets and weights, or steps")
            lists = {name: [highest * 2.0 ** -(k + 1) for k in range(steps)] for name in lists}
        sizes = {name: 0 if numbers is None else len(numbers) for name, numbers in lists.items()}
        if len(set(sizes.values())) != 1 or not all(sizes.values()):
            listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
            raise self.wrong(f"lists of different lengths: {listed}", "give           three lists of K numbers")
        for name, numbers in lists.items():
            self.register_buffer(name, torch.tensor([float(n) for n in numbers]))

    def run(self, x: Tensor, state: FewSpikeState | None, dt: float) -> tuple[Tensor, FewSpikeState, dict[str, Tensor]]:
        if state is not None:
            raise self.wrong("it cannot go on from a state", "give           the whole sequence: it adds it up first")
        if len(x) > len(self.thresholds):
            raise self.wrong(f"a sequence of {len(x)} steps", f"range          1 to {len(self.thresholds)}, as built")
        v, outs, vs = x.sum(0), [], []
        for threshold, reset, weight in zip(self.thresholds[: len(x)], self.resets, self.weights, strict=False):
            z = self.surrogate(v - threshold)
            outs.append(weight * z)
            v = v - reset * z
            vs.append(v)
        return stack(outs), FewSpikeState(), {"v": stack(vs)}

    def extra_repr(self) -> str:
        return f"K={len(self.thresholds)}, surrogate={self.surrogate}"
