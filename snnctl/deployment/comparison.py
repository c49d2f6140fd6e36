"""How well a target's run agrees with the float network: accuracy, and the spikes of each layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from snnctl.circuits import Circuit
from snnctl.circuits.operations import SynapticOperations
from snnctl.targets.target import Traces

Run = Callable[[Tensor], Traces]
FLOAT = "float"


def agreement(a: Tensor, b: Tensor) -> tuple[float, float]:
    """Spikes that two runs share, twice, and the spikes of both: their ratio is 1 where all spikes are shared.

        2 sum min(a, b) / (sum a + sum b)

    Source: L. Dice, "Measures of the amount of ecologic association between species", Ecology 26 (1945),
    doi:10.2307/1932409; here of counts, by neuron and step.
    """
    a, b = a.abs().double(), b.abs().double()
    return 2 * torch.minimum(a, b).sum().item(), (a.sum() + b.sum()).item()


class Comparison:
    """Runs of the same inputs, in float and by a target, counted batch by batch.

    Args:
        circuit: the float network.
        runs: name -> run, such as {"quantised": model.run, "simulated": ...}.
        scores: (out, length) -> (B, C); None where there are no labels.
    """

    def __init__(self, circuit: Circuit, runs: Mapping[str, Run], scores: Callable[[Tensor, Tensor], Tensor] | None):
        self.circuit, self.runs, self.scores = circuit, dict(runs), scores
        self.samples, self._labelled = 0, False
        self._right: dict[str, int] = defaultdict(int)
        self._answers: dict[str, int] = defaultdict(int)  # that are those of the float network
        self._spikes: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._equal: dict[str, bool] = {}
        self._apart: dict[str, float] = defaultdict(float)
        self._operations: dict[str, float] = defaultdict(float)
        self._counted = SynapticOperations(circuit)

    def add(self, x: Tensor, length: Tensor, target: Tensor | None) -> None:
        """Run one batch: x (T, B, *input), its true lengths (B,) and labels (B,)."""
        valid = torch.arange(len(x))[:, None] < length  # (T, B): what comes after a sample's end is not compared
        with torch.no_grad():
            out, _, spikes = self.circuit.trace(x)
        traces = {FLOAT: Traces(out, spikes), **{name: run(x) for name, run in self.runs.items()}}
        answers = {}
        for name, trace in traces.items():
            if self.scores is not None:
                answers[name] = self.scores(trace.out.float(), length).argmax(1)
                self._answers[name] += (answers[name] == answers[FLOAT]).sum().item()
                if target is not None:
                    self._labelled = True
                    self._right[name] += (answers[name] == target).sum().item()
            for layer, given in trace.spikes.items():
                if name == FLOAT or not self.circuit.populations[layer].spiking:
                    continue
                mask = valid.view(*valid.shape, *[1] * (given.dim() - 2))
                for i, count in enumerate(agreement(given * mask, spikes[layer] * mask)):
                    self._spikes[name, layer][i] += count
        first, *others = list(self.runs)
        for name in others:
            self._equal[name] = self._equal.get(name, True) and _same(traces[first], traces[name])
            apart = (traces[first].out - traces[name].out).abs().max().item()
            self._apart[name] = max(self._apart[name], apart)
        mask = valid.view(*valid.shape, *[1] * (x.dim() - 2))
        masked = {n: s * valid.view(*valid.shape, *[1] * (s.dim() - 2)) for n, s in spikes.items()}
        for title, count in self._counted.of(x * mask, masked).items():
            self._operations[title] += count
        self.samples += x.shape[1]

    def result(self) -> dict:
        """What was found, plain values: accuracy and same answers by run, spike agreement by run and layer, whether all
        of a target's runs are equal bit for bit and by how much their outputs differ, and synaptic operations a sample
        by projection.
        """
        names = [FLOAT, *self.runs]
        n = max(self.samples, 1)
        accuracy = {name: self._right[name] / n for name in names} if self._labelled else {}
        layers: dict[str, dict[str, float | None]] = defaultdict(dict)
        for (name, layer), (shared, both) in self._spikes.items():
            layers[name][layer] = shared / both if both else None
        return {
            "samples": self.samples,
            "accuracy": accuracy,
            "same_answers": {name: self._answers[name] / n for name in self.runs} if self.scores else {},
            "spike_agreement": dict(layers),
            "equal_bit_for_bit": dict(self._equal),
            "largest_difference": dict(self._apart),
            "synaptic_operations": {title: count / n for title, count in self._operations.items()},
        }


def _same(a: Traces, b: Traces) -> bool:
    both = set(a.spikes) & set(b.spikes)
    return torch.equal(a.out, b.out) and all(torch.equal(a.spikes[k].float(), b.spikes[k].float()) for k in both)
