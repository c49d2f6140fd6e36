"""How a core's parameters are scaled and rounded to its integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from snnctl.targets.xylo.core import Core
from snnctl.targets.xylo.specification import Specification

NEVER = 2**15 - 1  # a threshold that a membrane only reaches where it saturates


@dataclass(frozen=True)
class Rounding:
    """The ranges to round into.

    Args:
        weights: largest magnitude of a weight.
        states: largest threshold or bias.
        dash: largest shift of a decay.
        shift: largest shift of the weights to the left.
        channel: one scale for each neuron; else one for all hidden and one for all output neurons.
    """

    weights: int = 127
    states: int = NEVER
    dash: int = 15
    shift: int = 7
    channel: bool = True


@dataclass(frozen=True)
class Scales:
    """Units of the core's states in one unit of the circuit's potentials, without the shift of the weights.

    Args:
        hidden (hidden,), output (outputs,): of each neuron.
        shift, shift_out: bits by which weights into hidden and output neurons are shifted left.
    """

    hidden: np.ndarray
    output: np.ndarray
    shift: int = 0
    shift_out: int = 0

    @property
    def potential_out(self) -> np.ndarray:
        """The core's units in one unit of an output neuron's potential."""
        return self.output * 2.0**self.shift_out


def scales(core: Core, rounding: Rounding) -> Scales:
    """The largest scales at which weights, thresholds and biases fit, with room for states of several thresholds."""
    spiking = np.isfinite(core.threshold_out)
    entering = np.zeros_like(core.threshold)
    entering[: core.weights_in.shape[1]] = np.abs(core.weights_in).max(0, initial=0)
    largest = np.maximum(entering, np.abs(core.weights_rec).max(0, initial=0))
    largest_out = np.abs(core.weights_out).max(0, initial=0)
    state = np.maximum(core.threshold, np.abs(core.bias))
    state_out = np.maximum(np.where(spiking, core.threshold_out, _reach(core)), np.abs(core.bias_out))
    if not rounding.channel:
        largest, largest_out, state, state_out = (
            np.full_like(a, a.max(initial=0)) for a in (largest, largest_out, state, state_out)
        )
    hidden = _largest(largest, state, rounding)
    output = _largest(largest_out, state_out, rounding)
    room = rounding.states / 8  # membranes go beyond their threshold, and below 0
    room_out = np.where(spiking, room, rounding.states)
    shift = _shift(room, hidden * state, rounding.shift)
    return Scales(hidden, output, shift, _shift(1.0, output * state_out / room_out, rounding.shift))


def fitted(chosen: Scales, peak: np.ndarray, peak_out: np.ndarray, core: Core, rounding: Rounding) -> Scales:
    """Scales at which the states, which came to `peak` and `peak_out` at `chosen`, use half of their range."""
    room = rounding.states / 2
    hidden, shift = _spared(chosen.hidden, chosen.shift, peak, core.threshold, room, rounding)
    output, shift_out = _spared(chosen.output, chosen.shift_out, peak_out, core.threshold_out, room, rounding)
    return Scales(hidden, output, shift, shift_out)


def lowered(chosen: Scales, over: np.ndarray, over_out: np.ndarray, rounding: Rounding) -> Scales:
    """Half the scale, by the shift where there is one, for neurons whose states were over the range."""
    hidden, shift = _halved(chosen.hidden, chosen.shift, over, rounding)
    output, shift_out = _halved(chosen.output, chosen.shift_out, over_out, rounding)
    return Scales(hidden, output, shift, shift_out)


def rounded(core: Core, chosen: Scales, rounding: Rounding) -> Specification:
    """The core's integers."""
    by, by_out = chosen.hidden, chosen.output
    states, states_out = by * 2.0**chosen.shift, by_out * 2.0**chosen.shift_out

    def weights(w: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(w), -rounding.weights - 1, rounding.weights).astype(np.int8)

    def potentials(v: np.ndarray, lowest: int) -> np.ndarray:
        return np.clip(np.rint(v), lowest, rounding.states).astype(np.int16)

    dashes = {name: getattr(core, name).astype(np.int8) for name in vars(core) if name.startswith("dash")}
    return Specification(
        weights_in=weights(core.weights_in * by[: core.weights_in.shape[1]])[:, :, None],
        weights_rec=weights(core.weights_rec * by)[:, :, None],
        weights_out=weights(core.weights_out * by_out),
        dash_syn_2=np.ones_like(dashes["dash_syn"]),
        **dashes,
        threshold=potentials(core.threshold * states, 1),
        threshold_out=potentials(core.threshold_out * states_out, 1),
        bias_hidden=potentials(core.bias * states, -rounding.states - 1),
        bias_out=potentials(core.bias_out * states_out, -rounding.states - 1),
        weight_shift_in=chosen.shift,
        weight_shift_rec=chosen.shift,
        weight_shift_out=chosen.shift_out,
    )


