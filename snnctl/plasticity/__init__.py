"""How synapses change with the spikes that they see: one rule a class, a pure step from spikes and traces to dw."""

from snnctl.plasticity.homeostasis import Homeostasis
from snnctl.plasticity.pair import Hebbian, Oja, PairSTDP, PostSTDP
from snnctl.plasticity.rule import Rule, Term
from snnctl.plasticity.triplet import TripletSTDP

__all__ = ["Hebbian", "Homeostasis", "Oja", "PairSTDP", "PostSTDP", "Rule", "Term", "TripletSTDP"]
