"""Rockpool's LIFTorch and LIF, their three ways to give a decay, and LIFBitshiftTorch."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch

from snnctl.surrogates import SingleExponential
from tests.parity.cases.rockpool_lif import module, window
from tests.parity.drive import currents, with_gradients
from tests.parity.frameworks import guard
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, preset, without

FIELDS, LEARNED = {"v": "v", "i": "i"}, ["tau_mem", "tau_syn"]


def _theirs(given: Inputs, periodic: bool = False, learned: tuple[str, ...] = (), **options: Any) -> Traces:
    guard()
    from rockpool.nn.modules import LIFTorch
    from rockpool.nn.modules.torch.lif_torch import PeriodicExponential as Periodic

    options = {n: torch.as_tensor(v) if n == "max_spikes_per_dt" else v for n, v in options.items()}
    built = LIFTorch((5, 5), **({"spike_generation_fn": Periodic} if periodic else {}), **options)
    return module(given, built, {"v": "vmem", "i": "isyn"}, [(n, n) for n in learned])


def _bitshift(given: Inputs, tau_mem: float, tau_syn: float) -> Traces:
    guard()
    from rockpool.nn.modules import LIFBitshiftTorch

    built = LIFBitshiftTorch(
        (5, 5),
        tau_mem=torch.full((5,), tau_mem),
        tau_syn=torch.full((5, 1), tau_syn),
        max_spikes_per_dt=torch.tensor(31),
    )
    return module(given, built, {"v": "vmem", "i": "isyn"})


def _numpy(given: Inputs, **options: Any) -> Traces:
    guard()
    from rockpool.nn.modules import LIF

    out, _, seen = LIF((5, 5), **options)(given["x"].transpose(0, 1).numpy(), record=True)
    traces = {"spikes": out, "v": seen["vmem"], "i": seen["isyn"].squeeze(-1)}
    return {name: torch.as_tensor(trace).float().transpose(0, 1) for name, trace in traces.items()}


def _case(setting: str, theirs: dict, options: dict, learned: tuple[str, ...] = ("tau_mem", "tau_syn"), api="LIFTorch"):
    return Parity(
        f"rockpool.nn.modules.{api}", "neuron=cuba_lif/rockpool", setting, currents(0.3, 0.1),
        lambda given: _theirs(given, learned=learned, **theirs), mine("cuba_lif/rockpool", FIELDS, learned, **options),
    )  # fmt: skip


def _bitshift_case(tau_mem: float, tau_syn: float) -> Parity:
    name, options = "cuba_lif/rockpool_bitshift", {"tau_mem": tau_mem, "tau_syn": tau_syn}
    return Parity(
        "rockpool.nn.modules.LIFBitshiftTorch", f"neuron={name}",
        f"tau_mem={tau_mem:g}_tau_syn={tau_syn:g}", currents(0.3, 0.1),
        lambda given: _bitshift(given, tau_mem, tau_syn), mine(name, FIELDS, **options),
    )  # fmt: skip


def _numpy_case(setting: str, theirs: dict, options: dict) -> Parity:
    return Parity(
        "rockpool.nn.modules.LIF", "neuron=cuba_lif/rockpool", setting, currents(0.3, 0.1),
        lambda given: _numpy(given, **theirs),
        lambda given: without("grad_x", mine("cuba_lif/rockpool", FIELDS, **options)(given)),
    )  # fmt: skip


def _biased(given: Inputs, bias: float) -> Traces:
    """A bias of the membrane at each step is a resting potential of bias / (1 - decay), with v starting at 0."""
    neuron = preset("cuba_lif/rockpool", v_rest=bias / (1 - math.exp(-1e-3 / 20e-3)))
    x = given["x"].clone().requires_grad_()
    start = neuron.initial_state(x[0])
    out, _, states = neuron.trace(x, start._replace(v=torch.zeros_like(x[0])), dt=1e-3)
    return {**with_gradients(out, x, given, []), **{name: states[field] for name, field in FIELDS.items()}}


def _tau(decay: float) -> float:
    return -1e-3 / math.log(decay)


CASES = [
    _case("defaults", {}, {}),
    _case("threshold=0.4_tau_mem=0.01_tau_syn=0.005", {"threshold": 0.4, "tau_mem": 10e-3, "tau_syn": 5e-3},
          {"threshold": 0.4, "tau_mem": 10e-3, "tau_syn": 5e-3, "surrogate": window(0.4)}),
    _case("PeriodicExponential_max_spikes_per_dt=3", {"periodic": True, "max_spikes_per_dt": 3.0},
          {"surrogate": SingleExponential(scale=0.5), "surrogate_at": "nearest", "max_spikes": 3}),
    _case("leak_mode=decays", {"leak_mode": "decays", "alpha": 0.9, "beta": 0.7},
          {"tau_mem": _tau(0.9), "tau_syn": _tau(0.7)}, ()),
    _case("leak_mode=bitshifts", {"leak_mode": "bitshifts", "dash_mem": 4, "dash_syn": 3},
          {"tau_mem": 16e-3, "tau_syn": 8e-3, "decay": "bitshift"}, ()),
    _bitshift_case(20e-3, 20e-3),
    _bitshift_case(10e-3, 5e-3),
    _bitshift_case(50e-3, 2e-3),
    _numpy_case("defaults", {}, {}),
    _numpy_case("tau_mem=0.01", *[{"tau_mem": 10e-3}] * 2),
    *(
        Parity("rockpool.nn.modules.LIFTorch", "neuron=cuba_lif/rockpool from v = 0", f"bias={bias:g}",
               currents(0.3, 0.1), partial(_theirs, bias=torch.full((5,), bias)), partial(_biased, bias=bias))
        for bias in (0.04, -0.05)
    ),
    _numpy_case("threshold=0.4_tau_syn=0.005", *[{"threshold": 0.4, "tau_syn": 5e-3}] * 2),
]  # fmt: skip
