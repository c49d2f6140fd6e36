"""Weights as pictures: their distribution, and the receptive fields that they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from snnctl.report.mosaic import mosaic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from snnctl.networks.network import Network

COLUMNS = 3
NEURONS = 64  # receptive fields shown of a layer
CHANNELS = 4  # input channels shown of each


def histograms(parameters: Mapping[str, np.ndarray], title: str) -> Figure:
    """The distribution of each parameter's elements.

    Args:
        parameters: name -> values of any shape.
        title: head line.
    """
    from matplotlib.figure import Figure

    rows = -(-len(parameters) // COLUMNS)
    figure = Figure(figsize=(11, 0.8 + 2.2 * rows), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axis in axes[len(parameters) :]:
        axis.set_axis_off()
    for axis, (name, values) in zip(axes, parameters.items(), strict=False):
        finite = values[np.isfinite(values)]
        axis.hist(finite, bins=50, color="0.4")
        axis.set_title(f"{name}  {'x'.join(map(str, values.shape))}", fontsize=9)
        axis.set_xlabel(f"mean {finite.mean():.3g}, std {finite.std():.3g}" if finite.size else "", fontsize=8)
        axis.tick_params(labelsize=7)
    return figure


def receptive_field(name: str, weight: np.ndarray, shape: tuple[int, ...], title: str) -> Figure:
    """What each neuron or map weighs its input with: red excites, blue inhibits, white is 0.

    Args:
        name: of the weight.
        weight: (out, in, kh, kw) of a convolution; (out, in) of a linear layer.
        shape: of that layer's input at one step before it was flattened: (C, H, W) gives one image a neuron and
            channel, anything else the matrix itself.
        title: head line.
    """
    from matplotlib.figure import Figure

    tiles = _tiles(weight, shape)
    most = float(np.nanquantile(np.abs(weight), 0.999)) or 1.0
    scale = {"cmap": "RdBu_r", "vmin": -most, "vmax": most, "interpolation": "nearest"}
    figure = Figure(figsize=(9, 7), layout="constrained")
    axis = figure.subplots()
    if tiles is None:
        shown = axis.imshow(weight.reshape(len(weight), -1), aspect="auto", **scale)
        axis.set_xlabel("input")
        axis.set_ylabel("neuron")
        facts = f"{len(weight)} neurons"
    else:
        neurons, channels = tiles.shape[:2]
        across = max(1, round((neurons / channels) ** 0.5)) * channels
        shown = axis.imshow(mosaic(tiles.reshape(-1, *tiles.shape[2:]), across), **scale)
        axis.set_axis_off()
        axis.set_facecolor("0.8")
        facts = f"{neurons} of {len(weight)} neurons or maps, {channels} of their input channels side by side"
    axis.set_title(f"{title}\n{name}: {facts}", fontsize=9)
    figure.colorbar(shown, ax=axis, pad=0.01)
    return figure


def _tiles(weight: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """(neurons, channels, H, W), or None where the input has no space."""
    if weight.ndim == 4:
        return weight[:NEURONS, :CHANNELS]
    if weight.ndim == 2 and len(shape) == 3 and weight.shape[1] == np.prod(shape) and min(shape[1:]) > 1:
        return weight.reshape(-1, *shape)[:NEURONS, :CHANNELS]
    return None


def over_time(weights: Mapping[int, Mapping[str, np.ndarray]], title: str) -> Figure:
    """How each parameter's distribution moved: median, quartiles, 5 to 95 % and extremes at each epoch.

    Args:
        weights: epoch -> name -> values.
        title: head line.
    """
    from matplotlib.figure import Figure

    epochs = sorted(weights)
    names = list(weights[epochs[0]])
    rows = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(11, 0.8 + 2.2 * rows), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axis in axes[len(names) :]:
        axis.set_axis_off()
    for axis, name in zip(axes, names, strict=False):
        q = np.array([np.nanquantile(weights[e][name], [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]) for e in epochs]).T
        for low, high, shade in ((0, 6, 0.15), (1, 5, 0.3), (2, 4, 0.45)):
            axis.fill_between(epochs, q[low], q[high], color="tab:blue", alpha=shade, linewidth=0)
        axis.plot(epochs, q[3], color="black", linewidth=1)
        axis.set_title(name, fontsize=9)
        axis.set_xlabel("epochs trained", fontsize=8)
        axis.tick_params(labelsize=7)
    return figure


def input_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Shape of the input of each layer with weights, "<layer>.weight" -> shape before it was flattened.

    Layers of a chain inside another that branches are given the shape of the layer before them in order, which is
    right for all that lie one after the other.
    """
    shapes, before, spatial = {}, tuple(network.facts.shape), tuple(network.facts.shape)
    for name, layer, after in network.walk():
        if isinstance(layer, nn.Linear):
            shapes[f"{name}.weight"] = spatial if layer.in_features == np.prod(spatial) else before
        before = tuple(after)
        spatial = before if not isinstance(layer, nn.Flatten) else spatial
    return shapes
