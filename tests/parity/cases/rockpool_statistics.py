"""Rockpool's statistics of spike trains."""

from __future__ import annotations

from collections.abc import Callable

import torch

from snnctl.metrics.trains import local_variation, population_fano
from tests.parity.frameworks import guard
from tests.parity.parity import Inputs, Parity, Traces

DT = 1e-3


def trains(rate: float, steps: int = 60, neurons: int = 6, seed: int = 0) -> Callable[[], Inputs]:
    """() -> spikes (T, N)."""

    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(seed)
        return {"spikes": (torch.rand(steps, neurons, generator=draw) < rate).float()}

    return inputs


def _series(given: Inputs):
    guard()
    from rockpool.timeseries import TSEvent

    return TSEvent.from_raster(given["spikes"].numpy().astype(bool), dt=DT, num_channels=given["spikes"].shape[1])


def _lv(given: Inputs) -> Traces:
    from warnings import catch_warnings, simplefilter

    series = _series(given)
    from rockpool.analysis import lv

    with catch_warnings():
        simplefilter("ignore")  # a mean over nothing, where a train has fewer than three spikes: nan, as ours
        return {"lv": _told(torch.from_numpy(lv(series)))}


def _told(lv: torch.Tensor) -> torch.Tensor:
    return lv.nan_to_num(-1.0)  # nan, which equals nothing, as a number that no train has


def _fano(given: Inputs, window: int = 1) -> Traces:
    series = _series(given)
    from rockpool.analysis import fano_factor

    return {"fano": torch.tensor(fano_factor(series, dt=window * DT))}


def _our_fano(given: Inputs, window: int = 1) -> Traces:
    return {"fano": population_fano(given["spikes"][:, None], window)[0]}


def _variation(setting: str, inputs: Callable[[], Inputs]) -> Parity:
    return Parity("rockpool.analysis.lv", "snnctl.metrics.trains.local_variation", setting, inputs, _lv,
                  lambda given: {"lv": _told(local_variation(given["spikes"]))})  # fmt: skip


def _factor(setting: str, inputs: Callable[[], Inputs], window: int = 1) -> Parity:
    return Parity("rockpool.analysis.fano_factor", "snnctl.metrics.trains.population_fano", setting, inputs,
                  lambda given: _fano(given, window), lambda given: _our_fano(given, window))  # fmt: skip


# Theirs is the Fano factor of the whole population's counts, not the mean over neurons that its text speaks of.
CASES = [
    _variation("defaults", trains(0.3)),
    _variation("few_spikes", trains(0.05, seed=1)),
    _variation("many_spikes", trains(0.8, seed=2)),
    _factor("defaults", trains(0.3)),
    _factor("few_spikes", trains(0.05, seed=1)),
    _factor("dt=5", trains(0.3), window=5),
]
