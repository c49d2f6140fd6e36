"""SpiNNaker: circuits as a PyNN script for sPyNNaker, in the fixed point of its cores."""

from snnctl.targets.spinnaker.spinnaker import SpiNNaker

__all__ = ["SpiNNaker"]
