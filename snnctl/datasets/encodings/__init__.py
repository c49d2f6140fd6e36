"""Values to spikes or currents over time: small frozen callables `(values, steps, dt, rngs) -> x`.

`values` is (L, B, *shape) float32, L = 1 for still images and L = T for series; `steps` is T; `dt` is in seconds;
`rngs` holds each sample's own generator. The result is (T, B, *shape) float32, or (T, B, *encoding.shape(shape)) where
the encoding has a method `shape`. Draws do not depend on T: a longer batch leaves a sample's first steps as they are;
and a sample's encoding never depends on who else is in the batch.
"""

from snnctl.datasets.encodings.band_filters import BandFilters
from snnctl.datasets.encodings.current import Current
from snnctl.datasets.encodings.delta import Delta
from snnctl.datasets.encodings.direct import Direct, Periodic
from snnctl.datasets.encodings.first_spikes import FirstSpikes
from snnctl.datasets.encodings.imu import IMU
from snnctl.datasets.encodings.latency import Latency
from snnctl.datasets.encodings.phase import Phase, WeightedPhase
from snnctl.datasets.encodings.poisson import Poisson
from snnctl.datasets.encodings.population import Population
from snnctl.datasets.encodings.rank_order import RankOrder
from snnctl.datasets.encodings.rate import Rate
from snnctl.datasets.encodings.rows import Rows
from snnctl.datasets.encodings.single import Single
from snnctl.datasets.encodings.spatial_fields import SpatialFields
from snnctl.datasets.encodings.targets import LatencyTargets, RateTargets
from snnctl.datasets.encodings.temporal_fields import TemporalFields

__all__ = [
    "IMU",
    "BandFilters",
    "Current",
    "Delta",
    "Direct",
    "FirstSpikes",
    "Latency",
    "LatencyTargets",
    "Periodic",
    "Phase",
    "Poisson",
    "Population",
    "RankOrder",
    "Rate",
    "RateTargets",
    "Rows",
    "Single",
    "SpatialFields",
    "TemporalFields",
    "WeightedPhase",
]
