"""Norse's RegularizationCell with its accumulators of spikes and of membranes."""

from __future__ import annotations

import torch

from snnctl.losses import L1Sparsity
from snnctl.networks import Network
from snnctl.neurons.neuron import Neuron
from snnctl.regimes.watching import Watch
from tests.parity.drive import currents
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset


class _Facts:
    def __init__(self, given: Inputs):
        self.shape, self.dt, self.classes = tuple(given["x"].shape[2:]), 1e-3, ()


def _theirs(given: Inputs, kind: str) -> Traces:
    import norse.torch as norse
    from norse.torch.functional import regularization

    x = given["x"].clone().requires_grad_()
    count = norse.RegularizationCell(getattr(regularization, f"{kind}_accumulator"))
    cell, state = norse.LIFBoxCell(), None
    for x_t in x:
        out, state = cell(x_t, state)
        out, total = count(out, state)
    total.sum().backward()
    return {"total": total.detach(), "grad_x": x.grad}


def _spikes(given: Inputs) -> Traces:
    x = given["x"].clone().requires_grad_()
    watch, length = _run(x, preset("lif/norse"), "spikes", given)
    total = L1Sparsity(weight=1.0, total=True)(watch.seen("spikes"), length)
    total.backward()
    return {"total": total.detach(), "grad_x": x.grad}


def _membranes(given: Inputs) -> Traces:
    x = given["x"].clone().requires_grad_()
    watch, _ = _run(x, preset("lif/norse"), "membranes", given)
    total = watch.seen("membranes")["neuron"].sum(0)
    total.sum().backward()
    return {"total": total.detach(), "grad_x": x.grad}


def _run(x: torch.Tensor, neuron: Neuron, reads: str, given: Inputs) -> tuple[Watch, torch.Tensor]:
    network = Network({"neuron": neuron}, _Facts(given))
    watch = Watch(network, {reads})
    watch.begin(x.shape[1])
    network(x)
    return watch, torch.full(x.shape[1:2], len(x))


def _case(kind: str, ours: str, setting: str, scale: float, mine) -> Parity:
    return Parity(
        f"norse.torch.functional.regularization.{kind}_accumulator", ours, setting, currents(scale, 1.2),
        lambda given: _theirs(given, kind), mine,
    )  # fmt: skip


CASES = [
    _case("spike", "regularizer=l1_sparsity", "strong currents", 6.0, _spikes),
    _case("spike", "regularizer=l1_sparsity", "weak currents", 2.0, _spikes),
    _case("voltage", "regularizer=membrane_bounds (what it reads)", "strong currents", 6.0, _membranes),
    _case("voltage", "regularizer=membrane_bounds (what it reads)", "weak currents", 2.0, _membranes),
]
