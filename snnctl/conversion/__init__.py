"""From an ANN to a spiking network: its graph, batch norms folded, thresholds balanced on data."""

from snnctl.conversion.analog import Analog
from snnctl.conversion.conversion import Conversion
from snnctl.conversion.from_module import from_module
from snnctl.conversion.from_network import from_network
from snnctl.conversion.spiking import Spiking

__all__ = ["Analog", "Conversion", "Spiking", "from_module", "from_network"]
