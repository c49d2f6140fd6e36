"""Surrogate gradients: a spike forward, another function's derivative backward. Small frozen dataclasses, by family."""

from snnctl.surrogates.atan import ATan
from snnctl.surrogates.circ import Circ
from snnctl.surrogates.dithered_step import DitheredStep
from snnctl.surrogates.fast_sigmoid import FastSigmoid, SparseFastSigmoid
from snnctl.surrogates.fourier import SquarewaveFourierSeries
from snnctl.surrogates.gaussian import Gaussian, MultiGaussian
from snnctl.surrogates.heavy_tails import S2NN, FakeNumericalGradient, LogTailedReLU, NonzeroSignLogAbs, QPseudoSpike
from snnctl.surrogates.periodic_exponential import PeriodicExponential
from snnctl.surrogates.rectangle import Rectangle
from snnctl.surrogates.sigmoid import Sigmoid
from snnctl.surrogates.single_exponential import SingleExponential
from snnctl.surrogates.surrogate import Surrogate
from snnctl.surrogates.tanh import DSpike, Tanh
from snnctl.surrogates.triangle import Triangle
from snnctl.surrogates.two_slopes import TwoSlopes

__all__ = [
    "S2NN",
    "ATan",
    "Circ",
    "DSpike",
    "DitheredStep",
    "FakeNumericalGradient",
    "FastSigmoid",
    "Gaussian",
    "LogTailedReLU",
    "MultiGaussian",
    "NonzeroSignLogAbs",
    "PeriodicExponential",
    "QPseudoSpike",
    "Rectangle",
    "Sigmoid",
    "SingleExponential",
    "SparseFastSigmoid",
    "SquarewaveFourierSeries",
    "Surrogate",
    "Tanh",
    "Triangle",
    "TwoSlopes",
]  # fmt: skip
