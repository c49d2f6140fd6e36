"""Synaptic scaling: all weights into a neuron grow while it fires too little, and shrink while it fires too much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.errors import number
from snnctl.plasticity.rule import Rule, Term, itself


class HomeostasisState(NamedTuple):
    """Between two steps."""

    rate: Tensor  # running rate of the postsynaptic neurons, Hz, (B, *post)


class HomeostasisCoefficients(NamedTuple):
    """Derived at one dt."""

    decay: float
    per_spike: float  # Hz
    eta: float  # 1/Hz a step


@dataclass(frozen=True, kw_only=True)
class Homeostasis(Rule):
    """Homeostatic synaptic scaling:

        dw/dt = eta w (rate - r),    tau dr/dt = -r + spikes of the neuron

    Args:
        rate: that a neuron is drawn to, Hz, 0 and above.
        eta: speed, 1/s a Hz.
        tau: over which its rate is averaged, s, above 0 and >= dt / 2. A sample begins at `rate`.
        others: of `Rule`.

    Raises:
        UserError: a value is out of range.

    Source: M. C. W. van Rossum, G. Q. Bi, G. G. Turrigiano 2000, doi:10.1523/JNEUROSCI.20-23-08812.2000, without its
    integral term.
    """

    rate: float = 10.0
    eta: float = 1e-3
    tau: float = 1.0
    State = HomeostasisState

    def __post_init__(self) -> None:
        super().__post_init__()
        self.positive("tau")
        self.finite("eta")
        number(f"plasticity {self.name}: rate is", self.rate, "Hz", 0.0)

    def coefficients(self, dt: float) -> HomeostasisCoefficients:
        decay = self.decayed(self.tau, dt)
        return HomeostasisCoefficients(decay, (1 - decay) / dt, self.eta * dt)

    def initial_state(self, pre: Tensor, post: Tensor) -> HomeostasisState:
        return HomeostasisState(torch.full_like(post, self.rate))

    def step(
        self, pre: Tensor, post: Tensor, state: HomeostasisState, coefs: HomeostasisCoefficients
    ) -> tuple[tuple[Term, ...], HomeostasisState]:
        r = coefs.decay * state.rate + coefs.per_spike * post
        return (Term(None, coefs.eta * (self.rate - r), itself),), HomeostasisState(r)
