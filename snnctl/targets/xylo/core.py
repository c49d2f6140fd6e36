"""A circuit's parameters as a Xylo core has them, before they are rounded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnctl.circuits import INPUT, Circuit, Projection
from snnctl.errors import UserError
from snnctl.neurons import LI, CubaLIF
from snnctl.targets.xylo import shifts
from snnctl.targets.xylo.conventions import Dynamics, dynamics
from snnctl.targets.xylo.placement import Placement


@dataclass(frozen=True)
class Core:
    """A core's parameters: potentials in the circuit's unit, decays already as shifts.

    Args:
        weights_in (inputs, entered), weights_rec (hidden, hidden), weights_out (left, outputs): from row to column.
        threshold (hidden,), threshold_out (outputs,): the latter infinite where the outputs do not spike.
        bias, bias_out: added to the membrane in every step.
        dash_*: shifts of the decays.
        rest: potential of the output at rest (outputs,).
    """

    weights_in: np.ndarray
    weights_rec: np.ndarray
    weights_out: np.ndarray
    threshold: np.ndarray
    threshold_out: np.ndarray
    bias: np.ndarray
    bias_out: np.ndarray
    dash_mem: np.ndarray
    dash_mem_out: np.ndarray
    dash_syn: np.ndarray
    dash_syn_out: np.ndarray
    rest: np.ndarray


def core_of(circuit: Circuit, placement: Placement, dash: int) -> Core:
    """A circuit's parameters on a core.

    Args:
        dash: largest shift of a decay.

    Raises:
        UserError: weights are all zero, or not finite; names the layer.
    """
    n, last = placement.hidden, placement.output
    outputs = placement.sizes[last]
    inputs = int(np.prod(circuit.shapes[INPUT]))
    w_in, w_rec, w_out = np.zeros((inputs, n)), np.zeros((n, n)), np.zeros((n, outputs))
    hidden = {name: np.zeros(n) for name in ("threshold", "bias", "mem", "syn")}
    for name in (*placement.first, last):
        neuron, shape = circuit.populations[name], circuit.shapes[name]
        numbers = dynamics(neuron, shape, circuit.dt)
        dash_mem = shifts.shift(numbers.decay, 0, dash)
        dash_syn = shifts.shift(numbers.syn_decay, 1, dash)
        factor = _factor(neuron, numbers, dash_mem, dash_syn, dash)
        bias = np.zeros(placement.sizes[name])
        for p in circuit.into(name):
            w, b = _dense(p, circuit.shapes[p.source])
            w = (w * factor[:, None]).T
            bias += b
            if name == last:
                w_out[placement.span(p.source)] += w
            elif p.source == INPUT:
                w_in[:, placement.span(name)] += w
            else:
                w_rec[placement.span(p.source), placement.span(name)] += w
        left = shifts.left(dash_syn)
        bias = bias * factor * left / (1 - left)  # what the current of a constant input comes to
        if name == last:
            limit = np.full(outputs, np.inf) if numbers.threshold is None else numbers.threshold
            out = (limit, bias, dash_mem, dash_syn, numbers.rest)
        else:
            for key, value in zip(hidden, (numbers.threshold, bias, dash_mem, dash_syn), strict=True):
                hidden[key][placement.span(name)] = value
    threshold_out, bias_out, dash_mem_out, dash_syn_out, rest = out
    return Core(
        w_in[:, : placement.entered], w_rec, w_out[n - placement.left :], hidden["threshold"], threshold_out,
        hidden["bias"], bias_out, hidden["mem"], dash_mem_out, hidden["syn"], dash_syn_out, rest,
    )  # fmt: skip


def _dense(p: Projection, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    w, b = (part.double().cpu().numpy() for part in p.matrix(shape))
    if not (np.isfinite(w).all() and np.isfinite(b).all()):
        raise UserError(f"{p.title}: weights are not finite", "train again, with a smaller optimizer.lr")
    if not w.any():
        raise UserError(f"{p.title}: weights are all zero", "nothing would reach the neurons behind: train it first")
    return w, b


def _factor(
    neuron: CubaLIF | LI, numbers: Dynamics, dash_mem: np.ndarray, dash_syn: np.ndarray, highest: int
) -> np.ndarray:
    """What weights are multiplied by, so that an input brings the membrane as much as in the circuit.

    An input of 1 adds up to a / (1 - a) of current where it decays first, else to 1 / (1 - a); that is kept, and with
    it the rate of a neuron that is driven above threshold. An integrator keeps the potential that a constant input
    leads to, gain / (1 - decay) of the current. A decay beyond the largest shift does not come to its end in a
    run: it is left out.
    """
    left_syn, left_mem = shifts.left(dash_syn), shifts.left(dash_mem)
    first = numbers.syn_decay if neuron.synapse == "add_then_decay" else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        current = first * (1 - left_syn) / ((1 - numbers.syn_decay) * left_syn)
        current = np.where(shifts.beyond(numbers.syn_decay, highest), first / left_syn, current)
        potential = (1 - left_mem) / (1 - numbers.decay)
        kept = shifts.beyond(numbers.decay, highest) | (numbers.threshold is not None)
        potential = np.where(kept, 1.0, potential)
    return numbers.gain * current * potential
