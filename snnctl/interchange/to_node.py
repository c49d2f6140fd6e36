"""A neuron as its NIR node."""

from __future__ import annotations

from collections.abc import Sequence

import nir
import numpy as np
from torch import Tensor

from snnctl.errors import UserError, did_you_mean
from snnctl.interchange import note
from snnctl.interchange.forms import form_of, sayable, unsaid
from snnctl.neurons.leaky import continuous_tau
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.node import DriveBy
from snnctl.neurons.quantity import TIME, one_of


def node_of(
    neuron: Neuron,
    dt: float,
    *,
    shape: Sequence[int] | None = None,
    drive: DriveBy = "exact",
    allow: Sequence[str] = (),
) -> nir.NIRNode:
    """The NIR node whose differential equation the neuron's step computes at dt:

        tau dv/dt = v_leak - v + r x,   fires at v_threshold,   v = v_reset          (LIF; others alike)
        r = gain / (1 - decay)          so that a constant input leads to the same potential
        w_in = 1 / (1 - syn_decay)      likewise, of a synaptic current

    Its arrays are float32 of the layer's shape. NIR does not say how the equation is cut into steps; the neuron's
    conventions (decay, input_gain, fire, ...) go into the node's metadata, where `neuron_of` finds them and other
    readers do not look.

    Args:
        neuron: of a class that states `nodes`.
        dt: step width of the neuron, s.
        shape: one time step without the batch; None for the neuron's own.
        drive: r and w_in for a reader who multiplies them with 1 - decay ("exact", the equation), with dt / tau
            ("euler": snnTorch, Norse, SpikingJelly), or with nothing ("step": snnTorch, Norse, Sinabs with an IF).
        allow: options that may have a value that NIR cannot express, such as reset where it subtracts. It goes into the
            metadata alone, and another framework computes something else.

    Raises:
        UserError: there is no node for it; an option that NIR cannot express and that is not allowed; no known shape;
            dt or a time constant out of range.
    """
    form = form_of(neuron)
    one_of(type(neuron).__name__, "drive", drive, DriveBy)
    for name in allow:
        if name not in sayable():
            raise UserError(f"allow names no convention {name!r}", did_you_mean(name, sayable()))
    for option in unsaid(neuron):
        if option not in allow:
            values = " or ".join(str(value).lower() for value in neuron.said[option])
            raise neuron.wrong(
                f"NIR cannot express {option}: {str(getattr(neuron, option)).lower()}",
                f"set            {option}: {values}; or allow {option}, which then only snnctl reads from the file",
            )
    neuron.coefficients(dt)  # for what it raises
    values = {theirs: _parameter(neuron, ours, dt) for theirs, ours in form.names.items()}
    values |= {theirs: of.step / of.per_factor(drive) for theirs, of in neuron.drives(dt).items()} | dict(form.fixed)
    shape = _shape(neuron, values, shape)
    arrays = {theirs: _array(neuron, theirs, value, shape) for theirs, value in values.items()}
    return getattr(nir, form.type)(**arrays, metadata=note.written(neuron, form, dt, drive))


def _parameter(neuron: Neuron, name: str, dt: float) -> float | Tensor:
    value = getattr(neuron, name)
    if neuron.kinds.get(name) == TIME:
        return continuous_tau(value, dt, getattr(neuron, "decay", "exact"))
    return value


def _shape(neuron: Neuron, values: dict[str, float | Tensor], shape: Sequence[int] | None) -> tuple[int, ...]:
    shape = neuron.shape if shape is None else shape
    if shape is not None:
        return tuple(shape)
    shapes = [value.shape for value in values.values() if isinstance(value, Tensor) and value.dim()]
    if not shapes:
        raise neuron.wrong("its node needs the layer's shape", "give           shape=(channels, ...)")
    return tuple(np.broadcast_shapes(*shapes))


def _array(neuron: Neuron, name: str, value: float | Tensor, shape: tuple[int, ...]) -> np.ndarray:
    given = np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value, dtype=np.float32)
    try:
        return np.broadcast_to(given, shape).copy()
    except ValueError:
        raise neuron.wrong(f"{name} of shape {given.shape}", f"wanted         {shape}, a time step") from None
