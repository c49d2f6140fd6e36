"""snnTorch's Leaky."""

from __future__ import annotations

import math

from snnctl.neurons import LIF
from snnctl.surrogates import ATan
from tests.parity.drive import currents, ours, stepped
from tests.parity.parity import Inputs, Parity, Traces

DT, BETA = 1e-3, 0.9
TAU = -DT / math.log(BETA)


def _theirs(given: Inputs, **options) -> Traces:
    import snntorch

    neuron = snntorch.Leaky(beta=BETA, **options)
    return stepped(given, neuron, (neuron.init_leaky(),), ["v"])


def _mine(given: Inputs, **options) -> Traces:
    return ours(given, LIF(tau_mem=TAU, fire="gt", surrogate=ATan(2.0), **options), DT)


def _case(setting: str, theirs: dict, mine: dict, scale: float = 0.6) -> Parity:
    return Parity(
        "snntorch.Leaky", "neuron=lif/snntorch", setting, currents(scale),
        lambda given: _theirs(given, **theirs), lambda given: _mine(given, **mine),
    )  # fmt: skip


CASES = [
    _case("defaults", {}, {"reset_delay": True, "detach_reset": True}),
    _case(
        "reset_mechanism=zero",
        {"reset_mechanism": "zero"},
        {"reset_delay": True, "reset": "zero", "detach_reset": True},
    ),
    # weak currents: where v is above threshold even after its reset, their undelayed reset is withheld from the spike
    _case("reset_delay=False", {"reset_delay": False}, {}, scale=0.2),
    _case("reset_mechanism=none", {"reset_mechanism": "none"}, {"reset": "none"}),
]
