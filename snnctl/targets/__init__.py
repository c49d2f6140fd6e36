"""Where a network runs: a circuit mapped on a chip, in the chip's own numbers, with the files to put on it."""

from snnctl.targets.plan import DoesNotFit, Misfit, Plan, Resource
from snnctl.targets.target import Model, Target, Traces

__all__ = ["DoesNotFit", "Misfit", "Model", "Plan", "Resource", "Target", "Traces"]
