"""BindsNET's McCulloch-Pitts nodes."""

from __future__ import annotations

from tests.parity.cases.bindsnet_lif import case
from tests.parity.drive import currents

CASES = [
    case("McCullochPitts", "mcculloch_pitts", f"thresh={threshold:g}", {"thresh": threshold}, {"threshold": threshold},
         currents(1.0), {})
    for threshold in (1.0, 0.5, 0.1)
]  # fmt: skip
