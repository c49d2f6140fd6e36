"""Norse's LSNN: a current-based neuron with an adaptive threshold b, ours threshold + beta a."""

from __future__ import annotations

import torch

from tests.parity.cases.norse_lif import cell
from tests.parity.drive import currents
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine


def parameters(**options: float):
    """LSNNParameters of Norse."""
    import norse.torch as norse

    return norse.LSNNParameters(**{n: torch.as_tensor(v) for n, v in options.items()})


def _cell(given: Inputs, **options: float) -> Traces:
    import norse.torch as norse

    return cell(norse.LSNNCell(parameters(**options)), ["v", "i", "b"], given)


def _layer(given: Inputs, **options: float) -> Traces:
    import norse.torch as norse

    from tests.parity.cases.norse_lif import sequence

    return sequence(norse.LSNN(parameters(**options), record_states=True), ["v", "i", "b"], given)


def _case(api: str, setting: str, theirs, options: dict) -> Parity:
    def run(given: Inputs) -> Traces:
        traces = mine("alif/norse", {"v": "v", "i": "i", "b": "a"}, **options)(given)
        return {**traces, "b": options.get("threshold", 1.0) + options.get("beta", 1.8) * traces["b"]}

    drive = currents(scale=1.0, offset=0.4)
    return Parity(f"norse.torch.{api}", "neuron=alif/norse", setting, drive, theirs, run)


CASES = [
    _case("LSNNCell", "defaults", _cell, {}),
    _case("LSNNCell", "v_th=0.3", lambda given: _cell(given, v_th=0.3), {"threshold": 0.3}),
    _case(
        "LSNNCell", "tau_adapt_inv=100_beta=0.3_v_th=0.3",
        lambda given: _cell(given, v_th=0.3, tau_adapt_inv=100.0, beta=0.3, v_reset=-0.2),
        {"threshold": 0.3, "tau_adapt": 10e-3, "beta": 0.3, "v_reset": -0.2},
    ),
    _case("LSNN", "defaults", _layer, {}),
    _case(
        "LSNN", "tau_adapt_inv=100_beta=0.3_v_th=0.3",
        lambda given: _layer(given, v_th=0.3, tau_adapt_inv=100.0, beta=0.3, v_reset=-0.2),
        {"threshold": 0.3, "tau_adapt": 10e-3, "beta": 0.3, "v_reset": -0.2},
    ),
    _case("LSNN", "v_th=0.3", lambda given: _layer(given, v_th=0.3), {"threshold": 0.3}),
]  # fmt: skip
