"""SpikingJelly's functions of MSTDP and MSTDPET, at steps of 1 ms."""

from __future__ import annotations

from functools import partial

import torch

from snnctl.regimes.reward import MSTDP, MSTDPET
from tests.parity.cases.bindsnet_reward import RATE, run_rule, spikes
from tests.parity.parity import Inputs, Parity, Traces


def _mstdp(given: Inputs, tau_pre: float, tau_post: float) -> Traces:
    from spikingjelly.activation_based.functional import learning

    weight, seen = given["weight"].clone(), []
    trace = torch.zeros_like(given["pre"][0]), torch.zeros_like(given["post"][0])
    for pre, post, reward in zip(given["pre"], given["post"], given["reward"], strict=True):
        eligible, trace = learning.mstdp_linear_step(
            pre, post, trace, weight, tau_pre=tau_pre, tau_post=tau_post, f_pre=torch.ones_like, f_post=torch.ones_like
        )
        weight = weight + RATE * reward * eligible.sum(0)
        seen.append(weight)
    return {"weight": torch.stack(seen)}


def _mstdpet(given: Inputs, tau_pre: float, tau_post: float, tau_trace: float) -> Traces:
    """They take one sample at a time."""
    from spikingjelly.activation_based.functional import learning

    weight, late, seen = given["weight"].clone(), torch.zeros(4, 5), []
    trace = torch.zeros(5), torch.zeros(4)
    for pre, post, reward in zip(given["pre"][:, 0], given["post"][:, 0], given["reward"], strict=True):
        eligible, trace = learning.mstdpet_linear_step(
            pre, post, trace, weight, tau_pre=tau_pre, tau_post=tau_post, f_pre=torch.ones_like, f_post=torch.ones_like
        )
        change, late = learning.mstdpet_reward_step(reward, eligible, late, tau_trace=tau_trace)
        weight = weight + RATE * change
        seen.append(weight)
    return {"weight": torch.stack(seen)}


CASES = [
    Parity(
        "spikingjelly.activation_based.functional.learning.mstdp_linear_step", "regime=mstdp regime.rule.lag=false",
        "tau_pre=20_tau_post=30", spikes, partial(_mstdp, tau_pre=20.0, tau_post=30.0),
        partial(run_rule, rule=MSTDP(tau_minus=30e-3, lag=False)),
    ),
    Parity(
        "spikingjelly.activation_based.functional.learning.mstdpet_reward_step",
        "regime=mstdpet regime.rule.lag=false", "tau_pre=20_tau_post=30_tau_trace=50", partial(spikes, 1),
        partial(_mstdpet, tau_pre=20.0, tau_post=30.0, tau_trace=50.0),
        partial(run_rule, rule=MSTDPET(tau_minus=30e-3, tau_eligibility=50e-3, lag=False)),
    ),
]  # fmt: skip
