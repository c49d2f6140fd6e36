"""LIAF: leaky integrate-and-fire inside, an analogue activation outside."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from snnctl.neurons.leaky import gained, leaked
from snnctl.neurons.lif import LIF, LIFCoefficients, LIFState
from snnctl.neurons.quantity import one_of

Activation = Literal["relu", "sigmoid", "tanh", "identity"]
ACTIVATIONS = {"relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "identity": lambda v: v}


class LIAF(LIF):
    """Leaky integrate and analogue fire: the membrane of a LIF, reset by its spikes; the output is not the spike but an
    activation of the membrane before its reset.

        v[t] = v_rest + decay (v[t-1] - v_rest) + gain x[t]        decay = exp(-dt / tau_mem), gain = 1
        s[t] = 1 if v[t] >= threshold
        out[t] = activation(v[t] - threshold)
        v[t] = v[t] - s[t] threshold

    Args:
        activation: "relu", "sigmoid", "tanh" or "identity".
        from_threshold: the activation acts on v - threshold, else on v.
        conventions: of `LIF`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: Z. Wu et al., "LIAF-Net: leaky integrate and analog fire network for lightweight and efficient
    spatiotemporal information processing", IEEE Transactions on Neural Networks and Learning Systems 33 (2022),
    doi:10.1109/TNNLS.2021.3073016.
    """

    spiking = False

    def __init__(self, *, activation: Activation = "relu", from_threshold: bool = True, **conventions):
        super().__init__(**conventions)
        self.activation = one_of(type(self).__name__, "activation", activation, Activation)
        self.from_threshold = one_of(type(self).__name__, "from_threshold", from_threshold, Literal[True, False])

    def step(self, x: Tensor, state: LIFState, coefs: LIFCoefficients) -> tuple[Tensor, LIFState]:
        v = self.receive(leaked(state.v, coefs), gained(x, coefs.gain), state, coefs)
        out = ACTIVATIONS[self.activation](v - coefs.threshold if self.from_threshold else v)
        _, *after = self.spike(v, coefs.threshold, state, coefs)
        return out, LIFState(*after)
