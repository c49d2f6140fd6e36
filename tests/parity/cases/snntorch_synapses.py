"""snnTorch's Alpha. Left out: its reset by subtraction, of v, which follows from the two traces and is no state."""

from __future__ import annotations

import math

from tests.parity.drive import currents, stepped
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine

FIELDS = {"falling": "falling", "rising": "rising", "v": "v"}


def _theirs(given: Inputs, alpha: float = 0.9, beta: float = 0.8, **options) -> Traces:
    import snntorch

    neuron = snntorch.Alpha(alpha=alpha, beta=beta, **options)
    return stepped(given, neuron, neuron.init_alpha(), list(FIELDS))


def _case(setting: str, theirs: dict, options: dict) -> Parity:
    taus = zip(("tau_fall", "tau_rise"), (theirs.get("alpha", 0.9), theirs.get("beta", 0.8)), strict=True)
    return Parity(
        "snntorch.Alpha", "neuron=alpha_lif/snntorch", setting, currents(0.5, 0.3),
        lambda given: _theirs(given, **theirs),
        mine("alpha_lif/snntorch", FIELDS, **{n: -1e-3 / math.log(f) for n, f in taus}, **options),
    )  # fmt: skip


CASES = [
    _case("defaults", {}, {}),
    _case("reset_mechanism=none", {"reset_mechanism": "none"}, {"reset": "none"}),
    _case("alpha=0.7_beta=0.3_threshold=0.5", {"alpha": 0.7, "beta": 0.3, "threshold": 0.5}, {"threshold": 0.5}),
    Parity("snntorch.Alpha", "neuron=alpha_lif/snntorch", "learn_alpha", currents(),
           lambda given: _theirs(given, learn_alpha=True), fails="TypeError"),
]  # fmt: skip
