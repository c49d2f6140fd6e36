"""BindsNET's current-based nodes: their refrac counts one step less than in the other classes."""

from __future__ import annotations

from tests.parity.cases.bindsnet_lif import case
from tests.parity.drive import currents

DRIVE = currents(scale=4.0, offset=1.0)
FIELDS = {"v": ("v", "v"), "i": ("i", "i")}
CASES = [
    case("CurrentLIFNodes", "cuba_lif/bindsnet", "defaults", {}, {}, DRIVE, FIELDS),
    case("CurrentLIFNodes", "cuba_lif/bindsnet", "refrac=3_lbound=-68", {"refrac": 3, "lbound": -68.0},
         {"refractory": 2e-3, "v_min": -68.0}, DRIVE, FIELDS),
    case("CurrentLIFNodes", "cuba_lif/bindsnet", "tc_decay=20_tc_i_decay=5", {"tc_decay": 20.0, "tc_i_decay": 5.0},
         {"tau_mem": 20e-3, "tau_syn": 5e-3}, DRIVE, FIELDS),
]  # fmt: skip
