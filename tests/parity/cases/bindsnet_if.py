"""BindsNET's integrate-and-fire nodes."""

from __future__ import annotations

from tests.parity.cases.bindsnet_lif import DRIVE, case

CASES = [
    case("IFNodes", "if/bindsnet", "defaults", {}, {}, DRIVE),
    case("IFNodes", "if/bindsnet", "refrac=2_lbound=-66", {"refrac": 2, "lbound": -66.0},
         {"refractory": 2e-3, "v_min": -66.0}, DRIVE),
    case("IFNodes", "if/bindsnet", "thresh=-55_reset=-60", {"thresh": -55.0, "reset": -60.0},
         {"threshold": -55.0, "v_reset": -60.0}, DRIVE),
]  # fmt: skip
