"""Sinabs' leaky integrate-and-fire neuron, and what its other layers are proven with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tests.parity.drive import currents, with_gradients
from tests.parity.frameworks import guard
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine


def layer(given: Inputs, built: Any, learned: Sequence[str] = (), fields: dict[str, str] | None = None) -> Traces:
    """A layer of Sinabs, batch first, time in steps: its spikes, recordings, and the gradients of log tau."""
    x = given["x"].clone().requires_grad_()
    built.record_states = fields is None or bool(fields)
    out = built(x.transpose(0, 1)).transpose(0, 1)
    traces = with_gradients(out, x, given, [(n, getattr(built, n)) for n in learned])
    for name in learned:
        traces[f"grad_{name}"] = traces[f"grad_{name}"] * getattr(built, name)
    recorded = {"v": "v_mem"} if fields is None else fields
    return {**traces, **{name: built.recordings[field].transpose(0, 1) for name, field in recorded.items()}}


def arguments(**options: Any) -> dict[str, Any]:
    """Theirs, with classes named as in sinabs.activation: spike_fn="SingleSpike", reset_fn="MembraneReset"."""
    guard()
    import sinabs.activation as activation

    options = {n: torch.tensor(v) if n == "spike_threshold" else v for n, v in options.items()}
    for name in ("spike_fn", "reset_fn"):
        if isinstance(options.get(name), str):
            kind, _, argument = options[name].partition(":")
            made = getattr(activation, kind)
            options[name] = (
                made if kind.startswith(("Single", "Multi")) else made(*([int(argument)] if argument else []))
            )
    return options


def _theirs(given: Inputs, learned: Sequence[str] = ("tau_mem",), **options: Any) -> Traces:
    options = arguments(**options)
    import sinabs.layers as sinabs

    return layer(given, sinabs.LIF(tau_mem=20.0, **options), learned)


def _case(setting: str, theirs: dict, options: dict, scale: float = 4.0) -> Parity:
    return Parity(
        "sinabs.layers.LIF", "neuron=lif/sinabs", setting, currents(scale, scale / 4),
        lambda given: _theirs(given, **theirs), mine("lif/sinabs", learned=["tau_mem"], **options),
    )  # fmt: skip


CASES = [
    _case("defaults", {}, {}, 8.0),
    _case("norm_input=False", {"norm_input": False}, {"input_gain": 1.0}, 0.6),
    _case("spike_threshold=0.2_SingleSpike", {"spike_threshold": 0.2, "spike_fn": "SingleSpike"},
          {"threshold": 0.2, "max_spikes": 1}),
    _case("spike_threshold=0.3_MaxSpike=2", {"spike_threshold": 0.3, "spike_fn": "MaxSpike:2"},
          {"threshold": 0.3, "max_spikes": 2}, 8.0),
    # their MembraneReset(reset_value) adds the value at every step, also where nothing fired: 0 is the sane one
    _case("reset_fn=MembraneReset", {"reset_fn": "MembraneReset", "spike_threshold": 0.2},
          {"reset": "zero", "detach_reset": True, "threshold": 0.2}),
    _case("min_v_mem=-0.1", {"min_v_mem": -0.1, "spike_threshold": 0.2}, {"v_min": -0.1, "threshold": 0.2}),
]  # fmt: skip
