"""An ANN made a spiking network: the whole of it, and its settings."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from torch import Tensor, nn

from snnctl.conversion.analog import Analog
from snnctl.conversion.balancing import Method, thresholds
from snnctl.conversion.calibration import calibrate
from snnctl.conversion.folding import fold
from snnctl.conversion.pooling import behind_activations
from snnctl.conversion.simulation import Dynamics, Shift
from snnctl.conversion.spiking import Balance, Spiking, spiking
from snnctl.errors import UserError, number

MOST = 1024  # time steps


@dataclass(frozen=True)
class Conversion:
    """How an ANN becomes a spiking network of integrate-and-fire neurons, whose mean output over T steps is the ANN's.

    Args:
        T: time steps, 1 to 1024.
        method: how thresholds are found, see `snnctl.conversion.balancing.thresholds`.
        percentile: of method percentile, above 0 to 100.
        samples: of the training part, that thresholds and biases are found on, 1 and above.
        shift: where half a threshold in advance goes: bias, membrane or none, see `Dynamics`.
        calibrate: whether biases are corrected by what the spiking layers give less.
        balance: what is scaled: weights (thresholds are then 1) or thresholds.
        input: what the spiking network sees of events: "accumulated", all of them together at each step, as the ANN
            did; "steps": each in its own of T bins, as they come.
        max_spikes, v_min, signed: of the neurons, see `Dynamics`.
        pooling: "average" as the ANN has it; "sum": sums of spikes, the layers around scaled to match.
        spiking_output: end in neurons, one a class, instead of in their currents.
        table: numbers of steps of the table of accuracy.
        tolerance: points of accuracy that may be lost on the validation part: the smallest T of `table` is then taken
            that loses no more; None: T as given.
        finetune: epochs of backpropagation through time behind it, 0 and above.
        lr: their learning rate, above 0.

    Raises:
        UserError: a value is out of range.
    """

    T: int = 32
    method: Method = "percentile"
    percentile: float = 99.9
    samples: int = 1024
    shift: Shift = "bias"
    calibrate: bool = True
    balance: Balance = "weights"
    input: Literal["accumulated", "steps"] = "accumulated"
    max_spikes: int | None = 1
    v_min: float | None = None
    signed: bool = False
    pooling: Literal["average", "sum"] = "average"
    spiking_output: bool = False
    table: Sequence[int] = (1, 2, 4, 8, 16, 32)
    tolerance: float | None = None
    finetune: int = 0
    lr: float = 1e-3

    def __post_init__(self) -> None:
        for T in (self.T, *self.table):
            _whole("T" if T is self.T else "table", T, 1, MOST, "time steps")
        _whole("samples", self.samples, 1, None, "samples of the training part")
        _whole("finetune", self.finetune, 0, None, "epochs")
        if self.max_spikes is not None:
            _whole("max_spikes", self.max_spikes, 1, None, "spikes a step, or null")
        number("convert.percentile =", self.percentile, "percent", 0, 100, above=True)
        number("convert.lr =", self.lr, "no unit", 0, above=True)
        if self.v_min is not None:
            number("convert.v_min =", self.v_min, "thresholds, or null", high=0)
        if self.tolerance is not None:
            number("convert.tolerance =", self.tolerance, "points of accuracy, or null", 0, 100)
            if not self.table:
                raise UserError("convert.tolerance needs convert.table", "give   convert.table=[4,8,16,32]")
        for name, kind in (("method", Method), ("shift", Shift), ("balance", Balance)):
            _choice(name, getattr(self, name), get_args(kind))
        _choice("pooling", self.pooling, ("average", "sum"))
        _choice("input", self.input, ("accumulated", "steps"))

    @property
    def dynamics(self) -> Dynamics:
        """What its neurons do."""
        return Dynamics(self.T, self.shift, self.max_spikes, self.v_min, self.signed)

    def at(self, T: int) -> Conversion:
        """The same for another number of steps."""
        return replace(self, T=T)

    def prepare(self, graph: Analog) -> Analog:
        """Fold and order an ANN's graph, in place; returns it.

        Raises:
            UserError: it has no activations, or one that is not known.
        """
        behind_activations(graph)
        fold(graph)
        if self.spiking_output and graph.nodes[graph.last].kind != "activation":
            graph.add("readout", nn.ReLU(), (graph.last,), 1.0)
        if not graph.of("activation"):
            raise UserError("the network has no ReLU, so nothing of it would spike", "see   snnctl show network/mlp")
        return graph

    def convert(
        self, graph: Analog, frames: Sequence[Tensor], sequences: Iterable[Tensor], gain: float = 1.0
    ) -> Spiking:
        """The spiking network of a prepared graph, which is left as it is.

        Args:
            graph: as `prepare` gives it.
            frames: batches (B, *shape) of the training part, as the ANN saw them.
            sequences: the same as the spiking network sees them, (T, B, *shape) with T as set here; they are gone
                through several times.
            gain: the ANN's frame over the mean of the sequence: T where the frame is the sum.

        Raises:
            UserError: there is no data, or a layer is silent on it.
        """
        dynamics = replace(self.dynamics, gain=gain)
        levels = thresholds(graph, frames, sequences, self.method, self.percentile, dynamics)
        corrected = copy.deepcopy(graph)
        if self.calibrate:
            calibrate(graph, corrected, frames, sequences, levels, dynamics)
        return spiking(corrected, levels, dynamics, self.balance, self.pooling == "sum")


def _whole(name: str, value: int, low: int, high: int | None, unit: str) -> None:
    if type(value) is not int or value < low or (high is not None and value > high):
        span = f"{low} and above" if high is None else f"{low} to {high}"
        raise UserError(f"convert.{name} = {value!r}", f"range          {span}, {unit}")


def _choice(name: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise UserError(f"convert.{name} = {value!r}", f"choose from    {', '.join(choices)}")
