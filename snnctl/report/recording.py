"""What happens inside a network: spikes, states, inputs and gradients of every layer over time, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from snnctl import atomic
from snnctl.errors import UserError, did_you_mean

GRADIENTS = ("grad_input", "grad_output")
OF_ANY = ("spikes", "input", "output", *GRADIENTS)


class Call(NamedTuple):
    """One call of a layer: what it got and gave, (T, B, ...), and its states over time."""

    x: Tensor
    out: Tensor
    states: Mapping[str, Tensor]


def record(
    network: torch.nn.Module,
    x: Any,
    fields: Sequence[str] = ("spikes", "v"),
    loss: Callable[[Tensor], Tensor] | None = None,
) -> dict[str, np.ndarray]:
    """Run the network and keep what its layers over time did.

    Args:
        network: a Network, in evaluation mode.
        x: (T, B, *shape) or a list of events, its input.
        fields: names of state fields: `v` membrane potential, `i` synaptic current (of a neuron without one: the
            current that it gets, its input), whatever a neuron's State has; or `spikes`: what a spiking layer gave;
            `output`: what any layer gave; `input`: what it got;
            `grad_input`, `grad_output`: the gradients of the loss with respect to these two.
        loss: out (T, B, C) -> (); only for gradients.

    Returns:
        {"input": (T, B, ...), "<layer>/<field>": (T, B, ...)}, and input/grad with grad_input; a layer without a field
        is left out for it.

    Raises:
        UserError: no layer has that field, or gradients are wanted of no loss.
    """
    gradients = [field for field in fields if field in GRADIENTS]
    if gradients and loss is None:
        raise UserError(f"{gradients[0]} is the gradient of a loss, and none is given", "give   record(..., loss=...)")
    dense = x if isinstance(x, Tensor) else x.dense()
    if gradients:
        x = dense = dense.detach().clone().requires_grad_()
    layers = network.temporal_layers()
    with torch.inference_mode(False), torch.set_grad_enabled(bool(gradients)), _overheard(layers) as heard:
        out, _ = network(x)
        found = _gradients(loss(out), dense, heard) if gradients else {}
    recorded = {"input": _array(dense)}
    if "grad_input" in fields:
        recorded["input/grad"] = _array(found["input"])
    known = set(OF_ANY)
    for name, calls in heard.items():
        states = {f: torch.cat([c.states[f] for c in calls]) for f in calls[0].states}
        given = {"input": torch.cat([c.x for c in calls]), "output": torch.cat([c.out for c in calls])}
        spiking = {"spikes": given["output"]} if getattr(layers[name], "spiking", False) else {}
        current = {"i": given["input"]} if "v" in states else {}  # a neuron without a synapse of its own
        every = {**given, **current, **states, **spiking, **{f: found[f"{name}/{f}"] for f in gradients}}
        known |= set(every)
        recorded |= {f"{name}/{f}": _array(every[f]) for f in fields if f in every}
    missing = [f for f in fields if f not in known]
    if missing:
        raise UserError(f"no layer has a state called {missing[0]}", did_you_mean(missing[0], known))
    return recorded


@contextmanager
def _overheard(layers: Mapping[str, torch.nn.Module]) -> Iterator[dict[str, list[Call]]]:
    """Layers that run with their states recorded, in the order of their calls: in a loop they are called every step."""
    heard: dict[str, list[Call]] = {}

    def listen(name: str, layer: torch.nn.Module) -> Any:
        plain = layer.forward

        def forward(x: Tensor, state: Any = None, **options: Any) -> tuple[Tensor, Any]:
            traced = layer.trace(x, state, **options) if hasattr(layer, "trace") else (*plain(x, state, **options), {})
            out, after, states = traced
            heard.setdefault(name, []).append(Call(x, out, states))
            return out, after

        return forward

    try:
        for name, layer in layers.items():
            layer.forward = listen(name, layer)
        yield heard
    finally:
        for layer in layers.values():
            vars(layer).pop("forward", None)


def _gradients(loss: Tensor, x: Tensor, heard: Mapping[str, list[Call]]) -> dict[str, Tensor]:
    """d loss / d x as "input", of each layer as "<layer>/grad_input" and "<layer>/grad_output"; 0 where none flows."""
    wanted = {"input": [x]}
    for name, calls in heard.items():
        wanted[f"{name}/grad_input"] = [call.x for call in calls]
        wanted[f"{name}/grad_output"] = [call.out for call in calls]
    flowing = {id(t): t for tensors in wanted.values() for t in tensors if t.requires_grad}
    grads = dict(zip(flowing, torch.autograd.grad(loss, list(flowing.values()), allow_unused=True), strict=True))
    zero = torch.zeros_like
    return {
        name: torch.cat([zero(t) if grads.get(id(t)) is None else grads[id(t)] for t in tensors])
        for name, tensors in wanted.items()
    }


def _array(values: Tensor) -> np.ndarray:
    return values.float().numpy(force=True)


def write_npz(recorded: dict[str, np.ndarray], path: Path, **more: np.ndarray) -> None:
    """Write recordings as a compressed .npz; slashes of the names stay."""
    atomic.write(path, lambda file: np.savez_compressed(file, **recorded, **more))
