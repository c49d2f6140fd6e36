"""Intel's Loihi 2: circuits in the fixed point of Lava, cut to cores."""

from snnctl.targets.loihi2.loihi2 import Loihi2

__all__ = ["Loihi2"]
