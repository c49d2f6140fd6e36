"""Energy of a network's synaptic operations, from the energy of one addition and one multiplication in 45 nm CMOS."""

from __future__ import annotations

import math
from dataclasses import dataclass

from snnctl.errors import UserError

SOURCE = "Horowitz 2014, doi 10.1109/ISSCC.2014.6757323"


@dataclass(frozen=True)
class Costs:
    """What one operation takes, in pJ.

    Args:
        numbers: of which kind, for the one who reads the result.
        add: an addition. multiply: a multiplication.

    Raises:
        UserError: a cost is negative or not finite.
    """

    numbers: str
    add: float
    multiply: float

    def __post_init__(self) -> None:
        for name, cost in (("add", self.add), ("multiply", self.multiply)):
            if not math.isfinite(cost) or cost < 0:
                raise UserError(f"{name}={cost} pJ is no energy of an operation", "range   0 pJ or more")

    @property
    def accumulate(self) -> float:
        """pJ of an AC: an addition."""
        return self.add

    @property
    def multiply_accumulate(self) -> float:
        """pJ of a MAC: a multiplication and an addition."""
        return self.add + self.multiply


FLOAT32 = Costs("32-bit float", add=0.9, multiply=3.7)
FLOAT16 = Costs("16-bit float", add=0.4, multiply=1.1)
INT8 = Costs("8-bit integer", add=0.03, multiply=0.2)


@dataclass(frozen=True)
class Energy:
    """Of one sample, in pJ: accumulates, multiply-accumulates."""

    ac: float
    mac: float

    @property
    def total(self) -> float:
        return self.ac + self.mac


def energy(acs: float, macs: float, costs: Costs = FLOAT32) -> Energy:
    """Energy of a sample's synaptic operations:

        E = E_AC N_AC + E_MAC N_MAC,   E_AC = E_add,   E_MAC = E_add + E_mul

    In 45 nm at 0.9 V, pJ an operation: 32-bit float E_add = 0.9, E_mul = 3.7; 16-bit float 0.4, 1.1; 8-bit integer
    0.03, 0.2. Memory accesses, which often take more, and the neurons' own updates are left out: an estimate to
    compare networks by, not a measurement of a chip.

    Args:
        acs, macs: N_AC and N_MAC, operations a sample (`NeuroBench`: effective_acs, effective_macs).
        costs: pJ of an addition and a multiplication.

    Returns:
        pJ of the accumulates and of the multiply-accumulates.

    Source: M. Horowitz 2014, Computing's energy problem (and what we can do about it), ISSCC, p. 10-14,
    doi 10.1109/ISSCC.2014.6757323.
    """
    return Energy(acs * costs.accumulate, macs * costs.multiply_accumulate)


def estimate(acs: float, macs: float, costs: Costs = FLOAT32) -> dict[str, float | str]:
    """`energy` with what it rests on, for results.json: pJ of a sample and of an operation, kind of numbers, source."""
    return {
        "pj_per_sample": energy(acs, macs, costs).total,
        "ac_pj": costs.accumulate,
        "mac_pj": costs.multiply_accumulate,
        "numbers": costs.numbers,
        "source": SOURCE,
        "left_out": "memory accesses, neuron updates",
    }
