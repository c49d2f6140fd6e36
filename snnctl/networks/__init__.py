"""How neurons are wired: layers in order, recurrence, residual blocks, pooling, initialisation."""

from snnctl.networks.chain import Chain
from snnctl.networks.feedback import AllToAll, MapToMap, OneToOne
from snnctl.networks.initialise import init_rates
from snnctl.networks.network import Network
from snnctl.networks.pooling import SumPool2d
from snnctl.networks.recurrent import Recurrent
from snnctl.networks.repeat import Repeat
from snnctl.networks.residual import Residual

__all__ = [
    "AllToAll",
    "Chain",
    "MapToMap",
    "Network",
    "OneToOne",
    "Recurrent",
    "Repeat",
    "Residual",
    "SumPool2d",
    "init_rates",
]
