"""What is measured of a network: confusion, spike statistics, operations. Plain torch."""

from snnctl.metrics.confusion import ClassRow, ConfusionMatrix
from snnctl.metrics.neurobench import NeuroBench, Result, SynapseRow
from snnctl.metrics.spikes import SpikeRow, SpikeStatistics

__all__ = ["ClassRow", "ConfusionMatrix", "NeuroBench", "Result", "SpikeRow", "SpikeStatistics", "SynapseRow"]
