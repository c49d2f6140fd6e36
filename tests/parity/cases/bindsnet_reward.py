"""BindsNET's reward-modulated rules MSTDP, MSTDPET and Rmax, and its reward prediction error."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import torch
from torch import Tensor

from snnctl.regimes.reward import MSTDP, MSTDPET, RewardPredictionError, Rmax
from tests.parity.frameworks import bindsnet
from tests.parity.parity import Inputs, Parity, Traces

RATE = 1e-2


def spikes(batch: int = 3) -> Inputs:
    """Spikes before (T, B, 5) and behind (T, B, 4) of a layer, a probability of the latter, and rewards (T,)."""
    draw = torch.Generator().manual_seed(3)
    pre, post = ((torch.rand(40, batch, n, generator=draw) < 0.3).float() for n in (5, 4))
    chance = torch.rand(40, batch, 4, generator=draw)
    weight = torch.rand(4, 5, generator=draw)
    return {"pre": pre, "post": post, "chance": chance, "weight": weight, "reward": torch.randn(40, generator=draw)}


def run_rule(given: Inputs, rule: Any, rate: float = RATE) -> Traces:
    """The weights after each step, (T, O, I), summed over the batch as BindsNET does."""
    weight, state, seen = given["weight"].clone(), None, []
    state = rule.begin(given["pre"][0], given["post"][0])
    for pre, post, chance, reward in zip(*(given[k] for k in ("pre", "post", "chance", "reward")), strict=True):
        eligible, state = rule.step(pre, post, state, 1e-3, chance)
        weight = weight + rate * reward * eligible.sum(0)
        seen.append(weight)
    return {"weight": torch.stack(seen)}


def _theirs(given: Inputs, name: str, **options: Any) -> Traces:
    nodes, learning = bindsnet("network.nodes"), bindsnet("learning.learning")
    sys.modules["bindsnet.learning"].NoOp = learning.NoOp  # what the package's own __init__ would offer
    topology = bindsnet("network.topology")
    source = nodes.Input(n=5, traces=True, traces_additive=name == "Rmax")
    target = (nodes.SRM0Nodes if name == "Rmax" else nodes.LIFNodes)(n=4, traces=True)
    connection = topology.Connection(
        source, target, w=given["weight"].T.clone(), wmin=-100.0, wmax=100.0, nu=(RATE, RATE), reduction=torch.sum,
        update_rule=getattr(learning, name), **options,
    )  # fmt: skip
    connection.dt = torch.tensor(1.0)
    for layer in (source, target):
        layer.compute_decays(1.0)
        layer.set_batch_size(given["pre"].shape[1])
    seen = []
    for pre, post, chance, reward in zip(*(given[k] for k in ("pre", "post", "chance", "reward")), strict=True):
        _fire(nodes, source, pre), _fire(nodes, target, post)
        target.s_prob = chance
        connection.update_rule.update(reward=reward)
        seen.append(connection.w.detach().T.clone())
    return {"weight": torch.stack(seen)}


def _fire(nodes: Any, layer: Any, s: Tensor) -> None:
    layer.s = s.bool()
    nodes.Nodes.forward(layer, s)  # the traces alone


def _case(name: str, setting: str, rule: Any, batch: int = 3, **options: Any) -> Parity:
    return Parity(
        f"bindsnet.learning.{name}", f"regime={name.lower()}", setting, partial(spikes, batch),
        partial(_theirs, name=name, **options), partial(run_rule, rule=rule),
    )  # fmt: skip


def _errors() -> Inputs:
    draw = torch.Generator().manual_seed(4)
    return {"total": torch.randn(30, generator=draw) * 10, "steps": torch.arange(1, 31).float()}


def _their_errors(given: Inputs, window: float) -> Traces:
    from importlib import import_module

    bindsnet("learning.learning")
    average, seen = import_module("bindsnet.learning.reward").MovingAvgRPE(), []
    for total, steps in zip(given["total"], given["steps"], strict=True):
        average.update(accumulated_reward=total, steps=int(steps), ema_window=window)
        seen.append(average.compute(reward=torch.tensor(1.0)))
    return {"error": torch.stack(seen)}


def _our_errors(given: Inputs, window: float) -> Traces:
    average, seen = RewardPredictionError(window), []
    for total, steps in zip(given["total"].tolist(), given["steps"].tolist(), strict=True):
        average.update(total, int(steps))
        seen.append(average.error(1.0))
    return {"error": torch.tensor(seen)}


CASES = [
    _case("MSTDP", "defaults", MSTDP()),
    _case("MSTDP", "tc_plus=10_tc_minus=30", MSTDP(tau_plus=10e-3, tau_minus=30e-3), tc_plus=10.0, tc_minus=30.0),
    _case("MSTDP", "zero_lag=True", MSTDP(lag=False), zero_lag=True),
    _case("MSTDPET", "defaults", MSTDPET()),
    _case("MSTDPET", "tc_e_trace=100_zero_lag=True", MSTDPET(tau_eligibility=0.1, lag=False), tc_e_trace=100.0,
          zero_lag=True),
    _case("Rmax", "defaults", Rmax(), 1),
    _case("Rmax", "tc_c=0", Rmax(tau_c=0.0), 1, tc_c=0.0),
    *(
        Parity("bindsnet.learning.reward.MovingAvgRPE", "regime.baseline", f"ema_window={window:g}", _errors,
               partial(_their_errors, window=window), partial(_our_errors, window=window))
        for window in (10.0, 3.0)
    ),
]  # fmt: skip