def _reach(core: Core) -> np.ndarray:
    """The potential that output neurons come to where every hidden neuron fires in every other step, all alike."""
    gain = np.exp2(core.dash_mem_out) * (np.exp2(core.dash_syn_out) - 1)
    return gain * np.abs(core.weights_out).sum(0) / 2 + np.exp2(core.dash_mem_out) * np.abs(core.bias_out)


def _largest(weight: np.ndarray, state: np.ndarray, rounding: Rounding) -> np.ndarray:
    """The largest scale of each neuron; 1 where it has neither weights nor potentials."""
    with np.errstate(divide="ignore"):
        scale = np.minimum(rounding.weights / weight, rounding.states / state)
    return np.where(np.isfinite(scale), scale, 1.0)


def _shift(room: float, state: np.ndarray, highest: int) -> int:
    """The largest shift at which states fit the room."""
    largest = state.max(initial=0)
    return int(np.clip(np.floor(np.log2(room / largest)), 0, highest)) if largest > 0 else 0


def _halved(scale: np.ndarray, shift: int, over: np.ndarray, rounding: Rounding) -> tuple[np.ndarray, int]:
    if not over.any():
        return scale, shift
    if shift:
        return scale, shift - 1
    return (scale / np.where(over, 2, 1) if rounding.channel else scale / 2), 0


def _spared(
    scale: np.ndarray, shift: int, peak: np.ndarray, threshold: np.ndarray, room: float, rounding: Rounding
) -> tuple[np.ndarray, int]:
    unshifted = peak / 2.0**shift
    finite = np.where(np.isfinite(threshold), threshold, 0.0)
    new = _shift(room, np.maximum(unshifted, finite * scale), rounding.shift)
    over = np.maximum(unshifted / room, 1.0)
    over = over if rounding.channel else np.full_like(over, over.max())
    return scale / over, new


def facts(
    core: Core, chosen: Scales, spec: Specification, method: str, x: Tensor | None, most: int
) -> dict[str, object]:
    """For the report: scales, shifts and the largest errors of rounding, relative to the largest of each neuron."""
    states, states_out = chosen.hidden * 2.0**chosen.shift, chosen.potential_out
    spiking = np.isfinite(core.threshold_out)
    behind = ((0, 0), (0, len(states) - core.weights_in.shape[1]))  # neurons that take no input
    wanted = np.vstack([np.pad(core.weights_in, behind), core.weights_rec])
    got = np.vstack([np.pad(spec.weights_in[:, :, 0], behind), spec.weights_rec[:, :, 0]])
    out = spec.weights_out
    said: dict[str, object] = {
        "quantisation": method,
        "scale_hidden": [float(states.min()), float(states.max())],
        "scale_output": [float(states_out.min()), float(states_out.max())],
        "weight_shift": [chosen.shift, chosen.shift_out],
        "error_weights": max(_error(wanted * chosen.hidden, got), _error(core.weights_out * chosen.output, out)),
        "error_thresholds": float(np.abs(spec.threshold / (core.threshold * states) - 1).max(initial=0)),
    }
    if spiking.all():
        limit = core.threshold_out * states_out
        said["error_thresholds_output"] = float(np.abs(spec.threshold_out / limit - 1).max())
    if x is not None and len(x):
        said["inputs_above_limit"] = float((x > most).float().mean())
    return said


def _error(wanted: np.ndarray, got: np.ndarray) -> float:
    """The largest error of a weight, relative to the largest weight into its neuron."""
    largest = np.abs(wanted).max(0)
    return float((np.abs(wanted - got).max(0) / np.where(largest > 0, largest, 1)).max(initial=0))
