"""BindsNET's nodes with an adaptive threshold, for one sample: theirs adds up the spikes of a batch."""

from __future__ import annotations

from dataclasses import replace

from tests.parity.cases.bindsnet_lif import case
from tests.parity.drive import currents
from tests.parity.parity import Inputs, Parity, Traces

DRIVE, ONE = currents(7.0, 3.0, shape=(1, 5)), currents(7.0, 3.0, shape=(1, 1))
FIELDS = {"v": ("v", "v"), "theta": ("theta", "a")}
FAST = {"theta_plus": 0.5, "tc_theta_decay": 20.0}
OUR_FAST = {"beta": 0.5, "tau_adapt": 20e-3}


def _case(kind: str, setting: str, theirs: dict, options: dict, inputs=DRIVE) -> Parity:
    plain = case(kind, "alif/bindsnet", setting, theirs, options, inputs, FIELDS)

    def with_theta(given: Inputs) -> Traces:
        traces = plain.mine(given)
        return {**traces, "theta": options.get("beta", 0.05) * traces["theta"][:, 0]}

    return replace(plain, mine=with_theta)


CASES = [
    _case("AdaptiveLIFNodes", "defaults", {}, {}),
    _case("AdaptiveLIFNodes", "theta_plus=0.5_tc_theta_decay=20", FAST, OUR_FAST),
    _case("AdaptiveLIFNodes", "refrac=1_lbound=-66", {**FAST, "refrac": 1, "lbound": -66.0},
          {**OUR_FAST, "refractory": 1e-3, "v_min": -66.0}),
    # one_spike draws one of the neurons that fire: a single neuron is drawn for certain
    _case("DiehlAndCookNodes", "defaults_n=1", {}, {}, ONE),
    _case("DiehlAndCookNodes", "one_spike=False", {"one_spike": False}, {}),
    _case("DiehlAndCookNodes", "one_spike=False_theta_plus=0.5", {"one_spike": False, **FAST}, OUR_FAST),
]  # fmt: skip
