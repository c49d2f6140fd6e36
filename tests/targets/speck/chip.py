"""The chip as its YAML has it, and small networks for it."""

from __future__ import annotations

from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn

from snnctl.circuits import Circuit, Projection
from snnctl.neurons import IF
from snnctl.targets.speck import Speck

CONFIGS = Path(__file__).resolve().parents[3] / "configs" / "target" / "speck"


def speck(**keys) -> Speck:
    """Speck 2f, with other keys."""
    return instantiate(OmegaConf.merge(OmegaConf.load(CONFIGS / "2f.yaml"), keys))


def neurons(**keys) -> IF:
    """IF neurons as the chip has them."""
    return IF(**{"max_spikes": None, "v_min": -1.0, "backend": "eager", **keys})


def chain(shape, *layers: dict[str, nn.Module], **given: IF) -> Circuit:
    """A circuit of populations a, b, ... behind the layers given, one after the other; `given`: another neuron."""
    names = "abcdefghijkl"[: len(layers)]
    shapes, sources = {"input": tuple(shape)}, ["input", *names]
    projections = []
    for source, name, named in zip(sources, names, layers, strict=False):
        projections.append(Projection(source, name, named))
        shapes[name] = tuple(projections[-1](_zeros(shapes[source], named)).shape[1:])
    shapes["output"] = shapes[names[-1]]
    projections.append(Projection(names[-1], "output"))
    return Circuit({name: given.get(name, neurons()) for name in names}, projections, shapes, 1e-3)


def _zeros(shape, named):
    weights = [p for layer in named.values() for p in layer.parameters()]
    return torch.zeros(1, *shape, device=weights[0].device if weights else "cpu")
