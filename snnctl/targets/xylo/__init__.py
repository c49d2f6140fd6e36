"""SynSense's Xylo: A2, A3 and IMU."""

from snnctl.targets.xylo.chip import Xylo

__all__ = ["Xylo"]
