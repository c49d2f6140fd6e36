"""Correlation sensor: what each synapse remembers of the order of the spikes on its two sides."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.neurons.coba_lif import Integration
from snnctl.neurons.leaky import decay_factor
from snnctl.neurons.quantity import TIME, Kind, one_of, plain
from snnctl.neurons.sequence import precision, unbind

STEP = Kind("no unit")


class CorrelationState(NamedTuple):
    """Between two steps, each (B, I, O): input by output."""

    post_last: Tensor  # 1 where the output fired after the input did
    causal: Tensor
    anticausal: Tensor


class CorrelationSensor(nn.Module):
    """Traces a synapse, of spikes before and behind it: what a correlation-sensing neuron offers to a learning rule.

        causal[t]     = (decay_c where not post_last[t-1], else 1) causal[t-1] + eta_c pre[t]
        anticausal[t] = (decay_a where post_last[t-1], else 1) anticausal[t-1] + eta_a post[t]
        post_last[t]  = 1 if post_last[t-1] + post[t] - pre[t] > 0

    The causal trace decays from an input spike until the output fires, and holds what is left: it is large where
    outputs follow inputs closely. The other is its mirror. Beside a layer: `sensor(spikes_in, spikes_out, dt=dt)`.

    Args:
        tau_c, tau_a: time constants of the traces, s, > 0 and >= dt / 2.
        eta_c, eta_a: what a spike adds to them, no unit.
        decay: "exact" exp(-dt / tau), or "euler" 1 - dt / tau.

    Raises:
        UserError: a value out of range or an unknown option.

    Source: S. Friedmann et al., "Demonstrating hybrid learning in a flexible neuromorphic hardware system", IEEE
    Transactions on Biomedical Circuits and Systems 11 (2017), doi:10.1109/TBCAS.2016.2579164.
    """

    State = CorrelationState

    def __init__(
        self,
        *,
        tau_c: float = 100e-3,
        tau_a: float = 100e-3,
        eta_c: float = 1.0,
        eta_a: float = 1.0,
        decay: Integration = "exact",
    ):
        super().__init__()
        owner = type(self).__name__
        for name, value, kind in (("tau_c", tau_c, TIME), ("tau_a", tau_a, TIME), ("eta_c", eta_c, STEP),
                                  ("eta_a", eta_a, STEP)):  # fmt: skip
            checked = plain(owner, name, value, kind)
            if isinstance(checked, Tensor):
                raise UserError(f"{owner}: {name} has {checked.numel()} values", "wanted         one number")
            setattr(self, name, checked)
        self.decay = one_of(owner, "decay", decay, Integration)

    def initial_state(self, pre0: Tensor, post0: Tensor) -> CorrelationState:
        """No spike yet: pre0 (B, I), post0 (B, O)."""
        zeros = torch.zeros(*pre0.shape, post0.shape[-1], device=pre0.device, dtype=precision(pre0))
        return CorrelationState(zeros, zeros, zeros)

    def step(self, pre: Tensor, post: Tensor, state: CorrelationState, dt: float) -> CorrelationState:
        """One time step: spikes pre (B, I) and post (B, O) of the same step."""
        pre, post = pre.unsqueeze(-1), post.unsqueeze(-2)
        decay_c, decay_a = (decay_factor(tau, dt, self.decay) for tau in (self.tau_c, self.tau_a))
        held = state.post_last
        causal = state.causal * torch.where(held > 0, 1.0, decay_c) + self.eta_c * pre
        anticausal = state.anticausal * torch.where(held > 0, decay_a, 1.0) + self.eta_a * post
        return CorrelationState((held + post - pre > 0).to(held.dtype), causal, anticausal)

    def forward(
        self, pre: Tensor, post: Tensor, state: CorrelationState | None = None, *, dt: float
    ) -> CorrelationState:
        """The traces after a sequence.

        Args:
            pre: spikes of the inputs (T, B, I).
            post: spikes of the outputs (T, B, O).
            state: what an earlier call returned; None: no spike yet.
            dt: step width, s.

        Raises:
            UserError: the two do not fit; dt is not above 0, or a time constant is below dt / 2.
        """
        if pre.dim() != 3 or post.dim() != 3 or pre.shape[:2] != post.shape[:2]:
            shapes = f"{tuple(pre.shape)} and {tuple(post.shape)}"
            raise UserError(f"CorrelationSensor: spikes of shapes {shapes}", "wanted         (T, B, I) and (T, B, O)")
        if not dt > 0 or min(self.tau_c, self.tau_a) < dt / 2:
            raise UserError(
                f"CorrelationSensor: dt is {dt!r} s at time constants of {self.tau_c:g} and {self.tau_a:g} s",
                "range          above 0, and at most twice the time constants",
            )
        pre, post = pre.to(precision(pre)), post.to(precision(post))
        state = self.initial_state(pre[0], post[0]) if state is None else state
        for pre_t, post_t in zip(unbind(pre), unbind(post), strict=True):
            state = self.step(pre_t, post_t, state, dt)
        return state
