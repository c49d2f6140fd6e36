"""The chip's configuration as JSON: what is written to its cores, under the names that the vendor's software has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from snnctl.atomic import write_text
from snnctl.circuits import INPUT
from snnctl.errors import UserError
from snnctl.targets.speck.convolution import Convolution, Map
from snnctl.targets.speck.integers import Layer, Source
from snnctl.targets.speck.model import SpeckModel

FILE = "config.json"


def write(path: Path, model: SpeckModel, cores: dict[str, int], chip: dict[str, Any]) -> None:
    """Write what a model computes.

    Args:
        path: of the file.
        model: its layers go to `cores` (layer -> core).
        chip: what else the file says, plain values: name, device, dt.
    """
    biases = any(layer.convolution.bias is not None for layer in model.layers)
    named = {str(cores[layer.name]): _core(layer, model, cores) for layer in model.layers}
    fed = [cores[layer.name] for layer in model.layers if any(source.name == INPUT for source in layer.sources)]
    said = {
        **chip,
        # A core adds its biases at every tick of the slow clock.
        "slow_clock_hz": 1 / chip["dt"] if biases else None,
        "input": {"shape": list(model.shapes[0]), "cores": fed},
        "output": {"shape": list(model.shapes[1]), "core": cores[model.output]},
        "cores": named,
    }
    write_text(path, _text(said, 3) + "\n")


def _text(value: Any, levels: int, indent: str = "\n") -> str:
    """JSON with a line for each key of the outer levels; an array of weights is one line."""
    if not isinstance(value, dict) or not levels:
        return json.dumps(value)
    rows = (f"{indent} {json.dumps(key)}: {_text(inner, levels - 1, indent + ' ')}" for key, inner in value.items())
    return "{" + ",".join(rows) + indent + "}"


def _core(layer: Layer, model: SpeckModel, cores: dict[str, int]) -> dict[str, Any]:
    conv = layer.convolution
    (c, height, width), (f, rows, columns) = conv.inputs, conv.outputs
    biases = [0] * f if conv.bias is None else [int(b) for b in conv.bias.tolist()]
    return {
        "layer": layer.name,
        "shape": list(layer.shape),
        "scale": layer.scale,
        "dimensions": {
            "input_shape": {"size": {"x": width, "y": height}, "feature_count": c},
            "output_shape": {"size": {"x": columns, "y": rows}, "feature_count": f},
            "kernel_size": conv.kernel,
            "stride": {"x": conv.stride, "y": conv.stride},
            "padding": {"x": conv.padding, "y": conv.padding},
        },
        # The chip's order is [f][c][x][y].
        "weights": conv.weight.transpose(2, 3).to(torch.int64).tolist(),
        "biases": biases,
        "leak_enable": any(biases),
        "return_to_zero": layer.to_zero,
        "threshold_high": layer.threshold,
        "threshold_low": layer.low,
        "monitor_enable": layer.name == model.output,
        "destinations": [
            {"layer": cores[other.name], "enable": True, "pooling": source.pool}
            for other in model.layers
            for source in other.sources
            if source.name == layer.name
        ],
    }


def read(path: Path) -> SpeckModel:
    """The model that a configuration describes.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        said = json.loads(path.read_text())
        shape = tuple(said["input"]["shape"])
        whole = {number: _convolution(core) for number, core in said["cores"].items()}
        sources: dict[str, list[Source]] = {number: [] for number in whole}
        for core in said["input"]["cores"]:
            sources[str(core)].append(Source(INPUT, shape if len(shape) == 3 else (shape[0], 1, 1)))
        for number, core in said["cores"].items():
            for to in core["destinations"]:
                sources[str(to["layer"])].append(Source(core["layer"], whole[number].outputs, int(to["pooling"])))
        layers = [_layer(core, whole[number], sources[number]) for number, core in said["cores"].items()]
        output = said["cores"][str(said["output"]["core"])]["layer"]
        return SpeckModel(_ordered(layers), output, (shape, tuple(said["output"]["shape"])))
    except FileNotFoundError:
        raise UserError(f"no {path.name} in {path.parent}", "build it   snnctl deploy RUN target=speck/2f") from None
    except (ValueError, LookupError, TypeError, RuntimeError, AttributeError):
        raise UserError(f"{path} is damaged", "build it again   snnctl deploy RUN target=speck/2f") from None


def _convolution(core: dict[str, Any]) -> Convolution:
    size = core["dimensions"]
    weight = torch.tensor(core["weights"], dtype=torch.float64).transpose(2, 3)
    bias = torch.tensor(core["biases"], dtype=torch.float64) if any(core["biases"]) else None
    conv = Convolution(_map(size["input_shape"]), weight, bias, size["stride"]["x"], size["padding"]["x"])
    if conv.outputs != _map(size["output_shape"]) or weight.shape[1] != conv.source[0]:
        raise ValueError(f"{core['layer']} has other dimensions than its weights")
    return conv


def _map(said: dict[str, Any]) -> Map:
    return (said["feature_count"], said["size"]["y"], said["size"]["x"])


def _layer(core: dict[str, Any], conv: Convolution, sources: list[Source]) -> Layer:
    name, high, low = core["layer"], core["threshold_high"], core["threshold_low"]
    if high < 1 or low > 0 or not sources:
        raise ValueError(f"{name} has thresholds {low} and {high} and {len(sources)} sources")
    return Layer(name, tuple(sources), tuple(core["shape"]), conv, high, low, core["return_to_zero"], core["scale"])


def _ordered(layers: list[Layer]) -> list[Layer]:
    """Each layer after its sources."""
    done: dict[str, Layer | None] = {INPUT: None}
    while len(done) <= len(layers):
        ready = [a for a in layers if a.name not in done and all(source.name in done for source in a.sources)]
        if not ready:
            raise ValueError("a layer waits for itself")
        done |= {layer.name: layer for layer in ready}
    return [layer for layer in done.values() if layer is not None]
