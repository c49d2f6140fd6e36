"""Sinabs' layers that take batch and time folded into one axis: the same neurons."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.parity.cases.sinabs_lif import arguments
from tests.parity.drive import currents, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, silent

TAU = {"tau_mem": 20.0}


def _theirs(given: Inputs, api: str, folded: dict[str, int], **options: Any) -> Traces:
    options = arguments(**options)
    import sinabs.layers as sinabs

    built = getattr(sinabs, api)(**folded, **options)
    x = given["x"].clone().requires_grad_()
    flat = built(x.transpose(0, 1).reshape(-1, x.shape[2]))
    return with_gradients(flat.view(x.shape[1], x.shape[0], -1).transpose(0, 1), x, given, [])


def _case(api: str, name: str, setting: str, folded: dict, theirs: dict, options: dict, scale: float = 0.8) -> Parity:
    shown = silent if api == "ExpLeakSqueeze" else dict  # it does not spike
    run = mine(name, {}, **options)
    return Parity(
        f"sinabs.layers.{api}", f"neuron={name}", setting, currents(scale, scale / 4),
        lambda given: shown(partial(_theirs, api=api, folded=folded)(given, **theirs)), lambda given: shown(run(given)),
    )  # fmt: skip


CASES = [
    _case("IAFSqueeze", "if/sinabs", "batch_size=2", {"batch_size": 2}, {}, {}),
    _case("IAFSqueeze", "if/sinabs", "num_timesteps=40", {"num_timesteps": 40}, {}, {}),
    _case("IAFSqueeze", "if/sinabs", "spike_threshold=0.4_SingleSpike", {"batch_size": 2},
          {"spike_threshold": 0.4, "spike_fn": "SingleSpike"}, {"threshold": 0.4, "max_spikes": 1}),
    _case("LIFSqueeze", "lif/sinabs", "batch_size=2", {"batch_size": 2}, TAU, {}, 8.0),
    _case("LIFSqueeze", "lif/sinabs", "num_timesteps=40_norm_input=False", {"num_timesteps": 40},
          {**TAU, "norm_input": False}, {"input_gain": 1.0}),
    _case("LIFSqueeze", "cuba_lif/sinabs", "tau_syn=5", {"batch_size": 2}, {**TAU, "tau_syn": 5.0}, {"tau_syn": 5e-3},
          8.0),
    _case("ExpLeakSqueeze", "li/sinabs", "batch_size=2", {"batch_size": 2}, TAU, {}),
    _case("ExpLeakSqueeze", "li/sinabs", "num_timesteps=40_norm_input=True", {"num_timesteps": 40},
          {**TAU, "norm_input": True}, {"input_gain": "1-decay"}),
    _case("ExpLeakSqueeze", "li/sinabs", "min_v_mem=-0.2", {"batch_size": 2}, {**TAU, "min_v_mem": -0.2},
          {"v_min": -0.2}),
]  # fmt: skip
