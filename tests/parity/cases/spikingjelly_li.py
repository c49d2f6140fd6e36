"""SpikingJelly's nodes that do not spike."""

from __future__ import annotations

from typing import Any

import torch

from tests.parity.drive import currents, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, silent


def _theirs(given: Inputs, kind: str, **options: Any) -> Traces:
    from spikingjelly.activation_based import neuron

    x = given["x"].clone().requires_grad_()
    return silent(with_gradients(torch.stack(getattr(neuron, kind)(**options)(x)), x, given, []))


def _case(kind: str, name: str, setting: str, theirs: dict, options: dict, steps: int = 40) -> Parity:
    run = mine(name, {}, **options)
    return Parity(
        f"spikingjelly.activation_based.neuron.{kind}", f"neuron={name}", setting, currents(steps=steps),
        lambda given: _theirs(given, kind, **theirs), lambda given: silent(run(given)),
    )  # fmt: skip


CASES = [
    _case("NonSpikingIFNode", "integrator", "defaults", {}, {}),
    _case("NonSpikingLIFNode", "li/spikingjelly", "defaults", {}, {}),
    _case("NonSpikingLIFNode", "li/spikingjelly", "tau=5", {"tau": 5.0}, {"tau_mem": 5e-3}),
    _case("NonSpikingLIFNode", "li/spikingjelly", "tau=20", {"tau": 20.0}, {"tau_mem": 20e-3}),
]
