"""SpikingJelly's FlexSN, a neuron from a user's step: here a neuron in the user's file."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.neurons import Neuron
from snnctl.neurons.quantity import POTENTIAL, TIME
from snnctl.surrogates import Sigmoid
from tests.parity.drive import currents, ours, with_gradients
from tests.parity.parity import Inputs, Parity, Traces


class State(NamedTuple):
    v: Tensor  # membrane potential


class Coefficients(NamedTuple):
    decay: float
    threshold: float


class Saturating(Neuron):
    """v[t] = tanh(decay v[t-1] + x[t]);  s[t] = 1 and v[t] = 0 where v[t] >= threshold."""

    State, spiking = State, True

    def __init__(self, *, tau=10e-3, threshold=0.5, **options):
        super().__init__({"tau": (tau, TIME), "threshold": (threshold, POTENTIAL)}, **options)

    def coefficients(self, dt):
        return Coefficients(1 - dt / self.tau, self.threshold)

    def initial_state(self, x0):
        return State(torch.zeros_like(x0))

    def step(self, x, state, coefs):
        v = torch.tanh(coefs.decay * state.v + x)
        s = Sigmoid(4.0)(v - coefs.threshold)
        return s, State(v * (1 - s))


def _core(decay: float, threshold: float) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    from spikingjelly.activation_based import surrogate

    def core(x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        v = torch.tanh(decay * v + x)
        s = surrogate.sigmoid.apply(v - threshold, 4.0)
        return s, v * (1 - s)

    return core


def _theirs(given: Inputs, decay: float, threshold: float) -> Traces:
    from spikingjelly.activation_based import neuron

    built = neuron.FlexSN(_core(decay, threshold), 1, store_state_seqs=True)
    x = given["x"].clone().requires_grad_()
    out = built(x)
    return {**with_gradients(out, x, given, []), "v": built.state_seqs[0]}


def _case(setting: str, tau: float, threshold: float) -> Parity:
    return Parity(
        "spikingjelly.activation_based.neuron.FlexSN", "a Neuron of one's own", setting, currents(0.4, 0.2),
        lambda given: _theirs(given, 1 - 1e-3 / tau, threshold),
        lambda given: ours(given, Saturating(tau=tau, threshold=threshold)),
    )  # fmt: skip


CASES = [_case("tau=10", 10e-3, 0.5), _case("tau=2_threshold=0.3", 2e-3, 0.3), _case("threshold=0.8", 10e-3, 0.8)]
