"""A NIR node as one of our neurons."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from snnctl.errors import UserError, did_you_mean
from snnctl.interchange import arrays as node_arrays
from snnctl.interchange import note as notes
from snnctl.interchange.forms import options as known_options
from snnctl.interchange.forms import reader_of
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.node import DriveBy
from snnctl.neurons.quantity import one_of

OPEN = {"decay": "exact", "synapse": "decay_then_add", "fire": "gt", "reset": "value"}  # where a file does not say
GAIN = {"exact": "1-decay", "euler": "dt/tau", "step": 1.0}


class Reading(NamedTuple):
    """A node as a neuron."""

    neuron: Neuron
    scale: float | Tensor | None  # what its input is multiplied with first, broadcasts against a step; None for 1
    dt: float  # step width that it was read at, s


def neuron_of(
    node: Any, dt: float | None = None, *, shape: Sequence[int] | None = None, drive: DriveBy = "exact", **options
) -> Reading:
    """The neuron that computes a NIR node's equation in steps of dt, `neuron(scale x, dt=dt)`.

    A node that snnctl wrote comes back with its conventions. Of any other, NIR states the equation and not the steps:

        option     default           other choices, and who computes them
        decay      exact             euler (Norse, snnTorch, Spyx, Lava) or bitshift
        drive      exact             euler (those and Rockpool, Sinabs on the NIR paper's LIF), or step: r and w_in as
                                     they stand, whatever dt (snnTorch, Norse and Sinabs with an IF)
        synapse    decay_then_add    add_then_decay (Rockpool, Sinabs) or next_step
        fire       gt                v > v_threshold, as NIR has it; ge (Rockpool, Sinabs, SpikingJelly)
        reset      value             to v_reset, 0 in old files without one; subtract (Rockpool, Sinabs, Spyx)
        per                          by default the fewest numbers that hold the arrays: layer, channel or neuron

    Args:
        node: a nir.NIRNode (numpy arrays of one shape, or single numbers). It is left as it is.
        dt: step width, s; None for the one that snnctl wrote it at.
        shape: one time step without the batch; None for the shape of the node's arrays.
        drive: what a step adds for an input of 1: r (1 - decay), r dt / tau, or r; likewise w_in. A node that snnctl
            wrote says so itself.
        options: other arguments of the neuron (max_spikes, surrogate, learnable, backend, ...); they overrule the
            node's metadata. One that only other neurons have is left out, so that a whole graph takes one set.

    Raises:
        UserError: the node is no neuron; an unknown option; a number that is not finite or out of its range; arrays
            whose shapes disagree; no dt.
    """
    kind = type(node).__name__
    note = notes.read(node)
    cls, form = reader_of(kind, note.neuron)
    known = known_options()
    for name in (*options, *note.conventions):
        if name not in known:
            raise UserError(f"NIR node {kind}: unknown option {name!r}", did_you_mean(name, [*known, "drive"]))
    for theirs, ours in form.names.items():
        if ours in options:
            raise UserError(f"NIR node {kind}: {ours} is no option", f"it is          {theirs} of the node")
    one_of(f"NIR node {kind}", "drive", drive, DriveBy)
    dt = note.dt if dt is None else dt
    if dt is None:
        raise UserError(f"NIR node {kind}: dt is missing", "give           dt, the step width, s")
    arrays, shape = node_arrays.checked(node, shape)
    drive = note.drive or drive
    chosen = {**OPEN, "input_gain": GAIN[drive], **note.conventions, **options}
    arguments = {name: value for name, value in chosen.items() if name in inspect.signature(cls).parameters}
    own = {theirs: arrays[theirs] for theirs in form.names}
    per = arguments.setdefault("per", node_arrays.fewest(own.values()))
    for theirs, ours in form.names.items():
        full = notes.in_full(note, ours, arrays[theirs])
        one = note.neuron is None or per == "layer" or ours in note.numbers  # else equal numbers were an array too
        arguments[ours] = node_arrays.value(kind, theirs, arrays[theirs], per, one) if full is None else full
    for theirs, value in form.fixed.items():
        if (arrays[theirs] != value).any():
            raise UserError(
                f"NIR node {kind}: {theirs} is not {value:g}, as {cls.__name__} has it",
                "set            it, or delete the metadata",
            )
    try:
        neuron = cls(**arguments, shape=shape)
    except TypeError as error:  # a convention of the wrong kind
        raise UserError(f"NIR node {kind}: {error}", "see            its metadata, and the options given") from None
    neuron.coefficients(dt)  # for what it raises
    return Reading(neuron, _scale(neuron, arrays, drive, dt), float(dt))


def _scale(neuron: Neuron, arrays: dict[str, ndarray], drive: DriveBy, dt: float) -> float | Tensor | None:
    """What the node's step adds for an input of 1, over what the neuron's own adds."""
    wanted = given = np.ones(())  # one number is enough for a node without drives
    for theirs, of in neuron.drives(dt).items():
        wanted = wanted * arrays[theirs] * _double(of.per_factor(drive))
        given = given * _double(of.step)
    wanted, given = np.broadcast_arrays(wanted, given)
    with np.errstate(divide="ignore"):
        scale = np.divide(wanted, given, out=np.ones_like(wanted), where=wanted != given)  # 0 for 0 is 1
    if not np.isfinite(scale).all():
        raise neuron.wrong(
            "its step takes in nothing of the input", "set            input_gain or decay, to more than 0"
        )
    if np.abs(scale - 1).max() < 1e-6:  # what float32 rounded off r
        return None
    return float(scale.flat[0]) if (scale == scale.flat[0]).all() else torch.tensor(scale).to(torch.get_default_dtype())


def _double(value: float | Tensor) -> ndarray:
    return np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value, dtype=np.float64)
