"""Plasticity that a reward modulates: local rules, without a gradient."""

from snnctl.regimes.reward.mstdp import MSTDP
from snnctl.regimes.reward.mstdpet import MSTDPET
from snnctl.regimes.reward.prediction_error import RewardPredictionError
from snnctl.regimes.reward.rmax import Rmax

__all__ = ["MSTDP", "MSTDPET", "RewardPredictionError", "Rmax"]
