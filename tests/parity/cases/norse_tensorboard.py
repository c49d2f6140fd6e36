"""What Norse's hooks write to tensorboard, beside the firing rates and spikes that a run of ours logs.

A list stands in for their writer and keeps what it is given: `hook_spike_activity_mean` gives a number to `add_image`,
which the SummaryWriter of torch refuses (AssertionError, no CHW).
"""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import torch

from snnctl.datasets.facts import Facts
from snnctl.networks import Network
from snnctl.report.recording import record
from tests.parity.frameworks import without
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset

BATCHES, STEPS, BATCH, NEURONS = 3, 40, 2, 5
SETTINGS = {"defaults": ({}, {}), "v_th=0.5": ({"v_th": 0.5}, {"threshold": 0.5}),
            "v_reset=-0.5": ({"v_reset": -0.5}, {"v_reset": -0.5})}  # fmt: skip


def _inputs() -> Inputs:
    """Currents (batches, T, B, N)."""
    draw = torch.Generator().manual_seed(0)
    return {"x": torch.randn(BATCHES, STEPS, BATCH, NEURONS, generator=draw) * 0.6 + 0.25}


class _Writer:
    """Keeps what is written, in order."""

    def __init__(self) -> None:
        self.written: list[torch.Tensor] = []

    def keep(self, key: str, value: torch.Tensor, step: int) -> None:
        assert (key, step) == ("layer", len(self.written))
        self.written.append(value.detach().clone())

    add_scalar = add_image = add_histogram = keep


def _theirs(given: Inputs, hook: str, trace: str, options: dict[str, float]) -> Traces:
    import norse.torch as norse

    hooks = without("torch.utils.tensorboard", "norse.torch.utils.tensorboard.tensorboard", "SummaryWriter")
    p = norse.functional.iaf.IAFParameters(**{n: torch.as_tensor(v) for n, v in options.items()})
    layer, writer = norse.IAF(p), _Writer()
    layer.register_forward_hook(getattr(hooks, hook)("layer", writer))
    for x in given["x"]:
        layer(x)
    return {trace: torch.stack(writer.written)}


def _network(options: dict[str, float]) -> Network:
    return Network({"neuron": preset("if/norse", backend="eager", **options)}, Facts((NEURONS,), (), 1e-3, STEPS))


def _rates(given: Inputs, of: int, options: dict[str, float]) -> Traces:
    """What is logged at the end of epochs of one batch each, times `of`."""
    from snnctl.callbacks.firing_rates import FiringRates  # Lightning is not in the environment of the frameworks

    logged: list[float] = []

    def log(name: str, value: float, **_: Any) -> None:
        assert name == "rate/neuron"
        logged.append(value)

    module = SimpleNamespace(network=_network(options).train(), log=log)
    rates, trainer = FiringRates(), SimpleNamespace(current_epoch=0)
    rates.on_fit_start(trainer, module)
    for x in given["x"]:
        rates.on_train_epoch_start(trainer, module)
        rates.on_train_batch_start(trainer, module, SimpleNamespace(length=torch.full((BATCH,), STEPS)), 0)
        module.network(x)
        rates.on_train_epoch_end(trainer, module)
    rates.teardown(trainer, module, "fit")
    return {"activity": torch.tensor(logged) * of}


def _spikes(given: Inputs, options: dict[str, float]) -> Traces:
    net = _network(options).eval()
    return {"spikes": torch.stack([torch.from_numpy(record(net, x, ["spikes"])["neuron/spikes"]) for x in given["x"]])}


def _cases(hook: str, ours: str, trace: str, mine: Any) -> list[Parity]:
    return [
        Parity(f"norse.torch.utils.tensorboard.tensorboard.{hook}", ours, setting, _inputs,
               partial(_theirs, hook=hook, trace=trace, options=theirs), partial(mine, options=own))
        for setting, (theirs, own) in SETTINGS.items()
    ]  # fmt: skip


MEAN, SUM = partial(_rates, of=1), partial(_rates, of=STEPS * BATCH * NEURONS)
CASES = [
    *_cases("hook_spike_activity_mean", "rate/LAYER in tensorboard", "activity", MEAN),
    *_cases("hook_spike_activity_sum", "rate/LAYER x neurons x steps", "activity", SUM),
    *_cases("hook_spike_histogram_mean", "rate/LAYER in tensorboard", "activity", MEAN),
    *_cases("hook_spike_histogram_sum", "rate/LAYER x neurons x steps", "activity", SUM),
    *_cases("hook_spike_image", "record=[spikes]", "spikes", _spikes),
]
