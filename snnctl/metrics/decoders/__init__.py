"""From what the output neurons did to the class that they mean: `decoder.scores(out, length) -> (B, C)`."""

from snnctl.metrics.decoders.assigned import AllActivity, Assigned, ProportionWeighting, SpikeLikelihood
from snnctl.metrics.decoders.counts import Count, Rate
from snnctl.metrics.decoders.decoder import Decoder, Learned
from snnctl.metrics.decoders.membrane import LastMembrane, MaxMembrane, MeanMembrane
from snnctl.metrics.decoders.ngram import NGram
from snnctl.metrics.decoders.population import Population
from snnctl.metrics.decoders.spike_times import SpikeTimes, spike_times

__all__ = [
    "AllActivity",
    "Assigned",
    "Count",
    "Decoder",
    "LastMembrane",
    "Learned",
    "MaxMembrane",
    "MeanMembrane",
    "NGram",
    "Population",
    "ProportionWeighting",
    "Rate",
    "SpikeLikelihood",
    "SpikeTimes",
    "spike_times",
]
