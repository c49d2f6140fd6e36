"""A circuit's weights, thresholds and biases rounded to the integers of Loihi: one scale a layer."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from snnctl.circuits import INPUT, OUTPUT, Circuit
from snnctl.targets.loihi2 import compartment as chip
from snnctl.targets.loihi2.cores import BIAS
from snnctl.targets.loihi2.integers import Compartments, Integers, Synapses
from snnctl.targets.loihi2.layer import Layer, Part, layer_of
from snnctl.targets.loihi2.peaks import Peaks, peaks
from snnctl.targets.loihi2.start import start
from snnctl.targets.plan import Plan
from snnctl.targets.readout import Readout

FRACTION = 8  # bits below the point of an input that is not whole
PAYLOAD = 1 << 23  # largest of a graded spike, 24 bits with its sign in Lava


@torch.no_grad()
def quantise(circuit: Circuit, plan: Plan, x: Tensor | None, headroom: float) -> Integers:
    """Choose a scale for every population, the largest at which nothing overflows, and round to it.

    Args:
        plan: of the circuit. x: input (T, B, *input) that scales are chosen by.
        headroom: currents may become so many times larger than over x.

    Raises:
        UserError: a layer's weights are not finite, or all zero.
    """
    layers = {name: layer_of(circuit, name) for name in circuit.names}
    x = None if x is None else x.cpu()
    traced = None if x is None else {INPUT: x, **circuit.trace(x)[2]}
    most = 1.0 if x is None else max(x.abs().max().item(), 1e-9)
    scales: dict[str, float] = {}
    starts: dict[str, Tensor | None] = {}
    registers, behind = plan.details["registers"], plan.details["latencies"]
    facts: dict[str, Any] = {}
    for name, layer in layers.items():
        found = peaks(layer.parts, layer.neuron, layer.bias, circuit.dt, traced, name, headroom, most)
        scale = _scale(layer, found)
        bias = (layer.bias * scale * (1 << chip.ALIGN)).round()
        vth = chip.LARGEST_THRESHOLD if not layer.neuron.spiking else round(scale)
        starts[name] = start(_written(bias)[0], registers[name], vth, behind[name])
        if starts[name] is None:  # v cannot start where the bias would bring it to 0: a neuron gives it instead
            part = Part(BIAS, layer.bias[:, None], 0, f"the bias of {name}")
            layer = layer._replace(parts=[*layer.parts, part], bias=torch.zeros_like(layer.bias))
            found = peaks(layer.parts, layer.neuron, layer.bias, circuit.dt, traced, name, headroom, most)
            scale, starts[name] = _scale(layer, found), torch.zeros(len(layer.bias), dtype=torch.long)
        layers[name], scales[name] = layer, scale
        facts[name] = {"input, share of its range": round(found.a * scale / chip.LARGEST_INPUT, 4)}
    fraction = _fraction(x, layers, scales, most)
    synapses = [_synapses(name, part, scales[name], behind, fraction, facts[name])
                for name, layer in layers.items() for part in layer.parts]  # fmt: skip
    return Integers(
        dt=circuit.dt,
        input_shape=circuit.shapes[INPUT],
        output_shape=circuit.shapes[OUTPUT],
        fraction=fraction,
        populations=tuple(
            _compartments(name, layers[name], scales[name], registers[name], starts[name], behind[name], facts[name])
            for name in circuit.names
        ),
        synapses=tuple(synapses),
        readouts=tuple(Readout.of(p, circuit.shapes[p.source]) for p in circuit.into(OUTPUT)),
        rounding={"weight bits": 8, "input bits below the point": fraction, "layers": facts},
    )


def _scale(layer: Layer, found: Peaks) -> float:
    """Bits of the threshold (or of 1 in a readout): the most that fit, at which the largest weights fill theirs."""
    most = chip.LARGEST_THRESHOLD / (1.0 if layer.neuron.spiking else found.v)
    largest = max(layer.parts, key=lambda part: part.most / part.limit)
    bias = layer.bias.abs().max().item() * (1 << chip.ALIGN)
    for limit, used in (
        (chip.LARGEST_INPUT, found.a),
        ((chip.STATE - 1) >> chip.ALIGN, found.u),
        (chip.LARGEST_MANTISSA << chip.LARGEST_BIAS_EXPONENT, bias),
        (largest.limit << chip.WEIGHT_EXPONENTS[1], largest.most),
    ):
        most = min(most, limit / used) if used else most
    exponent = math.floor(math.log2(most * largest.most / largest.limit) + 1e-12)
    if exponent < chip.WEIGHT_EXPONENTS[0]:
        return most
    return min(most, 2.0**exponent * largest.limit / largest.most)


def _fraction(x: Tensor | None, layers: dict[str, Layer], scales: dict[str, float], most: float) -> int:
    """Input bits below the point."""
    if x is None or bool((x == x.round()).all()):
        return 0
    free = [_exponent(part, scales[name]) - chip.WEIGHT_EXPONENTS[0]
            for name, layer in layers.items() for part in layer.parts if part.source == INPUT]  # fmt: skip
    return max(0, min(FRACTION, *free, math.floor(math.log2(PAYLOAD / most))))


def _exponent(part: Part, scale: float) -> int:
    least, _ = chip.WEIGHT_EXPONENTS
    return max(least, math.ceil(math.log2(scale * part.most / part.limit) - 1e-9)) if part.most else 0


def _synapses(
    target: str, part: Part, scale: float, behind: dict[str, int], fraction: int, facts: dict[str, Any]
) -> Synapses:
    exponent = _exponent(part, scale)
    wanted = part.weight * (scale / 2.0**exponent)
    if part.limit == chip.MIXED:
        rounded = (2 * (wanted / 2).round()).clamp(-chip.MIXED - 2, chip.MIXED)
    else:
        rounded = wanted.round().clamp(-chip.ONE_SIGN, chip.ONE_SIGN)
    error = (rounded - wanted).abs().max().item() / wanted.abs().max().item()
    facts[f"{part.title}: largest error of a weight, share of the largest"] = round(error, 6)
    if part.source == INPUT:
        exponent -= fraction
    steps = part.delay + behind[target] - behind.get(part.source, 0)
    return Synapses(part.source, target, rounded.to(torch.int16), exponent, part.delay, steps)


def _compartments(
    name: str, layer: Layer, scale: float, registers: chip.Registers, begin: Tensor, latency: int, facts: dict[str, Any]
) -> Compartments:
    bits = 1 << chip.ALIGN
    total, mantissa, exponent = _written((layer.bias * scale * bits).round())
    neuron, vth = layer.neuron, chip.LARGEST_THRESHOLD
    if neuron.spiking:
        whole = registers.dv == 0 and registers.du == chip.LARGEST_DECAY and not bool((total % bits).any())
        if whole:  # v lies on multiples of the threshold's unit: >= is said exactly
            vth = math.ceil(scale - 1e-9) - 1 if neuron.fire == "ge" else math.floor(scale + 1e-9)
        else:
            vth = round(scale)
        vth = min(max(vth, 0), chip.LARGEST_THRESHOLD)
        facts["threshold"] = vth
        facts["error of the threshold"] = round(abs(vth + (whole and neuron.fire == "ge") - scale) / scale, 6)
    facts |= {"du": registers.du, "dv": registers.dv, "steps behind the circuit": latency}
    return Compartments(
        name, layer.shape, neuron.spiking, registers, vth, mantissa, exponent, begin, latency,
        scale * bits / layer.unit, layer.rest,
    )  # fmt: skip


def _written(bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A bias (N,) as mantissa 2^exponent, the least exponent that holds it: the value, mantissa and exponent, int64."""
    over = (bias.abs() / chip.LARGEST_MANTISSA).clamp(min=1)
    exponent = over.log2().ceil().long().clamp(max=chip.LARGEST_BIAS_EXPONENT)
    mantissa = (bias / 2.0**exponent).round().long().clamp(-chip.LARGEST_MANTISSA, chip.LARGEST_MANTISSA)
    return mantissa << exponent, mantissa, exponent
