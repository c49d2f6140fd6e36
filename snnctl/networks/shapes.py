"""The shape that leaves a layer, and what a layer expects to get."""

from __future__ import annotations

import re

import torch
from torch import nn

from snnctl.errors import UserError
from snnctl.networks.place import Place

SPACE = {1: "L", 2: "H, W", 3: "D, H, W"}
BATCH, STEPS = 2, 2  # of the probe: two of each, so that a lost dimension shows


def shape_after(layer: nn.Module, place: Place) -> tuple[int, ...]:
    """One time step of the layer's output, without batch.

    Containers know theirs, neurons keep the shape; any other layer is tried on zeros, in evaluation mode.

    Raises:
        UserError: the layer cannot take what reaches it: names it, what it gets and what it expects.
    """
    _check(layer, place)
    if hasattr(layer, "shape_out"):
        return tuple(layer.shape_out)
    temporal = getattr(layer, "temporal", False)
    if temporal and hasattr(layer, "step"):
        return place.shape
    lead = (STEPS, BATCH) if temporal else (BATCH,)
    like = next((t for t in (*layer.parameters(), *layer.buffers()) if t.is_floating_point()), torch.zeros(()))
    modes = [(m, m.training) for m in layer.modules()]
    layer.eval()
    try:
        with torch.no_grad():
            probe = torch.zeros(*lead, *place.shape, dtype=like.dtype, device=like.device)
            out = layer(probe, None, dt=place.facts.dt)[0] if temporal else layer(probe)
    except UserError:
        raise
    except Exception as error:
        raise UserError(_title(layer, place), f"torch says: {error}") from error
    finally:
        for module, training in modes:
            module.training = training
    if not isinstance(out, torch.Tensor) or tuple(out.shape[: len(lead)]) != lead:
        got = tuple(out.shape) if isinstance(out, torch.Tensor) else type(out).__name__
        raise UserError(
            f"network layer {place.name} ({type(layer).__name__}) gives {got} for an input of {tuple(probe.shape)}",
            f"its output must begin with {lead}, the {'time and batch' if temporal else 'batch'} dimensions",
        )
    return tuple(out.shape[len(lead) :])


def _check(layer: nn.Module, place: Place) -> None:
    """Mistakes that torch does not notice, or words less plainly."""
    shape, expected = place.shape, ""
    if isinstance(layer, nn.Linear) and (not shape or shape[-1] != layer.in_features):
        expected = f"({layer.in_features},)"
    elif isinstance(layer, nn.modules.conv._ConvNd):
        dims = len(layer.kernel_size)
        if len(shape) != dims + 1 or shape[0] != layer.in_channels:
            expected = f"({layer.in_channels}, {SPACE[dims]})"
    elif isinstance(layer, nn.modules.batchnorm._BatchNorm) and (not shape or shape[0] != layer.num_features):
        expected = f"({layer.num_features}, ...)"
    # torch takes (B, C, L) for one unbatched (C, H, W): a 2d layer on a 1d signal would mix samples without a word.
    found = re.search(r"([123])d$", type(layer).__name__)
    if not expected and found and type(layer).__module__.startswith(("torch.nn", "snnctl.")):
        dims = int(found[1])
        ranks = (1, 2) if "Norm1d" in type(layer).__name__ else (dims + 1,)
        if len(shape) not in ranks:
            expected = f"(C, {SPACE[dims]})"
    if expected:
        raise UserError(f"{_title(layer, place)}, expected {expected}", _advice(layer, shape))


def _title(layer: nn.Module, place: Place) -> str:
    return f"network layer {place.name} ({type(layer).__name__}) got {place.shape} at each step"


def _advice(layer: nn.Module, shape: tuple[int, ...]) -> str:
    if isinstance(layer, nn.Linear) and len(shape) > 1:
        return "put torch.nn.Flatten before it"
    if len(shape) == 1 and not isinstance(layer, nn.Linear):
        return "the data has no space to convolve over: choose a network for vectors (network=mlp, network=recurrent)"
    return "leave in_features, in_channels and num_features out: the network fills them in"
