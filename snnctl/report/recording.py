"""What happens inside a network: spikes and states of every layer over time, as arrays and as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snnctl import atomic
from snnctl.errors import UserError, did_you_mean


@torch.no_grad()
def record(network: torch.nn.Module, x: Tensor, fields: Sequence[str] = ("spikes", "v")) -> dict[str, np.ndarray]:
    """Run the network and keep what its layers did.

    Args:
        network: a Network, in evaluation mode.
        x: (T, B, *shape), its input.
        fields: `spikes` (a spiking layer's output) and names of state fields: `v` membrane potential, `i` synaptic
            current, whatever else a neuron's State has.

    Returns:
        {"input": (T, B, ...), "<layer>/<field>": (T, B, ...)}; a layer without a field is left out for it.

    Raises:
        UserError: no layer has that field.
    """
    layers = network.temporal_layers()
    inputs: dict[str, tuple[Any, dict[str, Any]]] = {}

    def keep(name: str) -> Any:
        def hook(layer: torch.nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
            inputs[name] = (args, kwargs)

        return hook

    hooks = [layer.register_forward_pre_hook(keep(name), with_kwargs=True) for name, layer in layers.items()]
    try:
        network(x)
    finally:
        for hook in hooks:
            hook.remove()
    x = x.dense() if hasattr(x, "dense") and not isinstance(x, Tensor) else x
    recorded, known = {"input": x.float().numpy(force=True)}, {"spikes"}
    for name, (args, kwargs) in inputs.items():
        if not hasattr(layers[name], "trace"):
            continue
        out, _, series = layers[name].trace(*args, **kwargs)
        if getattr(layers[name], "spiking", False):
            series = {**series, "spikes": out}
        known |= set(series)
        for field in fields:
            if field in series:
                recorded[f"{name}/{field}"] = series[field].float().numpy(force=True)
    missing = [f for f in fields if f not in known]
    if missing:
        raise UserError(f"no layer has a state called {missing[0]}", did_you_mean(missing[0], known))
    return recorded


def write_npz(recorded: dict[str, np.ndarray], path: Path, **more: np.ndarray) -> None:
    """Write recordings as a compressed .npz; slashes of the names stay."""
    atomic.write(path, lambda file: np.savez_compressed(file, **recorded, **more))


def draw(recorded: dict[str, np.ndarray], sample: int, length: int, dt: float, path: Path, title: str) -> None:
    """A picture of one sample: a raster of each layer's spikes and traces of its states.

    Args:
        recorded: what `record` gave.
        sample: its number in the batch.
        length: its valid steps.
        dt: seconds a step.
        path: the PNG to write.
        title: the picture's head line.
    """
    from matplotlib.figure import Figure

    rows = [(n, a[:length, sample].reshape(length, -1)) for n, a in recorded.items()]
    figure = Figure(figsize=(9, 1.4 + 1.5 * len(rows)), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (name, values) in zip(axes, rows, strict=True):
        axis.set_ylabel(name.replace("/", "\n"), rotation=0, ha="right", va="center", fontsize=8)
        if name == "input" or name.endswith("/spikes"):
            step, neuron = np.nonzero(values)
            axis.scatter(step * dt * 1e3, neuron, s=2, marker="|", color="black", linewidths=0.5)
            axis.set_ylim(-1, values.shape[1])
        else:
            axis.plot(np.arange(length) * dt * 1e3, values[:, _liveliest(values)], linewidth=0.8)
    axes[-1].set_xlabel("ms")
    atomic.write(path, lambda file: figure.savefig(file, format="png", dpi=110))


def _liveliest(values: np.ndarray, n: int = 10) -> np.ndarray:
    """The n columns that move most: traces of all neurons would hide each other."""
    return np.sort(np.argsort(values.std(0), kind="stable")[::-1][:n])
