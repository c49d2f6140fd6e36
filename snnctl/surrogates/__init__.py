"""Surrogate gradients: a spike forward, a smooth derivative backward. One small frozen dataclass a file."""

from snnctl.surrogates.atan import ATan
from snnctl.surrogates.fast_sigmoid import FastSigmoid
from snnctl.surrogates.sigmoid import Sigmoid
from snnctl.surrogates.single_exponential import SingleExponential
from snnctl.surrogates.surrogate import Surrogate
from snnctl.surrogates.triangle import Triangle

__all__ = ["ATan", "FastSigmoid", "Sigmoid", "SingleExponential", "Surrogate", "Triangle"]
