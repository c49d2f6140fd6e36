"""SpikingJelly's QIFNode. Its v starts at v_reset, where ours is told to."""

from __future__ import annotations

from tests.parity.cases.spikingjelly_exponential import SUBTRACT, case

QIF = "qif/spikingjelly"
CASES = [
    case("QIFNode", QIF, "defaults", {}, {}),
    case("QIFNode", QIF, "step_mode=m", {"over_time": True}, {}),
    case("QIFNode", QIF, "tau=5_v_c=0.5_a0=2", {"tau": 5.0, "v_c": 0.5, "a0": 2.0},
         {"tau_mem": 5e-3, "v_crit": 0.5, "curvature": 2.0}, 2.0),
    case("QIFNode", QIF, "v_reset=None_detach_reset", {"v_reset": None, "detach_reset": True},
         {**SUBTRACT, "detach_reset": True}, 0.5),
]  # fmt: skip
