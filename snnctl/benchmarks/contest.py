"""Who is timed on a case, and what came out."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

from snnctl.benchmarks import floors, models
from snnctl.benchmarks.cases import Case
from snnctl.benchmarks.peers import LeftOut, Peer
from snnctl.benchmarks.rounds import Times, quartiles, race, ratio, warm
from snnctl.benchmarks.workload import Passes

PRODUCT, EAGER, FLOOR = "snnctl", "snnctl eager", "floor"
OWN: Mapping[str, Callable[[Case], Passes]] = {
    PRODUCT: models.run,
    EAGER: lambda case: models.run(case, "eager"),
    FLOOR: floors.run,
}


@dataclass
class Row:
    """What was measured of one contestant.

    Args:
        case, contestant: names.
        forward_ms, backward_ms, total_ms: medians.
        quartiles_ms: of the total.
        over_floor: median of its time over the floor's in the same round.
        product_faster: median of its time over the product's in the same round; None of the floor.
        over_floor_quartiles, product_faster_quartiles: of these ratios.
        rounds: as many.
        peak_mb: peak memory of a forward and backward pass above the built model, MB; None if not asked for.
        rates: spikes a neuron and step of each spiking layer; only of the product.
    """

    case: str
    contestant: str
    forward_ms: float
    backward_ms: float
    total_ms: float
    quartiles_ms: list[float]
    over_floor: float | None
    over_floor_quartiles: list[float] | None
    product_faster: float | None
    product_faster_quartiles: list[float] | None
    rounds: int
    peak_mb: float | None = None
    rates: dict[str, float] | None = None

    def plain(self) -> dict[str, object]:
        """As a dict for JSON."""
        return asdict(self)


def measure(
    case: Case, rounds: int, peers: Iterable[Peer] = (), own: Iterable[str] = tuple(OWN)
) -> tuple[list[Row], dict[str, str]]:
    """Time everybody on a case, in interleaved rounds.

    Args:
        case: the workload.
        rounds: at least 1.
        peers: other frameworks.
        own: which of PRODUCT, EAGER and FLOOR.

    Returns:
        A row each, and name -> reason of the peers that were left out.
    """
    running = {name: warm(lambda name=name: OWN[name](case)) for name in own}
    left_out: dict[str, str] = {}
    for peer in peers:
        try:
            running[peer.name] = warm(peer.on(case))
        except LeftOut as reason:
            left_out[peer.name] = str(reason)
        except Exception as error:  # a framework that fails is no reason not to time the others
            left_out[peer.name] = f"failed: {type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
    found = rows(case, race(running, rounds))
    for row in found:
        if row.contestant == PRODUCT:
            row.rates = models.firing_rates(case, running[PRODUCT].module)
    return found, left_out


def rows(case: Case, times: Mapping[str, Times]) -> list[Row]:
    """Medians, and ratios within a round to the floor and to the product, where they took part."""
    product, floor = times.get(PRODUCT), times.get(FLOOR)

    def over(own: Times, base: Times | None) -> tuple[float | None, list[float] | None]:
        if base is None:
            return None, None
        low, median, high = quartiles(ratio(own.total, base.total))
        return median, [low, high]

    found = []
    for name, own in times.items():
        low, median, high = quartiles(own.total)
        found.append(
            Row(
                case.name,
                name,
                1e3 * statistics.median(own.forward),
                1e3 * statistics.median(own.backward),
                1e3 * median,
                [1e3 * low, 1e3 * high],
                *over(own, floor),
                *over(own, None if own is floor else product),
                rounds=len(own.total),
            )
        )
    return found
