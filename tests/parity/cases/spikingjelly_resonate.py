"""SpikingJelly's RAFNode."""

from __future__ import annotations

import math

from tests.parity.cases.spikingjelly_exponential import case

RAF, FIELDS = "raf/spikingjelly", {"v": "v", "u": "u"}


def _turn(omega: float) -> float:
    """Hz, of omega in radians a millisecond."""
    return omega * 1e3 / (2 * math.pi)


CASES = [
    case("RAFNode", RAF, "defaults", {}, {}, fields=FIELDS),
    case("RAFNode", RAF, "b=-0.05_omega=0.3", {"b": -0.05, "omega": 0.3},
         {"tau_mem": 20e-3, "frequency": _turn(0.3)}, fields=FIELDS),
    case("RAFNode", RAF, "dt=0.5_v_reset=None", {"dt": 0.5, "v_reset": None},
         {"tau_mem": 10e-3, "frequency": _turn(0.5), "reset": "subtract"}, fields=FIELDS),
]  # fmt: skip
