"""A circuit in mV and nA, such that nothing overflows the fixed point of SpiNNaker's cores."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from snnctl.circuits import INPUT, OUTPUT, Circuit
from snnctl.errors import UserError
from snnctl.targets.plan import Plan
from snnctl.targets.readout import Readout
from snnctl.targets.spinnaker import fixed
from snnctl.targets.spinnaker.model import BIAS, Connections, Fixed, Population
from snnctl.targets.spinnaker.neurons import Constants, constants, late

UNIT = 64.0  # mV of the threshold above rest, where nothing limits it: 2^21 steps of s1615
ROOM = 30000.0  # mV: largest potential that inputs may lead to, of the 65,536 that there are


@torch.no_grad()
def quantise(circuit: Circuit, plan: Plan, x: Tensor | None, headroom: float, spikes: int) -> Fixed:
    """Choose the unit of every population's potential, and the shifts of its weights.

    Args:
        plan: of the circuit. x: input (T, B, *input) that they are chosen by; None: all sources fire at every step.
        headroom: sums of weights may become so many times larger than over x.
        spikes: most of an input in a step, where x counts them.

    Raises:
        UserError: a layer's weights are not finite, or all zero.
    """
    behind = plan.details["latencies"]
    x = None if x is None else x.cpu()
    traced = None if x is None else {INPUT: x, **circuit.trace(x)[2]}
    copies = 1 if x is None or x.max().item() <= 1 else spikes
    populations, connections, facts = [], [], {}
    for name in circuit.names:
        neuron, shape = circuit.populations[name], circuit.shapes[name]
        found = constants(neuron, shape, circuit.dt)
        parts = _parts(circuit, name, found)
        sums = [_peak(parts, sign, traced, copies, headroom) for sign in (1, -1)]
        span = (found.threshold - found.v_rest).abs().max().item() if neuron.spiking else 1.0
        # a current that stays leads to i / (1 - what is left of it): the largest alpha
        largest = max(sums) * (found.tau_syn * (1 - torch.exp(-1 / found.tau_syn))).max().item()
        largest = largest / (1 - torch.exp(-1 / found.tau_syn)).min().item() + found.v_rest.abs().max().item()
        unit = min(UNIT / span, ROOM / largest)
        shifts = tuple(_shift(s * unit) for s in sums)
        size = math.prod(shape)
        populations.append(Population(
            name, shape, behind[name], unit, found.refractory, shifts, found.tau_m, found.tau_syn,
            (found.v_rest * unit).expand(size).contiguous(), found.v_reset * unit, found.threshold * unit,
        ))  # fmt: skip
        layer: dict[str, Any] = {"mV of 1": round(unit, 6), "shifts of the weights": list(shifts)}
        for source, weight, delay, title in parts:
            scaled = weight * unit
            steps = delay + behind[name] - behind.get(source, 0)
            connections.append(Connections(source, name, scaled, delay, steps))
            error = max(2.0 ** (s - fixed.POINT - 1) for s in shifts) / scaled.abs().max().item()
            layer[f"{title}: largest error of a weight, share of the largest"] = round(error, 6)
        facts[name] = layer
    return Fixed(
        circuit.dt, circuit.shapes[INPUT], circuit.shapes[OUTPUT], copies, tuple(populations), tuple(connections),
        tuple(Readout.of(p, circuit.shapes[p.source]) for p in circuit.into(OUTPUT)),
        {"numbers": "s1615, weights of 16 bits", "spikes of an input in a step": copies, "layers": facts},
    )  # fmt: skip


def _parts(circuit: Circuit, name: str, found: Constants) -> list[tuple[str, Tensor, int, str]]:
    """(source, weights in nA at a unit of 1, delay, title) of what arrives at a population."""
    # The machine adds (1 - kept) (tau (1 - exp(-1 / tau))) w to v in the step in which a spike arrives.
    init = found.tau_syn * (1 - torch.exp(-1 / found.tau_syn))
    row = found.gain / (1 - torch.exp(-1 / found.tau_m)) / init
    delayed = late(circuit.populations[name])
    parts, bias = [], torch.zeros(math.prod(circuit.shapes[name]), dtype=torch.float64)
    for p in circuit.into(name):
        weight, offset = (value.double() for value in p.matrix(circuit.shapes[p.source]))
        if not (bool(weight.isfinite().all()) and bool(offset.isfinite().all())):
            raise UserError(f"{p.title}: its weights are not finite", "the training diverged: lower optimizer.lr")
        if not bool(weight.any()):
            raise UserError(f"{p.title}: its weights are all zero", "nothing would arrive behind it; train it first")
        parts.append((p.source, weight * row[:, None], p.delay + delayed, p.title))
        bias = bias + offset * row
    if bool(bias.any()):
        parts.append((BIAS, bias[:, None], delayed, f"the bias of {name}"))
    return parts


def _peak(parts: list, sign: int, traced: dict[str, Tensor] | None, copies: int, headroom: float) -> float:
    """The largest sum of a step's weights of one sign."""
    signed = [(source, (weight * sign).clamp(min=0), delay) for source, weight, delay, _ in parts]
    worst = sum(w.sum(1) * (copies if source == INPUT else 1) for source, w, _ in signed).max().item()
    if traced is None:
        return worst
    given = traced[INPUT]
    total = torch.zeros(())
    for source, w, delay in signed:
        s = given.new_ones(*given.shape[:2], 1) if source == BIAS else traced[source].flatten(2)
        sent = s[: max(len(s) - delay, 0)].float() @ w.float().T
        total = total + torch.cat([sent.new_zeros(len(s) - len(sent), *sent.shape[1:]), sent])
    single = max(w.max().item() for _, w, _ in signed)  # sPyNNaker would drop the upper bits of a larger one
    return max(single, min(worst, headroom * total.max().item()))


def _shift(most: float) -> int:
    """Of 16 bits such that their sum holds `most` nA: sPyNNaker's rule for max_expected_summed_weight."""
    power = max(0, math.ceil(math.log2(most))) if most > 0 else 0
    return power + 1 if 2**power <= most else power
